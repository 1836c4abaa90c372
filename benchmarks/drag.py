"""`leigh bench drag`: measure how fast the window answers real mouse events on the map.

A plate with the demo's conditions in fields of 64 pixels is made, with the demo's model. The handle
of one diseased image is dragged back and forth between its position and the healthy region, with
one event every 1/60 s.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.errors import LeighError
from core.isolation import child_environment
from core.synthetic.plate import PlateOptions

SIDE, WELLS = 64, 4
LONGEST_S = 300


def bench_drag(events: int = 1200) -> dict[str, Any]:
    """Measure a drag of `events` mouse events.

    Times are milliseconds from the mouse event to the painted image. `max_gap_ms` is the longest
    time without a new image. `turn_p99_ms` and `turn_max_ms` are processor time of the window's
    thread in one turn of its event loop, `loop_p99_ms` and `loop_max_ms` are the same by the clock,
    with 100,000 points on the map. `drafts` is the number of previews. `rest_ms` is the time that a
    resting handle waits for its image without preview.
    """
    with TemporaryDirectory() as folder:
        project = small_project(Path(folder) / "project")
        command = [sys.executable, "-m", "benchmarks.drag_window", str(project), str(events)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            env=child_environment(),
            check=False,
        )
        if done.returncode:
            output = done.stderr.strip() or "It printed nothing."
            raise LeighError("The window could not be measured.", output.splitlines()[-1])
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return figures | {"side": SIDE}


def small_project(folder: Path) -> Path:
    """A project with fields of SIDE pixels, the demo's model and its own map."""
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
