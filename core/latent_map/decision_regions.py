"""The model's decision regions on the map: what it would say at every place, and where there is
data to say it.

Every place has semantic coordinates (core.latent_map.inverse_projection); its posterior follows
from them exactly. Fidelity is counted on held-out records: does the region under a point say what
the model says?
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import zoom
from scipy.spatial import cKDTree

from core.data.logit_coordinates import probabilities_of
from core.domain import BoolArray, DecisionMap, FloatArray, IntArray, LatentTable, Projection, Split
from core.domain.limits import LARGEST_DRAGGED_STRENGTH
from core.latent_map.adaptive_grid import refined
from core.latent_map.inverse_projection import fit_inverse_projection, fit_kernel

GRID = 192
SUPPORT = 5  # neighbours that decide whether there is data
NARROW = 24  # power of the cosine: conditions more than 20 degrees off the heading hardly count
LEAST_WEIGHT = 0.05  # of the largest: each further condition costs a decoder pass
MARGIN, MOST_MARGIN = 0.12, 0.35  # of the extent of the points, around them


def fit_decision(
    latents: LatentTable, projection: Projection, grid: int = GRID, *, at_once: bool = False
) -> DecisionMap:
    """Regions from training and validation records, judged on test records (on all, marked so, when
    there are none).

    `at_once`: by a kernel, in a fraction of a second, until the network is fitted.
    """
    test = np.array(latents.split) == Split.TEST
    known = ~test if (~test).sum() >= 3 else np.ones(len(test), bool)
    xy = projection.xy.astype(np.float64)
    extent = extent_of(xy)
    u_known = latents.coordinates[known]
    surface = (
        fit_kernel(xy[known], u_known)
        if at_once
        else fit_inverse_projection(xy[known], u_known, projection.seed)
    )
    u, _ = refined(surface, extent, grid)
    oracle_probabilities = test if test.any() else np.ones(len(test), bool)
    under = probabilities_of(surface(xy[oracle_probabilities])).argmax(axis=1)
    return DecisionMap(
        extent=extent,
        posterior=probabilities_of(u),
        coordinates=u.astype(np.float32),
        support=support_of(xy, extent, grid),
        conditions=latents.conditions,
        anchors=anchors_of(latents.truth, latents.predicted, xy, known, len(latents.conditions)),
        fidelity=float((under == latents.predicted[oracle_probabilities]).mean()),
        fidelity_points=int(oracle_probabilities.sum()),
        held_out=bool(test.any()),
        model_digest=latents.model_digest,
        rough=at_once,
    )


def posterior_at(decision: DecisionMap, x: float, y: float) -> FloatArray:
    """(K,) what the map says under a place; outside the map, at its nearest edge."""
    out: FloatArray = decision.posterior[_pixel_under(decision, x, y)]
    return out


def has_data(decision: DecisionMap, x: float, y: float) -> bool:
    """Whether images lie around a place; never outside the map."""
    x0, x1, y0, y1 = decision.extent
    return x0 <= x <= x1 and y0 <= y <= y1 and bool(decision.support[_pixel_under(decision, x, y)])


def _pixel_under(decision: DecisionMap, x: float, y: float) -> tuple[int, int]:
    """Row and column of the pixel that is nearest to a place."""
    x0, x1, y0, y1 = decision.extent
    height, width = decision.support.shape
    column = int(np.clip((x - x0) / (x1 - x0) * width, 0, width - 1))
    row = int(np.clip((y - y0) / (y1 - y0) * height, 0, height - 1))
    return row, column


def weights_and_strength(
    decision: DecisionMap, source: str, start: tuple[float, float], place: tuple[float, float]
) -> tuple[dict[str, float], float]:
    """What a handle dragged from `start` to `place` asks for: condition weights (sum 1) and
    strength.

    Inside the source's own region the direction decides, beyond it the posterior under the cursor.
    Strength is the way gone in the direction of the weighted anchors as share of the way there: 0
    at the start, 1 at the target's usual place, and 0 for a handle pulled away from every
    condition.
    """
    elsewhere = np.array([name != source for name in decision.conditions])
    moved = np.subtract(place, start)
    way = float(np.hypot(*moved))
    arrows = decision.anchors - np.asarray(start)
    lengths = np.hypot(arrows[:, 0], arrows[:, 1]) + 1e-9
    heading = np.clip(arrows @ moved / (lengths * max(way, 1e-9)), 0, 1) ** NARROW
    belief = np.array(posterior_at(decision, *place), np.float64)
    outside = belief[elsewhere].sum()
    heading, belief = heading * elsewhere, belief * elsewhere
    heading = heading / heading.sum() if heading.sum() > 0 else heading
    weights = (1 - outside) * heading + belief
    weights[weights < LEAST_WEIGHT * max(weights.max(), 1e-12)] = 0.0
    if way < 1e-9 or weights.sum() <= 1e-9:
        others = [n for n in decision.conditions if n != source]
        return {others[0]: 1.0}, 0.0
    weights /= weights.sum()
    aim = weights @ decision.anchors - np.asarray(start)
    strength = float(np.clip(moved @ aim / (aim @ aim + 1e-9), 0.0, LARGEST_DRAGGED_STRENGTH))
    return {n: float(w) for n, w in zip(decision.conditions, weights) if w > 0}, strength


def extent_of(xy: FloatArray) -> tuple[float, float, float, float]:
    """x0, x1, y0, y1 with room around the points for all that has data, see `reach_of`."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    sides = np.maximum(high - low, 1e-3)
    room = np.clip(reach_of(xy)[1], MARGIN * sides, MOST_MARGIN * sides)
    (x0, y0), (x1, y1) = low - room, high + room
    return float(x0), float(x1), float(y0), float(y1)


