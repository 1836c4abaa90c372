import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from matplotlib.image import AxesImage
from matplotlib.text import Text
from PIL import Image
from pypdf import PdfReader

from core import figure, train
from core.domain import AUTOENCODER, CHECKS, METHODS, Check, Evidence, Mix, Move, PanelSpec, Project
from core.errors import LeighError
from core.figures.counterfactual_panel import CounterfactualPanel
from core.figures.export import sheet
from core.figures.image_panel import SIZE_MAP
from core.figures.images import composite, difference_limit, scale_bar_um
from core.figures.words import NAMES, evidence_words
from core.io.project import save_project
from core.latent_map.trajectory import regions_at
from core.training.presets import SCHEDULES, Schedule
from core.workflows.figure import _PanelMaker, panel_specs

Copy = Callable[[Project], Project]


@pytest.fixture(scope="module")
def specs(trained_project: Project) -> dict[str, PanelSpec]:
    """One spec of every kind, for a diseased record moved to healthy."""
    assert trained_project.dataset is not None
    record = next(r.id for r in trained_project.dataset.records if r.condition == "DS")
    return {
        "counterfactual": PanelSpec("counterfactual", record, {"WT": 1.0}, 1.0),
        "map": PanelSpec("map"),
        "path": PanelSpec("path", record, {"WT": 1.0}),
        "confusion": PanelSpec("confusion"),
        "comparison": PanelSpec("comparison", record, {"WT": 1.0}, 1.0),
    }


def note_in(path: Path) -> str:
    """The words a figure file carries about itself."""
    if path.suffix == ".pdf":
        return str(PdfReader(path).metadata.subject)
    if path.suffix == ".png":
        return str(Image.open(path).text["Description"])
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as tiff:
            return tiff.pages[0].description
    text = path.read_text(encoding="utf-8")
    return text.split("<dc:description>")[1].split("</dc:description>")[0].replace("&quot;", '"')


