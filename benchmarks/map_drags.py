"""Drag held-out images to positions of other images, and measure where the results land."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any

import numpy as np

from core.counterfactual.engine import Engine
from core.data.logit_coordinates import probabilities_of
from core.domain import ORIGINAL, IntArray, MapPosition, Move, Precision, Split
from core.latent_map.decision_regions import posterior_at
from core.latent_map.drag_target import wanted_coordinates
from core.latent_map.ternary_choices import first_planes
from core.progress import Progress, Report, silent

DRAGGED, PLACES = 12, 5  # images, and drag targets of each image
PLANES, PLANE_DRAGGED = 2, 9  # ternary planes, and images on each
SURE = 0.9
NUDGE = 1e-3  # of the map's diagonal


@dataclass(frozen=True)
class Drag:
    """One drag, after the release of the handle."""

    asked: str  # condition of the region under the handle
    decoded: str  # condition of the wanted logit coordinates
    named: str  # condition with the largest weight
    landed: str  # condition that the model reads in the image; "" if the image is not valid
    strength: float
    distance: float  # from handle to landing point, as a share of the map's diagonal


def drag_measures(session: Engine, report: Report = silent) -> dict[str, Any]:
    """Measure drags on the map of all conditions, and on some ternary planes."""
    at_start, nudged = _small_moves(session)
    planes = first_planes(session.card.conditions)[:PLANES]
    drags: list[Drag] = []
    on_planes: list[Drag] = []
    for i, plane in enumerate(((), *planes)):
        report(Progress(i, 1 + len(planes), "Dragging"))
        if plane:
            on_planes.extend(_drags(session, plane, PLANE_DRAGGED))
        else:
            drags.extend(_drags(session, plane, DRAGGED))
    figures: dict[str, Any] = {
        "drags": len(drags),
        "grab_change": max(at_start),
        "nudge_change": median(nudged),  # a thousandth of the diagonal
        "drag_class_agreement": float(np.mean([d.decoded == d.asked for d in drags])),
    }
    figures |= _summary(drags)
    figures["plane_drags"] = len(on_planes)
    return figures | {f"plane_{k}": v for k, v in _summary(on_planes).items()}


def _summary(drags: list[Drag]) -> dict[str, Any]:
    distance = [d.distance for d in drags]
    return {
        "reencoded_agreement": (
            float(np.mean([d.landed == d.asked for d in drags])) if drags else None
        ),
        "named_agreement": float(np.mean([d.named == d.asked for d in drags])) if drags else None,
        "exaggerated": float(np.mean([d.strength > 1 for d in drags])) if drags else None,
        "landing_distance": median(distance) if drags else None,
        "landing_distance_90": float(np.percentile(distance, 90)) if drags else None,
    }


def _small_moves(session: Engine) -> tuple[list[float], list[float]]:
    """Largest change of an image at the start of a drag and after a NUDGE (share of the range)."""
    assert (
        session.map.projection is not None
        and session.map.decision is not None
        and session.map.latents is not None
    )
    span = np.array(session.card.preprocessing.span)[:, None, None]
    x0, x1, y0, y1 = session.map.decision.extent
    nudge = NUDGE * float(np.hypot(x1 - x0, y1 - y0))
    at_home: list[float] = []
    nudged: list[float] = []
    held = [i for i, split in enumerate(session.map.latents.split) if split == Split.TEST]
    for i in spread(held, session.map.latents.truth, DRAGGED):
        record = session.map.latents.record_ids[i]
        x, y = session.map.projection.xy[session.map.projection.record_ids.index(record)].astype(
            float
        )
        session.move(Move(record, ORIGINAL, precision=Precision.DISPLAY))
        for changes, shift in ((at_home, 0.0), (nudged, nudge)):
            goal = MapPosition((x + shift, y))
            moved = session.move(Move(record, goal, precision=Precision.DISPLAY))
            changes.append(float(np.abs(moved.difference / span).max()))
    return at_home, nudged


def _drags(session: Engine, plane: tuple[str, ...], images: int) -> Iterator[Drag]:
    """Drag to positions of held-out images of other conditions where the map is sure."""
    table = session.map.latents
    assert table is not None
    projection, decision, exact = session.map.view(plane)
    positions = {r: (float(x), float(y)) for r, (x, y) in zip(projection.record_ids, projection.xy)}
    test = [i for i, split in enumerate(table.split) if split == Split.TEST]
    test = [i for i in test if table.record_ids[i] in positions]
    rng = np.random.default_rng(0)
    x0, x1, y0, y1 = decision.extent
    for i in spread(test, table.truth, images):
        record = table.record_ids[i]
        own = table.coordinates[i] if exact is None else exact.among(table.coordinates[i])
        others = [j for j in rng.permutation(test) if table.truth[j] != table.truth[i]]
        goals = [positions[table.record_ids[j]] for j in others]
        for goal in islice((g for g in goals if posterior_at(decision, *g).max() > SURE), PLACES):
            if exact is None:
                wanted = wanted_coordinates(decision, positions[record], own, goal)
            else:
                wanted = exact.back(np.array(goal))
            result = session.move(Move(record, MapPosition(goal, plane)))
            xy = result.xy if exact is None else exact.places(result.coordinates)
            assert xy is not None
            yield Drag(
                asked=decision.conditions[int(posterior_at(decision, *goal).argmax())],
                decoded=decision.conditions[int(probabilities_of(wanted[None])[0].argmax())],
                named=max(result.weights, key=lambda name: result.weights[name]),
                landed=(
                    session.card.condition_names[int(result.probabilities.argmax())]
                    if result.valid
                    else ""
                ),
                strength=result.strength,
                distance=float(np.hypot(*np.subtract(xy, goal)) / np.hypot(x1 - x0, y1 - y0)),
            )


def spread(rows: list[int], truth: IntArray, count: int) -> list[int]:
    """`count` of these rows, one of each condition before a second of any."""
    seen: dict[int, int] = {}
    turns = []
    for i in rows:
        turns.append(seen.get(int(truth[i]), 0))
        seen[int(truth[i])] = turns[-1] + 1
    return [rows[k] for k in sorted(range(len(rows)), key=lambda k: turns[k])[:count]]
