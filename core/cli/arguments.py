"""Options that several verbs share: project, device, presets and records."""

import argparse
from pathlib import Path
from typing import Any

from core.errors import LeighError
from core.isolation import full_path

Result = dict[str, Any]  # "text" is printed for people; all other items are the JSON object
PRESETS = ("quick", "standard", "lab")
SPLITS = ("train", "validation", "test")


def path_option(text: str) -> Path:
    """A whole path from what the user wrote: the type of each option with a path."""
    try:
        return full_path(text)
    except LeighError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


def add_project(p: argparse.ArgumentParser, *, device: bool = False) -> None:
    """Add --project, and --device for verbs that run a network."""
    p.add_argument("--project", type=path_option, required=True, metavar="DIR")
    text = "read images and plate map of the project also from another computer; remembered"
    p.add_argument("--allow-network", action="store_true", help=text)
    if device:
        p.add_argument("--device", default="auto", help="auto, cpu, cuda")


def add_record_choice(p: argparse.ArgumentParser, limit: str) -> None:
    """Add the options that choose records; `limit` is the help text of --limit."""
    p.add_argument("--record", nargs="+", metavar="ID")
    p.add_argument("--from", dest="source", metavar="CONDITION")
    p.add_argument("--split", choices=SPLITS)
    p.add_argument("--limit", type=int, metavar="N", help=limit)
