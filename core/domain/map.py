"""The 2-D map: frozen positions of the records and the model's decision regions."""

from dataclasses import dataclass
from typing import Any

from core.domain.images import BoolArray, FloatArray
from core.domain.model import LatentTable

EXACT_PLANE = "exact plane"  # method of a projection of three conditions


@dataclass(frozen=True)
class Projection:
    """Frozen 2-D places of the records. Distances and cluster sizes are not effect sizes."""

    record_ids: tuple[str, ...]
    xy: FloatArray  # (N, 2)
    method: str  # "umap" | "exact plane" | "pca"
    settings: dict[str, Any]
    seed: int
    model_digest: str
    placed_by: FloatArray | None = None  # (N, K-1) semantic coordinates the places were made from
    out_of_distribution: tuple[
        str, ...
    ] = ()  # records unlike all that the model learned from: their place says little

    def belongs_to(self, latents: LatentTable) -> bool:
        """Whether it shows these latents: of the same model and the same records, in
        their order.
        """
        return (self.model_digest, self.record_ids) == (latents.model_digest, latents.record_ids)


@dataclass(frozen=True)
class DecisionMap:
    """The model's own decision regions on the map, with where there is data and how far to trust
    it.
    """

    extent: tuple[float, float, float, float]  # x0, x1, y0, y1 of the pixel grid's outer edges
    posterior: FloatArray  # (H, W, K); row 0 is y0
    coordinates: FloatArray  # (H, W, K-1) semantic coordinates of each pixel
    support: BoolArray  # (H, W): is there data here?
    conditions: tuple[str, ...]
    anchors: FloatArray  # (K, 2): where each condition typically lies
    fidelity: float  # share of held-out points whose region is the model's prediction
    fidelity_points: int
    held_out: bool  # False where no held-out points exist and training points were used
    model_digest: str
    rough: bool = (
        False  # drawn at once by a kernel; the network that draws them better was not fitted
    )
