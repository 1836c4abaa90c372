"""What the names of a folder say, as far as it was read."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.domain import NameRun, Problem, Question
from core.io.stacks import MAXIMUM
from core.scanning.name_runs import Run

# What a run means -> the group of a name pattern.
GROUPS = {"stain": "channel", "time": "t"}
ASIDE = ("stain", "z", "time", "well", "plate", "site")  # folders that are never conditions


@dataclass
class Names:
    """What the names of a folder say.

    `tells` are file -> group -> text. Besides the groups of a name pattern, `key` is the path
    without the stain, `field` the path without stain, z and time, `folder` the folders that may
    hold a condition, `culture` what is photographed several times. `words` are runs of words
    without a known meaning. `with_conditions` are asked where conditions are asked. `stacks` are
    first file -> files of all planes, which become one by `projection`.
    """

    tells: dict[str, dict[str, str]] = field(default_factory=dict)
    scheme: str = "found"
    example: str = ""
    runs: list[NameRun] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    with_conditions: list[Question] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    words: list[Run] = field(default_factory=list)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    projection: str = MAXIMUM


def several(files: Sequence[str]) -> str:
    """One file, or the first of several and their number."""
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} others"
