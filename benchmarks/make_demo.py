"""Make the embedded demo again: plate, trained model, latents, map and ranking.

Run `python -m benchmarks.make_demo [PRESET]`. The preset `standard` takes about 40 minutes on two
cores.
"""

import shutil
import sys

from core import make_map, screen, train
from core.figures.screen_report import write_report
from core.io.resources import resource
from core.io.screens import SCREEN_FOLDER, save_screen
from core.progress import Progress
from core.synthetic.cells import DEMO_PHENOTYPES
from core.synthetic.plate import PlateOptions, write_plate
from core.workflows.scan import scan

DEMO = resource("demo")
WELLS, FIELDS, SEED = 8, 5, 1


def make_demo(preset: str) -> None:
    """Write resources/demo; the old demo is removed first."""
    shutil.rmtree(DEMO, ignore_errors=True)
    write_plate(
        DEMO / "images", DEMO_PHENOTYPES, PlateOptions(wells=WELLS, fields=FIELDS, seed=SEED)
    )
    scan(DEMO / "images", DEMO)
    train(DEMO, preset=preset, seed=SEED, progress=_print)
    make_map(DEMO, seed=SEED, progress=_print)
    result, folder = screen(DEMO, progress=_print), DEMO / SCREEN_FOLDER
    folder.mkdir(parents=True)
    save_screen(folder, result)
    write_report(result, folder, _print)
    (DEMO / "project.json.bak").unlink()


def _print(progress: Progress) -> None:
    if progress.done % 200 == 0 or progress.done == progress.total:
        print(progress.what, progress.done, progress.total, progress.values, flush=True)


if __name__ == "__main__":
    make_demo(sys.argv[1] if len(sys.argv) > 1 else "standard")
