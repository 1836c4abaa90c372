"""The nouns of the program, all frozen: none knows torch or Qt.

Images are C Y X, latents (N, D), logits (N, K). Records say where pixels are and never hold pixels.
"""

from core.domain.counterfactual import (
    AUTOENCODER,
    CHECKS,
    LIGHTS,
    METHODS,
    UNSIGNED,
    Attribution,
    Check,
    Counterfactual,
    CounterfactualPath,
    Evidence,
    PathPoint,
)
from core.domain.figure import PanelSpec
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
from core.domain.model import InverseQuality, LatentTable, ModelCard, Recipe
from core.domain.project import Project

__all__ = [
    "AUTOENCODER",
    "CHANNEL_COLOURS",
    "CHECKS",
    "CONDITION_COLOURS",
    "EXACT_PLANE",
    "LIGHTS",
    "METHODS",
    "UNSIGNED",
    "Attribution",
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
    "ModelCard",
    "PanelSpec",
    "PathPoint",
    "Problem",
    "Project",
    "Projection",
    "Recipe",
    "Role",
    "Split",
]
