"""A synthetic screen: every treatment in its wells, and every disturbance where it
was asked for.
"""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cli.main import main
from core.errors import LeighError
from core.io.project import open_project
from core.io.well_names import well_place
from core.scanning.file_names import parse_name
from core.scanning.scan import ScanOptions, scan_folder
from core.synthetic.cells import DISEASED, HEALTHY, Optics, Phenotype, draw_cells, render
from core.synthetic.screen import ScreenPlan, ScreenPlanOptions, plan_screen, write_screen


def wells_per_column(plan: ScreenPlan, name: str, plate: str = "P1") -> Counter[int]:
    return Counter(
        well_place(w.well)[1]
        for w in plan.wells
        if w.treatment.condition == name and w.plate == plate
    )


def test_default_screen_gives_every_treatment_as_many_wells_and_controls_twelve_per_plate() -> None:
    plan = plan_screen()
    counts = Counter((w.plate, w.treatment.condition) for w in plan.wells)
    assert len(plan.wells) == 3 * 96 and len({w.treatment.condition for w in plan.wells}) == 26
    for (_, name), wells in counts.items():
        assert wells == (12 if name in ("WT", "DS") else 3)


@pytest.mark.parametrize("plate_wells", [24, 96, 384, 1536])
def test_controls_are_scattered_over_the_columns(plate_wells: int) -> None:
    plan = plan_screen(
        ScreenPlanOptions(plate_wells=plate_wells, plates=3, treatments=10, fields=1)
    )
    rows = max(well_place(w.well)[0] for w in plan.wells)
    for name in ("WT", "DS"):
        columns = wells_per_column(plan, name)
        assert max(columns.values()) <= rows / 2 and len(columns) >= plan.shape[1] / 2
    first, second = (
        [w.treatment.condition for w in plan.wells if w.plate == p] for p in ("P1", "P2")
    )
    assert first != second


def test_the_confounded_layout_puts_treatments_in_blocks_and_is_alike_on_all_plates() -> None:
    plan = plan_screen(ScreenPlanOptions(columns=True))
    layouts = [
        [w.treatment.condition for w in plan.wells if w.plate == p] for p in ("P1", "P2", "P3")
    ]
    assert layouts[0] == layouts[1] == layouts[2]
    changes = sum(a != b for a, b in zip(layouts[0], layouts[0][1:], strict=False))
    assert changes == 25  # each condition is one stretch
    assert wells_per_column(plan, "WT") == {1: 8, 2: 4}


def test_more_treatments_than_a_plate_holds_go_on_over_the_plates() -> None:
    plan = plan_screen(ScreenPlanOptions(treatments=300, plates=4, plate_wells=384, fields=1))
    counts = Counter(w.treatment.condition for w in plan.wells if w.treatment.kind != "control")
    assert len(counts) == 300 and max(counts.values()) - min(counts.values()) <= 1


def test_kinds_doses_and_rescues_are_known() -> None:
    treatments = plan_screen().treatments
    kinds = Counter(t.kind for t in treatments)
    assert kinds == {"control": 2, "null": 4, "toxic": 2, "side effect": 2, "rescuing": 16}
    assert all(t.phenotype == DISEASED for t in treatments if t.kind == "null")
    assert all(
        0.5 <= t.phenotype.survival <= 0.7 and t.flags for t in treatments if t.kind == "toxic"
    )
    for t in treatments:
        if t.response is not None and t.dose_um is not None:
            r = t.response
            assert t.rescue == pytest.approx(r.top / (1 + (r.ec50_um / t.dose_um) ** r.slope))
            assert t.condition == f"{t.compound} {t.dose_um:g} µM"
    assert len({t.compound for t in treatments if t.response}) == 2
    on_line = [t for t in treatments if t.kind == "rescuing"]
    assert all(t.phenotype == DISEASED.toward(HEALTHY, t.rescue) for t in on_line)
    assert all(
        t.phenotype != DISEASED.toward(HEALTHY, t.rescue)
        for t in treatments
        if t.kind == "side effect"
    )


