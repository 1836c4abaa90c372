"""Run only the code of this program, whatever lies in the folders of the user."""

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from core.errors import LeighError
from core.io.resources import resource


def neutral_folder() -> Path:
    """A folder that holds only data of this program."""
    return resource()


def full_path(path: str | Path) -> Path:
    """The path as the user means it: `~` is the home folder, `x` lies in the working folder.

    Raises LeighError for an unknown home folder, and where the working folder was deleted.
    """
    try:
        return Path(path).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        raise LeighError(f"{path} leads nowhere ({error}).", "Give the whole path.") from error


def child_environment() -> dict[str, str]:
    """Environment of a new Python process: it imports nothing from its working folder."""
    root = str(Path(__file__).resolve().parents[1])
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [root, *filter(os.path.isabs, given)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}


@contextmanager
def starting_child() -> Iterator[None]:
    """For libraries that start a process with the environment and working folder of this one."""
    before = dict(os.environ)
    with chdir(neutral_folder()):
        os.environ.update(child_environment())
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
