"""The verb `leigh counterfactual`: move images, or recover a known change in copies of images."""

import argparse

from core.cli.arguments import PRESETS, SPLITS, Result, add_project, path_option
from core.domain import CHECKS
from core.errors import LeighError
from core.progress import Report

HELP = "Move images toward a condition."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p, device=True)
    p.add_argument("--to", metavar="CONDITION", help="needed unless --plant is given")
    p.add_argument(
        "--model",
        choices=("iresnet", "autoencoder", "variational-autoencoder"),
        help="default: the invertible network",
    )
    p.add_argument("--from", dest="source", metavar="CONDITION")
    p.add_argument("--record", nargs="+", metavar="ID")
    p.add_argument("--split", choices=SPLITS)
    p.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="move at most N of these images, evenly over the wells",
    )
    p.add_argument("--strength", type=float, help="0 is the original, 1 (default) the target")
    p.add_argument(
        "--hold",
        nargs="+",
        metavar="CHANNEL",
        help=("channels to lock, or 'none'; default 'auto': channels whose features do not differ"),
    )
    p.add_argument(
        "--plant",
        action="append",
        metavar="channel=NAME,factor=F",
        help=(
            "positive control: make this change (or channel=NAME,blur=PIXELS) in copies of the"
            " images of one condition, train, and report how much is recovered; can be repeated"
        ),
    )
    p.add_argument("--preset", choices=PRESETS, help="of the training for --plant")
    p.add_argument("--seed", type=int, help="of the training for --plant")
    p.add_argument("--out", type=path_option, required=True, metavar="DIR")


def run(a: argparse.Namespace, report: Report) -> Result:
    """Move images; with --plant, run the positive control."""
    from core.io.project import open_project
    from core.workflows.counterfactual import CounterfactualOptions, counterfactuals
    from core.workflows.records import RecordChoice

    if a.plant:
        return _planted(a, report)
    if a.to is None:
        raise LeighError(
            "The target condition is missing.",
            "Give --to CONDITION; or --plant for a positive control.",
        )
    _refuse(a, ("preset", "seed"), "It belongs to --plant; the model is trained already.")
    hold = None if a.hold is None or a.hold == ["auto"] else [n for n in a.hold if n != "none"]
    options = CounterfactualOptions(
        to=a.to,
        records=RecordChoice(a.source, a.record or (), a.split, a.limit),
        strength=1.0 if a.strength is None else a.strength,
        hold=hold,
        model=a.model or "iresnet",
        device=a.device,
    )
    rows, directions = counterfactuals(open_project(a.project), a.out, options, report=report)
    valid = [r for r in rows if r["valid"]]
    flipped = sum(bool(r.get("flipped")) for r in rows)
    text = (
        f"{len(valid)} of {len(rows)} images moved to {a.to}; the model calls {flipped} of them"
        f" {a.to}."
    )
    for row in directions:
        text += f"\n{row['from']} to {row['to']}, all together: {row['light']}"
        text += "".join(f"\n  {row[f'{k}_light']}: {row[f'{k}_says']}" for k in CHECKS)
    text += f"\nEvidence: {a.out / 'evidence.csv'}"
    return {
        "records": len(rows),
        "valid": len(valid),
        "flipped": flipped,
        "directions": directions,
        "out": str(a.out),
        "text": text,
    }


def _planted(a: argparse.Namespace, report: Report) -> Result:
    from core.io.project import open_project
    from core.workflows.spike_in import SpikeInOptions, positive_control

    why = (
        "With --plant a separate model is trained, and held-out images are moved to the planted"
        " change and back."
    )
    _refuse(a, ("to", "model", "record", "split", "limit", "strength", "hold"), why)
    options = SpikeInOptions(a.source, a.preset or "quick", a.seed or 0, a.device)
    return positive_control(open_project(a.project), a.out, a.plant, options, report=report)


def _refuse(a: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    """Raises LeighError for options that would have no effect."""
    if given := next((name for name in names if getattr(a, name) is not None), None):
        raise LeighError(
            f"--{given} does not go with {'--plant' if a.plant else '--to'}.",
            f"{why} Leave it out.",
        )
