"""The regions of the map: what the model predicts at every position, and where the map has data.

Every position has logit coordinates (core.latent_map.inverse_projection), and the posterior follows
from them exactly. Map fidelity is the share of held-out records for which the region agrees with
the model.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import zoom
from scipy.spatial import cKDTree
from scipy.special import softmax

from core.data.logit_coordinates import probabilities_of
from core.domain import BoolArray, DecisionMap, FloatArray, IntArray, LatentTable, Projection, Split
from core.domain.limits import LARGEST_DRAGGED_STRENGTH
from core.latent_map.adaptive_grid import refined
from core.latent_map.inverse_projection import fit_inverse_projection, fit_kernel

GRID = 192
SUPPORT = 5  # the distance of this neighbour decides whether a position has data
NARROW = 24  # power of the cosine: conditions more than 20 degrees off the heading hardly count
LEAST_WEIGHT = 0.05  # of the largest weight: each further condition costs a decoder pass
LENIENT = 2.0  # times the usual distance among images, up to which a position has data
TINY = 1e-37  # least posterior whose logarithm is taken
MARGIN, MOST_MARGIN = 0.12, 0.35  # around the points, as shares of their extent

DistanceOf = Callable[[FloatArray], FloatArray]


def fit_decision(
    latents: LatentTable, projection: Projection, grid: int = GRID, *, at_once: bool = False
) -> DecisionMap:
    """Regions from training and validation records; the map fidelity is measured on test records.

    Without test records the fidelity is measured on all records, and `held_out` is False.
    `at_once`: by kernel regression, in a fraction of a second, until the network is fitted.
    """
    test = np.array(latents.split) == Split.TEST
    fitted = ~test if (~test).sum() >= 3 else np.ones(len(test), bool)
    xy = projection.xy.astype(np.float64)
    extent = extent_of(xy)
    inverse: Callable[[FloatArray], FloatArray]
    if at_once:
        inverse = fit_kernel(xy[fitted], latents.coordinates[fitted])
    else:
        inverse = fit_inverse_projection(xy[fitted], latents.coordinates[fitted], projection.seed)
    u, _ = refined(inverse, extent, grid)
    measured = test if test.any() else np.ones(len(test), bool)
    regions = probabilities_of(inverse(xy[measured])).argmax(axis=1)
    return DecisionMap(
        extent=extent,
        posterior=probabilities_of(u),
        coordinates=u.astype(np.float32),
        support=support_of(xy, extent, grid),
        conditions=latents.conditions,
        anchors=anchors_of(latents.truth, latents.predicted, xy, fitted, len(latents.conditions)),
        fidelity=float((regions == latents.predicted[measured]).mean()),
        fidelity_points=int(measured.sum()),
        held_out=bool(test.any()),
        model_digest=latents.model_digest,
        rough=at_once,
    )


def posterior_at(decision: DecisionMap, x: float, y: float) -> FloatArray:
    """(K,) posterior at a position; outside the map, at its nearest edge."""
    posterior: FloatArray = posteriors_at(decision, np.array([[x, y]]))[0]
    return posterior


def posteriors_at(decision: DecisionMap, places: FloatArray) -> FloatArray:
    """(N, K) posteriors at positions (N, 2), interpolated between the pixels.

    Log posteriors are interpolated, as logits are: on a ternary plane that is exact.
    """
    x0, x1, y0, y1 = decision.extent
    height, width = decision.support.shape
    column = np.clip((places[:, 0] - x0) / (x1 - x0) * width - 0.5, 0, width - 1)
    row = np.clip((places[:, 1] - y0) / (y1 - y0) * height - 0.5, 0, height - 1)
    left = np.minimum(column.astype(np.int64), max(width - 2, 0))
    low = np.minimum(row.astype(np.int64), max(height - 2, 0))
    right, up = (column - left)[:, None], (row - low)[:, None]

    def log_at(down: int, across: int) -> FloatArray:
        posterior = decision.posterior[low + down, left + across].astype(np.float64)
        values: FloatArray = np.log(np.maximum(posterior, TINY))
        return values

    below = log_at(0, 0) * (1 - right) + log_at(0, 1) * right
    above = log_at(1, 0) * (1 - right) + log_at(1, 1) * right
    posterior: FloatArray = softmax(below * (1 - up) + above * up, axis=1)
    return posterior


def nearest_in_region(
    decision: DecisionMap, condition: str, place: tuple[float, float]
) -> tuple[float, float]:
    """The position nearest to `place` in the region of a condition; `place` where there is none."""
    if condition not in decision.conditions:
        return place
    k = decision.conditions.index(condition)
    if int(posterior_at(decision, *place).argmax()) == k:
        return place
    rows, columns = np.nonzero((decision.posterior.argmax(axis=2) == k) & decision.support)
    if not len(rows):
        return place
    x0, x1, y0, y1 = decision.extent
    height, width = decision.support.shape
    x = x0 + (columns + 0.5) * (x1 - x0) / width
    y = y0 + (rows + 0.5) * (y1 - y0) / height
    nearest = int(((x - place[0]) ** 2 + (y - place[1]) ** 2).argmin())
    return float(x[nearest]), float(y[nearest])


def has_data(decision: DecisionMap, x: float, y: float) -> bool:
    """Whether images lie around a position; False outside the map."""
    x0, x1, y0, y1 = decision.extent
    return x0 <= x <= x1 and y0 <= y <= y1 and bool(decision.support[pixel_under(decision, x, y)])


def pixel_under(decision: DecisionMap, x: float, y: float) -> tuple[int, int]:
    """Row and column of the pixel that is nearest to a position."""
    x0, x1, y0, y1 = decision.extent
    height, width = decision.support.shape
    column = int(np.clip((x - x0) / (x1 - x0) * width, 0, width - 1))
    row = int(np.clip((y - y0) / (y1 - y0) * height, 0, height - 1))
    return row, column


def weights_and_strength(
    decision: DecisionMap, source: str, start: tuple[float, float], place: tuple[float, float]
) -> tuple[dict[str, float], float]:
    """Condition weights (sum 1) and strength for a handle that is dragged from `start` to `place`.

    Inside the source's own region, the direction of the drag decides. Beyond it, the posterior
    under the handle decides. The strength is the distance toward the weighted anchors, as a share
    of the whole distance: 0 at the start, 1 at the target's anchor. The strength is 0 for a handle
    that is dragged away from all conditions.
    """
    is_other = np.array([name != source for name in decision.conditions])
    moved = np.subtract(place, start)
    distance = float(np.hypot(*moved))
    arrows = decision.anchors - np.asarray(start)
    lengths = np.hypot(arrows[:, 0], arrows[:, 1]) + 1e-9
    heading = np.clip(arrows @ moved / (lengths * max(distance, 1e-9)), 0, 1) ** NARROW
    posterior = np.array(posterior_at(decision, *place), np.float64)
    outside = posterior[is_other].sum()
    heading, posterior = heading * is_other, posterior * is_other
    heading = heading / heading.sum() if heading.sum() > 0 else heading
    weights = (1 - outside) * heading + posterior
    weights[weights < LEAST_WEIGHT * max(weights.max(), 1e-12)] = 0.0
    if distance < 1e-9 or weights.sum() <= 1e-9:
        others = [n for n in decision.conditions if n != source]
        return {others[0]: 1.0}, 0.0
    weights /= weights.sum()
    to_anchor = weights @ decision.anchors - np.asarray(start)
    share = moved @ to_anchor / (to_anchor @ to_anchor + 1e-9)
    strength = float(np.clip(share, 0.0, LARGEST_DRAGGED_STRENGTH))
    return {n: float(w) for n, w in zip(decision.conditions, weights) if w > 0}, strength


def extent_of(xy: FloatArray) -> tuple[float, float, float, float]:
    """x0, x1, y0, y1 of the map, with room around the points for all positions with data."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    sides = np.maximum(high - low, 1e-3)
    room = np.clip(reach_of(xy)[1], MARGIN * sides, MOST_MARGIN * sides)
    (x0, y0), (x1, y1) = low - room, high + room
    return float(x0), float(x1), float(y0), float(y1)


