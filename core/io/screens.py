"""Store a screen as `screen.json`, with all values exactly as computed."""

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.domain.screen import Screen
from core.errors import BadProject
from core.io.atomic import atomic_write_text, make_folder
from core.io.disk_errors import unreadable
from core.io.strict_json import read_object
from core.io.tables import plain

SCREEN_FOLDER = Path("exports", "screen")  # of a project
SCREEN_FILE = "screen.json"
FORMAT_VERSION = 1
REMEDY = "Compute the screen again (`leigh screen`)."
_SCREEN = TypeAdapter(Screen)


def save_screen(folder: Path, screen: Screen) -> Path:
    """Write `screen.json` into the folder and return its path."""
    path = make_folder(folder) / SCREEN_FILE
    stored = {"format_version": FORMAT_VERSION, **asdict(screen)}
    atomic_write_text(path, json.dumps(stored, default=plain, indent=1, allow_nan=False))
    return path


def load_screen(folder: Path) -> Screen:
    """The screen of a folder. Raises BadProject for a missing, damaged or foreign file."""
    path = Path(folder) / SCREEN_FILE
    try:
        stored = read_object(path, parse_constant=_no_number)
        if stored.pop("format_version", None) != FORMAT_VERSION:
            raise BadProject(f"{path} is of another format.", REMEDY)
        return _SCREEN.validate_python(stored)
    except FileNotFoundError as error:
        raise BadProject(f"The project has no screen yet ({path} is missing).", REMEDY) from error
    except (OSError, ValueError, ValidationError, RecursionError) as error:
        raise BadProject(*unreadable(path, error, REMEDY)) from error


def _no_number(word: str) -> float:
    """Raises ValueError for NaN and infinities, which are never written."""
    raise ValueError(f"{word} is not a number")
