"""How far the features of one image move by chance when its picture changes at all.

The shape of the largest object jumps with any change of its channel, up in one image and down in
the next; the mean brightness does not. So small alterations that mean nothing are made in real
images: each channel is blurred, sharpened and bent. The jitter of a feature is the spread of its
movement between images. A single counterfactual is not judged by what jitters.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from core.data.preprocessing import shrink
from core.data.readouts import readout_values
from core.domain import FloatArray, ImageRecord, Preprocessing

ALTERED_IMAGES = 16
# In pixels of the network: about as large as what conditions change in single cells.
BLUR_PX, SHARPEN_PX, BEND_PX, BEND_SCALE_PX = 1.5, 2.0, 2.0, 3.0
SHARPEN = 0.7  # share of the fine detail that is added once more

Alteration = Callable[[FloatArray, np.random.Generator], FloatArray]


def feature_jitter(
    records: Sequence[ImageRecord],
    preprocessing: Preprocessing,
    read: Callable[[ImageRecord], FloatArray],
    known: Mapping[str, FloatArray],
    seed: int = 0,
) -> FloatArray:
    """(R,) standard deviation of each feature's movement, in units of the feature.

    Parameters
    ----------
    records
        Images that were not held out; ALTERED_IMAGES of them are altered.
    preprocessing
        Gives the scale at which features are measured.
    read
        Reads a record's raw grey values (C Y X).
    known
        Record id -> features (R,) of the image as it is.
    seed
        Chooses the images and bends them.
    """
    rng = np.random.default_rng(seed)
    moves: list[list[FloatArray]] = [[] for _ in ALTERATIONS]
    for i in rng.permutation(len(records))[:ALTERED_IMAGES]:
        raw = shrink(np.asarray(read(records[i]), np.float64), preprocessing.downscale)
        for of_one, alter in zip(moves, ALTERATIONS):
            altered = np.stack([alter(plane, rng) for plane in raw])
            of_one.append(readout_values(altered, 1) - known[records[i].id])
    jitter: FloatArray = np.sqrt(np.mean([np.var(of_one, axis=0) for of_one in moves], axis=0))
    return jitter


def _blur(plane: FloatArray, rng: np.random.Generator) -> FloatArray:
    blurred: FloatArray = gaussian_filter(plane, BLUR_PX)
    return blurred


def _sharpen(plane: FloatArray, rng: np.random.Generator) -> FloatArray:
    detail = plane - gaussian_filter(plane, SHARPEN_PX)
    sharpened: FloatArray = np.maximum(plane + SHARPEN * detail, plane.min())
    return sharpened


def _bend(plane: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Every pixel is moved by about BEND_PX, neighbours alike."""
    moves = [gaussian_filter(rng.normal(size=plane.shape), BEND_SCALE_PX) for _ in range(2)]
    moves = [BEND_PX * move / move.std() for move in moves]
    y, x = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]]
    places = [y + moves[0], x + moves[1]]
    bent: FloatArray = map_coordinates(plane, places, order=1, mode="reflect")
    return bent


ALTERATIONS: tuple[Alteration, ...] = (_blur, _sharpen, _bend)
