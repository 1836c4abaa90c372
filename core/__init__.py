"""Leigh Explorer: `import core as leigh` in a notebook or a script.

The names below are loaded when they are first used, so the import itself is fast.
"""

import os
import sys

# `python -m` puts the working folder first: code that lies there must not run as ours.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    sys.path[:1] = [p for p in sys.path[:1] if p == os.path.dirname(__path__[0])]

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.version import __version__

if TYPE_CHECKING:
    from core.api import (
        demo,
        encode,
        evaluate,
        figure,
        make_map,
        open_project,
        scan,
        screen,
        synth,
        train,
    )
    from core.counterfactual.engine import Engine
    from core.domain import (
        Counterfactual,
        Dataset,
        Evidence,
        MapPosition,
        Mix,
        Move,
        PanelSpec,
        Project,
    )
    from core.errors import LeighError

_WHERE = {
    **dict.fromkeys(
        ("demo", "encode", "evaluate", "figure", "make_map", "open_project"), "core.api"
    ),
    **dict.fromkeys(("scan", "screen", "synth", "train"), "core.api"),
    "Engine": "core.counterfactual.engine",
    **dict.fromkeys(
        (
            "Counterfactual",
            "Dataset",
            "Evidence",
            "MapPosition",
            "Mix",
            "Move",
            "PanelSpec",
            "Project",
        ),
        "core.domain",
    ),
    "LeighError": "core.errors",
}

__all__ = [
    "Counterfactual",
    "Dataset",
    "Engine",
    "Evidence",
    "LeighError",
    "MapPosition",
    "Mix",
    "Move",
    "PanelSpec",
    "Project",
    "__version__",
    "demo",
    "encode",
    "evaluate",
    "figure",
    "make_map",
    "open_project",
    "scan",
    "screen",
    "synth",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
