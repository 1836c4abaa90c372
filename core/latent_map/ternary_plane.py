"""The ternary plane: an exact map of three conditions, without UMAP.

Logits of three conditions have two coordinates, so a plane shows all of them: every point lies
where the model puts it, boundaries are straight lines, and distances are in standard deviations
within a condition. A plane cannot show that the model may predict a fourth condition: such records
count as disagreement in the map fidelity.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.data.logit_coordinates import coordinates_of, logits_of, probabilities_of
from core.domain import EXACT_PLANE, DecisionMap, FloatArray, LatentTable, Projection, Split
from core.errors import LeighError
from core.latent_map.decision_regions import GRID, anchors_of, extent_of, pixel_places, support_of


@dataclass(frozen=True)
class Plane:
    """Position = (logit coordinates among three conditions - centre) @ axes; exactly invertible."""

    rows: tuple[int, ...]  # the three conditions in class order
    centre: FloatArray  # (2,)
    axes: FloatArray  # (2, 2)

    def among(self, coordinates: FloatArray) -> FloatArray:
        """Logit coordinates of all conditions (..., K-1) -> of the three conditions (..., 2)."""
        return coordinates_of(logits_of(coordinates)[..., list(self.rows)])

    def places(self, coordinates: FloatArray) -> FloatArray:
        """Logit coordinates of all conditions (..., K-1) -> positions (..., 2)."""
        positions = (self.among(coordinates) - self.centre) @ self.axes
        return positions.astype(np.float32)

    def back(self, places: FloatArray) -> FloatArray:
        """Positions (..., 2) -> logit coordinates of the three conditions (..., 2)."""
        return places @ np.linalg.inv(self.axes) + self.centre


def fit_plane(latents: LatentTable, names: Sequence[str]) -> Plane:
    """The plane of three conditions; the first two of `names` lie from left to right.

    Axes are scaled so that each condition spreads equally in all directions. Raises LeighError
    unless `names` are three different conditions of the model.
    """
    if len(names) != 3 or len(set(names)) != 3 or not set(names) <= set(latents.conditions):
        raise LeighError(
            f"{', '.join(names) or 'Nothing'}: these are not three different conditions of the"
            " model.",
            f"It knows {', '.join(latents.conditions)}.",
        )
    rows = tuple(latents.conditions.index(name) for name in names)
    u = coordinates_of(latents.logits[:, list(rows)]).astype(np.float64)
    within = np.zeros((2, 2))
    means = []
    for k in rows:
        u_k = u[latents.truth == k]
        means.append(u_k.mean(axis=0) if len(u_k) else np.zeros(2))
        within += np.cov(u_k, rowvar=False) * len(u_k) if len(u_k) > 2 else 0.0
    values, vectors = np.linalg.eigh(within / max(np.isin(latents.truth, rows).sum(), 1))
    axes = np.eye(2)
    if values.max() >= 1e-9:
        axes = vectors / np.sqrt(np.maximum(values, 1e-6 * values.max()))
    first_to_second = (means[1] - means[0]) @ axes
    length = np.linalg.norm(first_to_second)
    cosine, sine = first_to_second / length if length > 1e-9 else (1.0, 0.0)
    axes = axes @ np.array([[cosine, -sine], [sine, cosine]])
    if (means[2] - means[0]) @ axes[:, 1] < 0:  # the third condition lies above
        axes = axes * [1, -1]
    return Plane(rows, np.mean(means, axis=0), axes)


def exact_plane(
    latents: LatentTable, names: Sequence[str], grid: int = GRID
) -> tuple[Projection, DecisionMap, Plane]:
    """Positions of the records of three conditions, the exact regions, and the plane.

    Raises LeighError where the project has no records of these conditions.
    """
    plane = fit_plane(latents, names)
    rows = np.flatnonzero(np.isin(latents.truth, plane.rows))
    if not len(rows):
        raise LeighError(
            f"The project has no images of {', '.join(names)}.", "Choose other conditions."
        )
    xy = plane.places(latents.coordinates[rows])
    extent = extent_of(xy.astype(np.float64))
    u = plane.back(pixel_places(extent, grid)).astype(np.float32)
    test = np.array(latents.split)[rows] == Split.TEST
    measured = test if test.any() else np.ones(len(rows), bool)
    regions = probabilities_of(plane.back(xy)).argmax(axis=1)
    index_of = {k: i for i, k in enumerate(plane.rows)}
    predicted = np.array([index_of.get(k, -1) for k in latents.predicted[rows]])
    truth = np.array([index_of[k] for k in latents.truth[rows]])
    decision = DecisionMap(
        extent=extent,
        posterior=probabilities_of(u),
        coordinates=u,
        support=support_of(xy.astype(np.float64), extent, grid),
        conditions=tuple(latents.conditions[k] for k in plane.rows),
        anchors=anchors_of(truth, predicted, xy, np.ones(len(xy), bool), 3),
        fidelity=float((regions == predicted)[measured].mean()),
        fidelity_points=int(measured.sum()),
        held_out=bool(test.any()),
        model_digest=latents.model_digest,
    )
    ids = tuple(latents.record_ids[i] for i in rows)
    projection = Projection(
        ids, xy, EXACT_PLANE, {"conditions": list(names)}, 0, latents.model_digest
    )
    return projection, decision, plane
