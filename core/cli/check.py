"""The verb `leigh check`: what is wrong with a project or a folder of images."""

import argparse
from dataclasses import asdict

from core.cli.arguments import Result, path_option
from core.progress import Report

HELP = "Check a project or a folder of images: what is wrong, and what can be repaired."
SIGNS = {"good": "ok      ", "warning": "warning ", "damaged": "DAMAGED "}


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    p.add_argument("folder", type=path_option, metavar="PROJECT|FOLDER")
    p.add_argument(
        "--repair",
        action="store_true",
        help="restore project.json from its backup, set damaged results aside, delete files of"
        " killed programs",
    )


def run(a: argparse.Namespace, report: Report) -> Result:
    """Check, repair where asked, and list every part."""
    from core.workflows.check import State, check

    findings = check(a.folder, repair=a.repair, report=report)
    lines = []
    for f in findings:
        lines.append(f"{SIGNS[f.state]}{f.part}: {f.message} {f.remedy}".rstrip())
        if f.repair:
            lines.append(f"{'':8}--repair: {f.repair}")
    bad = [f for f in findings if f.state == State.DAMAGED]
    lines.append(f"{len(bad)} damaged, {sum(f.state == State.WARNING for f in findings)} warnings.")
    return {
        "folder": str(a.folder),
        "sound": not bad,
        "findings": [asdict(f) for f in findings],
        "text": "\n".join(lines),
    }
