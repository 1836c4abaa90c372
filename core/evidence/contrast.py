"""Compare real images of two conditions: which features differ, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import t as student

from core.data.nuclei import nuclear_channel
from core.data.well_effects import moderated, well_effects
from core.domain import BoolArray, Channel, FloatArray, IntArray
from core.domain.limits import GREY_LEVEL
from core.evidence.common_factor import without_common_factor
from core.evidence.reference import ImageMeasurements, ReferenceSet

FEWEST_WELLS = 4  # of each condition, to say that a feature does not differ
# Mean recall of the oracle classifiers between two conditions. Conditions with a smaller recall,
# and without features that differ, are alike.
TOLD_APART = 0.7
DIFFERS_T, DIFFERS_P, DIFFERS_SD, AGREES_SD = 4.0, 0.01, 0.6, 0.35


@dataclass(frozen=True)
class CounterfactualMeasurements:
    """The measurements of one move: original, counterfactual and their difference."""

    before: ImageMeasurements
    after: ImageMeasurements
    probabilities: FloatArray  # (K,) of the model, for the counterfactual
    # (C,) sum of the squared change per channel, each divided by the channel's display range.
    difference: FloatArray
    cells: tuple[int, int, int] | None  # number of nuclei, lost, gained
    own_probabilities: FloatArray | None = None  # (K,) of the model, for the original
    # Change in empty ground, 1: as much as everywhere (core.evidence.empty_ground).
    ground: float | None = None


class Contrast:
    """The difference between two conditions in real images, and how far images came."""

    def __init__(self, real: ReferenceSet, source: str, target: str) -> None:
        self.real, self.source, self.target = real, source, target
        self.source_index = real.conditions.index(source)
        self.target_index = real.conditions.index(target)

    @cached_property
    def spread(self) -> FloatArray:
        """(R,) standard deviation of each feature within a condition, source and target pooled.

        Features of brightness get at least one grey level of 255, so that a very even background
        does not count as a difference.
        """
        indices = (self.source_index, self.target_index)
        of_both = [self.real.readouts[self.real.truth == k] for k in indices]
        spread = np.sqrt(np.mean([v.var(axis=0) for v in of_both], axis=0))
        rounding = 1e-9 * (1 + np.abs(np.concatenate(of_both)).max(axis=0))
        least = np.maximum(rounding, self.real.grey_levels * GREY_LEVEL)
        floored: FloatArray = np.maximum(spread, least)
        return floored

    @cached_property
    def shift(self) -> FloatArray:
        """(R,) mean shift from source to target in standard deviations, without held-out wells."""
        source, target = (side.mean(axis=0) for side in self._sides)
        shift: FloatArray = (target - source) / self.spread
        return shift

    @cached_property
    def differs(self) -> BoolArray:
        """(R,) features that differ: a moderated t over wells, and a shift above DIFFERS_SD.

        Conditions are compared within wells that hold both. Few wells say little about how far
        wells scatter; what all features have in common helps (Smyth 2004). The p value of t must be
        small, too: with two wells per condition, many features reach a large t by chance. Where
        there are several stains, features are also compared without what all stains share; p is
        halved then, because there are two trials.
        """
        is_far: BoolArray = np.abs(self.shift) > DIFFERS_SD
        if self._wells < 2:
            return is_far & (np.abs(self.shift) > 2 * DIFFERS_SD)
        trials = [self._sides]
        if len(np.unique(self.real.channel)) > 1:
            trials.append(self._means_of(self._without_common_factor))
        found = [self._differ(sides, DIFFERS_P / len(trials)) for sides in trials]
        differs: BoolArray = is_far & np.any(found, axis=0)
        return differs

    def _differ(self, sides: tuple[FloatArray, FloatArray], p: float) -> BoolArray:
        """(R,) whether source and target differ, in the direction of the shift, by wells."""
        indices = (self.source_index, self.target_index)
        cells = [(str(k), str(g), "") for k in indices for g in self._groups(k)]
        fitted = well_effects(np.concatenate(sides) / self.spread, cells)
        if not fitted.freedom:
            return np.zeros(len(self.spread), np.bool_)
        shift, of_shift = fitted.shift(*(fitted.names.index(str(k)) for k in indices))
        variance, freedom = moderated(fitted)
        least_t = max(DIFFERS_T, float(student.isf(p / 2, freedom)))
        is_sure: BoolArray = shift * np.sign(self.shift) > least_t * np.sqrt(variance * of_shift)
        return is_sure

    @cached_property
    def _without_common_factor(self) -> FloatArray:
        """(N, R) features without what all stains share; NaN in rows of other conditions."""
        of_both = np.isin(self.real.truth, (self.source_index, self.target_index))
        rows = np.flatnonzero(of_both & ~self.real.held_out)
        cells = [(int(self.real.truth[i]), self.real.groups[i]) for i in rows]
        values = np.full(self.real.readouts.shape, np.nan)
        values[rows] = without_common_factor(self.real.readouts[rows], self.real.channel, cells)
        return values

    @cached_property
    def alike(self) -> bool:
        """Source and target do not differ: in no feature, and not for the oracle classifiers.

        The oracle classifiers are asked about held-out images.
        """
        if not self.nothing_differs:
            return False
        indices = (self.source_index, self.target_index)
        of_source, of_target = (
            self.real.oracle_probabilities[self.reference_rows(k)] for k in indices
        )
        return separability(of_source, of_target, *indices) < TOLD_APART

    @property
    def nothing_differs(self) -> bool:
        """No feature differs, and there are enough wells to see a difference."""
        return self._wells >= FEWEST_WELLS and not self.differs.any()

    @property
    def _wells(self) -> int:
        """Training and validation wells of the condition that has fewer."""
        return min(len(side) for side in self._sides)

    @cached_property
    def reached(self) -> list[int]:
        """Indices of the target and of conditions that do not differ from the target.

        For example, an image that becomes DMSO has also reached an untreated target.
        """
        names = self.real.conditions
        others = [k for k in range(len(names)) if k not in (self.source_index, self.target_index)]
        alike = [k for k in others if Contrast(self.real, names[k], self.target).alike]
        return [self.target_index, *alike]

    @property
    def called(self) -> str:
        """Names of the `reached` conditions, for people."""
        return " or ".join(self.real.conditions[k] for k in self.reached)

    @property
    def agrees(self) -> BoolArray:
        """(R,) features in which source and target agree."""
        agrees: BoolArray = ~self.differs & (np.abs(self.shift) < AGREES_SD)
        return agrees

    @property
    def quiet_channels(self) -> list[int]:
        """Channels in which no feature differs; none if wells are too few to see a difference."""
        if self._wells < FEWEST_WELLS:
            return []
        return [
            int(c)
            for c in np.unique(self.real.channel)
            if not self.differs[self.real.channel == c].any()
        ]

    @property
    def lockable(self) -> tuple[str, ...]:
        """Channels to lock automatically: no feature differs there, but in another channel."""
        quiet = self.quiet_channels
        every = len(quiet) == len(self.real.channels)
        return () if every else tuple(self.real.channels[c] for c in quiet)

    @property
    def background_differs(self) -> bool:
        """Whether the background of a channel differs between real images."""
        return bool((self.differs & self._is_background).any())

    @cached_property
    def _is_logged(self) -> BoolArray:
        """(R,) features of brightness, in channels whose background does not differ."""
        lifted = self.real.channel[self._is_background & self.differs]
        is_logged: BoolArray = (self.real.grey_levels > 0) & ~np.isin(self.real.channel, lifted)
        return is_logged

    @property
    def _is_background(self) -> BoolArray:
        """(R,) features that measure the background."""
        return np.array([name.endswith(" p5") for name in self.real.names], np.bool_)

    @cached_property
    def _sides(self) -> tuple[FloatArray, FloatArray]:
        """(wells, R) means of the training and validation wells of source and target."""
        return self._means_of(self.real.readouts)

    def _means_of(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The same (wells, R) of any values (N, R) of images."""
        return self._group_means(values, self.source_index), self._group_means(
            values, self.target_index
        )

    def _group_means(self, values: FloatArray, k: int) -> FloatArray:
        """(wells, R) means of the training and validation wells of condition k."""
        rows = np.flatnonzero((self.real.truth == k) & ~self.real.held_out)
        names = np.array(self.real.groups)[rows]
        return np.stack([values[rows[names == g]].mean(axis=0) for g in self._groups(k)])

    def _groups(self, k: int) -> list[str]:
        """Training and validation wells of condition k."""
        is_seen = (self.real.truth == k) & ~self.real.held_out
        return sorted({g for g, seen in zip(self.real.groups, is_seen) if seen})

    def came(self, before: FloatArray, after: FloatArray) -> FloatArray:
        """(D,) share of the distance to the target that each differing feature moved; 1: target.

        `before` and `after` are features (R,). Brightness is compared by its logarithm, because a
        treatment that halves it takes more grey levels from a bright image than from a dim one; but
        not in a channel whose background differs: a lift adds as much to a dim image.
        """
        source, target = (self._scaled(side.mean(axis=0))[self.differs] for side in self._sides)
        distance = np.where(target == source, 1e-9, target - source)
        share: FloatArray = (self._scaled(after) - self._scaled(before))[self.differs] / distance
        return share

    def _scaled(self, readouts: FloatArray) -> FloatArray:
        """(R,) features, with the logarithm of brightness above the background."""
        logged = self._is_logged
        least = GREY_LEVEL * self.real.grey_levels[logged]
        scaled = readouts.copy()
        above_background = readouts[logged] - self.real.background[logged]
        scaled[logged] = np.log(np.maximum(above_background, least))
        return scaled

    def jitter(self, images: int) -> FloatArray:
        """(R,) chance movement of the mean of so many images, in standard deviations."""
        if self.real.jitter is None:
            return np.zeros(len(self.real.names))
        jitter: FloatArray = self.real.jitter / self.spread / np.sqrt(images)
        return jitter

    @property
    def number_differs(self) -> bool:
        """Whether the number of nuclei differs between real images of source and target."""
        nuclear = nuclear_channel([Channel(name) for name in self.real.channels])
        names = [] if nuclear is None else [f"{self.real.channels[nuclear]} objects"]
        return bool(self.differs[np.isin(self.real.names, names)].any())

    def mean_shift(self, moved: Sequence[CounterfactualMeasurements]) -> FloatArray:
        """(R,) mean shift from original to counterfactual, in standard deviations."""
        change = np.mean([m.after.readouts - m.before.readouts for m in moved], axis=0)
        shift: FloatArray = change / self.spread
        return shift

    def reference_rows(self, k: int) -> IntArray:
        """Rows of real images of condition k, in held-out wells if there are any."""
        is_k = self.real.truth == k
        held_out = np.flatnonzero(is_k & self.real.held_out)
        return held_out if len(held_out) else np.flatnonzero(is_k)


def separability(of_source: FloatArray, of_target: FloatArray, source: int, target: int) -> float:
    """Mean recall between two conditions, from scores (..., K) of images of each condition.

    0.5 is chance. A condition without images counts as 1.
    """
    both = ((of_source[..., [source, target]], 0), (of_target[..., [source, target]], 1))
    recalls = [(scores.argmax(axis=-1) == k).mean() if scores.size else 1.0 for scores, k in both]
    return float(np.mean(recalls))
