"""The path of one record from the original to strength 1 of a mix."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.special import softmax

from core.counterfactual.encode_decode import decode, read_logits
from core.counterfactual.encodings import Encodings, Locked
from core.data.logit_coordinates import coordinates_of
from core.data.preprocessing import from_network, shrink
from core.domain import CounterfactualPath, FloatArray, PathPoint, PathRequest
from core.errors import NotInvertible
from core.progress import Progress, Report, silent

PICTURE_PX = 96  # least side of the small picture of a point

Landing = Callable[[FloatArray, FloatArray], tuple[float, float] | None]


def follow_path(
    encodings: Encodings,
    request: PathRequest,
    locked: Locked,
    landing: Landing,
    report: Report = silent,
) -> CounterfactualPath:
    """Probabilities, map positions and small pictures along the path, and where it crosses.

    Parameters
    ----------
    encodings
        The remembered encodings of the project.
    request
        Record, mix and number of frames.
    locked
        Names of the locked channels.
    landing
        Gives the map position of logit coordinates (K-1,) and probabilities (K,).
    report
        Receives the progress.

    Raises
    ------
    NotInvertible
        For a record that cannot be encoded.
    """
    model, card = encodings.model, encodings.card
    encoded = encodings.get(request.record_id, locked)
    if encoded.failure:
        raise NotInvertible(
            f"{request.record_id} cannot be followed: {encoded.failure}", "Choose another record."
        )
    points = []
    for i, strength in enumerate(np.linspace(0, 1, request.frames)):
        mix = replace(request.mix, strength=float(strength))
        x = decode(model, card, encoded, mix) if i else encoded.x
        logits = read_logits(model, x)
        probabilities = softmax(logits).astype(np.float32)
        xy = landing(coordinates_of(logits), probabilities)
        raw = from_network(card.preprocessing, x)
        picture = shrink(raw, max(min(raw.shape[1:]) // PICTURE_PX, 1)).astype(np.float32)
        points.append(PathPoint(float(strength), probabilities, xy, picture))
        report(Progress(i + 1, request.frames, "Following the path"))
    target, crossing = request.mix.target, crossing_of(points)
    return CounterfactualPath(request.record_id, target, tuple(points), crossing)


def crossing_of(points: Sequence[PathPoint]) -> float | None:
    """Strength at which the most probable condition first changes, interpolated; None: never."""
    first = int(points[0].probabilities.argmax())
    for before, after in pairwise(points):
        now = int(after.probabilities.argmax())
        if now == first:
            continue
        gap_before = float(before.probabilities[first] - before.probabilities[now])
        gap_after = float(after.probabilities[now] - after.probabilities[first])
        share = gap_before / max(gap_before + gap_after, 1e-12)
        return before.strength + share * (after.strength - before.strength)
    return None
