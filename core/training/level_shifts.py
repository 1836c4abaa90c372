"""How brightness differs between conditions: one background and one gain per channel.

The shift from one condition to another is measured over groups (wells). Where every group holds all
conditions, or every plate does, conditions are compared within them. A background that shifts by
less than three standard errors keeps its level. Gains are asked together (core.training.
sparse_shift), because images with more cells are brighter in every channel.
"""

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from core.data.batches import FieldStore
from core.data.well_effects import WellEffects, well_effects
from core.domain import FloatArray, ImageRecord
from core.models.iresnet import IResNet, split_image
from core.models.levels import signal_of
from core.training.sparse_shift import SURE, sparse_shift

# Degrees of freedom that the spread between images counts for, where groups hold all conditions
# (a moderated t, Smyth 2004): three groups alone say little about the spread between groups.
PRIOR = 4

LEAST_VARIANCE = 1e-9  # of channels that are the same in all images

Shifts = dict[str, dict[str, list[list[float]]]]  # source -> target -> (2, C)


@torch.no_grad()
def of_fields(
    measure: Callable[[Tensor], Tensor], stores: Sequence[FieldStore], device: torch.device
) -> FloatArray:
    """(N, ...) what is measured of the fields of all stores, such as their moments."""
    fields = (
        torch.from_numpy(store.field(i))[None].to(device)
        for store in stores
        for i in range(len(store))
    )
    found: FloatArray = torch.cat([measure(x) for x in fields]).cpu().numpy()
    return found


def show_patterns(model: IResNet, store: FieldStore) -> None:
    """From now on `store` gives patterns in place of network images."""
    store.prepare(lambda x: split_image(model, x)[0])


def level_shifts(moments: FloatArray, records: Sequence[ImageRecord]) -> Shifts:
    """Shift of background and log gain (2, C) from each condition to each other; zeros left out.

    `moments` (N, 2, C) are those of `records`. The moments of all images of a group and condition
    are averaged first, so an image without cells has little weight in the gain.
    """
    keys = [(r.condition, r.group, r.plate) for r in records]
    cells = sorted(set(keys))
    images = [moments[[key == cell for key in keys]] for cell in cells]
    values = np.stack([_levels(m.mean(axis=0)) for m in images])  # (cells, 2C)
    fitted = well_effects(values, cells)
    covariance = _covariance(fitted, images)
    if covariance is None:  # nothing says what chance can do
        return {}
    backgrounds = len(values[0]) // 2
    shifts: Shifts = {}
    for (s, source), (t, target) in permutations(enumerate(fitted.names), 2):
        shift, of_shift = fitted.shift(s, t)
        error = of_shift * covariance
        is_far = np.abs(shift) > SURE * np.sqrt(error.diagonal())
        gains = sparse_shift(shift[backgrounds:], error[backgrounds:, backgrounds:])
        shift = np.concatenate([np.where(is_far, shift, 0.0)[:backgrounds], gains])
        if shift.any():
            shifts.setdefault(source, {})[target] = shift.reshape(2, -1).tolist()
    return shifts


def _levels(moments: FloatArray) -> FloatArray:
    """Background and log signal (2C,) of moments (2, C)."""
    signal = signal_of(torch.from_numpy(moments)[None])[0].clamp_min(1e-9).log().numpy()
    return np.concatenate([moments[0], signal])


def _covariance(fitted: WellEffects, images: Sequence[FloatArray]) -> FloatArray | None:
    """(2C, 2C) covariance of the levels of a cell by chance; None where nothing is known of it."""
    of_images, freedom = _covariance_of_images(images), fitted.freedom
    prior = PRIOR if of_images is not None and (fitted.within_groups or freedom == 0) else 0
    if prior + freedom == 0:
        return None
    covariance = fitted.products.copy()
    if of_images is not None:
        covariance += prior * of_images
    covariance /= prior + freedom
    # Correlations from few numbers are trusted little. Those of images are many.
    count = sum(len(m) - 1 for m in images) if prior else freedom
    together = count / (count + len(covariance) / 2)
    diagonal = np.diag(covariance.diagonal() + LEAST_VARIANCE)
    shrunk: FloatArray = diagonal + together * (covariance - np.diag(covariance.diagonal()))
    return shrunk


def _covariance_of_images(images: Sequence[FloatArray]) -> FloatArray | None:
    """Mean covariance (2C, 2C) of a cell's levels that its images (n, 2, C) explain, by jackknife.

    None where no cell has several images.
    """
    covariances = []
    for m in images:
        if (n := len(m)) > 1:
            left_out = np.stack([_levels(np.delete(m, i, axis=0).mean(axis=0)) for i in range(n)])
            covariances.append((n - 1) * np.cov(left_out.T, bias=True))
    mean: FloatArray | None = np.mean(covariances, axis=0) if covariances else None
    return mean
