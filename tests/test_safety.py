"""Nothing of the user's is overwritten, and nothing is silently about other images than it says."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import evaluate, figure, make_map
from core.domain import Channel, PanelSpec, Project, Role
from core.errors import BadImage, BadModel, LeighError
from core.io.project import maps_folder, open_project, save_project
from core.io.read_field import read_record
from core.io.tables import load_map
from core.io.tiff import write_tiff
from core.progress import Cancelled, Progress, Stage
from core.workflows.counterfactual import CounterfactualOptions, counterfactuals
from core.workflows.project import images_of, load_model, reader
from core.workflows.records import RecordChoice
from core.workflows.scan import scan

CopyOf = Callable[[Project], Project]


def test_an_image_changed_after_the_scan_is_refused_by_name(
    trained_project: Project, copy_of: CopyOf
) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    record = project.dataset.records[0]
    image = read_record(project.dataset.root, record)
    names = [c.name for c in project.dataset.channels]
    path = project.dataset.root / record.files[0]
    write_tiff(path, image + np.uint16(1), channel_names=names, pixel_size_um=None)
    with pytest.raises(BadImage, match="changed on disk"):
        reader(project.dataset)(record)
    with pytest.raises(BadImage, match=record.id):
        evaluate(project.folder, device="cpu")


def test_nothing_is_written_among_the_images(trained_project: Project, copy_of: CopyOf) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    root = project.dataset.root
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    with pytest.raises(LeighError, match="among the images"):
        counterfactuals(
            open_project(project.folder),
            root / "WT",
            CounterfactualOptions(to="WT", device="cpu", records=RecordChoice(source="DS")),
        )
    image = next(root.rglob("*.ome.tif"))
    with pytest.raises(LeighError, match="among the images"):
        figure(project.folder, [PanelSpec("map")], image, device="cpu")
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before


def test_swapped_channels_are_refused_but_renaming_the_trained_ones_is_not(
    trained_project: Project, copy_of: CopyOf
) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    renamed = replace(project.dataset, channels=tuple(Channel(n) for n in ("DNA", "Actin", "TMRM")))
    load_model(replace(project, dataset=renamed), "cpu")
    crossed = replace(project.dataset, channels=project.dataset.channels[::-1])
    save_project(replace(project, dataset=crossed))
    with pytest.raises(BadModel, match="was trained on Nuclei"):
        figure(
            project.folder,
            [PanelSpec("counterfactual", "x", {"WT": 1.0}, 1.0)],
            project.folder / "f.pdf",
        )
    other = tuple(replace(r, digest="another", planes=(2, 1, 0)) for r in project.dataset.records)
    swapped = replace(project.dataset, channels=project.dataset.channels[::-1], records=other)
    with pytest.raises(BadModel, match="Mitochondria, Cytoskeleton, Nuclei"):
        load_model(replace(project, dataset=swapped), "cpu")


def test_a_map_of_relabelled_images_is_not_drawn(trained_project: Project, copy_of: CopyOf) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    swap = {"WT": "TT", "TT": "WT"}
    records = tuple(
        replace(r, condition=swap.get(r.condition, r.condition)) for r in project.dataset.records
    )
    save_project(replace(project, dataset=replace(project.dataset, records=records)))
    with pytest.raises(LeighError, match="other images"):
        make_map(project.folder)
    with pytest.raises(LeighError, match="no map of this model and these images"):
        figure(project.folder, [PanelSpec("map")], project.folder / "map.png", device="cpu")


def test_a_map_whose_refinement_is_stopped_is_rough_and_a_better_one_is_never_lost(
    trained_project: Project, copy_of: CopyOf
) -> None:
    project = copy_of(trained_project)
    folder, good = maps_folder(project), load_map(maps_folder(project))[1]

    def stop(progress: Progress) -> None:
        if progress.stage == Stage.REFINING_MAP:
            raise Cancelled

    make_map(
        project.folder, progress=stop
    )  # places are kept, regions are fitted at once: nothing rough in between
    assert not load_map(folder)[1].rough and np.array_equal(
        load_map(folder)[1].posterior, good.posterior
    )
    (folder / "map.npz").unlink()
    with pytest.raises(Cancelled):
        make_map(project.folder, progress=stop)
    projection, rough = load_map(folder)
    assert rough.rough and np.isfinite(rough.posterior).all()
    again, refined, kept = make_map(project.folder)
    assert kept == len(projection.record_ids) and np.array_equal(again.xy, projection.xy)
    assert not refined.rough and not load_map(folder)[1].rough


def test_a_scan_that_finds_nothing_leaves_the_project_as_it_was(
    trained_project: Project, copy_of: CopyOf
) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    for image in project.dataset.root.rglob("*.ome.tif"):
        image.write_bytes(b"")
    with pytest.raises(LeighError, match="keeps what it had"):
        scan(project.dataset.root, project.folder)
    assert open_project(project.folder).dataset == project.dataset


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), -1.0, 1e9])
def test_impossible_strengths_are_refused(
    trained_project: Project, tmp_path: Path, strength: float
) -> None:
    with pytest.raises(LeighError, match="strength"):
        counterfactuals(
            open_project(trained_project.folder),
            tmp_path,
            CounterfactualOptions(to="WT", strength=strength, device="cpu"),
        )


def test_records_with_long_alike_names_keep_files_of_their_own(
    trained_project: Project, copy_of: CopyOf, tmp_path: Path
) -> None:
    project = copy_of(trained_project)
    dataset = images_of(open_project(project.folder))
    long = "culture " + "x" * 130
    records = tuple(replace(r, id=f"{long}{i}") for i, r in enumerate(dataset.records))
    save_project(replace(project, dataset=replace(dataset, records=records)))
    chosen = [r.id for r in records if r.condition == "DS"][:3]
    rows, _ = counterfactuals(
        open_project(project.folder),
        tmp_path / "out",
        CounterfactualOptions(to="WT", device="cpu", records=RecordChoice(record_ids=chosen)),
    )
    assert len({row["file"] for row in rows}) == 3
    assert all((tmp_path / "out" / row["file"]).exists() for row in rows)


def test_a_stopped_export_keeps_the_evidence_of_what_it_moved_and_another_target_adds_to_it(
    trained_project: Project, tmp_path: Path
) -> None:
    def stop_after_two(progress: Progress) -> None:
        if progress.what.startswith("Moving") and progress.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        counterfactuals(
            open_project(trained_project.folder),
            tmp_path,
            CounterfactualOptions(to="WT", device="cpu"),
            report=stop_after_two,
        )
    with (tmp_path / "evidence.csv").open(encoding="utf-8-sig") as stream:
        kept = list(csv.DictReader(stream))
    assert len(kept) == 2
    files = {p.name for p in tmp_path.glob("*_counterfactual.ome.tif")}
    assert {row["file"] for row in kept if row["valid"] == "true"} == files
    rows, _ = counterfactuals(
        open_project(trained_project.folder), tmp_path, CounterfactualOptions(to="DS", device="cpu")
    )
    with (tmp_path / "evidence.csv").open(encoding="utf-8-sig") as stream:
        both = list(csv.DictReader(stream))
    assert [(r["record"], r["to"]) for r in both] == [
        (r["record"], r["to"]) for r in [*kept, *rows]
    ]


def test_a_file_that_cannot_be_written_is_one_row_that_says_so(
    trained_project: Project, tmp_path: Path
) -> None:
    assert trained_project.dataset is not None
    chosen = [r.id for r in trained_project.dataset.records if r.condition == "DS"][:2]
    (tmp_path / f"{chosen[0]}_to_WT_counterfactual.ome.tif").mkdir()  # in the way
    rows, _ = counterfactuals(
        open_project(trained_project.folder),
        tmp_path,
        CounterfactualOptions(to="WT", device="cpu", records=RecordChoice(record_ids=chosen)),
    )
    assert [row["record"] for row in rows] == sorted(chosen) and [row["valid"] for row in rows] == [
        False,
        True,
    ]
    assert "file" not in rows[0] and rows[0]["reason"]


def test_images_that_are_grouped_anew_do_not_become_held_out(
    trained_project: Project, copy_of: CopyOf
) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    before = evaluate(project.folder, device="cpu")
    regrouped = tuple(replace(r, group=f"{r.condition} {r.id}") for r in project.dataset.records)
    save_project(replace(project, dataset=replace(project.dataset, records=regrouped)))
    after = evaluate(project.folder, device="cpu")
    assert after["test_records"] == before["test_records"] < len(regrouped)
    assert after["accuracy"] == before["accuracy"]


def test_scanning_again_keeps_the_roles_and_colours_that_were_given(
    scanned_project: Project, copy_of: CopyOf
) -> None:
    project = copy_of(scanned_project)
    assert project.dataset is not None
    given = tuple(
        replace(c, role=Role.DISEASED, colour="#123456") for c in project.dataset.conditions
    )
    save_project(replace(project, dataset=replace(project.dataset, conditions=given)))
    again = scan(project.dataset.root, project.folder)
    assert again.dataset is not None and again.dataset.conditions == given


def test_a_damaged_map_is_fitted_again_and_this_is_told(
    trained_project: Project, copy_of: CopyOf, caplog: pytest.LogCaptureFixture
) -> None:
    project = copy_of(trained_project)
    path = maps_folder(project) / "map.npz"
    path.write_bytes(path.read_bytes()[:500])
    make_map(project.folder)
    assert str(path) in caplog.text and "fitted again" in caplog.text
    caplog.clear()
    make_map(project.folder)
    assert caplog.text == ""
    path.unlink()
    path.mkdir()  # a map that the disk does not give is not replaced
    with pytest.raises(LeighError, match=r"map\.npz cannot be read"):
        make_map(project.folder)
