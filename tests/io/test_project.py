"""Projects and models survive crashes, moves and other versions, or say why not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain import (
    Channel,
    Condition,
    Dataset,
    ImageRecord,
    InverseQuality,
    ModelCard,
    PanelSpec,
    Preprocessing,
    Problem,
    Project,
    Role,
)
from core.errors import BadImage, BadModel, BadProject
from core.io import atomic
from core.io.digest import digest_file
from core.io.models import load_card, load_tensors, save_model
from core.io.project import (
    atomic_write_text,
    create_project,
    images_present,
    model_folder,
    open_project,
    relink,
    save_project,
)
from core.io.read_verified import read_verified


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    root = tmp_path / "lab" / "images"
    root.mkdir(parents=True)
    records = []
    for i in range(3):
        (root / f"{i}.tif").write_bytes(bytes([i]) * 50)
        digest = digest_file(root / f"{i}.tif")
        records.append(
            ImageRecord(
                str(i), (f"{i}.tif",), (0,), "WT", f"A0{i}", shape=(1, 20, 20), digest=digest
            )
        )
    wild = Condition("WT", Role.HEALTHY, "#009E73")
    problems = (Problem("x.tif", "cut short", "copy again"),)
    return Dataset(root, (Channel("DAPI"),), (wild,), tuple(records), problems, 0.3, (8, 12))


@pytest.fixture
def project(tmp_path: Path, dataset: Dataset) -> Project:
    return create_project(tmp_path / "lab" / "Müller's project", dataset)


def test_a_project_comes_back_as_it_was_saved(project: Project) -> None:
    changed = replace(
        project, model="m1", panels=(PanelSpec("counterfactual", "0", {"WT": 1.0}, 0.5, "title"),)
    )
    save_project(changed)
    assert open_project(project.folder) == changed
    assert open_project(project.folder / "project.json") == changed


def test_a_project_without_images_can_be_made(tmp_path: Path) -> None:
    made = create_project(tmp_path / "p", None, "name")
    assert open_project(tmp_path / "p") == made and made.name == "name"


def test_a_project_finds_its_images_after_both_moved(tmp_path: Path, project: Project) -> None:
    shutil.move(tmp_path / "lab", tmp_path / "other disk")
    opened = open_project(tmp_path / "other disk" / project.folder.name)
    assert opened.dataset is not None
    assert opened.dataset.root == tmp_path / "other disk" / "images" and images_present(opened)


def test_a_moved_project_falls_back_to_the_absolute_place(
    tmp_path: Path, project: Project, dataset: Dataset
) -> None:
    shutil.move(project.folder, tmp_path / "away" / "deep" / "p")
    opened = open_project(tmp_path / "away" / "deep" / "p")
    assert opened.dataset is not None and opened.dataset.root == dataset.root


def test_relinking_proves_that_the_images_are_the_same(
    tmp_path: Path, project: Project, dataset: Dataset
) -> None:
    shutil.move(dataset.root, tmp_path / "moved")
    opened = open_project(project.folder)
    assert not images_present(opened)

    linked = relink(opened, tmp_path / "moved")
    assert linked.dataset is not None and linked.dataset.root == tmp_path / "moved"

    (tmp_path / "moved" / "1.tif").write_bytes(b"other picture")
    with pytest.raises(BadProject, match=r"1 of 3 images .* are not those"):
        relink(opened, tmp_path / "moved")
    with pytest.raises(BadProject, match="missing"):
        relink(opened, tmp_path)


def test_saving_keeps_the_state_before(project: Project) -> None:
    save_project(replace(project, name="second"))
    backup = json.loads((project.folder / "project.json.bak").read_text(encoding="utf-8"))
    assert backup["name"] == project.name


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[1]", '{"format": "x"}', "\x00\x01"])
def test_damaged_projects_are_refused_and_left_as_they_are(project: Project, text: str) -> None:
    save_project(project)
    path = project.folder / "project.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadProject) as caught:
        open_project(project.folder)
    assert path.read_text(encoding="utf-8") == text
    if "format" not in text:
        assert "project.json.bak" in caught.value.hint


def test_a_wrong_field_is_named(project: Project) -> None:
    path = project.folder / "project.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["dataset"]["records"][1]["planes"] = "red"
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(BadProject, match=r"records\.1\.planes"):
        open_project(project.folder)


def test_records_that_point_outside_are_refused(project: Project) -> None:
    path = project.folder / "project.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["dataset"]["records"][0]["files"] = ["../../secret.tif"]
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(BadProject, match="outside the image folder"):
        open_project(project.folder)


def test_a_copied_project_does_not_take_the_plate_beside_it_for_its_own(
    tmp_path: Path, project: Project
) -> None:
    shutil.copytree(project.folder, tmp_path / "copy" / "p")
    (tmp_path / "copy" / "images").mkdir()
    for name in ("0.tif", "1.tif", "2.tif"):
        (tmp_path / "copy" / "images" / name).write_bytes(b"another plate")
    opened = open_project(tmp_path / "copy" / "p")
    assert opened.dataset is not None and opened.dataset.root == tmp_path / "lab" / "images"

    shutil.rmtree(tmp_path / "lab")
    opened = open_project(tmp_path / "copy" / "p")  # it opens, so that it can be scanned again
    assert opened.dataset is not None
    with pytest.raises(BadImage):
        read_verified(opened.dataset.root, opened.dataset.records[0])
    shutil.rmtree(tmp_path / "copy" / "images")
    assert not images_present(open_project(tmp_path / "copy" / "p"))


@pytest.mark.parametrize(
    ("place", "value"),
    [(("images",), None), (("images",), {"relative": None, "absolute": None}),
    (("dataset", "records", 0, "files"), []), (("dataset", "records", 0, "files"), ["0.tif",
    "1.tif"]),
     (("dataset", "records", 2, "planes"), [-1]), (("dataset", "records", 1, "planes"), []),
     (("dataset", "records", 1, "id"), "0"), (("dataset", "records", 1, "condition"), "DS")],
)  # fmt: skip
def test_records_that_contradict_themselves_are_damage(
    project: Project, place: tuple, value: object
) -> None:
    path = project.folder / "project.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    inner = raw
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(BadProject, match="damaged"):
        open_project(project.folder)


def test_a_project_that_cannot_be_saved_leaves_no_folders(
    tmp_path: Path, dataset: Dataset, monkeypatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_flush", full)
    with pytest.raises(BadProject, match="No space left"):
        create_project(tmp_path / "new" / "p", dataset)
    assert not (tmp_path / "new").exists()
    (tmp_path / "old" / "models").mkdir(parents=True)
    with pytest.raises(BadProject, match="No space left"):
        create_project(tmp_path / "old", dataset)
    assert [p.name for p in (tmp_path / "old").iterdir()] == ["models"]


def test_a_newer_project_is_neither_opened_nor_overwritten(project: Project) -> None:
    path = project.folder / "project.json"
    text = path.read_text(encoding="utf-8").replace('"format_version": 1', '"format_version": 2')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadProject, match="newer program"):
        open_project(project.folder)
    with pytest.raises(BadProject, match="newer program"):
        save_project(project)
    assert path.read_text(encoding="utf-8") == text


def test_folders_that_are_no_projects_are_told(tmp_path: Path, project: Project) -> None:
    with pytest.raises(BadProject, match="is not a project"):
        open_project(tmp_path)
    with pytest.raises(BadProject, match="already holds a project"):
        create_project(project.folder, None)


def test_a_save_that_fails_leaves_the_old_file_and_no_rubbish(
    project: Project, monkeypatch
) -> None:
    before = (project.folder / "project.json").read_bytes()

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_flush", full)
    with pytest.raises(BadProject, match="No space left"):
        save_project(replace(project, name="lost"))
    assert (project.folder / "project.json").read_bytes() == before
    assert not [p for p in project.folder.iterdir() if p.name.startswith(".tmp")]


def test_atomic_text_replaces_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    atomic_write_text(tmp_path / "new" / "a.txt", "long text")
    atomic_write_text(tmp_path / "new" / "a.txt", "ä")
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "ä"


def test_model_names_cannot_leave_the_project(project: Project) -> None:
    assert model_folder(project, "../../x").parent == project.folder / "models"


@pytest.fixture
def card() -> ModelCard:
    preprocessing = Preprocessing((0.0,), (1.0,), (0.5,), (2.0,), (0.0,), (255.0,))
    return ModelCard(
        name="m", kind="iresnet", channels=(Channel("DAPI"),), conditions=(Condition("WT"),
        Condition("DS")),
        preprocessing=preprocessing, architecture={"blocks": [1, 2], "width": np.int64(8)},
        preset="quick",
        seed=1,
        dataset_digest="x", split={"A01": "train"}, accuracy={"z": np.float32(0.5), "none":
        float("nan")},
        inverse=InverseQuality(4, 1e-5, 1e-6, (0.5, 0.6)),
    )  # fmt: skip


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "w": rng.normal(size=(3, 4)).astype(np.float32).T,
        "n": np.array(7, np.int64),
        "e": np.zeros((0, 2)),
    }


def test_a_model_comes_back_as_it_was(
    tmp_path: Path, card: ModelCard, tensors: dict[str, np.ndarray]
) -> None:
    saved = save_model(tmp_path / "m", card, tensors)
    found, weights = load_card(tmp_path / "m"), load_tensors(tmp_path / "m")

    assert found.digest == saved.digest != ""
    assert (
        found.preprocessing == card.preprocessing
        and found.conditions == card.conditions
        and found.inverse == card.inverse
    )
    assert found.architecture == {"blocks": [1, 2], "width": 8}
    assert set(weights) == set(tensors)
    for name, tensor in tensors.items():
        assert np.array_equal(weights[name], tensor) and weights[name].shape == tensor.shape


def test_weights_of_another_training_are_refused(
    tmp_path: Path, card: ModelCard, tensors: dict
) -> None:
    save_model(tmp_path / "a", card, tensors)
    save_model(tmp_path / "b", card, {**tensors, "n": np.array(8)})
    shutil.copy(tmp_path / "b" / "model.safetensors", tmp_path / "a" / "model.safetensors")
    with pytest.raises(BadModel, match="not those of the card"):
        load_tensors(tmp_path / "a")


def test_damaged_or_missing_models_are_told(tmp_path: Path, card: ModelCard, tensors: dict) -> None:
    with pytest.raises(BadModel, match="has no model"):
        load_card(tmp_path)
    save_model(tmp_path, card, tensors)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:40])
    with pytest.raises(BadModel, match="damaged"):
        load_tensors(tmp_path)
    weights.unlink()
    with pytest.raises(BadModel, match="missing"):
        load_tensors(tmp_path)
    (tmp_path / "model.json").write_text('{"format_version": 1, "name": 3}')
    with pytest.raises(BadModel, match="damaged"):
        load_card(tmp_path)
    (tmp_path / "model.json").write_text('{"format_version": 9}')
    with pytest.raises(BadModel, match="format 9"):
        load_card(tmp_path)


def test_weights_that_are_not_numbers_are_never_saved(tmp_path: Path, card: ModelCard) -> None:
    with pytest.raises(BadModel, match="2 weights of 'w'"):
        save_model(tmp_path, card, {"w": np.array([1.0, np.nan, np.inf])})
    assert not list(tmp_path.iterdir())


def refused_by_key(folder: Path, part: str, key: str, value: object) -> None:
    """A card with this value is refused, and the message names the key."""
    path = folder / "model.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw[part][key] = value
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(BadModel, match=rf"model\.json is damaged \({part}\.{key}"):
        load_card(folder)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [("recipe", "offset", [float("nan")]), ("recipe", "mean", [float("inf")]), ("recipe", "scale",
    [0.0]),
    ("recipe", "gain", [1.0, 1.0]), ("recipe", "high", [0.0]), ("recipe", "downscale", 0),
    ("recipe", "crop", 7),
    ("recipe", "curve", "log"), ("training", "gains", {"DS": {"WT": float("nan")}}), ("training",
    "gains", [1]),
     ("accuracy", "confusion", [[1, 2]]), ("accuracy", "confusion", [[1, 2], [3, None]])],
)  # fmt: skip
def test_a_card_that_no_image_could_be_read_with_is_refused_by_key(
    tmp_path: Path, card: ModelCard, tensors: dict, part: str, key: str, value: object
) -> None:
    save_model(tmp_path, card, tensors)
    refused_by_key(tmp_path, part, key, value)


def test_changes_of_two_programs_to_different_parts_are_both_kept(project: Project) -> None:
    mine, other = open_project(project.folder), open_project(project.folder)
    save_project(replace(other, model="iresnet"))
    saved = save_project(replace(mine, name="Mine"))
    found = open_project(project.folder)
    assert (found.name, found.model) == (saved.name, saved.model) == ("Mine", "iresnet")


def test_changes_of_roles_and_of_images_are_both_kept(project: Project) -> None:
    mine, other = open_project(project.folder), open_project(project.folder)
    assert mine.dataset is not None and other.dataset is not None
    fewer = replace(other.dataset, records=other.dataset.records[:-1])
    save_project(replace(other, dataset=fewer))
    first = replace(mine.dataset.conditions[0], colour="#123456")
    conditions = (first, *mine.dataset.conditions[1:])
    save_project(replace(mine, dataset=replace(mine.dataset, conditions=conditions)))
    found = open_project(project.folder).dataset
    assert found is not None
    assert found.records == fewer.records and found.conditions == conditions


def test_two_changes_of_the_same_part_are_refused_and_the_first_stays(project: Project) -> None:
    mine, other = open_project(project.folder), open_project(project.folder)
    save_project(replace(other, name="First"))
    before = (project.folder / "project.json").read_bytes()
    with pytest.raises(BadProject, match=r"Another program changed .* \(name\)"):
        save_project(replace(mine, name="Second"))
    assert (project.folder / "project.json").read_bytes() == before
    assert sorted(p.name for p in project.folder.iterdir() if p.is_file()) == [
        "project.json",
        "project.json.bak",
    ]


def test_a_merge_that_leaves_a_record_without_condition_is_refused(project: Project) -> None:
    mine, other = open_project(project.folder), open_project(project.folder)
    assert mine.dataset is not None and other.dataset is not None
    renamed = replace(other.dataset.conditions[0], name="Renamed")
    records = tuple(
        replace(r, condition="Renamed") if r.condition == other.dataset.conditions[0].name else r
        for r in other.dataset.records
    )
    conditions = (renamed, *other.dataset.conditions[1:])
    save_project(
        replace(other, dataset=replace(other.dataset, conditions=conditions, records=records))
    )
    with pytest.raises(BadProject, match="changed"):
        coloured = replace(mine.dataset.conditions[0], colour="#123456")
        kept = (coloured, *mine.dataset.conditions[1:])
        save_project(replace(mine, dataset=replace(mine.dataset, conditions=kept)))


def test_a_project_can_be_saved_again_and_again(project: Project) -> None:
    saved = open_project(project.folder)
    for number in range(3):
        saved = save_project(replace(saved, name=f"Name {number}"))
    assert open_project(project.folder).name == "Name 2"


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("training", "seconds", "long"), ("training", "total_seconds", -1.0),
        ("training", "judges", {"wavelet": "good"}), ("training", "reconstruction_error", [1]),
        ("training", "gains", {"DS": {"WT": "1"}}),
        ("accuracy", "accuracy", "<b>100 %</b>"), ("accuracy", "accuracy", 7.0),
        ("accuracy", "accuracy", float("nan")), ("accuracy", "accuracy_low", True),
        ("accuracy", "test_groups", 1e400), ("accuracy", "test_records", "many"),
        ("accuracy", "baseline", None), ("accuracy", "baseline", {"accuracy": "high"}),
        ("accuracy", "z_prime", [1]), ("accuracy", "z_prime", {"logits": {"z_prime": "1"}}),
        ("accuracy", "conditions", {"WT": {"f1": None}}), ("accuracy", "generative", 1),
        ("accuracy", "group_accuracy", {}), ("accuracy", "reason", 3),
        ("accuracy", "confusion", "x"),
    ],
)  # fmt: skip
def test_results_on_a_card_that_are_none_are_refused_by_key(
    tmp_path: Path, card: ModelCard, tensors: dict, part: str, key: str, value: object
) -> None:
    save_model(tmp_path, card, tensors)
    refused_by_key(tmp_path, part, key, value)


def test_an_accuracy_needs_its_interval(tmp_path: Path, card: ModelCard, tensors: dict) -> None:
    save_model(tmp_path, replace(card, accuracy={"accuracy": 0.9}), tensors)
    with pytest.raises(BadModel, match=r"accuracy\.accuracy_low: missing"):
        load_card(tmp_path)


@pytest.mark.parametrize("key", ["name", "digest"])
def test_a_key_that_stands_twice_is_refused(
    tmp_path: Path, card: ModelCard, tensors: dict, key: str
) -> None:
    save_model(tmp_path, card, tensors)
    path = tmp_path / "model.json"
    text = path.read_text(encoding="utf-8").rstrip().removesuffix("}")
    path.write_text(f'{text}, "{key}": "other"}}', encoding="utf-8")
    with pytest.raises(BadModel, match=f"'{key}' stands there twice"):
        load_card(tmp_path)
