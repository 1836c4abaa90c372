"""The report of a screen says everything, clips nothing and runs nothing."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from made_screens import CHANNELS, LONG, made_screen
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from pypdf import PdfReader

from core.cli.main import main
from core.domain import Project
from core.domain.screen import Screen
from core.errors import LeighError
from core.figures.plate_heat import PIXELS, plate_blocks
from core.figures.ranking_panel import RankingPanel, ranking_blocks
from core.figures.residual_bars import unrepaired_blocks
from core.figures.screen_report import write_report
from core.figures.style import (
    WIDTH,
    Block,
    Canvas,
    draw_blocks,
    fitted,
    paginate,
    stacked,
    table,
    width_of,
)
from core.io.h5ad import write_h5ad
from core.io.screen_tables import write_screen_tables
from core.io.screens import save_screen

NASTY = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "$x^2$ & co", LONG)


def letters(path: Path) -> str:
    """All text of a PDF without blanks, so that wrapping does not matter."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(path).pages))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_report_names_every_treatment_and_escapes_what_a_browser_would_run(
    tmp_path: Path,
) -> None:
    screen = made_screen(NASTY + tuple(f"Drug {i}" for i in range(8)))
    steps: list[int] = []
    files = write_report(screen, tmp_path, lambda p: steps.append(p.done))
    assert all(path.stat().st_size > 100 for path in files.values()) and steps == sorted(steps)
    text = letters(files["report_pdf"])
    for r in screen.ranked:
        assert re.sub(r"\s", "", r.condition) in text
    assert "EC500.5µM[0.3-0.8]" in text and "theupperplateauisnotreached" in text
    assert "Theplatescanbetoldapart" in text and "Drug003hasasinglewell" in text
    page = files["report_html"].read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page) and page.count("<svg") >= 6
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(drawing)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in files.values())


def test_the_report_carries_what_it_was_made_from(tmp_path: Path) -> None:
    note = json.loads(
        PdfReader(write_report(made_screen(treatments=3), tmp_path)["report_pdf"]).metadata.subject
    )
    assert note["model_digest"] == "m" * 32 and note["settings"]["minimum_wells"] == 3


def test_the_ranking_has_exactly_the_promised_columns_and_empty_cells_for_none(
    tmp_path: Path,
) -> None:
    screen = made_screen(NASTY + tuple(f"Drug {i}" for i in range(8)))
    files = write_screen_tables(tmp_path, screen)
    heading = files["ranking"].read_text(encoding="utf-8-sig").splitlines()[0]
    assert (
        heading == "condition,dose_um,wells,rescue,rescue_low,rescue_high,off_axis,off_axis_low,"
        "off_axis_high,cell_count,tie,hit,flags"
    )
    rows = rows_of(files["ranking"])
    assert [r["condition"] for r in rows][:2] == [NASTY[0], "'" + NASTY[1]]
    assert rows[3]["rescue_low"] == rows[3]["rescue_high"] == "" and rows[4]["cell_count"] == ""
    assert rows[2]["flags"] == "fewer cells; off-axis: other changes are larger than the rescue"
    assert (rows[0]["hit"], rows[-1]["hit"], rows[-1]["tie"]) == ("true", "false", "0")
    assert float(rows[2]["rescue"]) == screen.ranked[2].rescue


def test_the_other_tables_and_their_twins_say_the_same(tmp_path: Path) -> None:
    screen = made_screen(treatments=6)
    screen = replace(
        screen, wells=(*screen.wells, replace(screen.wells[0], well="", group="culture 7"))
    )
    files = write_screen_tables(tmp_path, screen)
    plate = rows_of(files["plate"])
    assert list(plate[0]) == [
        "plate", "well", "row", "column", "condition", "dose_um", "images", "rescue", "off_axis",
        "nuclei",
        *(f"intensity_{c}" for c in CHANNELS), "unlike",
    ]  # fmt: skip
    by_well = {(r["plate"], r["well"]): r for r in plate}
    assert (by_well["Plate 2", "H12"]["row"], by_well["Plate 2", "H12"]["column"]) == ("8", "12")
    assert plate[-1]["well"] == "culture 7" and plate[-1]["row"] == ""
    twin = pd.read_parquet(files["plate_parquet"])
    assert (
        len(twin) == len(plate)
        and twin["nuclei"].isna().sum() == sum(r["nuclei"] == "" for r in plate) > 0
    )
    ranking = pd.read_parquet(files["ranking_parquet"])
    assert ranking["tie"].dtype == "Int64" and ranking["condition"].tolist() == [
        r.condition for r in screen.ranked
    ]
    assert len(rows_of(files["dose_response"])) == 18 and len(rows_of(files["not_repaired"])) == 18
    quality = rows_of(files["quality"])
    assert (quality[0]["interval_low"], quality[1]["interval_low"]) == ("0.2", "")
    assert rows_of(files["audit"])[1]["score"] == ""


