"""The exact view: three conditions on a plane, without UMAP.

The model's opinion among three conditions has two dimensions, so a plane holds all of it: every
point lies where the model puts it, boundaries are straight lines, and distances are in standard
deviations within a condition. What a plane cannot show is that the model may see a fourth
condition: such records count as disagreement.
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
    """Places = (semantic coordinates among three conditions - centre) @ axes; the inverse is exact,
    too.
    """

    rows: tuple[int, ...]  # the three conditions in class order
    centre: FloatArray  # (2,)
    axes: FloatArray  # (2, 2)

    def among(self, coordinates: FloatArray) -> FloatArray:
        """Semantic coordinates among all conditions (..., K-1) -> among the three (..., 2)."""
        return coordinates_of(logits_of(coordinates)[..., list(self.rows)])

    def places(self, coordinates: FloatArray) -> FloatArray:
        """Semantic coordinates among all conditions (..., K-1) -> places (..., 2)."""
        placed: FloatArray = ((self.among(coordinates) - self.centre) @ self.axes).astype(
            np.float32
        )
        return placed

    def back(self, places: FloatArray) -> FloatArray:
        """Places (..., 2) -> semantic coordinates among the three (..., 2)."""
        return places @ np.linalg.inv(self.axes) + self.centre


def fit_plane(latents: LatentTable, names: Sequence[str]) -> Plane:
    """The plane of three conditions: spheres within a condition, the first two of `names` from left
    to right.

    Raises LeighError unless they are three different conditions of the model.
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
        mine = u[latents.truth == k]
        means.append(mine.mean(axis=0) if len(mine) else np.zeros(2))
        within += np.cov(mine, rowvar=False) * len(mine) if len(mine) > 2 else 0.0
    values, vectors = np.linalg.eigh(within / max(np.isin(latents.truth, rows).sum(), 1))
    axes = (
        np.eye(2)
        if values.max() < 1e-9
        else vectors / np.sqrt(np.maximum(values, 1e-6 * values.max()))
    )
    across = (means[1] - means[0]) @ axes
    length = np.linalg.norm(across)
    cosine, sine = across / length if length > 1e-9 else (1.0, 0.0)
    axes = axes @ np.array([[cosine, -sine], [sine, cosine]])
    if (means[2] - means[0]) @ axes[:, 1] < 0:  # the third stands above
        axes = axes * [1, -1]
    return Plane(rows, np.mean(means, axis=0), axes)


def exact_plane(
    latents: LatentTable, names: Sequence[str], grid: int = GRID
) -> tuple[Projection, DecisionMap, Plane]:
    """Places of the records of three conditions, and the regions: exact for the model's opinion
    among the three.

    Raises LeighError where there are no records of them.
    """
    plane = fit_plane(latents, names)
    shown = np.flatnonzero(np.isin(latents.truth, plane.rows))
    if not len(shown):
        raise LeighError(f"There are no images of {', '.join(names)}.", "Choose other conditions.")
    xy = plane.places(latents.coordinates[shown])
    extent = extent_of(xy.astype(np.float64))
    u = plane.back(pixel_places(extent, grid)).astype(np.float32)
    test = np.array(latents.split)[shown] == Split.TEST
    oracle_probabilities = test if test.any() else np.ones(len(shown), bool)
    under = probabilities_of(plane.back(xy)).argmax(axis=1)
    said = np.array(
        [plane.rows.index(k) if k in plane.rows else -1 for k in latents.predicted[shown]]
    )
    truth = np.array([plane.rows.index(k) for k in latents.truth[shown]])
    decision = DecisionMap(
        extent=extent,
        posterior=probabilities_of(u),
        coordinates=u,
        support=support_of(xy.astype(np.float64), extent, grid),
        conditions=tuple(latents.conditions[k] for k in plane.rows),
        anchors=anchors_of(truth, said, xy, np.ones(len(xy), bool), 3),
        fidelity=float((under == said)[oracle_probabilities].mean()),
        fidelity_points=int(oracle_probabilities.sum()),
        held_out=bool(test.any()),
        model_digest=latents.model_digest,
    )
    ids = tuple(latents.record_ids[i] for i in shown)
    projection = Projection(
        ids, xy, EXACT_PLANE, {"conditions": list(names)}, 0, latents.model_digest
    )
    return projection, decision, plane
