"""Stories as a user lives them, with the real program behind the window."""

import subprocess
import sys

import pytest
from lab_folders import drop
from PySide6.QtCore import Qt

from core.io.resources import resource


def synthetic_plate(folder):
    """Real TIFFs from `leigh synth`."""
    command = [
        sys.executable,
        "-m",
        "core.cli.main",
        "synth",
        "--out",
        str(folder),
        "--conditions",
        "WT",
        "DS",
    ]
    subprocess.run(
        [*command, "--wells", "2", "--fields", "1", "--size", "64"], check=True, timeout=60
    )
    return folder


def test_a_dropped_folder_becomes_a_project_and_is_summed_up(real_window, qtbot, tmp_path):
    plate = synthetic_plate(tmp_path / "plate")
    drop(real_window, plate)
    qtbot.waitUntil(lambda: real_window.current_page() == "data", timeout=60_000)
    assert real_window.pages["data"].summary.text().startswith("2 conditions, 4 images, 4 wells")
    assert real_window.pages["data"].next.isEnabled()
    real_window.pages["data"].next.click()
    assert real_window.current_page() == "train"


def test_a_folder_without_images_is_told_in_words(real_window, qtbot, tmp_path):
    (tmp_path / "empty").mkdir()
    real_window.commands.open(tmp_path / "empty")
    qtbot.waitUntil(real_window.error_bar.isVisible, timeout=60_000)
    assert real_window.current_page() == "start"
    assert not real_window.backstage.runner.running()


def test_demo_drag_to_wild_type_and_export_a_pdf(real_window, qtbot, tmp_path):
    if not (resource("demo") / "project.json").exists():
        pytest.skip("the demo has not been built into resources/ yet")
    real_window.pages["start"].demo.click()
    qtbot.waitUntil(lambda: real_window.state.counterfactual is not None, timeout=120_000)
    page = real_window.explore()
    record = real_window.state.record(real_window.state.view.current)
    assert record.condition == "DS"
    names = [c.name for c in real_window.state.conditions()]
    decision = page.map_panel.decision
    assert decision.conditions == ("WT", "DS", "TT")  # the plane in hand
    goal = decision.anchors[decision.conditions.index("WT")]
    at = page.map.screen_of(*page.map.overlay.handle).toPoint()
    to = page.map.screen_of(float(goal[0]), float(goal[1])).toPoint()
    qtbot.mousePress(page.map, Qt.MouseButton.LeftButton, pos=at)
    for k in range(1, 13):
        qtbot.mouseMove(page.map, at + (to - at) * (k / 12), delay=15)
    qtbot.mouseRelease(page.map, Qt.MouseButton.LeftButton, pos=to)
    qtbot.waitUntil(
        lambda: real_window.state.mix.strength > 0.3 and not real_window.client.busy(),
        timeout=60_000,
    )
    result = real_window.state.counterfactual
    assert result.valid and names[int(result.probabilities.argmax())] == "WT"
    real_window.collector.add("counterfactual")
    real_window.go("figure")
    out = tmp_path / "figure.pdf"
    with qtbot.waitSignal(real_window.backstage.runner.finished, timeout=180_000):
        real_window.pages["figure"].export_to(out)
    assert out.read_bytes().startswith(b"%PDF")
