"""`leigh bench drag`: the real window, real mouse events on the map, and the moment each picture is
painted.

A plate of the demo's conditions in fields of 64 pixels is made, the demo's model is put to it, and
the handle of one diseased image is dragged to and fro between its place and the healthy region, one
event every 1/60 s.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.errors import LeighError
from core.synthetic.plate import PlateOptions

SIDE, WELLS = 64, 4
LONGEST_S = 300


def bench_drag(events: int = 240) -> dict[str, Any]:
    """Keys of the contract: events, p50_ms, p99_ms, max_gap_ms, answers_shown, late_dropped; and
    ticks_per_second.

    Milliseconds from the mouse event to the paint of its picture; the gap is the longest while
    without a new one. "drafts" are those answers that were rough; "rest_ms" is how long a handle
    that rests waits for its exact picture.
    """
    with TemporaryDirectory() as folder:
        project = small_project(Path(folder) / "project")
        command = [sys.executable, "-m", "benchmarks.drag_window", str(project), str(events)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
        if done.returncode:
            said = done.stderr.strip() or "It said nothing."
            raise LeighError("The window could not be measured.", said.splitlines()[-1])
        out: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return out | {"side": SIDE}


def small_project(folder: Path) -> Path:
    """Fields of SIDE pixels under the demo's conditions, with the demo's model and a map of their
    own.
    """
    from dataclasses import replace

    from core import encode, make_map
    from core.io.project import model_folder, open_project, save_project
    from core.io.resources import resource
    from core.synthetic.cells import DEMO_PHENOTYPES
    from core.synthetic.plate import write_plate
    from core.workflows.scan import scan

    write_plate(
        folder / "images", DEMO_PHENOTYPES, PlateOptions(wells=WELLS, fields=2, size=SIDE, seed=77)
    )
    scan(folder / "images", folder)
    demo = open_project(resource("demo"))
    shutil.copytree(
        model_folder(demo, demo.model), folder / "models" / demo.model, dirs_exist_ok=True
    )
    save_project(replace(open_project(folder), model=demo.model))
    encode(folder)
    make_map(folder)
    return folder