def pixel_places(extent: tuple[float, float, float, float], grid: int) -> FloatArray:
    """(grid, grid, 2) positions of the pixel centres; row 0 is y0."""
    x0, x1, y0, y1 = extent
    middle = (np.arange(grid) + 0.5) / grid
    return np.stack(np.meshgrid(x0 + middle * (x1 - x0), y0 + middle * (y1 - y0)), axis=-1)


def reach_of(points: FloatArray) -> tuple[DistanceOf, float]:
    """A function that gives the distance to the 5th neighbour, and the limit up to which data lie.

    The function takes positions (..., D); the neighbours are `points` (N, D). The limit is twice
    the 99th percentile of the same distance among the points themselves.
    """
    count = min(SUPPORT, len(points) - 1) if len(points) > 1 else 1
    tree = cKDTree(points)
    # One more neighbour, because the first neighbour of a point is the point itself.
    distances = tree.query(points, k=count + 1)[0].reshape(len(points), count + 1)[:, -1]

    def distance_of(positions: FloatArray) -> FloatArray:
        distance: FloatArray = tree.query(positions, k=[count])[0][..., 0]
        return distance

    return distance_of, LENIENT * float(np.percentile(distances, 99))


def support_of(xy: FloatArray, extent: tuple[float, float, float, float], grid: int) -> BoolArray:
    """(grid, grid) whether a pixel has data, see `reach_of`.

    The distance to a neighbour changes at most as fast as the position. So the distance is
    interpolated from every fourth pixel, and computed only where it is near the limit.
    """
    distance_of, limit = reach_of(xy)
    x0, x1, y0, y1 = extent
    side = -(-grid // 4) + 1
    pixel = np.arange(side) * 4 + 0.5
    x, y = x0 + pixel * (x1 - x0) / grid, y0 + pixel * (y1 - y0) / grid
    positions = np.stack(np.meshgrid(x, y), axis=-1)
    scale = (4 * (side - 1) + 1) / side
    distance = zoom(distance_of(positions), scale, order=1)[:grid, :grid]
    diagonal = np.hypot((x1 - x0) / grid, (y1 - y0) / grid)  # of a pixel
    rows, columns = np.nonzero(np.abs(distance - limit) <= 4 * diagonal)
    if len(rows):
        distance[rows, columns] = distance_of(pixel_places(extent, grid)[rows, columns])
    supported: BoolArray = distance <= limit
    return supported


def anchors_of(
    truth: IntArray, predicted: IntArray, xy: FloatArray, known: BoolArray, classes: int
) -> FloatArray:
    """(K, 2) median position of the correctly predicted records of each condition.

    Parameters
    ----------
    truth, predicted
        (N,) class indices.
    xy
        (N, 2) map positions.
    known
        (N,) records that may be used.
    classes
        K.
    """
    anchors = np.zeros((classes, 2), np.float32)
    for k in range(classes):
        of_k = known & (truth == k)
        right = of_k & (predicted == k)
        chosen = right if right.any() else of_k if of_k.any() else truth == k
        anchors[k] = np.median(xy[chosen], axis=0) if chosen.any() else xy.mean(axis=0)
    return anchors