def test_an_empty_screen_still_gives_tables_and_a_report(tmp_path: Path) -> None:
    screen = replace(
        made_screen(treatments=2),
        ranked=(),
        wells=(),
        doses=(),
        unrepaired=(),
        quality=(),
        audit=(),
    )
    files = write_report(screen, tmp_path)
    assert "Notreatmentisahit" in letters(files["report_pdf"])
    assert rows_of(files["quality"]) == [] and len(pd.read_parquet(files["plate_parquet"])) == 0


def text_outside(figure: Figure) -> list[str]:
    """Words that reach over the paper's edge when drawn at the resolution of print."""
    figure.set_dpi(300)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    paper = figure.bbox
    outside = []
    for text in figure.findobj(lambda artist: hasattr(artist, "get_text") and artist.get_visible()):
        if not text.get_text():
            continue
        box = text.get_window_extent(renderer)
        if box.x0 < paper.x0 or box.x1 > paper.x1 or box.y0 < paper.y0 or box.y1 > paper.y1:
            outside.append(text.get_text())
    return outside


@pytest.fixture
def wide() -> Screen:
    return made_screen((LONG, "W" * 70, "Sehr" * 20, *(f"Drug {i}" for i in range(60))), seed=3)


def test_no_word_reaches_over_the_edge(wide: Screen) -> None:
    from core.figures.plate_heat import dose_blocks
    from core.figures.rescue_scatter import scatter_blocks

    wide = replace(
        wide,
        channels=tuple(c * 6 for c in CHANNELS),
        plate_shapes={"Plate 1": (8, 12), "Plate 2": (8, 12)},
    )
    parts = (
        ranking_blocks,
        unrepaired_blocks,
        dose_blocks,
        scatter_blocks,
        lambda s: plate_blocks(s, "rescue"),
    )
    for part in parts:
        assert text_outside(stacked(part(wide))) == []
    assert (
        text_outside(stacked(table(("What", "Warning"), [("W" * 90, LONG * 5), ("x", "y")]))) == []
    )


def test_hundreds_of_treatments_add_pages_each_with_its_heads(tmp_path: Path) -> None:
    screen = made_screen(treatments=300, plates=1)
    files = write_report(screen, tmp_path)
    pages = [page.extract_text() for page in PdfReader(files["report_pdf"]).pages]
    assert len(pages) > 6
    ranked = [page for page in pages if re.search(r"Drug \d\d\d", page) and "Remarks" in page]
    assert all(f"Drug {i:03d}" in "".join(ranked) for i in range(300)) and len(ranked) >= 5
    assert f"page {len(pages)} of {len(pages)}" in pages[-1]


@pytest.mark.parametrize("shape", [(2, 3), (4, 6), (16, 24), (32, 48)])
def test_plates_of_every_size_are_drawn_on_one_printed_scale(shape: tuple[int, int]) -> None:
    screen = made_screen(shape=shape, plates=2)
    figure = stacked(plate_blocks(screen, "rescue"))
    images = [ax.images[0] for ax in figure.axes if ax.images]
    plates = [
        i for i in images if i.get_array().shape[:2] == (PIXELS * shape[0], PIXELS * shape[1])
    ]
    assert len(plates) == 2
    bars = [ax for ax in figure.axes if ax.images and ax.images[0].get_array().shape == (256, 1)]
    assert bars and len({ax.get_ylim() for ax in bars}) == 1
    assert text_outside(figure) == []
    well = next(w for w in screen.wells if w.plate == "Plate 1" and w.well == "A01")
    low, high = bars[0].get_ylim()
    from matplotlib import colormaps

    expected = colormaps["viridis"](min(max((well.rescue - low) / (high - low), 0.0), 1.0))
    assert np.allclose(plates[0].get_array()[0, 0], expected, atol=0.01)


