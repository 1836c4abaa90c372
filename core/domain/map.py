"""The map: frozen positions of the records, and the regions of the model."""

from dataclasses import dataclass
from typing import Any

from core.domain.images import BoolArray, FloatArray
from core.domain.model import LatentTable

EXACT_PLANE = "exact plane"  # method of a projection of three conditions


@dataclass(frozen=True)
class Projection:
    """Frozen map positions of the records; distances and cluster sizes are not effect sizes."""

    record_ids: tuple[str, ...]
    xy: FloatArray  # (N, 2)
    method: str  # "umap" | "exact plane" | "pca"
    settings: dict[str, Any]
    seed: int
    model_digest: str
    placed_by: FloatArray | None = None  # (N, K-1) logit coordinates of the records
    # Records unlike all training images; their positions say little.
    out_of_distribution: tuple[str, ...] = ()

    def belongs_to(self, latents: LatentTable) -> bool:
        """Whether the projection shows these latents: same model, same records, same order."""
        return (self.model_digest, self.record_ids) == (latents.model_digest, latents.record_ids)


@dataclass(frozen=True)
class DecisionMap:
    """The regions of the map, with support and map fidelity."""

    extent: tuple[float, float, float, float]  # x0, x1, y0, y1 of the pixel grid's outer edges
    posterior: FloatArray  # (H, W, K); row 0 is y0
    coordinates: FloatArray  # (H, W, K-1) logit coordinates of each pixel
    support: BoolArray  # (H, W): whether the map has data at the pixel
    conditions: tuple[str, ...]
    anchors: FloatArray  # (K, 2): where each condition typically lies
    fidelity: float  # share of held-out records whose region agrees with the model
    fidelity_points: int
    held_out: bool  # False: without held-out records, training records were used
    model_digest: str
    rough: bool = False  # True: by kernel regression, before the small network is fitted
