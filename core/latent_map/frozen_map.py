"""The frozen map of a project: where its images lie, and where a counterfactual lands."""

from dataclasses import dataclass, field

import numpy as np

from core.domain import DecisionMap, FloatArray, LatentTable, Project, Projection
from core.errors import BadProject, LeighError
from core.io.results import load_results
from core.latent_map.decision_regions import (
    LENIENT,
    SUPPORT,
    DistanceOf,
    nearest_in_region,
    reach_of,
)
from core.latent_map.projection import blended, map_features, place
from core.latent_map.ternary_plane import Plane, exact_plane

View = tuple[Projection, DecisionMap, Plane | None]


@dataclass
class FrozenMap:
    """Latents, projection and regions that belong together; each may be missing.

    Without latents, images can still be moved by target and strength. Without a projection, the
    ternary planes can still be used.
    """

    latents: LatentTable | None = None
    projection: Projection | None = None
    decision: DecisionMap | None = None
    _features: FloatArray | None = field(default=None, init=False, repr=False)
    _planes: dict[tuple[str, ...], View] = field(default_factory=dict, init=False, repr=False)
    _reach: tuple[DistanceOf, float] | None = field(default=None, init=False, repr=False)

    def view(self, plane: tuple[str, ...] = ()) -> View:
        """The map, or the ternary plane of three conditions. Raises BadProject without a map."""
        if self.latents is None or (
            not plane and (self.projection is None or self.decision is None)
        ):
            raise BadProject(
                "The project has no map of this model and these images.",
                "Make it on the Train page, or with `leigh encode` and `leigh map`.",
            )
        if not plane:
            assert self.projection is not None and self.decision is not None
            return self.projection, self.decision, None
        if plane not in self._planes:
            self._planes[plane] = exact_plane(self.latents, plane)
        return self._planes[plane]

    def position_of(self, record_id: str, plane: tuple[str, ...] = ()) -> tuple[float, float]:
        """Where a record lies on the map, or on a plane, even if it is of a fourth condition."""
        projection, _, ternary = self.view(plane)
        assert self.latents is not None
        if (
            ternary is None
            or record_id in projection.record_ids
            or record_id not in self.latents.record_ids
        ):
            return position_in(projection, record_id)
        x, y = ternary.places(self.latents.coordinates[self.latents.row(record_id)])
        return float(x), float(y)

    def landing(
        self, coordinates: FloatArray, probabilities: FloatArray
    ) -> tuple[float, float] | None:
        """Where an image with these logit coordinates lands on the map; None without a map.

        The position comes from neighbours with the same predicted condition, and is the nearest
        one in the region of that condition: the region never contradicts the reading.
        """
        if self.latents is None or self.projection is None:
            return None
        if self._features is None:
            self._features = map_features(self.latents)
        features = blended(self.latents, coordinates[None], probabilities[None])
        alike = self.latents.predicted == int(probabilities.argmax())
        rows = alike if alike.any() else np.ones(len(alike), bool)
        x, y = place(self._features[rows], self.projection.xy[rows], features)[0]
        place_of_it = float(x), float(y)
        if self.decision is None:
            return place_of_it
        read = self.latents.conditions[int(probabilities.argmax())]
        return nearest_in_region(self.decision, read, place_of_it)

    def distance(self, features: FloatArray) -> float | None:
        """How far a picture with these features (F,) is from real images; None where unknown.

        1 is as far as real images are from one another: the 99th percentile of the distance to the
        5th neighbour.
        """
        if self.latents is None or len(self.latents.features) <= SUPPORT:
            return None
        if self._reach is None:
            distance_of, limit = reach_of(self.latents.features.astype(np.float64))
            self._reach = distance_of, limit / LENIENT
        distance_of, limit = self._reach
        return float(distance_of(features[None])[0] / max(limit, 1e-12))


def load_frozen_map(project: Project) -> FrozenMap:
    """The map of a project; parts of another model or of other images count as missing."""
    results = load_results(project)
    if results.latents is None:
        return FrozenMap()
    return FrozenMap(results.latents, results.projection, results.decision)


def position_in(projection: Projection, record_id: str) -> tuple[float, float]:
    """Where a record lies in a projection. Raises LeighError for a record that is missing."""
    if record_id not in projection.record_ids:
        raise LeighError(
            f"{record_id} is not on the map.",
            "Make the map again with `leigh encode` and `leigh map`.",
        )
    x, y = projection.xy[projection.record_ids.index(record_id)]
    return float(x), float(y)