def test_one_seed_gives_one_plan_and_wells_of_one_treatment_differ() -> None:
    assert (
        plan_screen(ScreenPlanOptions(seed=4))
        == plan_screen(ScreenPlanOptions(seed=4))
        != plan_screen(ScreenPlanOptions(seed=5))
    )
    same = [
        w.phenotype
        for w in plan_screen(ScreenPlanOptions(batch_effect=0.1)).wells
        if w.treatment.condition == "DS"
    ]
    assert len(set(same)) == len(same)
    assert {
        w.phenotype
        for w in plan_screen(ScreenPlanOptions(variation=0.0)).wells
        if w.treatment.condition == "DS"
    } == {DISEASED}


def pixels(plan: ScreenPlan, **chosen: str) -> float:
    """Mean signal above the camera's offset, of the wells with these values."""
    wells = [w for w in plan.wells if all(str(getattr(w, k)) == v for k, v in chosen.items())]
    return float(
        np.mean(
            [render(w.cultures[0], w.phenotype, 48, optics=w.optics)[1].mean() - 100 for w in wells]
        )
    )


def test_the_edge_is_dimmer_by_what_was_asked() -> None:
    usual = dict(plates=1, treatments=4, plate_wells=24, fields=1, size=48, variation=0.0)
    plain, dim = (
        plan_screen(ScreenPlanOptions(**usual)),
        plan_screen(ScreenPlanOptions(**usual, edge_effect=0.4, edge_on=("intensity",))),
    )
    assert pixels(dim, edge="True") == pytest.approx(0.6 * pixels(plain, edge="True"), rel=0.03)
    assert pixels(dim, edge="False") == pixels(plain, edge="False")
    killed = plan_screen(ScreenPlanOptions(**usual, edge_effect=0.4, edge_on=("survival",)))
    assert all(
        w.phenotype.survival == pytest.approx(0.6)
        for w in killed.wells
        if w.edge and not w.treatment.flags
    )


def test_a_batch_has_its_own_gain_and_offset_per_channel() -> None:
    plan = plan_screen(
        ScreenPlanOptions(
            plates=2, treatments=4, plate_wells=24, fields=1, size=48, batch_effect=0.3
        )
    )
    optics = {w.plate: w.optics for w in plan.wells}
    assert len({w.optics for w in plan.wells}) == 2 and len(set(optics["P1"].gain)) == 3
    dark = Phenotype(survival=0.0)
    shifted, plain = render(1, dark, 48, optics=optics["P1"]), render(1, dark, 48)
    assert (shifted.astype(float) - plain).mean(axis=(1, 2)) == pytest.approx(
        optics["P1"].offset, abs=0.6
    )


def test_haze_lies_between_cells_only_and_differs_by_condition() -> None:
    hazy = render(7, DISEASED, 96, optics=Optics(haze=(30.0, 30.0, 30.0))).astype(float) - render(
        7, DISEASED, 96
    )
    yy, xx = np.mgrid[0:96, 0:96]
    near = np.min([np.hypot(yy - c.y, xx - c.x) for c in draw_cells(7, 96)], axis=0)
    assert np.abs(hazy[:, near < 8]).max() <= 1 and hazy[:, near > 25].mean() == pytest.approx(
        30, abs=1
    )
    levels = {
        w.treatment.condition: w.optics.haze[0]
        for w in plan_screen(ScreenPlanOptions(background_effect=20.0)).wells
    }
    assert levels["WT"] == 0 and levels["DS"] == 20 and len(set(levels.values())) == len(levels)
    assert {w.optics.haze for w in plan_screen().wells} == {(0.0, 0.0, 0.0)}


