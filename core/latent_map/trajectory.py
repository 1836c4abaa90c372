"""The trajectory of a moved image on the map: its position at every strength, its crossings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.data.logit_coordinates import coordinates_of
from core.domain import CounterfactualPath, DecisionMap, FloatArray
from core.latent_map.decision_regions import has_data, posteriors_at

if TYPE_CHECKING:
    from core.latent_map.ternary_plane import Plane

SAMPLES = 32  # of the line between two positions
TICKS = tuple(k / 10 for k in range(1, 10))  # strengths
Place = tuple[float, float]


@dataclass(frozen=True)
class Crossing:
    """Where the model begins to read another condition."""

    place: Place
    strength: float
    condition: str  # that of the region at `place`, too


@dataclass(frozen=True)
class Trajectory:
    """A trajectory on the map or on a ternary plane.

    A line joins two positions only where it stays in the regions of both.
    """

    places: tuple[Place, ...]  # the image's own position first
    strengths: tuple[float, ...]  # of the positions, rising from 0
    crossings: tuple[Crossing, ...] = ()
    joined: tuple[bool, ...] = ()  # whether a line joins each position with the next

    def at(self, strength: float) -> Place:
        """The position at a strength; beyond the end, the last position."""
        x, y = (
            float(np.interp(strength, self.strengths, [place[k] for place in self.places]))
            for k in (0, 1)
        )
        return x, y

    def until(self, strength: float) -> Trajectory:
        """The part of the trajectory up to a strength."""
        end = min(strength, self.strengths[-1])
        count = sum(s < end for s in self.strengths)
        return Trajectory(
            (*self.places[:count], self.at(end)),
            (*self.strengths[:count], end),
            tuple(c for c in self.crossings if c.strength <= end),
            self.joined[:count],
        )

    @property
    def lines(self) -> tuple[tuple[Place, ...], ...]:
        """The lines to draw, each through two positions or more."""
        lines: list[list[Place]] = [[self.places[0]]]
        for place, is_joined in zip(self.places[1:], self.joined, strict=True):
            if is_joined:
                lines[-1].append(place)
            else:
                lines.append([place])
        return tuple(tuple(line) for line in lines if len(line) > 1)

    @property
    def ticks(self) -> tuple[Place, ...]:
        """The positions at every tenth of the strength, between the ends."""
        return tuple(self.at(s) for s in TICKS if s < self.strengths[-1])


def trajectory_of(
    path: CounterfactualPath, start: Place, plane: Plane | None, decision: DecisionMap | None,
    names: tuple[str, ...],
) -> Trajectory:  # fmt: skip
    """The trajectory that begins at `start`; points without a map position are left out.

    Parameters
    ----------
    path
        The path of the image.
    start
        The image's own position.
    plane
        The ternary plane on show; None: the map.
    decision
        The regions on show; None: nothing is known of them, and no line is drawn.
    names
        The conditions of the model, in class order.
    """
    places, strengths, crossings = [start], [0.0], []
    changes = {point.strength: names[point.read] for point in path.changes}
    for point in path.points[1:]:
        place = position_on(plane, point.xy, coordinates_of(np.log(point.probabilities + 1e-30)))
        if place is None:
            continue
        places.append(place)
        strengths.append(point.strength)
        if point.strength in changes:
            crossings.append(Crossing(place, point.strength, changes[point.strength]))
    found = Trajectory(tuple(places), tuple(strengths), (), (False,) * (len(places) - 1))
    if decision is None:
        return found
    regions = regions_at(decision, [c.place for c in crossings])
    named = tuple(c for c, region in zip(crossings, regions) if c.condition == region)
    return replace(
        found, crossings=named, joined=_joined(decision, places, exact=plane is not None)
    )


def regions_at(decision: DecisionMap, places: list[Place]) -> tuple[str, ...]:
    """The condition of the region at each position."""
    if not places:
        return ()
    winners = posteriors_at(decision, np.array(places, np.float64)).argmax(axis=1)
    return tuple(decision.conditions[k] for k in winners)


def _joined(decision: DecisionMap, places: list[Place], *, exact: bool) -> tuple[bool, ...]:
    """Whether the line between each position and the next stays in the regions of both.

    On a map that is not `exact`, what lies between the images says nothing: no line crosses it.
    """
    ends = np.array(places, np.float64)
    share = np.linspace(0, 1, SAMPLES)[:, None, None]
    samples = ends[:-1] * (1 - share) + ends[1:] * share  # (SAMPLES, N - 1, 2)
    winners = posteriors_at(decision, samples.reshape(-1, 2)).argmax(axis=1)
    winners = winners.reshape(SAMPLES, len(places) - 1)
    stays = (winners == winners[0]) | (winners == winners[-1])
    if not exact:
        known = [has_data(decision, x, y) for x, y in samples.reshape(-1, 2)]
        stays &= np.reshape(known, stays.shape)
    return tuple(bool(whole) for whole in stays.all(axis=0))


def position_on(plane: Plane | None, xy: Place | None, coordinates: FloatArray) -> Place | None:
    """Where an image with logit coordinates (K-1,) lies on `plane`; without a plane, `xy`."""
    if plane is None:
        return xy
    x, y = plane.places(coordinates)
    return float(x), float(y)
