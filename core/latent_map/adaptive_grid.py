"""Evaluate a slow function on a grid: finely along boundaries, coarsely everywhere else."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import binary_dilation

from core.data.logit_coordinates import probabilities_of
from core.domain import BoolArray, FloatArray

COARSE = 16  # pixels between the first positions
STEEP = 0.3  # posteriors of neighbouring positions that differ by more are refined


def refined(
    ask: Callable[[FloatArray], FloatArray], extent: tuple[float, float, float, float], size: int
) -> tuple[FloatArray, int]:
    """Logit coordinates (size, size, K-1) over `extent`, and how many of them were computed.

    `extent` is x0, x1, y0, y1. Squares are divided where their corners differ in class or much in
    probability, together with their neighbours. All other values are interpolated. `ask` takes
    positions (M, 2) and returns logit coordinates (M, K-1).
    """
    x0, x1, y0, y1 = extent
    step = np.array([(x1 - x0) / size, (y1 - y0) / size])
    first = np.array([x0, y0]) + step / 2
    stride = COARSE
    count = -(-(size - 1) // stride) + 1
    rows, columns = np.divmod(np.arange(count * count), count)
    values = ask(first + stride * step * np.stack([columns, rows], axis=1))
    values = values.reshape(count, count, -1)
    is_computed = np.ones((count, count), bool)
    while stride > 1:
        stride //= 2
        divide = _interesting(values)
        values, before = _doubled(values), is_computed
        is_computed = np.zeros(values.shape[:2], bool)
        is_computed[::2, ::2] = before
        new = _nodes_of(divide) & ~is_computed
        rows, columns = np.nonzero(new)
        if len(rows):
            values[rows, columns] = ask(first + stride * step * np.stack([columns, rows], axis=1))
        is_computed |= new
    return values[:size, :size], int(is_computed.sum())


def _interesting(values: FloatArray) -> BoolArray:
    """(n-1, n-1) squares between nodes (n, n, K-1) that are to be divided."""
    posterior = probabilities_of(values)
    winner = posterior.argmax(axis=2)
    corners = [(slice(a, a - 1 or None), slice(b, b - 1 or None)) for a in (0, 1) for b in (0, 1)]
    classes = np.stack([winner[c] for c in corners])
    chances = np.stack([posterior[c] for c in corners])
    steep = (chances.max(axis=0) - chances.min(axis=0)).max(axis=2) > STEEP
    boundary = (classes != classes[0]).any(axis=0)
    divide: BoolArray = binary_dilation(boundary | steep, np.ones((3, 3)))
    return divide


def _doubled(values: FloatArray) -> FloatArray:
    """Nodes (n, n, D) -> (2n - 1, 2n - 1, D), with interpolated nodes in between."""
    n, _, dimensions = values.shape
    doubled = np.empty((2 * n - 1, 2 * n - 1, dimensions), values.dtype)
    doubled[::2, ::2] = values
    doubled[1::2, ::2] = (values[1:] + values[:-1]) / 2
    doubled[:, 1::2] = (doubled[:, 2::2] + doubled[:, :-2:2]) / 2
    return doubled


def _nodes_of(divide: BoolArray) -> BoolArray:
    """Squares (n-1, n-1) -> nodes (2n - 1, 2n - 1) at their corners, sides and middles."""
    nodes = np.zeros([2 * n + 1 for n in divide.shape], bool)
    for down in (0, 1, 2):
        for right in (0, 1, 2):
            nodes[down : down - 2 or None : 2, right : right - 2 or None : 2] |= divide
    return nodes
