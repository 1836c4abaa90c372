"""A project is shown as it was left: image, move, map, locks, contrast, page, tab, splitters."""

import json
import shutil
from dataclasses import replace

import pytest
from gui_stand_in import make_project
from PySide6.QtCore import QPoint, Qt

from core.domain import MapPosition, Mix
from core.io.project import open_project, save_project
from core.io.resources import resource
from leigh_gui.project_memory import KEY
from leigh_gui.view import View

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def start(themed, qtbot, tmp_path):
    """Opens the window, each time as a new start of the program; the one before is closed."""
    from leigh_gui.errors import ErrorBus
    from leigh_gui.main_window import MainWindow
    from leigh_gui.services.inference_client import InferenceClient
    from leigh_gui.settings import Settings

    made = []

    def window(engine="gui_stand_in:StandInEngine"):
        for earlier in made:
            earlier.close()
        client = InferenceClient(engine=engine) if engine else None
        window = MainWindow(Settings(tmp_path / "settings.ini"), ErrorBus(), client)
        qtbot.addWidget(window)
        window.resize(1366, 768)
        with qtbot.waitExposed(window):
            window.show()
        made.append(window)
        return window

    yield window
    made[-1].close()


def opened(window, folder, qtbot):
    """The window with the project, settled."""
    window.commands.open(folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=120_000)
    settled(window, qtbot)
    return window


def settled(window, qtbot):
    def still():
        control = window.control
        return not control.is_pending() and not window.client.busy()

    qtbot.waitUntil(still, timeout=120_000)


def drag(qtbot, widget, start, end, steps=8):
    """A drag with the mouse, in pixels of the widget."""
    qtbot.mousePress(widget, LEFT, pos=start)
    for k in range(1, steps + 1):
        qtbot.mouseMove(widget, start + (end - start) * (k / steps), delay=12)
    qtbot.mouseRelease(widget, LEFT, pos=end)


def click_action(qtbot, menu, action):
    """Choose an entry of an open menu with the mouse."""
    menu.popup(QPoint(50, 50))
    qtbot.waitUntil(menu.isVisible, timeout=3000)
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())


def kept(tmp_path, folder):
    from leigh_gui.settings import Settings

    return json.loads(Settings(tmp_path / "settings.ini").text(KEY))[str(folder)]


def write_kept(tmp_path, folder, **parts):
    from leigh_gui.settings import Settings

    Settings(tmp_path / "settings.ini").set_text(KEY, json.dumps({str(folder): parts}))


def look_of(window):
    """Everything that must come back."""
    page, state = window.explore(), window.state
    return {
        "view": state.view,
        "mix": ({n: round(w, 3) for n, w in state.mix.weights}, round(state.mix.strength, 3)),
        "handle": tuple(round(float(v), 3) for v in page.map.overlay.handle),
        "contrast": [(c.name, c.colour, c.visible, c.low, c.high) for c in state.display],
        "automatic": page.picture.readings.channels.auto.isChecked(),
        "lock": page.picture.readings.lock.text(),
        "large": page.picture.differences.chosen,
        "grey": page.picture.single.isChecked(),
        "tab": page.tabs.currentIndex(),
        "sizes": (page.split.sizes(), page.left.sizes()),
    }