def test_wells_without_cells_or_images_and_a_free_perimeter() -> None:
    plan = plan_screen(
        ScreenPlanOptions(
            plates=2, without_cells=3, without_images=2, perimeter_free=True, fields=1
        )
    )
    assert len(plan.wells) == 2 * 60 and not any(w.edge for w in plan.wells)
    assert Counter(w.plate for w in plan.wells if not w.cultures) == {"P1": 2, "P2": 2}
    empty = [w for w in plan.wells if w.phenotype.survival == 0]
    assert len(empty) == 6 and all(w.treatment.kind != "control" for w in empty)
    assert render(1, replace(DISEASED, survival=0.0), 48).max() < 130  # noise of the camera


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (dict(treatments=3), "too few"),
        (dict(plate_wells=24, plates=1, treatments=24), "do not fit"),
        (dict(plate_wells=100), "lates of 100 wells do not exist"),
        (dict(edge_effect=1.5), "no share|not a share"),
        (dict(edge_on=("smell",)), "cannot change smell"),
        (dict(batch_effect=-1.0), "out of range"),
        (dict(without_cells=90), "are not possible"),
        (dict(fields=0), "do not make a screen"),
        (dict(size=16), "too few for a cell"),
    ],
)
def test_what_cannot_be_planned_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(LeighError, match=message):
        plan_screen(ScreenPlanOptions(**wrong))  # type: ignore[arg-type]


def test_a_scan_reads_plate_well_condition_and_dose_back(tmp_path: Path) -> None:
    plan = plan_screen(
        ScreenPlanOptions(
            plates=2, treatments=12, plate_wells=24, fields=1, size=48, without_images=1
        )
    )
    write_screen(tmp_path, plan)
    found = scan_folder(
        tmp_path / "images",
        ScanOptions(plate_map=tmp_path / "plate_map.csv", condition_from="plate-map"),
    )
    assert {(r.plate, r.well, r.condition) for r in found.records} == {
        (w.plate, w.well, w.treatment.condition) for w in plan.wells if w.cultures
    }
    assert {c.name: (c.role, c.dose_um) for c in found.conditions} == {
        t.condition: (t.role, t.dose_um) for t in plan.treatments
    }
    assert not [p for p in found.problems if p.severity == "excluded"]
    with (tmp_path / "truth.csv").open(encoding="utf-8-sig") as stream:
        truth = {row["condition"]: row for row in csv.DictReader(stream)}
    assert sum(int(row["wells"]) for row in truth.values()) == len(found.records) == 46
    assert float(truth["WT"]["rescue"]) == 1 and truth["DS"]["kind"] == "control"
    with pytest.raises(LeighError, match="already holds images"):
        write_screen(tmp_path, plan)


def test_rows_beyond_p_of_a_1536_well_plate_are_read_from_names() -> None:
    for well in ("A01", "Q07", "Z48", "AF48"):
        assert parse_name(f"P1/P1_{well}_s2.ome.tif")["well"] == well


def test_the_verb_writes_a_screen_and_refuses_what_does_not_go_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "synth",
        "--out",
        str(tmp_path / "s"),
        "--fields",
        "1",
        "--size",
        "32",
        "--progress",
        "none",
    ]
    assert main([*words, "--screen", "--conditions", "WT"]) == 2
    assert "--conditions does not go with --screen" in capsys.readouterr().err
    assert main([*words, "--plates", "2"]) == 2
    assert "--plates belongs to a synthetic screen" in capsys.readouterr().err
    assert (
        main([*words, "--screen", "--plates", "1", "--treatments", "5", "--plate-wells", "24"]) == 0
    )
    s = tmp_path / "s"
    scan = [
        "scan",
        str(s / "images"),
        "--plate-map",
        str(s / "plate_map.csv"),
        "--condition-from",
        "plate-map",
    ]
    assert main([*scan, "--project", str(tmp_path / "p"), "--progress", "none"]) == 0
    dataset = open_project(tmp_path / "p").dataset
    assert dataset is not None and len(dataset.records) == 24 and dataset.plate_shape == (4, 6)
