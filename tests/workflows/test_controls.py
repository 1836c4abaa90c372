"""Controls on a lab's own wells: what was planted is known to the grey value, and shuffled labels
stay apart.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from core import train
from core.cli.main import main
from core.counterfactual.engine import Engine
from core.data.split import split_by_group
from core.domain import (
    Channel,
    Dataset,
    ImageRecord,
    Mix,
    ModelCard,
    Move,
    Preprocessing,
    Project,
    Split,
)
from core.errors import LeighError
from core.io.models import load_card
from core.io.project import model_folder, open_project, save_project
from core.io.tiff import read_image, write_tiff
from core.progress import Cancelled, Progress
from core.synthetic.plate import PlateOptions
from core.workflows.permuted_labels import at_chance, fair_labels, from_truth, permuted_conditions
from core.workflows.spike_in import SpikeInOptions, positive_control, recovery
from core.workflows.spike_in_images import UNTOUCHED, Plant, parse_plants, plan

Copy = Callable[[Project], Project]
Planted = tuple[Path, dict[str, Any]]
CHANNELS = tuple(Channel(n) for n in ("Nuclei", "Cytoskeleton", "Mitochondria"))
WORDS = ("channel=mitochondria,factor=0.6", "channel=Nuclei,blur=2")
NAMES = (UNTOUCHED, "Mitochondria x0.6", "Nuclei blur 2")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def brief() -> Iterator[str]:
    """Name of the preset that trains as briefly as can be and is invertible still."""
    import torch

    from core.training.presets import PRESETS, Preset

    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            PRESETS, "quick", Preset("brief", "", "", 40, 4, 16, (4, 4, 4), 2, 3e-3, oracle_steps=5)
        )
        patch.setattr("core.training.presets.FLOW_VALIDATION_BATCHES", 1)
        yield "quick"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """WT and DS in four wells of three fields each, 48 pixels a side."""
    from core.synthetic.plate import parse_conditions, write_plate
    from core.workflows.scan import scan

    folder = tmp_path_factory.mktemp("own")
    write_plate(
        folder / "images", parse_conditions(["DS", "WT"]), PlateOptions(wells=4, fields=3, size=48)
    )
    return scan(folder / "images", folder / "project")


@pytest.fixture(scope="module")
def planted(own: Project, brief: str, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """Folder and result of a positive control with two plants."""
    out = tmp_path_factory.mktemp("planted") / "out"
    return out, positive_control(
        open_project(own.folder), out, WORDS, SpikeInOptions(preset=brief, device="cpu")
    )


def test_planted_files_are_the_formula_applied_to_the_users_own_pixels(
    own: Project, planted: Planted
) -> None:
    out, _ = planted
    assert own.dataset is not None
    rows = rows_of(out / "truth.csv")
    raws = {r.id: read_image(own.dataset.root / r.files[0]) for r in own.dataset.records}
    training = [raws[r["source"]][2] for r in rows if r["split"] == "train"]
    background = np.percentile(np.stack(training), 0.5)
    assert Counter(r["condition"] for r in rows) == dict.fromkeys(NAMES, 4)
    for row in rows:
        raw, image = raws[row["source"]], read_image(out / row["file"])
        expected = raw.astype(float)
        if row["factor"]:
            expected[2] = background + 0.6 * (expected[2] - background)
            assert row["channel"] == "Mitochondria" and float(row["background"]) == pytest.approx(
                background
            )
        elif row["blur"]:
            expected[0] = gaussian_filter(expected[0], 2.0)
            assert row["channel"] == "Nuclei" and image[0].mean() == pytest.approx(
                raw[0].mean(), rel=1e-3
            )
        assert image.dtype == np.uint16 and np.array_equal(image, np.rint(expected))
        assert row["source"].startswith(row["group"])  # the wild type, in its own well


def test_every_well_holds_every_condition_and_stays_whole(own: Project, planted: Planted) -> None:
    out, _ = planted
    project = open_project(out / "project")
    assert project.dataset is not None and project.dataset.condition_names == NAMES
    homes: dict[str, set[str]] = {}
    for record in project.dataset.records:
        homes.setdefault(record.group, set()).add(record.condition)
    assert len(homes) == 4 and all(found == set(NAMES) for found in homes.values())
    card = load_card(model_folder(project, project.model))
    reported = {r["group"]: r["split"] for r in rows_of(out / "truth.csv")}
    assert card.split == reported and set(reported.values()) >= {"train", "test"}
    table = rows_of(out / "plate_map.csv")
    assert {(r["file"], r["group"], r["condition"]) for r in table} == {
        (f"images/{r.files[0]}", r.group, r.condition) for r in project.dataset.records
    }


def test_recovery_is_told_per_plant_and_way_over_held_out_images_only(planted: Planted) -> None:
    out, result = planted
    reported = [(p["plant"], p["way"]) for p in result["planted"]]
    assert reported == [(name, way) for name in NAMES[1:] for way in ("there", "back")]
    held = {r["group"] for r in rows_of(out / "truth.csv") if r["split"] == "test"}
    rows = rows_of(out / "recovered.csv")
    assert {r["group"] for r in rows} == held
    for part in result["planted"]:
        mine = [r for r in rows if (r["plant"], r["way"]) == (part["plant"], part["way"])]
        values = [float(r["effectiveness"]) for r in mine if r["valid"] == "true"]
        assert part["images"] == len(mine) == len(held) and part["valid"] == len(values) > 0
        assert part["effectiveness"] == pytest.approx(np.median(values))
        assert part["effectiveness_low"] <= part["effectiveness"] <= part["effectiveness_high"]
        assert 0 <= part["off_channel"] <= 1 and -1 <= part["smoothed_corr"] <= 1
    lines = result["text"].splitlines()
    assert lines[0].startswith("A 0.6-fold Mitochondria was recovered ")
    assert lines[1].startswith("  and on the way back ")
    assert lines[2].startswith("Nuclei spread by 2 pixels was recovered ") and str(out) in lines[-1]
    assert 0 <= result["accuracy"] <= 1
    json.dumps(result, allow_nan=False)


def test_what_is_compared_is_the_change_of_the_model_and_the_true_one_over_the_display_ranges(
    own: Project, planted: Planted
) -> None:
    out, _ = planted
    assert own.dataset is not None
    session = Engine(out / "project", "cpu")
    span = np.array(session.card.preprocessing.span)[:, None, None]
    truths = {
        r["file"].split("/")[-1].removesuffix(".ome.tif"): r for r in rows_of(out / "truth.csv")
    }
    rows = [r for r in rows_of(out / "recovered.csv") if r["plant"] == "Mitochondria x0.6"]
    assert {r["way"] for r in rows} == {"there", "back"}
    for row in rows:
        raw = read_image(own.dataset.root / own.dataset.record(row["source"]).files[0]).astype(
            float
        )
        if row["way"] == "there":
            background = float(next(t["background"] for t in truths.values() if t["factor"]))
            after, target = raw.copy(), row["plant"]
            after[2] = np.rint(background + 0.6 * (raw[2] - background))
        else:
            raw, after = read_image(out / truths[row["record"]]["file"]).astype(float), raw
            target = UNTOUCHED
        d = session.move(Move(row["record"], Mix({target: 1.0}, 1.0))).difference / span
        t = (after - raw) / span
        assert float(row["effectiveness"]) == pytest.approx((d * t).sum() / (t * t).sum(), abs=1e-5)


def test_the_same_words_again_take_the_trained_model_and_others_are_refused(
    own: Project, planted: Planted, brief: str
) -> None:
    out, result = planted
    heard: list[str] = []
    again = positive_control(
        open_project(own.folder),
        out,
        WORDS,
        SpikeInOptions(preset=brief, device="cpu"),
        report=lambda p: heard.append(p.what),
    )
    assert again == result and not {"Planting", "Training"} & set(heard)
    for words, seed in ((WORDS[:1], 0), (WORDS, 1)):
        with pytest.raises(LeighError, match=r"another control already\. Choose an empty folder"):
            other = SpikeInOptions(preset=brief, seed=seed)
            positive_control(open_project(own.folder), out, words, other)


def test_a_stopped_control_goes_on(own: Project, brief: str, tmp_path: Path) -> None:
    def stop_at(what: str, done: int) -> Callable[[Progress], None]:
        def report(progress: Progress) -> None:
            if progress.what == what and progress.done >= done:
                raise Cancelled

        return report

    out = tmp_path / "out"
    steps: list[int] = []
    for what, done in (("Planting", 3), ("Training", 20)):
        with pytest.raises(Cancelled):
            positive_control(
                open_project(own.folder),
                out,
                WORDS,
                SpikeInOptions(preset=brief, device="cpu"),
                report=stop_at(what, done),
            )
        assert not (out / "project" / "project.lock").exists()

    def note(progress: Progress) -> None:
        if progress.what == "Training":
            steps.append(progress.done)
            raise Cancelled

    with pytest.raises(Cancelled):
        positive_control(
            open_project(own.folder),
            out,
            WORDS,
            SpikeInOptions(preset=brief, device="cpu"),
            report=note,
        )
    assert steps == [30]  # ten after those that were kept


@pytest.mark.parametrize(
    ("word", "reported"),
    [
        ("channel=RFP,factor=0.7", "no channel RFP. They have Nuclei, Cytoskeleton, Mitochondria"),
        (
            "channel=Nuclei,factor=5",
            "factor 5 of channel Nuclei is out of range. Choose one between 0.1 and 3",
        ),
        ("channel=Nuclei,factor=nan", "factor nan of channel Nuclei is out of range"),
        ("channel=Nuclei,factor=1.0", "factor 1 of channel Nuclei changes nothing"),
        (
            "channel=Nuclei,blur=0.2",
            "blur 0.2 of channel Nuclei is out of range. Choose one between 0.5 and 10 pixels",
        ),
        ("channel=Nuclei,blur=much", "blur 'much' of channel Nuclei is not a number"),
        ("Nuclei=0.7", "'Nuclei=0.7' is not a planted change. Write channel=NAME,factor=0.7"),
        ("channel=Nuclei,gamma=2", "is not a planted change"),
    ],
)
def test_bad_plants_are_named_with_channel_value_and_remedy(word: str, reported: str) -> None:
    with pytest.raises(LeighError) as fault:
        parse_plants([word], CHANNELS)
    assert reported in str(fault.value)


def test_a_plant_given_twice_is_refused_and_names_may_hold_commas() -> None:
    with pytest.raises(LeighError, match=r"Nuclei x0\.7 is given twice"):
        parse_plants(["channel=Nuclei,factor=0.7", "channel=nuclei,factor=0.70"], CHANNELS)
    assert parse_plants(["channel=a, b,blur=2"], [Channel("a, b")]) == (Plant("a, b", "blur", 2.0),)


def test_words_that_exclude_each_other_are_refused(
    own: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(verb: str, *words: object) -> str:
        assert (
            main(
                [
                    verb,
                    "--project",
                    str(own.folder),
                    *map(str, words),
                    "--json",
                    "--progress",
                    "none",
                ]
            )
            == 2
        )
        return capsys.readouterr().err

    out, plant = ("--out", tmp_path / "out"), ("--plant", WORDS[0])
    assert "--to does not go with --plant" in fail("counterfactual", *plant, "--to", "WT", *out)
    assert "--strength does not go with --plant" in fail(
        "counterfactual", *plant, "--strength", 1, *out
    )
    assert "--preset does not go with --to" in fail(
        "counterfactual", "--to", "WT", "--preset", "quick", *out
    )
    assert "Give --to CONDITION; or --plant" in fail("counterfactual", *out)
    assert "no images of Drug Z. Conditions are WT, DS" in fail(
        "counterfactual", *plant, "--from", "Drug Z", *out
    )
    assert "--resume does not go with --permute-labels" in fail(
        "train", "--permute-labels", "--resume"
    )
    assert own.dataset is not None
    assert "among the images" in fail("counterfactual", *plant, "--out", own.dataset.root / "here")
    assert not list(tmp_path.iterdir())


def test_moving_without_a_strength_moves_the_whole_way(planted: Planted, tmp_path: Path) -> None:
    words = [
        "counterfactual",
        "--project",
        str(planted[0] / "project"),
        "--to",
        UNTOUCHED,
        "--split",
        "test",
    ]
    assert main([*words, "--out", str(tmp_path / "out"), "--json", "--progress", "none"]) == 0
    rows = rows_of(tmp_path / "out" / "evidence.csv")
    assert len(rows) == 2 and {float(r["strength"]) for r in rows} == {1.0}


def fields(
    side: int, per_well: int, folder: Path, condition: str = "A", wells: int = 3, top: int = 4000
) -> Dataset:
    """Noise in `wells` wells of one condition, as a dataset whose files exist."""
    rng = np.random.default_rng(0)
    records = []
    for n in range(wells * per_well):
        image = rng.integers(100, top, (1, side, side)).astype(np.uint16)
        write_tiff(folder / f"{n}.ome.tif", image, channel_names=["RFP"])
        records.append(
            ImageRecord(
                str(n), (f"{n}.ome.tif",), (0,), condition, f"w{n // per_well}", shape=image.shape
            )
        )
    from core.scanning.default_roles import build_conditions

    return Dataset(folder, (Channel("RFP"),), build_conditions([condition]), tuple(records))


def test_few_but_large_fields_are_cut_into_tiles_that_do_not_overlap(tmp_path: Path) -> None:
    dataset = fields(400, 1, tmp_path)
    control = plan(
        dataset, parse_plants(["channel=RFP,factor=0.5", "channel=RFP,blur=1"], dataset.channels)
    )
    assert control.cuts == 2 and len(control.pieces) == 12
    places = {(p.source.id, p.top, p.left) for p in control.pieces}
    assert len(places) == 12 and {p.record.shape for p in control.pieces} == {(1, 200, 200)}
    assert {(top, left) for _, top, left in places} == {(0, 0), (0, 200), (200, 0), (200, 200)}
    for group in ("w0", "w1", "w2"):
        mine = [p for p in control.pieces if p.record.group == group]
        assert (
            len({p.record.condition for p in mine}) == 3 and len({p.source.id for p in mine}) == 1
        )
    raw = np.arange(400 * 400).reshape(1, 400, 400)
    assert (
        control.pieces[0].cut(raw)[0, 0, 0] == raw[0, control.pieces[0].top, control.pieces[0].left]
    )


def test_too_few_images_or_wells_are_told_with_what_is_needed(tmp_path: Path) -> None:
    plants = parse_plants(["channel=RFP,factor=0.5"], [Channel("RFP")])
    with pytest.raises(
        LeighError, match=r"Group w0 has 1 images of A; 2 are needed.*380 pixels are too small"
    ):
        plan(fields(380, 1, tmp_path), plants)
    with pytest.raises(LeighError, match=r"one group only \(w0\).*--from"):
        plan(fields(48, 4, tmp_path, wells=1), plants)


def test_a_plant_that_would_clip_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    dataset = fields(48, 2, tmp_path, top=65_535)
    with pytest.raises(
        LeighError, match=r"factor 1.5, .* of channel RFP are beyond what uint16.*smaller factor"
    ):
        plan(dataset, parse_plants(["channel=RFP,factor=1.5"], dataset.channels))
    plan(dataset, parse_plants(["channel=RFP,factor=0.5"], dataset.channels))


def test_the_healthy_condition_is_planted_in_unless_another_is_asked_for(own: Project) -> None:
    assert own.dataset is not None
    plants = parse_plants(WORDS[:1], own.dataset.channels)
    assert plan(own.dataset, plants).condition == "WT"
    assert plan(own.dataset, plants, source="DS").condition == "DS"
    assert plan(own.dataset, plants, seed=1).pieces != plan(own.dataset, plants, seed=2).pieces


def test_recovery_of_the_true_change_is_one_and_of_noise_beside_it_nothing() -> None:
    truth = np.zeros((2, 16, 16))
    truth[1, 4:8, 4:8] = -0.5
    whole = recovery(truth, truth, 1)
    assert whole == pytest.approx({"effectiveness": 1, "smoothed_corr": 1, "off_channel": 0})
    half_and_other = truth / 2
    half_and_other[0, 0, 0] = 1.0
    part = recovery(half_and_other, truth, 1)
    assert part["effectiveness"] == pytest.approx(0.5)
    assert part["off_channel"] == pytest.approx(1 / (1 + 16 * 0.25**2))
    assert recovery(np.zeros_like(truth), truth, 1) == {
        "effectiveness": 0,
        "smoothed_corr": 0,
        "off_channel": 0,
    }


def plate(wells: dict[str, list[str]]) -> list[ImageRecord]:
    return [
        ImageRecord(f"{g}{i}", (), (), c, g)
        for g, held in wells.items()
        for i, c in enumerate(held)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_wells_are_shuffled_whole_and_well_mixed(seed: int) -> None:
    records = plate({f"{c}{n}": [c, c] for c in ("WT", "DS") for n in range(4)})
    drawn = permuted_conditions(records, seed)
    by_group: dict[str, set[str]] = {}
    for record, condition in zip(records, drawn, strict=True):
        by_group.setdefault(record.group, set()).add(condition)
    assert all(len(found) == 1 for found in by_group.values())
    assert Counter(drawn) == Counter(r.condition for r in records)
    assert Counter((r.condition, d) for r, d in zip(records, drawn, strict=True))["WT", "WT"] == 4


@pytest.mark.parametrize("seed", range(3))
def test_knowing_the_true_conditions_helps_no_more_than_chance_with_shuffled_ones(
    seed: int,
) -> None:
    records = plate({f"{c}{n}": [c, c] for c in ("WT", "DS", "TT", "A") for n in range(8)})
    drawn = fair_labels(records, seed)
    shuffled = [replace(r, condition=c) for r, c in zip(records, drawn, strict=True)]
    assert from_truth(records, drawn, split_by_group(shuffled, seed=seed)) == pytest.approx(
        0.25, abs=0.07
    )
    assert Counter(drawn) == Counter(r.condition for r in records) and drawn == fair_labels(
        records, seed
    )


def test_wells_that_hold_several_conditions_are_shuffled_within() -> None:
    records = plate({f"w{n}": ["WT", "WT", "DS", "DS"] for n in range(3)})
    drawn = permuted_conditions(records, 0)
    assert drawn != [r.condition for r in records]
    for n in range(3):
        assert Counter(drawn[4 * n : 4 * n + 4]) == {"WT": 2, "DS": 2}


def test_one_well_per_condition_cannot_be_shuffled() -> None:
    with pytest.raises(LeighError, match="At least two wells of every condition"):
        permuted_conditions(plate({"a": ["WT", "WT"], "b": ["DS", "DS"]}), 0)
    with pytest.raises(LeighError, match="only one condition: WT"):
        permuted_conditions(plate({"a": ["WT"], "b": ["WT"]}), 0)
    with pytest.raises(LeighError, match="no records"):
        permuted_conditions([], 0)


@pytest.mark.parametrize(
    ("low", "high", "confusion", "chance", "inside"),
    [
        (0.4, 0.6, [[2, 2], [2, 2]], 0.5, True),
        (0.7, 0.9, [[4, 0], [2, 2]], 0.5, False),
        (
            0.45,
            0.6,
            [[3, 3], [1, 1]],
            0.75,
            True,
        ),  # guessing evenly and naming the larger are both chance
        (0.1, 0.4, [[1, 3], [3, 1]], 0.5, False),
    ],
)
def test_chance_is_the_larger_of_even_guessing_and_the_largest_condition(
    own: Project, low: float, high: float, confusion: list[list[int]], chance: float, inside: bool
) -> None:
    assert own.dataset is not None
    reported = {
        "accuracy": (low + high) / 2,
        "accuracy_low": low,
        "accuracy_high": high,
        "confusion": confusion,
    }
    blank = Preprocessing(*[(0.0,)] * 6)
    conditions = own.dataset.conditions
    card = ModelCard(
        "m", "iresnet", (), conditions, blank, {}, "quick", 0, "", {}, accuracy=reported
    )
    assert (at_chance(card)["chance"], at_chance(card)["at_chance"]) == (chance, inside)
    assert at_chance(card, low - 0.01)["at_chance"] == (
        inside or low <= chance
    )  # less is what the shuffle leaves
    few = at_chance(replace(card, accuracy=reported | {"accuracy_low": None}))
    assert few["accuracy"] == reported["accuracy"] and few["at_chance"] is None
    nothing = at_chance(replace(card, accuracy={"accuracy": None, "reason": "why"}))
    assert nothing["accuracy"] is None and nothing["at_chance"] is None


def test_what_true_conditions_say_of_shuffled_ones_is_counted_from_training_to_held_out() -> None:
    records = plate({f"{c}{n}": [c] for c in ("WT", "DS") for n in range(4)})
    split = {
        f"{c}{n}": Split.TEST if n == 3 else Split.TRAIN for c in ("WT", "DS") for n in range(4)
    }
    labels = ["WT", "DS", "DS", "WT", "WT", "WT", "DS", "WT"]  # WT3 is named DS, DS3 is named WT
    assert from_truth(records, labels, split) == 0.5
    even = {**split, "DS2": Split.TEST, "WT2": Split.TEST}  # WT bears both names once
    assert from_truth(records, labels, even) == pytest.approx((0.5 + 0.5 + 0 + 1) / 4)
    assert from_truth(records, labels, dict.fromkeys(split, Split.TRAIN)) is None
    assert from_truth(records, [r.condition for r in records], split) == 1


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_shuffled_labels_leave_the_users_model_as_it_is(
    own: Project, copy_of: Copy, brief: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_of(own)
    assert project.dataset is not None
    project = replace(
        project, dataset=replace(project.dataset, records=project.dataset.records[::3])
    )
    save_project(project)  # one field per well: this is about files, not about accuracy
    train(project.folder, preset=brief, device="cpu")
    (project.folder / "maps" / "map.npz").write_bytes(b"stands for a map")
    before, images = contents(project.folder), contents(project.folder.parent / "images")
    words = [
        "train",
        "--project",
        str(project.folder),
        "--permute-labels",
        "--json",
        "--progress",
        "none",
    ]
    assert main(words) == 0
    reported = json.loads(capsys.readouterr().out.splitlines()[-1])
    folder = project.folder / "exports" / "permuted-labels"
    assert set(reported) == {
        "accuracy", "accuracy_low", "accuracy_high", "chance", "chance_from_truth", "at_chance",
        "change_vs_model",
        "project",
    }  # fmt: skip
    assert Path(reported["project"]) == folder and reported["chance"] == 0.5
    assert reported["accuracy_low"] is None and reported["at_chance"] is None  # two wells held out
    assert 0 <= reported["accuracy"] <= 1 and reported["change_vs_model"] > 0
    after = contents(project.folder)
    assert {
        k: v for k, v in after.items() if not k.startswith(str(Path("exports") / "permuted-labels"))
    } == before
    assert contents(project.folder.parent / "images") == images
    control, real = open_project(folder), project.dataset
    assert control.dataset is not None and real is not None and control.model
    assert control.dataset.root == real.root and control.dataset.counts() == real.counts()
    assert [r.id for r in control.dataset.records] == [r.id for r in real.records]
    assert [r.condition for r in control.dataset.records] != [r.condition for r in real.records]
    assert any("shuffled" in p.reason for p in control.dataset.problems)
    card = load_card(model_folder(control, control.model))
    assert {card.split[r.group] for r in real.records} >= {Split.TRAIN, Split.TEST}
