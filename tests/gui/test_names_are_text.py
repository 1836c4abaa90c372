"""Names from files are text: no tooltip and no label of the window reads them as markup."""

import ast
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from gui_stand_in import make_project
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QLabel, QMessageBox, QWidget
from screen_stand_in import make_screen

from core.domain import Mix, Move, PanelSpec, Precision, Project
from core.io.models import load_card, save_card
from core.io.project import create_project, latents_path, maps_folder, model_folder, save_project
from core.io.screens import SCREEN_FOLDER, save_screen
from core.io.tables import load_latents, load_map, save_latents, save_map
from leigh_gui.widgets.common.look import tip

GUI = Path(__file__).parents[2] / "leigh_gui"
IMAGE, BOLD = '<img src="file:///leigh/{}.png">', "<b>{}</b>"


def hostile_project(folder: Path, markup: str, *, wells: bool) -> Project:
    """A project in which every name is markup."""

    def evil(name: str) -> str:
        return markup.format(name)

    former = make_project(folder)
    data = former.dataset
    assert data is not None
    records = tuple(
        replace(
            r,
            id=evil(r.id),
            condition=evil(r.condition),
            group=evil(r.group),
            plate=evil("P"),
            well=evil(r.well) if wells else r.well,
        )
        for r in data.records
    )
    conditions = tuple(replace(c, name=evil(c.name)) for c in data.conditions)
    channels = tuple(replace(c, name=evil(c.name)) for c in data.channels)
    problems = tuple(
        replace(p, item=evil(p.item), reason=evil(p.reason), remedy=evil(p.remedy))
        for p in data.problems
    )
    dataset = replace(
        data, records=records, conditions=conditions, channels=channels, problems=problems
    )
    panels = tuple(
        PanelSpec(kind, evil("WT_B02_s1"), {evil("WT"): 1.0}, 1.0, title=title)
        for kind, title in (("counterfactual", evil("Figure")), ("image", ""))
    )
    project = create_project(folder / "hostile", dataset, evil("Plate"))
    project = replace(project, model=evil("net"), panels=panels)
    card = load_card(model_folder(former, former.model))
    names = tuple(c.name for c in conditions)
    split = {evil(group): part for group, part in card.split.items()}
    card = replace(card, name=evil("net"), conditions=conditions, channels=channels, split=split)
    save_card(model_folder(project, project.model), card)
    ids = tuple(r.id for r in records)
    latents = load_latents(latents_path(former))
    save_latents(latents_path(project), replace(latents, record_ids=ids, conditions=names))
    projection, decision = load_map(maps_folder(former))
    save_map(
        maps_folder(project),
        replace(projection, record_ids=ids),
        replace(decision, conditions=names),
    )
    save_project(project)
    screen = make_screen(former)
    screen = replace(
        screen,
        ranked=tuple(
            replace(r, condition=evil(r.condition), compound=evil(r.compound))
            for r in screen.ranked
        ),
        wells=tuple(
            replace(
                w, condition=evil(w.condition), plate=evil("P"),
                record_ids=tuple(map(evil, w.record_ids)), group=evil(w.group),
            )
            for w in screen.wells
        ),
        channels=tuple(map(evil, screen.channels)),
        plate_shapes={evil("P"): (8, 12)},
        healthy=evil("WT"), diseased=evil("DS"), notes=tuple(map(evil, screen.notes)),
        doses=tuple(replace(d, compound=evil(d.compound)) for d in screen.doses),
        unrepaired=tuple(
            replace(u, condition=evil(u.condition), channel=evil(u.channel))
            for u in screen.unrepaired
        ),
        audit=tuple(replace(f, warning=evil(f.warning)) for f in screen.audit),
        dataset_digest=dataset.digest,
    )  # fmt: skip
    (project.folder / SCREEN_FOLDER).mkdir(parents=True, exist_ok=True)
    save_screen(project.folder / SCREEN_FOLDER, screen)
    return project


def cells(view: QAbstractItemView) -> list[str]:
    """All tooltips of a table, with those of its headings."""
    model, role = view.model(), Qt.ItemDataRole.ToolTipRole
    if model is None:
        return []
    found = []
    for column in range(20):
        found.append(model.headerData(column, Qt.Orientation.Horizontal, role))
        found += [model.index(row, column).data(role) for row in range(50)]
    return [str(text) for text in found if text]


