"""A picture of a function that takes time to ask: asked closely along boundaries, coarsely where
nothing changes.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import binary_dilation

from core.data.logit_coordinates import probabilities_of
from core.domain import BoolArray, FloatArray

COARSE = 16  # pixels between the first places that are asked
STEEP = 0.3  # difference of a posterior between neighbouring places that is looked into


def refined(
    ask: Callable[[FloatArray], FloatArray], extent: tuple[float, float, float, float], size: int
) -> tuple[FloatArray, int]:
    """Semantic coordinates (size, size, K-1) of the pixels over `extent` (x0, x1, y0, y1), and how
    many were asked.

    Squares whose corners differ in class, or much in probability, and their neighbours are divided;
    else the middle is interpolated. `ask` takes places (M, 2) and gives semantic coordinates (M,
    K-1).
    """
    x0, x1, y0, y1 = extent
    step = np.array([(x1 - x0) / size, (y1 - y0) / size])
    first = np.array([x0, y0]) + step / 2
    stride = COARSE
    count = -(-(size - 1) // stride) + 1
    rows, columns = np.divmod(np.arange(count * count), count)
    values = ask(first + stride * step * np.stack([columns, rows], axis=1)).reshape(
        count, count, -1
    )
    known = np.ones((count, count), bool)
    while stride > 1:
        stride //= 2
        divide = _interesting(values)
        values, before = _doubled(values), known
        known = np.zeros(values.shape[:2], bool)
        known[::2, ::2] = before
        new = _nodes_of(divide) & ~known
        rows, columns = np.nonzero(new)
        if len(rows):
            values[rows, columns] = ask(first + stride * step * np.stack([columns, rows], axis=1))
        known |= new
    return values[:size, :size], int(known.sum())


def _interesting(values: FloatArray) -> BoolArray:
    """(n-1, n-1): squares between nodes (n, n, K-1) that are to be divided."""
    posterior = probabilities_of(values)
    winner = posterior.argmax(axis=2)
    corners = [(slice(a, a - 1 or None), slice(b, b - 1 or None)) for a in (0, 1) for b in (0, 1)]
    classes = np.stack([winner[c] for c in corners])
    chances = np.stack([posterior[c] for c in corners])
    steep = (chances.max(axis=0) - chances.min(axis=0)).max(axis=2) > STEEP
    found: BoolArray = binary_dilation((classes != classes[0]).any(axis=0) | steep, np.ones((3, 3)))
    return found


def _doubled(values: FloatArray) -> FloatArray:
    """Nodes (n, n, D) -> (2n - 1, 2n - 1, D), those between interpolated."""
    n, _, dimensions = values.shape
    out = np.empty((2 * n - 1, 2 * n - 1, dimensions), values.dtype)
    out[::2, ::2] = values
    out[1::2, ::2] = (values[1:] + values[:-1]) / 2
    out[:, 1::2] = (out[:, 2::2] + out[:, :-2:2]) / 2
    return out


def _nodes_of(divide: BoolArray) -> BoolArray:
    """Squares (n-1, n-1) -> the nodes (2n - 1, 2n - 1) at their corners, on their sides and in
    their middle.
    """
    nodes = np.zeros([2 * n + 1 for n in divide.shape], bool)
    for down in (0, 1, 2):
        for right in (0, 1, 2):
            nodes[down : down - 2 or None : 2, right : right - 2 or None : 2] |= divide
    return nodes
