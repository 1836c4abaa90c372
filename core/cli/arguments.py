"""Options that several verbs share: project, device, presets and records."""

import argparse
from pathlib import Path
from typing import Any

Result = dict[str, Any]  # "text" is printed for people; all other items are the JSON object
PRESETS = ("quick", "standard", "lab")
SPLITS = ("train", "validation", "test")


def add_project(p: argparse.ArgumentParser, *, device: bool = False) -> None:
    """Add --project, and --device for verbs that run a network."""
    p.add_argument("--project", type=Path, required=True, metavar="DIR")
    if device:
        p.add_argument("--device", default="auto", help="auto, cpu, cuda")


def add_record_choice(p: argparse.ArgumentParser, limit: str) -> None:
    """Add the options that choose records; `limit` is the help text of --limit."""
    p.add_argument("--record", nargs="+", metavar="ID")
    p.add_argument("--from", dest="source", metavar="CONDITION")
    p.add_argument("--split", choices=SPLITS)
    p.add_argument("--limit", type=int, metavar="N", help=limit)
