"""The data types of the program, all frozen, without torch and Qt.

Images are C Y X, latents (N, D), logits (N, K). Records name the files of their pixels and hold no
pixels.
"""

from core.domain.counterfactual import (
    AUTOENCODER,
    CHECKS,
    LIGHTS,
    METHODS,
    ORIGINAL,
    UNSIGNED,
    Answer,
    Attribution,
    AttributionRequest,
    Check,
    Counterfactual,
    CounterfactualPath,
    Evidence,
    MapPosition,
    Mix,
    Move,
    PathPoint,
    PathRequest,
    Precision,
)
from core.domain.figure import PANELS, PanelSpec
from core.domain.images import (
    CHANNEL_COLOURS,
    CONDITION_COLOURS,
    BoolArray,
    Channel,
    Condition,
    Dataset,
    FloatArray,
    ImageRecord,
    IntArray,
    Problem,
    Role,
    Split,
)
from core.domain.map import EXACT_PLANE, DecisionMap, Projection
from core.domain.model import InverseQuality, LatentTable, ModelCard, Preprocessing
from core.domain.project import Project

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
    "Project",
    "Projection",
    "Role",
    "Split",
]
