"""The verb `leigh synth`: write synthetic cultures with known truth."""

import argparse

from core.cli.arguments import Result, path_option
from core.errors import LeighError
from core.progress import Report
from core.synthetic.plate import PlateOptions
from core.synthetic.screen import ScreenPlanOptions

HELP = "Write a plate of synthetic cultures with its truth."

SCREEN_OPTIONS = (
    "plates", "treatments", "plate_wells", "variation", "edge_effect", "batch_effect",
    "background_effect", "columns",
    "perimeter_free", "without_cells", "without_images",
)  # fmt: skip


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    p.add_argument("--out", type=path_option, required=True, metavar="DIR")
    p.add_argument(
        "--conditions",
        nargs="+",
        metavar="NAME",
        help="default WT DS TT 'Drug A' 'Drug B' 'Drug C'",
    )
    p.add_argument("--wells", type=int, metavar="N", help="per condition; default 8")
    p.add_argument("--fields", type=int, default=4, help="per well")
    p.add_argument("--size", type=int, default=128, help="pixels")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument(
        "--screen",
        action="store_true",
        help="a drug screen on whole plates, with known truth",
    )
    screen = p.add_argument_group("with --screen")
    screen.add_argument("--plates", type=int, metavar="N", help="default 3")
    screen.add_argument(
        "--treatments", type=int, metavar="N", help="a compound counts once per dose; default 24"
    )
    screen.add_argument("--plate-wells", type=int, choices=(24, 96, 384, 1536), help="default 96")
    screen.add_argument(
        "--variation", type=float, metavar="V", help="between wells of one treatment; default 1"
    )
    screen.add_argument(
        "--edge-effect", type=float, metavar="E", help="share that wells at the edge lose"
    )
    screen.add_argument(
        "--batch-effect", type=float, metavar="B", help="spread of the logarithm of plate gains"
    )
    screen.add_argument(
        "--background-effect",
        type=float,
        metavar="G",
        help="background differs by up to G grey values between conditions",
    )
    screen.add_argument(
        "--columns", action="store_true", default=None, help="treatments in blocks of columns"
    )
    screen.add_argument(
        "--perimeter-free",
        action="store_true",
        default=None,
        help="leave the outermost wells empty",
    )
    screen.add_argument(
        "--without-cells", type=int, metavar="N", help="wells per plate without cells"
    )
    screen.add_argument(
        "--without-images", type=int, metavar="N", help="wells per plate without images"
    )


def run(a: argparse.Namespace, report: Report) -> Result:
    """Write a synthetic plate, or a whole synthetic screen."""
    from core.synthetic.plate import parse_conditions, write_plate

    if a.screen:
        return _synth_screen(a, report)
    if given := next((n for n in SCREEN_OPTIONS if getattr(a, n) is not None), None):
        raise LeighError(
            f"--{given.replace('_', '-')} belongs to a synthetic screen.",
            "Add --screen or leave it out.",
        )
    phenotypes = parse_conditions(a.conditions or ["WT", "DS", "TT", "Drug A", "Drug B", "Drug C"])
    wells = 8 if a.wells is None else a.wells
    write_plate(
        a.out,
        phenotypes,
        PlateOptions(wells=wells, fields=a.fields, size=a.size, seed=a.seed),
        report=report,
    )
    images = len(phenotypes) * wells * a.fields
    return {
        "out": str(a.out),
        "images": images,
        "text": f"{images} images, plate_map.csv and truth.csv are in {a.out}",
    }


def _synth_screen(a: argparse.Namespace, report: Report) -> Result:
    from core.synthetic.screen import plan_screen, write_screen

    if given := next((n for n in ("conditions", "wells") if getattr(a, n) is not None), None):
        raise LeighError(
            f"--{given} does not go with --screen: a screen draws its own treatments and fills"
            " whole plates.",
            "Leave it out, or give --treatments N and --plate-wells N.",
        )
    chosen = {name: getattr(a, name) for name in SCREEN_OPTIONS if getattr(a, name) is not None}
    plan = plan_screen(ScreenPlanOptions(fields=a.fields, size=a.size, seed=a.seed, **chosen))
    write_screen(a.out, plan, report)
    treatments = len(plan.treatments) - 2  # without the controls
    text = (
        f"{plan.images} images of {len(plan.wells)} wells and {treatments} treatments are in"
        f" {a.out}\n"
        f"Read them: leigh scan {a.out / 'images'} --plate-map {a.out / 'plate_map.csv'}"
        " --condition-from plate-map --project DIR\n"
        "The truth is in truth.csv (treatments) and wells.csv."
    )
    return {
        "out": str(a.out),
        "images": plan.images,
        "wells": len(plan.wells),
        "treatments": treatments,
        "text": text,
    }
