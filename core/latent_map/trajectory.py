"""The trajectory of a moved image on the map: its position at every strength, and its crossing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.data.logit_coordinates import coordinates_of
from core.domain import CounterfactualPath, FloatArray

if TYPE_CHECKING:
    from core.latent_map.ternary_plane import Plane

Place = tuple[float, float]


@dataclass(frozen=True)
class Way:
    """A trajectory on the map or on a ternary plane, with straight lines between its positions."""

    places: tuple[Place, ...]  # the image's own position first
    strengths: tuple[float, ...]  # of the positions, rising from 0
    crossing: float | None  # strength at which the most probable condition first changes

    def at(self, strength: float) -> Place:
        """The position at a strength; beyond the end, the last position."""
        x, y = (
            float(np.interp(strength, self.strengths, [place[k] for place in self.places]))
            for k in (0, 1)
        )
        return x, y

    def until(self, strength: float) -> Way:
        """The part of the trajectory up to a strength."""
        end = min(strength, self.strengths[-1])
        before = [place for place, s in zip(self.places, self.strengths) if s < end]
        crossing = self.crossing if self.crossing is not None and self.crossing <= end else None
        return Way((*before, self.at(end)), (*self.strengths[: len(before)], end), crossing)


def way_of(path: CounterfactualPath, start: Place, plane: Plane | None) -> Way:
    """The trajectory that begins at `start`; points without a map position are left out."""
    places, strengths = [start], [0.0]
    for point in path.points[1:]:
        place = place_on(plane, point.xy, coordinates_of(np.log(point.probabilities + 1e-30)))
        if place is not None:
            places.append(place)
            strengths.append(point.strength)
    return Way(tuple(places), tuple(strengths), path.crossing)


def first_read_as(path: CounterfactualPath) -> int | None:
    """Index of the first other condition that the model predicts; None: the class never changes."""
    after = [p for p in path.points if path.crossing is not None and p.strength >= path.crossing]
    return int(after[0].probabilities.argmax()) if after else None


def place_on(plane: Plane | None, xy: Place | None, coordinates: FloatArray) -> Place | None:
    """Where an image with logit coordinates (K-1,) lies on `plane`; without a plane, `xy`."""
    if plane is None:
        return xy
    x, y = plane.places(coordinates)
    return float(x), float(y)
