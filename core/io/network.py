"""Folders on other computers: a project may name any, and Windows logs in wherever one is touched.

So they are touched only where this user has chosen or allowed them on this computer.
"""

import json
import logging
import re
from enum import StrEnum
from pathlib import Path, PurePath

from platformdirs import user_config_path

from core.io.atomic import atomic_write_text

log = logging.getLogger(__name__)
DEVICE = re.compile(r"^\\(?:\\[?.]|\?\?)\\(?:UNC\\)?", re.IGNORECASE)  # \\?\UNC\server\share
DRIVE = re.compile(r"^[a-z]:(?:\\|$)", re.IGNORECASE)


class Network(StrEnum):
    """What is done with folders on other computers that nobody has allowed here."""

    REFUSE = "refuse"
    ALLOW = "allow"  # and remember it
    LEAVE = "leave"  # open the project without touching them


def network_place(path: str | PurePath) -> str:
    r"""Server and share of a path on another computer, as `\\server\share`; "" for other paths."""
    text = str(path).replace("/", "\\")
    device = DEVICE.match(text)
    rest = text[device.end() :] if device else text.lstrip("\\")
    if (device and DRIVE.match(rest)) or not (device or text.startswith("\\\\")):
        return ""
    return "\\\\" + "\\".join(rest.casefold().split("\\")[:2])


def may_touch(path: str | PurePath, project: Path, created: str) -> bool:
    """Whether a path of the project that was made at `created` leads to no unknown computer."""
    place = network_place(path)
    return not place or place == network_place(project) or place in _allowed().get(created, ())


def remember(path: str | PurePath, created: str) -> None:
    """This user has chosen or allowed this path for the project that was made at `created`."""
    place, allowed = network_place(path), _allowed()
    if not place or place in allowed.get(created, ()):
        return
    allowed[created] = [*allowed.get(created, ()), place]
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_text(file, json.dumps(allowed, indent=1))
    except OSError as error:
        log.warning("%s cannot be written, so the network is asked about again: %s", file, error)


def _file() -> Path:
    return user_config_path("leigh-explorer", appauthor=False) / "network.json"


def _allowed() -> dict[str, list[str]]:
    """Project -> places; {} where nothing was allowed, or the file is damaged."""
    try:
        found = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {key: places for key, places in pairs if isinstance(places, list)}
