"""The path of one record from the original to strength 1 of a mix, and where its class changes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import softmax

from core.counterfactual.encode_decode import Encoded, decode, read_image
from core.counterfactual.encodings import Encodings, Locked
from core.data.logit_coordinates import coordinates_of
from core.data.preprocessing import from_network, shrink
from core.domain import CounterfactualPath, PathPoint, PathRequest
from core.errors import NotInvertible
from core.latent_map.frozen_map import FrozenMap
from core.progress import Progress, Report, silent

PICTURE_PX = 96  # least side of the small picture of a point
STEP = 0.01  # of strength: a slider knows whole percents


def follow_path(
    encodings: Encodings,
    request: PathRequest,
    locked: Locked,
    frozen_map: FrozenMap,
    report: Report = silent,
    frames: Sequence[PathPoint] = (),
) -> CounterfactualPath:
    """Probabilities, map positions and small pictures along the path, and where the class changes.

    Parameters
    ----------
    encodings
        The remembered encodings of the project.
    request
        Record, mix, number of frames, and whether the changes of the class are found exactly.
    locked
        Names of the locked channels.
    frozen_map
        Says where a picture lies on the map, and how far it is from real images.
    report
        Receives the progress.
    frames
        The points of a former answer to the same request without `exact`; they are used again.

    Raises
    ------
    NotInvertible
        For a record that cannot be encoded.
    """
    encoded = encodings.get(request.record_id, locked)
    if encoded.failure:
        raise NotInvertible(
            f"{request.record_id} cannot be followed: {encoded.failure}", "Choose another record."
        )
    walker = _Walker(encodings, encoded, request, frozen_map)
    points = list(frames)
    for i, strength in enumerate(np.linspace(0, 1, request.frames)[len(points) :], len(points)):
        points.append(walker.point(float(strength)))
        report(Progress(i + 1, request.frames, "Following the path"))
    if request.exact:
        points = _with_changes(walker, points, report)
    return CounterfactualPath(
        request.record_id, request.mix.target, tuple(points), _crossing(points), request.exact
    )


class _Walker:
    """Makes the point at any strength of one path."""

    def __init__(
        self, encodings: Encodings, encoded: Encoded, request: PathRequest, frozen_map: FrozenMap
    ) -> None:
        self.encodings, self.encoded, self.request = encodings, encoded, request
        self.frozen_map = frozen_map

    def point(self, strength: float) -> PathPoint:
        """The picture at this strength, decoded and read again."""
        model, card = self.encodings.model, self.encodings.card
        mix = replace(self.request.mix, strength=strength)
        x = decode(model, card, self.encoded, mix) if strength > 0 else self.encoded.x
        features, logits = read_image(model, x)
        probabilities = softmax(logits).astype(np.float32)
        raw = from_network(card.preprocessing, x)
        picture = shrink(raw, max(min(raw.shape[1:]) // PICTURE_PX, 1)).astype(np.float32)
        xy = self.frozen_map.landing(coordinates_of(logits), probabilities)
        distance = self.frozen_map.distance(features)
        return PathPoint(strength, probabilities, xy, picture, distance)


def _with_changes(walker: _Walker, points: list[PathPoint], report: Report) -> list[PathPoint]:
    """The points, and those that bring every change of the class to within STEP of strength.

    By bisection: of two neighbouring strengths with different readings, the middle is read.
    """
    found, rest = points[:1], points[1:][::-1]
    while rest:
        before, after = found[-1], rest[-1]
        middle = round((before.strength + after.strength) / 2 / STEP) * STEP
        apart = before.strength + STEP / 2 < middle < after.strength - STEP / 2
        if before.read == after.read or not apart:
            found.append(rest.pop())
            continue
        rest.append(walker.point(middle))
        report(Progress(len(found), len(found) + len(rest), "Placing the crossing"))
    return found


def _crossing(points: Sequence[PathPoint]) -> float | None:
    """Strength of the first point that is read as another condition; None: there is none."""
    first = points[0].read
    return next((p.strength for p in points if p.read != first), None)
