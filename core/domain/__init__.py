"""The data types of the program, all frozen, without torch and Qt.

Images are C Y X, latents (N, D), logits (N, K). Records say where pixels are and never hold pixels.

The names are loaded when they are first used: the window starts before numpy is loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.domain.accuracy import (
        Headline,
        headline,
    )
    from core.domain.counterfactual import (
        AUTOENCODER,
        CHECKS,
        LIGHTS,
        METHODS,
        UNSIGNED,
        Answer,
        Attribution,
        Check,
        Counterfactual,
        CounterfactualPath,
        Evidence,
        PathPoint,
    )
    from core.domain.figure import (
        PANELS,
        PanelSpec,
    )
    from core.domain.images import (
        CHANNEL_COLOURS,
        CONDITION_COLOURS,
        AnyArray,
        BoolArray,
        Channel,
        Condition,
        Dataset,
        FloatArray,
        ImageRecord,
        IntArray,
        Problem,
        ProblemKind,
        Role,
        Split,
    )
    from core.domain.map import (
        EXACT_PLANE,
        DecisionMap,
        Projection,
    )
    from core.domain.model import (
        InverseQuality,
        LatentTable,
        ModelCard,
        Preprocessing,
    )
    from core.domain.move import (
        ORIGINAL,
        AttributionRequest,
        MapPosition,
        Mix,
        Move,
        PathRequest,
        Precision,
    )
    from core.domain.project import (
        Project,
    )

_WHERE = {
    **dict.fromkeys(
        (
            "AUTOENCODER",
            "CHECKS",
            "LIGHTS",
            "METHODS",
            "UNSIGNED",
            "Answer",
            "Attribution",
            "Check",
            "Counterfactual",
            "CounterfactualPath",
            "Evidence",
            "PathPoint",
        ),
        "core.domain.counterfactual",
    ),
    **dict.fromkeys(
        (
            "PANELS",
            "PanelSpec",
        ),
        "core.domain.figure",
    ),
    **dict.fromkeys(("Headline", "headline"), "core.domain.accuracy"),
    **dict.fromkeys(
        (
            "CHANNEL_COLOURS",
            "CONDITION_COLOURS",
            "AnyArray",
            "BoolArray",
            "Channel",
            "Condition",
            "Dataset",
            "FloatArray",
            "ImageRecord",
            "IntArray",
            "Problem",
            "ProblemKind",
            "Role",
            "Split",
        ),
        "core.domain.images",
    ),
    **dict.fromkeys(
        (
            "ImagePlace",
            "NameRun",
            "ProposedRole",
            "Question",
            "QuestionKind",
            "ReadAs",
            "ScanOptions",
            "answer_to",
            "answers_key",
        ),
        "core.domain.scanning",
    ),
    **dict.fromkeys(
        (
            "EXACT_PLANE",
            "DecisionMap",
            "Projection",
        ),
        "core.domain.map",
    ),
    **dict.fromkeys(
        (
            "InverseQuality",
            "LatentTable",
            "ModelCard",
            "Preprocessing",
        ),
        "core.domain.model",
    ),
    **dict.fromkeys(
        (
            "ORIGINAL",
            "AttributionRequest",
            "MapPosition",
            "Mix",
            "Move",
            "PathRequest",
            "Precision",
        ),
        "core.domain.move",
    ),
    **dict.fromkeys(
        ("Project",),
        "core.domain.project",
    ),
}

__all__ = [
    "AUTOENCODER",
    "CHANNEL_COLOURS",
    "CHECKS",
    "CONDITION_COLOURS",
    "EXACT_PLANE",
    "LIGHTS",
    "METHODS",
    "ORIGINAL",
    "PANELS",
    "UNSIGNED",
    "Answer",
    "AnyArray",
    "Attribution",
    "AttributionRequest",
    "BoolArray",
    "Channel",
    "Check",
    "Condition",
    "Counterfactual",
    "CounterfactualPath",
    "Dataset",
    "DecisionMap",
    "Evidence",
    "FloatArray",
    "Headline",
    "ImageRecord",
    "IntArray",
    "InverseQuality",
    "LatentTable",
    "MapPosition",
    "Mix",
    "ModelCard",
    "Move",
    "PanelSpec",
    "PathPoint",
    "PathRequest",
    "Precision",
    "Preprocessing",
    "Problem",
    "ProblemKind",
    "Project",
    "Projection",
    "Question",
    "QuestionKind",
    "Role",
    "ScanOptions",
    "Split",
    "headline",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_WHERE[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