def arrange(window, qtbot):
    """Move with the mouse: pick, drag, lock, contrast, stain, tab, splitter."""
    page = window.explore()
    window.control.gestures.step(1)
    settled(window, qtbot)
    decision = page.map_panel.decision
    goal = decision.anchors[decision.conditions.index("WT")]
    at = page.map.screen_of(*page.map.overlay.handle).toPoint()
    drag(qtbot, page.map, at, page.map.screen_of(*map(float, goal)).toPoint())
    settled(window, qtbot)
    lock = page.picture.readings.lock
    free = next(action for action in lock.channels.values() if not action.isChecked())
    click_action(qtbot, lock.menu(), free)
    bar = page.picture.readings.channels
    slider = bar.sliders[1]
    centre = slider.rect().center()
    qtbot.mouseClick(slider, LEFT, pos=QPoint(slider.width() // 3, centre.y()))
    bar.sliders[1].setValue((111, 444))
    page.picture.differences.choose(1)
    qtbot.mouseClick(page.picture.single, LEFT)
    handle = page.split.handle(1)
    middle = handle.rect().center()
    drag(qtbot, handle, middle, middle + QPoint(-60, 0))
    bar_of_tabs = page.tabs.tabBar()
    qtbot.mouseClick(bar_of_tabs, LEFT, pos=bar_of_tabs.tabRect(2).center())
    settled(window, qtbot)


def test_everything_is_as_it_was_left_at_the_next_start(start, project, qtbot):
    window = opened(start(), project.folder, qtbot)
    arrange(window, qtbot)
    before = look_of(window)
    assert before["view"].position is not None and before["view"].move.locked
    assert before["tab"] == 2 and before["grey"] and not before["automatic"]
    qtbot.mouseClick(window.top.buttons["compare"], LEFT)
    assert window.current_page() == "compare"
    stored = (project.folder / "project.json").read_bytes()
    again = opened(start(), project.folder, qtbot)
    qtbot.waitUntil(lambda: again.current_page() == "compare", timeout=8000)
    qtbot.mouseClick(again.top.buttons["explore"], LEFT)
    settled(again, qtbot)
    assert look_of(again) == before
    assert again.state.undo.count() == 0 and not again.isWindowModified()
    assert (project.folder / "project.json").read_bytes() == stored


def test_the_demo_is_as_it_was_left(start, qtbot, tmp_path):
    if not (resource("demo") / "project.json").exists():
        pytest.skip("the demo has not been built into resources/ yet")
    folder = tmp_path / "demo"
    shutil.copytree(resource("demo"), folder)
    window = opened(start(engine=""), folder, qtbot)
    arrange(window, qtbot)
    before = look_of(window)
    assert before["mix"][0].get("WT") and before["mix"][1] != 0
    again = opened(start(engine=""), folder, qtbot)
    assert again.current_page() == "explore"
    assert look_of(again) == before


def test_two_projects_have_their_own_splitters_contrast_and_tab(start, project, qtbot, tmp_path):
    other = make_project(tmp_path / "other", wells=2, fields=1)
    window = opened(start(), project.folder, qtbot)
    arrange(window, qtbot)
    before = look_of(window)
    window.commands.open(other.folder)
    qtbot.waitUntil(
        lambda: window.state.project.folder == other.folder and bool(window.state.view.current),
        timeout=20_000,
    )
    settled(window, qtbot)
    page = window.explore()
    assert window.state.view.move.locked is None and window.state.mix.strength == 0
    page.tabs.setCurrentIndex(0)
    drag(qtbot, page.split.handle(1), QPoint(3, 200), QPoint(143, 200))
    assert look_of(window)["sizes"] != before["sizes"]
    opened(window, project.folder, qtbot)
    qtbot.waitUntil(lambda: window.state.project.folder == project.folder, timeout=8000)
    settled(window, qtbot)
    assert look_of(window) == before


def test_a_project_that_is_read_only_comes_back_too(start, project, qtbot):
    from core.io.lock import ProjectLock

    window = opened(start(), project.folder, qtbot)
    window.control.gestures.move_to("TT")
    settled(window, qtbot)
    window.close()
    with ProjectLock(project.folder):
        again = opened(start(), project.folder, qtbot)
        assert again.state.opened.read_only
        assert dict(again.state.mix.weights) == {"TT": 1.0} and again.state.mix.strength == 1
        assert not again.isWindowModified()


def view_words(project, **changes):
    record = next(r.id for r in project.dataset.records if r.condition == "DS")
    return {
        "image": record,
        "selection": [record],
        "weights": {"TT": 1.0},
        "strength": 0.5,
        "position": None,
        "locked": ["Nuclei"],
        "plane": [],
        "chosen": True,
        "model": "digest",
        **changes,
    }


def test_what_fits_no_longer_is_dropped_and_the_rest_comes_back(start, project, qtbot, tmp_path):
    raised = []
    cases = (
        ({"image": "gone", "selection": ["gone", 3]}, {"image"}),
        ({"weights": {"Renamed": 1.0}}, {"weights"}),
        ({"locked": ["Renamed"]}, {"locked"}),
        ({"plane": ["WT", "DS", "Renamed"]}, {"plane"}),
        ({"position": [0.5, 0.5], "model": "trained again"}, set()),
    )
    for changes, dropped in cases:
        write_kept(tmp_path, project.folder, view=view_words(project, **changes))
        window = start()
        window.backstage.bus.raised.connect(lambda *words: raised.append(words))
        opened(window, project.folder, qtbot)
        view, words = window.state.view, view_words(project)
        assert view.current and (view.current == words["image"] or "image" in dropped)
        assert (window.state.mix == Mix({"TT": 1.0}, 0.5)) == ("weights" not in dropped)
        assert (view.move.locked == ("Nuclei",)) == ("locked" not in dropped)
        assert (view.plane == ()) == ("plane" not in dropped)
        assert view.position is None
        window.close()
    assert raised == []


ODD = (None, 3, "x", [], {}, [None], {"a": None}, float("nan"), 10**400, True, [[1]], "\x00")


def test_settings_of_any_content_never_raise(start, project, qtbot, tmp_path):
    raised = []
    window = start()
    window.backstage.bus.raised.connect(lambda *words: raised.append(words))
    memory = window.backstage.memory
    for odd in ODD:
        parts = dict.fromkeys(
            ("view", "page", "stains", "large-stain", "in-grey", "splitters", "tabs"), odd
        )
        rows = [{"name": "Nuclei", "low": odd, "high": odd, "floor": odd, "colour": odd}]
        inner = {
            "view": dict.fromkeys(view_words(project), odd),
            "splitters": {"explore-map": odd},
            "tabs": {"explore": odd, "data": odd},
            "stains": {"stains": rows, "auto": False, "locked": odd},
        }
        for content in (parts, inner):
            memory.settings.set_text(KEY, json.dumps({str(project.folder): content}))
            window.state.opened, memory._folder = None, None  # as when the window starts
            window.state.view, window.state.display = View(), ()
            window.commands.open(project.folder)
            qtbot.waitUntil(lambda: bool(window.state.view.current), timeout=20_000)
    assert raised == []


def test_a_position_on_the_map_is_of_the_model_that_drew_it(start, project, qtbot, tmp_path):
    plane = ["WT", "DS", "TT"]
    words = view_words(project, position=[0.4, 0.3], plane=plane, chosen=False)
    write_kept(tmp_path, project.folder, view=words)
    window = opened(start(), project.folder, qtbot)
    assert window.state.view.move.goal == MapPosition((0.4, 0.3), tuple(plane))
    assert window.explore().map.overlay.handle == pytest.approx((0.4, 0.3))


def test_after_a_stain_was_renamed_the_others_keep_their_contrast(start, project, qtbot):
    window = opened(start(), project.folder, qtbot)
    bar = window.explore().picture.readings.channels
    bar.sliders[2].setValue((120, 333))
    window.close()
    data = open_project(project.folder)
    first, *rest = data.dataset.channels
    renamed = (replace(first, name="DNA"), *rest)
    save_project(replace(data, dataset=replace(data.dataset, channels=renamed)))
    again = opened(start(), project.folder, qtbot)
    shown = again.state.display[2]
    assert (shown.low, shown.high) == pytest.approx((120, 333))


def test_the_file_of_the_settings_stays_small_and_is_written_quickly(start, qtbot, tmp_path):
    project = make_project(tmp_path / "many", wells=2, fields=1)
    window = opened(start(), project.folder, qtbot)
    window.control.gestures.select(tuple(r.id for r in project.dataset.records))
    window.backstage.memory.write()
    assert (tmp_path / "settings.ini").stat().st_size < 20_000
    assert len(kept(tmp_path, project.folder)["view"]["selection"]) == len(project.dataset.records)