def pixel_places(extent: tuple[float, float, float, float], grid: int) -> FloatArray:
    """(grid, grid, 2) places of the pixels' middles; row 0 is y0."""
    x0, x1, y0, y1 = extent
    middle = (np.arange(grid) + 0.5) / grid
    return np.stack(np.meshgrid(x0 + middle * (x1 - x0), y0 + middle * (y1 - y0)), axis=-1)


def reach_of(points: FloatArray) -> tuple[Callable[[FloatArray], FloatArray], float]:
    """How far the 5th neighbour of a place (..., D) is among `points` (N, D), and up to where there
    is data.

    That is twice the 99th percentile of what it is among the points themselves.
    """
    count = min(SUPPORT, len(points) - 1) if len(points) > 1 else 1
    tree = cKDTree(points)
    own = tree.query(points, k=count + 1)[0].reshape(len(points), count + 1)[
        :, -1
    ]  # the first is the point itself

    def far(places: FloatArray) -> FloatArray:
        distance: FloatArray = tree.query(places, k=[count])[0][..., 0]
        return distance

    return far, 2.0 * float(np.percentile(own, 99))


def support_of(xy: FloatArray, extent: tuple[float, float, float, float], grid: int) -> BoolArray:
    """Is there data? See `reach_of`.

    The distance of a neighbour changes no faster than the place: it is interpolated from every
    fourth pixel, and measured where that could decide otherwise.
    """
    far, limit = reach_of(xy)
    x0, x1, y0, y1 = extent
    side = -(-grid // 4) + 1
    pixel = np.arange(side) * 4 + 0.5
    places = np.stack(
        np.meshgrid(x0 + pixel * (x1 - x0) / grid, y0 + pixel * (y1 - y0) / grid), axis=-1
    )
    there = zoom(far(places), (4 * (side - 1) + 1) / side, order=1)[:grid, :grid]
    rows, columns = np.nonzero(
        np.abs(there - limit) <= 4 * np.hypot((x1 - x0) / grid, (y1 - y0) / grid)
    )
    if len(rows):
        there[rows, columns] = far(pixel_places(extent, grid)[rows, columns])
    supported: BoolArray = there <= limit
    return supported


def anchors_of(
    truth: IntArray, predicted: IntArray, xy: FloatArray, known: BoolArray, classes: int
) -> FloatArray:
    """(K, 2) median place of each condition's records that the model calls by their name."""
    anchors = np.zeros((classes, 2), np.float32)
    for k in range(classes):
        mine = known & (truth == k)
        right = mine & (predicted == k)
        chosen = right if right.any() else mine if mine.any() else truth == k
        anchors[k] = np.median(xy[chosen], axis=0) if chosen.any() else xy.mean(axis=0)
    return anchors