def test_blocks_flow_over_pages_without_leaving_a_heading_behind() -> None:
    def drawn(canvas: Canvas) -> None:
        return None

    head = Block(1.0, drawn)
    rows = [Block(1.0, drawn, head) for _ in range(7)]
    pages = paginate([Block(3.0, drawn), Block(1.0, drawn, keep=True), *rows], 5.0)
    assert [len(p) for p in pages] == [3, 5, 3]
    assert pages[1][0] is head and pages[2][0] is head
    figure = Figure(figsize=(8, 8))
    tops: list[float] = []
    draw_blocks(
        Canvas(figure, 8, 8, 0.5), [Block(h, lambda c: tops.append(c.top)) for h in (1.0, 2.0, 1.0)]
    )
    assert tops == [0.5, 1.5, 3.5]


def test_lines_are_as_wide_as_there_is_room() -> None:
    lines = fitted(f"{LONG} {'W' * 80}", 1.0, 7.0)
    assert all(width_of(line, 7.0) <= 1.0 for line in lines)
    assert "".join(lines).replace(" ", "") == (LONG + "W" * 80).replace(" ", "")


def test_a_ranking_panel_shows_the_best_and_the_controls(tmp_path: Path) -> None:
    panel = RankingPanel("", made_screen(treatments=50), max_rows=5)
    figure = Figure(figsize=panel.inches)
    panel.draw(figure)  # type: ignore[arg-type]
    words = " ".join(t.get_text() for t in figure.texts)
    assert (
        "Drug 004" in words
        and "Drug 005" not in words
        and "WT" in words
        and "The best 5 of 50" in words
    )
    assert panel.inches[0] >= WIDTH and text_outside(figure) == []


def test_the_figure_verb_draws_the_ranking_of_the_project_without_a_model(
    scanned_project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    folder = tmp_path / "project"
    shutil.copytree(scanned_project.folder, folder)
    words = [
        "figure",
        "--project",
        str(folder),
        "--panel",
        "ranking",
        "--progress",
        "none",
        "--out",
    ]
    assert main([*words, str(tmp_path / "r.svg")]) == 2
    assert "The project has no screen yet" in capsys.readouterr().err
    save_screen(folder / "exports" / "screen", made_screen(treatments=4))
    for ending in ("svg", "pdf", "png", "tif"):
        assert main([*words, str(tmp_path / f"r.{ending}")]) == 0
    ElementTree.parse(tmp_path / "r.svg")
    assert "Drug 003" in (tmp_path / "r.svg").read_text(encoding="utf-8")
    assert "Drug003" in letters(tmp_path / "r.pdf")
    save_screen(
        folder / "exports" / "screen", replace(made_screen(treatments=4), dataset_digest="other")
    )
    assert main([*words, str(tmp_path / "s.svg")]) == 2
    assert "other images" in capsys.readouterr().err


def test_h5ad_holds_features_records_and_where_they_come_from(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    features = np.arange(6, dtype=np.float32).reshape(3, 2)
    obs = {"record": ("a", "b", "ä"), "condition": ("WT", "DS", "DS")}
    write_h5ad(tmp_path / "x.h5ad", features, obs, {"X_map": features * 2}, {"model_digest": "m"})
    found = anndata.read_h5ad(tmp_path / "x.h5ad")
    assert np.array_equal(found.X, features) and list(found.obs_names) == ["a", "b", "ä"]
    assert list(found.obs["condition"]) == ["WT", "DS", "DS"]
    assert json.loads(found.uns["leigh"]) == {"model_digest": "m"}
    assert np.array_equal(found.obsm["X_map"], features * 2)
    with pytest.raises(LeighError, match="condition has 1 rows"):
        write_h5ad(tmp_path / "y.h5ad", features, {"condition": ("WT",)}, {}, {})


def test_h5ad_without_its_package_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(LeighError, match=r"pip install anndata"):
        write_h5ad(tmp_path / "x.h5ad", np.zeros((1, 1), np.float32), {}, {}, {})
    assert not list(tmp_path.iterdir())