@pytest.mark.parametrize("kind", ["counterfactual", "map", "path", "confusion", "comparison"])
@pytest.mark.parametrize("ending", [".pdf", ".svg", ".png", ".tif"])
def test_every_panel_is_written_in_every_format_with_its_provenance(
    trained_project: Project, specs: dict[str, PanelSpec], tmp_path: Path, kind: str, ending: str
) -> None:
    path = figure(trained_project.folder, [specs[kind]], tmp_path / f"panel{ending}", device="cpu")
    note = json.loads(note_in(path))
    assert (
        note["panels"][0]["kind"] == kind and note["panels"][0]["record"] == specs[kind].record_id
    )
    assert len(note["model_digest"]) > 8 and note["program"].startswith("Leigh Explorer")
    if ending in (".png", ".tif"):
        picture = np.asarray(Image.open(path).convert("L"))
        assert min(picture.shape) > 700 and 0.001 < (picture < 128).mean() < 0.9
    if ending == ".svg":
        assert "<text" in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_comparison_names_its_window_and_has_a_column_for_the_autoencoder(
    trained_project: Project,
    specs: dict[str, PanelSpec],
    copy_of: Copy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(SCHEDULES, "autoencoder", {"quick": Schedule(2, 8)})
    project, spec = copy_of(trained_project), replace(specs["comparison"], window_um=5.2)
    assert [a.method for a in _PanelMaker(project, "cpu").make(spec).attributions] == list(METHODS)
    train(project, "autoencoder", device="cpu")
    panel = _PanelMaker(project, "cpu").make(spec)
    assert [a.method for a in panel.attributions] == [AUTOENCODER, *METHODS]
    drawing = sheet([panel])
    heads = [text.get_text() for text in drawing.findobj(Text)]
    assert "Autoencoder\n(to WT)" in heads and any(
        head.startswith("Occlusion, 5.2 µm\n") for head in heads
    )
    sizes = [
        image.get_clim()
        for image in drawing.findobj(AxesImage)
        if image.get_cmap().name == SIZE_MAP
    ]
    assert len(sizes) == len(panel.channels) and all(
        low == 0 < high for low, high in sizes
    )  # saliency has no sign


def test_pdf_text_can_be_read_and_edited(
    trained_project: Project, specs: dict[str, PanelSpec], tmp_path: Path
) -> None:
    reader = PdfReader(
        figure(trained_project.folder, [specs["counterfactual"]], tmp_path / "a.pdf", device="cpu")
    )
    text = reader.pages[0].extract_text()
    assert "Original (DS)" in text and "to WT" in text and "5 µm" in text
    assert "Change in Mitochondria" in text and "grey values" in text
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        assert inner["/Subtype"] in ("/CIDFontType2", "/TrueType")  # Type 42; never Type 3 outlines
        assert "/FontFile2" in inner["/FontDescriptor"]  # embedded


def test_a_counterfactual_panel_carries_its_evidence_in_words(
    trained_project: Project, specs: dict[str, PanelSpec], tmp_path: Path
) -> None:
    path = figure(
        trained_project.folder, [specs["counterfactual"]], tmp_path / "a.pdf", device="cpu"
    )
    text = PdfReader(path).pages[0].extract_text().replace("\n", " ")
    assert "Evidence: " in text and all(f"| {NAMES.get(name, name)} " in text for name in CHECKS)


def test_evidence_words_name_the_light_every_verdict_and_its_figure() -> None:
    lights = ("green", "amber", "green", "red", "green")
    checks = tuple(Check(name, light, "") for name, light in zip(CHECKS, lights, strict=True))
    flips = {"judge1_flip": 1.0, "judge2_flip": 0.0, "judge3_flip": 1.0}
    reported = evidence_words(
        Evidence(checks, {**flips, "distance": 0.431, "readouts_recovered": 0.2})
    )
    assert (
        reported
        == "Evidence: red | model ok | independent classifiers doubtful (2 of 3) | distance ok"
        " (0.43) | features failed (20%) | what should stay ok"
    )
    assert "distance ok |" in evidence_words(Evidence(checks, {"distance": ""}))


def test_a_panel_holds_the_stains_its_spec_names(
    trained_project: Project, specs: dict[str, PanelSpec], tmp_path: Path
) -> None:
    listed = [
        asdict(replace(specs[kind], hold=("Nuclei", "Mitochondria")))
        for kind in ("counterfactual", "path")
    ]
    (tmp_path / "panels.json").write_text(json.dumps(listed), encoding="utf-8")
    maker = _PanelMaker(trained_project, "cpu")
    held, path = (
        maker.make(spec) for spec in panel_specs(tmp_path / "panels.json", None, None, None, 1.0)
    )
    assert held.result.locked == ("Nuclei", "Mitochondria")
    assert [bool(change.any()) for change in held.result.difference] == [False, True, False]
    free = maker.make(replace(specs["path"], hold=()))
    assert not np.array_equal(
        path.path.points[-1].probabilities, free.path.points[-1].probabilities
    )
    titles = [ax.get_title() for ax in sheet([held]).subfigs[0].axes]
    assert "Change in Nuclei (locked)" in titles and "Change in Cytoskeleton" in titles


def test_images_keep_their_own_pixels_in_a_pdf(
    trained_project: Project, specs: dict[str, PanelSpec], tmp_path: Path
) -> None:
    page = PdfReader(
        figure(trained_project.folder, [specs["counterfactual"]], tmp_path / "a.pdf", device="cpu")
    ).pages[0]
    sizes = [image.image.size for image in page.images]
    assert (
        sizes.count((48, 48)) == 5
    )  # original, counterfactual, three difference maps: never resampled


def test_without_a_pixel_size_there_is_no_scale_bar(
    trained_project: Project, specs: dict[str, PanelSpec], tmp_path: Path, copy_of: Copy
) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    save_project(replace(project, dataset=replace(project.dataset, pixel_size_um=None)))
    path = figure(project.folder, [specs["counterfactual"]], tmp_path / "a.pdf", device="cpu")
    text = PdfReader(path).pages[0].extract_text()
    assert "Original" in text and "µm" not in text


@pytest.mark.parametrize(
    ("width", "pixel_um", "expected"),
    [
        (48, 0.65, 5),
        (512, 0.65, 50),
        (1024, 0.325, 50),
        (2048, 1.0, 500),
        (4, 0.1, 0.1),
        (400, 1.0, 100),
    ],
)
def test_scale_bars_have_round_lengths_below_a_quarter_of_the_image(
    width: int, pixel_um: float, expected: float
) -> None:
    length = scale_bar_um(width, pixel_um)
    assert length == pytest.approx(expected)
    assert length <= width * pixel_um / 4 + 1e-9


def test_the_exact_plane_is_a_panel_too(trained_project: Project, tmp_path: Path) -> None:
    names = ("TT", "WT", "DS")
    path = figure(
        trained_project.folder, [PanelSpec("map", plane=names)], tmp_path / "a.pdf", device="cpu"
    )
    assert json.loads(note_in(path))["panels"][0]["plane"] == list(names)
    text = PdfReader(path).pages[0].extract_text().replace("\n", " ")
    assert "ternary plane 1" in text and "Axes in standard deviations within a condition." in text
    assert text.index("TT") < text.index("WT") < text.index("DS")  # the legend


@pytest.mark.parametrize("plane", [(), ("TT", "WT", "DS")])
def test_a_map_shows_where_an_image_was_moved_and_how_it_is_read(
    trained_project: Project, specs: dict[str, PanelSpec], plane: tuple[str, ...]
) -> None:
    moved = replace(specs["path"], kind="map", plane=plane, strength=0.6)
    panel = _PanelMaker(trained_project, "cpu").make(moved)
    session = _PanelMaker(trained_project, "cpu").session
    result = session.move(Move(moved.record_id, Mix(moved.weights, 0.6)))
    read = trained_project.dataset.condition_names[int(result.probabilities.argmax())]
    assert (
        f"Ring: {moved.record_id} (DS). Cross: moved to WT, strength 0.6, read as {read}."
        in panel.moved.words
    )
    start = session.map.position_of(moved.record_id, plane)
    assert panel.moved.start == start
    landing = session.map.view(plane)[2].places(result.coordinates) if plane else result.xy
    assert panel.moved.landing == pytest.approx(tuple(landing))
    axes = sheet([panel]).subfigs[0].axes[0]
    drawn = [line.get_xydata() for line in axes.lines if line.get_linestyle() == "-"]
    assert len(drawn) == len(panel.moved.lines)
    assert all(np.allclose(a, b) for a, b in zip(drawn, panel.moved.lines, strict=True))
    labels = {text.get_text() for text in axes.texts}
    assert labels <= set(panel.decision.conditions) and labels
    colours = {c.name: c.colour for c in panel.conditions}
    for place, colour in panel.moved.crossings:
        (region,) = regions_at(panel.decision, [place])
        assert colours[region] == colour
    assert "read as" in axes.get_title(loc="left").replace("\n", " ")


def test_a_plane_is_for_maps_only() -> None:
    (spec,) = panel_specs(None, "map", "r1", "WT", 0.5, ("WT", "DS", "TT"))
    assert spec.plane == ("WT", "DS", "TT") and spec.record_id == "r1" and spec.strength == 0.5
    with pytest.raises(LeighError, match="--plane goes with --panel map"):
        panel_specs(None, "path", "r1", "WT", 1.0, ("WT", "DS", "TT"))


def test_difference_maps_share_one_symmetric_scale(
    trained_project: Project, specs: dict[str, PanelSpec]
) -> None:
    from core.counterfactual.engine import Engine

    session = Engine(trained_project.folder, "cpu")
    spec = specs["counterfactual"]
    result = session.move(Move(spec.record_id, Mix(spec.weights)))
    panel = CounterfactualPanel("", session.card.channels, session.card, result, 0.65)
    images = [image for ax in sheet([panel]).subfigs[0].axes for image in ax.images]
    limits = {image.get_clim() for image in images[2:5]}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low == -high and high == pytest.approx(difference_limit(result.difference))
    for image, change in zip(images[2:5], result.difference, strict=True):
        assert np.array_equal(np.asarray(image.get_array()), change)


def test_the_difference_limit_is_never_zero_and_no_single_pixel_rules_it() -> None:
    assert difference_limit(np.zeros((2, 8, 8))) > 0
    change = np.full((1, 100, 100), -3.0)
    change[0, 0, 0] = 900
    assert difference_limit(change) == pytest.approx(3)


def test_a_composite_adds_channels_in_their_own_colours() -> None:
    from core.domain import Channel

    image = np.array([[[0.0, 10.0, 20.0]], [[5.0, 5.0, 5.0]]])
    colours = (Channel("a", "#FF0000"), Channel("b", "#0000FF"))
    shown = composite(image, colours, (0.0, 0.0), (10.0, 10.0))
    assert np.allclose(shown, [[[0, 0, 0.5], [1, 0, 0.5], [1, 0, 0.5]]])


def test_several_panels_go_on_one_sheet(
    trained_project: Project, specs: dict[str, PanelSpec], tmp_path: Path
) -> None:
    reported = []
    path = figure(
        trained_project.folder,
        [*specs.values()],
        tmp_path / "a.pdf",
        device="cpu",
        progress=reported.append,
    )
    reader = PdfReader(path)
    assert len(reader.pages) == 1
    text = reader.pages[0].extract_text()
    for words in ("Original", "Map agrees", "Strength toward WT", "Predicted"):
        assert words in text
    assert [p["kind"] for p in json.loads(note_in(path))["panels"]] == [*specs]
    assert reported[-1].done == reported[-1].total


def test_no_words_of_a_sheet_overlap_or_leave_it(
    trained_project: Project, specs: dict[str, PanelSpec]
) -> None:
    from matplotlib.axis import Axis
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    maker = _PanelMaker(trained_project, "cpu")
    blend = replace(specs["counterfactual"], weights={"WT": 0.6, "TT": 0.4}, strength=1.4)
    title = "A title of the usual length for a panel of the paper"
    panels = [maker.make(replace(s, title=title)) for s in (*specs.values(), blend)]
    for crossing in (0.02, 0.5, 0.98):
        panels.append(replace(panels[2], path=replace(panels[2].path, crossing=crossing)))
    drawn = sheet(panels)
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    hidden = set()  # labels of ticks beyond the ends of an axis are never drawn
    for axis in drawn.findobj(Axis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            hidden |= {tick.label2} | (set() if low <= tick.get_loc() <= high else {tick.label1})
    texts = [
        t
        for t in drawn.findobj(Text)
        if t not in hidden and t.get_visible() and t.get_text().strip()
    ]
    shown = [(t.get_text(), t.get_window_extent(canvas.get_renderer())) for t in texts]
    assert len(shown) > 30
    page = drawn.bbox
    for words, box in shown:
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1, f"{words!r} leaves the sheet"
        assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, f"{words!r} leaves the sheet"
    for n, (words, box) in enumerate(shown):
        for others, other in shown[n + 1 :]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            down = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 1 or down <= 1, f"{words!r} overlaps {others!r}"


def test_unknown_endings_and_kinds_are_refused_and_nothing_is_written(
    trained_project: Project, specs: dict[str, PanelSpec], tmp_path: Path
) -> None:
    for name in ("a.jpg", "a"):
        with pytest.raises(LeighError, match=r"\.pdf, \.svg, \.png or \.tif"):
            figure(trained_project.folder, [specs["map"]], tmp_path / name, device="cpu")
    with pytest.raises(LeighError, match="pie is not a kind of panel"):
        figure(
            trained_project.folder,
            [replace(specs["path"], kind="pie")],
            tmp_path / "a.pdf",
            device="cpu",
        )
    with pytest.raises(LeighError, match="needs a record and a target"):
        figure(trained_project.folder, [PanelSpec("path")], tmp_path / "a.pdf", device="cpu")
    with pytest.raises(LeighError, match="No panel"):
        figure(trained_project.folder, [], tmp_path / "a.pdf", device="cpu")
    assert not list(tmp_path.iterdir())


def test_a_map_of_another_model_is_not_drawn(
    trained_project: Project, tmp_path: Path, copy_of: Copy
) -> None:
    from core.io.project import latents_path
    from core.io.tables import load_latents, save_latents

    project = copy_of(trained_project)
    latents = load_latents(latents_path(project))
    save_latents(latents_path(project), replace(latents, model_digest="another"))
    with pytest.raises(LeighError, match="leigh map"):
        figure(project.folder, [PanelSpec("map")], tmp_path / "a.pdf", device="cpu")


def test_panels_saved_by_the_window_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "panels.json"
    path.write_text(
        '[{"kind": "path", "record_id": "r", "weights": {"WT": 1.0}, "title": "ä"}]',
        encoding="utf-8",
    )
    assert panel_specs(path, None, None, None, 1.0) == [
        PanelSpec("path", "r", {"WT": 1.0}, 1.0, "ä")
    ]
    for wrong in ("{", '[{"colour": 1}]', '{"a": 1}', "[1]"):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(LeighError, match="no panel list"):
            panel_specs(path, None, None, None, 1.0)


def test_a_legend_names_every_condition_whatever_it_is_called(trained_project: Project) -> None:
    panel = _PanelMaker(trained_project, "cpu").make(PanelSpec("map"))
    odd = ("_ctrl", "a name of a condition that does not end", *panel.decision.conditions[2:])
    named = replace(panel, decision=replace(panel.decision, conditions=odd, rough=True))
    axes = sheet([named]).subfigs[0].axes[0]
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert shown[:2] == ["_ctrl", "a name of a condition t…"] and len(shown) == len(odd)
    assert "Rough regions" in axes.get_title(loc="left")


@pytest.mark.parametrize("strength", [-1.0, 5.1, float("nan")])
def test_no_panel_is_drawn_of_an_impossible_strength(
    trained_project: Project, specs: dict[str, PanelSpec], strength: float
) -> None:
    maker = _PanelMaker(trained_project, "cpu")
    for kind in ("map", "counterfactual"):
        with pytest.raises(LeighError, match="is not between 0 and 5"):
            maker.make(replace(specs["path"], kind=kind, strength=strength))
    with pytest.raises(LeighError, match="a map needs a record and a target"):
        maker.make(PanelSpec("map", weights={"WT": 1.0}))


@pytest.mark.parametrize(
    "wrong", [{"strength": "1"}, {"weights": ["WT"]}, {"weights": {"WT": "1"}}, {"plane": "WT"}]
)
def test_specs_of_the_wrong_kind_are_refused_by_name(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    path = tmp_path / "specs.json"
    path.write_text(json.dumps([{"kind": "map", **wrong}]), encoding="utf-8")
    with pytest.raises(LeighError, match=next(iter(wrong))):
        panel_specs(path, None, None, None, 1.0)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(LeighError, match="--specs describes all of its panels"):
        panel_specs(path, "map", None, None, 1.0)
