"""How fine detail differs between conditions, by wells: what a blur or less granules change.

The shift of every band of every channel is tested over groups (wells) by a moderated t. Only what
is sure is moved, by a p below SURE_P for all bands and channels together (Bonferroni).
"""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from scipy.stats import t as student

from core.data.well_effects import moderated, well_effects
from core.domain import FloatArray, ImageRecord
from core.domain.model import BANDS
from core.training.level_shifts import Shifts

SURE_P = 0.01
LEAST_LOG_GAIN = 0.05  # a change of detail by 5 % is none


def detail_shifts(details: FloatArray, records: Sequence[ImageRecord]) -> Shifts:
    """Shift of the log detail (B, C) from each condition to each other; zeros left out.

    `details` (N, B, C) are those of `records`.
    """
    keys = [(r.condition, r.group, r.plate) for r in records]
    cells, flat = sorted(set(keys)), details.reshape(len(details), -1)
    values = np.stack([flat[[key == cell for key in keys]].mean(axis=0) for cell in cells])
    fitted = well_effects(values, cells)
    if not fitted.freedom:
        return {}  # nothing says what chance can do
    variance, freedom = moderated(fitted)
    least_t = float(student.isf(SURE_P / 2 / flat.shape[1], freedom))
    shifts: Shifts = {}
    for (s, source), (t, target) in permutations(enumerate(fitted.names), 2):
        shift, of_shift = fitted.shift(s, t)
        is_sure = np.abs(shift) > least_t * np.sqrt(variance * of_shift)
        is_sure &= np.abs(shift) > LEAST_LOG_GAIN
        if is_sure.any():
            bands = np.where(is_sure, shift, 0.0).reshape(BANDS, -1)
            shifts.setdefault(source, {})[target] = bands.tolist()
    return shifts