def markup_in(window: QWidget) -> list[str]:
    """Every text of the window that Qt would read as markup made from names."""
    tooltips = [w.toolTip() for w in window.findChildren(QWidget)]
    tooltips += [a.toolTip() for a in window.findChildren(QAction)]
    for view in window.findChildren(QAbstractItemView):
        tooltips += cells(view)
    wrong = [text for text in tooltips if Qt.mightBeRichText(text) and tip(plain_of(text)) != text]
    for label in [*window.findChildren(QLabel), *window.findChildren(QMessageBox)]:
        rich = label.textFormat() != Qt.TextFormat.PlainText
        if rich and Qt.mightBeRichText(label.text()):
            wrong.append(label.text())
    return wrong


def plain_of(text: str) -> str:
    """What `tip` was given."""
    inner = text.removeprefix("<qt>").removesuffix("</qt>").replace("<br>", "\n")
    return unescape(inner)


@pytest.mark.parametrize(("markup", "wells"), [(IMAGE, False), (IMAGE, True), (BOLD, True)])
def test_names_that_are_markup_stay_text_on_every_page(
    window, qtbot, tmp_path: Path, markup: str, wells: bool
) -> None:
    project = hostile_project(tmp_path / "data", markup, wells=wells)
    window.client.start()
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.client.ready, timeout=30_000)
    seen = 0
    for page in ("data", "train", "explore", "compare", "screen", "figure", "start"):
        window.go(page)
        qtbot.wait(300)
        if page == "explore":
            name = markup.format("DS_C02_s1")
            move = Move(name, Mix({markup.format("WT"): 1.0}, 1.0), precision=Precision.EXACT)
            window.state.change_view("Image", selection=(name,), move=move)
            qtbot.wait(1200)
        assert markup_in(window) == []
        seen += sum(markup[:3] in unescape(w.toolTip()) for w in window.findChildren(QWidget))
    assert seen > 10
    assert window.state.opened.card is not None


def test_a_tooltip_keeps_its_words_and_lines() -> None:
    assert tip("plain < 3 & 4") == "plain < 3 & 4"
    assert tip("<b>x</b> & y\nz") == "<qt>&lt;b&gt;x&lt;/b&gt; &amp; y<br>z</qt>"
    assert plain_of(tip('<img src="a">\n&lt;')) == '<img src="a">\n&lt;'


def is_fixed(text: ast.expr) -> bool:
    """Whether an argument holds no text from files, or went through `tip`."""
    if isinstance(text, ast.IfExp):
        return is_fixed(text.body) and is_fixed(text.orelse)
    if isinstance(text, ast.BoolOp):
        return all(map(is_fixed, text.values))
    if isinstance(text, ast.Subscript):
        return is_fixed(text.value)
    if isinstance(text, ast.Call):
        return ast.unparse(text.func) == "tip"
    return isinstance(text, ast.Constant) or (isinstance(text, ast.Name) and text.id.isupper())


def calls() -> list[tuple[str, ast.Call]]:
    return [
        (f"{path.relative_to(GUI)}:{node.lineno}", node)
        for path in sorted(GUI.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]


def test_every_tooltip_is_fixed_or_escaped() -> None:
    wrong = []
    for place, call in calls():
        name = ast.unparse(call.func)
        text = call.args[1] if name == "QToolTip.showText" else call.args[-1] if call.args else None
        if name.endswith((".setToolTip", ".showText", ".setWhatsThis")) and not is_fixed(text):
            wrong.append(f"{place} {ast.unparse(call)}")
    assert not wrong, "\n".join(wrong)


def test_labels_with_text_are_made_in_one_place_and_boxes_hold_fixed_text() -> None:
    wrong = []
    for place, call in calls():
        name = ast.unparse(call.func)
        texts = call.args if name in ("QLabel", "QMessageBox", "QErrorMessage") else []
        texts = [t for t in texts if not isinstance(t, ast.Attribute)]
        if place.startswith("widgets/common/look.py"):
            continue
        if not all(map(is_fixed, texts)) or name.endswith((".setHtml", ".setTextFormat")):
            wrong.append(f"{place} {ast.unparse(call)}")
    allowed = "widgets/common/elided_label.py"
    assert not [w for w in wrong if not w.startswith(allowed)], "\n".join(wrong)
