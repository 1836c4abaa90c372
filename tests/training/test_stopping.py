import json
import subprocess
from collections.abc import Callable, Sequence

import pytest
from safetensors import safe_open

from core.domain import Project
from core.io.models import load_card
from core.io.project import open_project
from core.training.checkpoint import CHECKPOINT

Leigh = Callable[[Sequence[object]], "subprocess.Popen[str]"]
WAIT_S = 500


def wait_for_step(process: "subprocess.Popen[str]", step: int) -> None:
    """Read progress lines until training has done `step`."""
    assert process.stderr is not None
    for line in process.stderr:
        reported = json.loads(line)["progress"] if line.startswith('{"progress"') else {}
        if reported.get("what") == "Training" and reported["done"] >= step:
            return
    pytest.fail("training ended before it could be disturbed")


@pytest.mark.slow
def test_a_killed_training_resumes_and_finishes(
    leigh: Leigh, copy_of: Callable, scanned_project: Project
) -> None:
    folder = copy_of(scanned_project).folder
    words = [
        "train",
        "--project",
        folder,
        "--preset",
        "standard",
        "--device",
        "cpu",
        "--progress",
        "json",
        "--json",
    ]
    process = leigh(words)
    wait_for_step(process, 20)
    process.kill()
    process.communicate()
    assert open_project(folder).model == ""  # nothing half-made is taken for a model

    again = leigh([*words, "--resume"])
    output, reported = again.communicate(timeout=WAIT_S)
    assert again.returncode == 0, reported
    steps = [
        json.loads(line)["progress"]["done"]
        for line in reported.splitlines()
        if '"what": "Training"' in line
    ]
    assert steps[0] >= 20  # it went on where it was
    assert json.loads(output.splitlines()[-1])["training"]["steps"] == 80
    model = folder / "models" / "iresnet"
    assert open_project(folder).model == "iresnet" and load_card(model).digest
    assert not list(model.glob("checkpoint*"))


@pytest.mark.slow
def test_the_line_stop_ends_training_with_a_resumable_checkpoint(
    leigh: Leigh, copy_of: Callable, scanned_project: Project
) -> None:
    folder = copy_of(scanned_project).folder
    process = leigh(
        ["train", "--project", folder, "--preset", "quick", "--device", "cpu", "--progress", "json"]
    )
    wait_for_step(process, 10)
    output, reported = process.communicate("stop\n", timeout=WAIT_S)
    assert process.returncode == 130
    assert output == "" and "kept" in reported.splitlines()[-1] and "Traceback" not in reported
    with safe_open(folder / "models" / "iresnet" / CHECKPOINT, framework="pt") as stored:
        state = json.loads(stored.metadata()["state"])
    assert 10 < state["step"] < 200
