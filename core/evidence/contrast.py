"""What real images say of two conditions: which readouts differ between them, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import t as student

from core.data.nuclei import nuclear_channel
from core.domain import BoolArray, Channel, FloatArray, IntArray
from core.domain.limits import GREY_LEVEL
from core.evidence.reference import ImageMeasurements, ReferenceSet

FEWEST_WELLS = 4  # of either condition, to say that something does not differ
# Mean recall of the oracle classifiers between two conditions; below it, and with no readout that
# differs, the conditions are alike.
TOLD_APART = 0.7
DIFFERS_T, DIFFERS_P, DIFFERS_SD, AGREES_SD = 4.0, 0.01, 0.6, 0.35


@dataclass(frozen=True)
class CounterfactualMeasurements:
    """One counterfactual, as the panel measured it."""

    before: ImageMeasurements
    after: ImageMeasurements
    probabilities: FloatArray  # (K,) of the model, for the counterfactual
    difference: (
        FloatArray  # (C,) sum of the squared change per channel, each over its display range
    )
    cells: tuple[int, int, int] | None  # nuclei, lost, gained


class Contrast:
    """Two conditions as real images show them, and how far a counterfactual came between them."""

    def __init__(self, real: ReferenceSet, source: str, target: str) -> None:
        self.real, self.source, self.target = real, source, target
        self.source_index, self.target_index = (
            real.conditions.index(source),
            real.conditions.index(target),
        )

    @cached_property
    def spread(self) -> FloatArray:
        """(R,) standard deviation of a readout between real images of one condition, source and
        target pooled.

        A brightness has at least that of one grey level in 255: an even background must not turn it
        into a finding.
        """
        seen = [
            self.real.readouts[self.real.truth == k] for k in (self.source_index, self.target_index)
        ]
        spread = np.sqrt(np.mean([v.var(axis=0) for v in seen], axis=0))
        least = np.maximum(
            1e-9 * (1 + np.abs(np.concatenate(seen)).max(axis=0)),
            self.real.grey_levels * GREY_LEVEL,
        )
        floored: FloatArray = np.maximum(spread, least)
        return floored

    @cached_property
    def shift(self) -> FloatArray:
        """(R,) mean shift from source to target in standard deviations, over wells that were not
        held out.
        """
        source, target = (side.mean(axis=0) for side in self._sides)
        shift: FloatArray = (target - source) / self.spread
        return shift

    @cached_property
    def differs(self) -> BoolArray:
        """(R,) readouts in which the conditions surely differ: Welch's t over wells, and by
        DIFFERS_SD deviations.

        Beside t its p (Welch 1947, eq. 25 for the degrees of freedom): of two wells a side many
        reach t by chance.
        """
        if self._wells < 2:
            far: BoolArray = np.abs(self.shift) > 2 * DIFFERS_SD
            return far
        counts = [len(side) for side in self._sides]
        parts = [
            np.maximum(side.var(axis=0, ddof=1) / n, 1e-100) for side, n in zip(self._sides, counts)
        ]
        freedom = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, counts))
        least = (
            np.maximum(DIFFERS_T, student.isf(DIFFERS_P / 2, freedom))
            * np.sqrt(sum(parts))
            / self.spread
        )
        out: BoolArray = (np.abs(self.shift) > least) & (np.abs(self.shift) > DIFFERS_SD)
        return out

    @cached_property
    def alike(self) -> bool:
        """Nothing tells source and target apart: no readout, nor the judges on images they were not
        trained on.
        """
        oracle_probabilities = [
            self.real.oracle_probabilities[self.reference_rows(k)]
            for k in (self.source_index, self.target_index)
        ]
        return (
            self.nothing_differs
            and separability(
                oracle_probabilities[0],
                oracle_probabilities[1],
                self.source_index,
                self.target_index,
            )
            < TOLD_APART
        )

    @property
    def nothing_differs(self) -> bool:
        """No readout differs, though there are wells enough to see it in."""
        return self._wells >= FEWEST_WELLS and not self.differs.any()

    @property
    def _wells(self) -> int:
        """Training and validation wells of the condition that has fewer."""
        return min(len(side) for side in self._sides)

    @cached_property
    def reached(self) -> list[int]:
        """The target, and conditions that nothing tells from it: DMSO reached where untreated was
        asked is reached.
        """
        names = self.real.conditions
        others = [k for k in range(len(names)) if k not in (self.source_index, self.target_index)]
        return [
            self.target_index,
            *(k for k in others if Contrast(self.real, names[k], self.target).alike),
        ]

    @property
    def called(self) -> str:
        return " or ".join(self.real.conditions[k] for k in self.reached)

    @property
    def agrees(self) -> BoolArray:
        """(R,) readouts in which no difference is seen."""
        out: BoolArray = ~self.differs & (np.abs(self.shift) < AGREES_SD)
        return out

    @property
    def quiet_channels(self) -> list[int]:
        """Channels in which no readout differs, though there are wells enough to see it in."""
        if self._wells < FEWEST_WELLS:
            return []
        return [
            int(c)
            for c in np.unique(self.real.channel)
            if not self.differs[self.real.channel == c].any()
        ]

    @property
    def lockable(self) -> tuple[str, ...]:
        """Names of the channels that may be held: no readout differs there, but in some other
        channel one does.
        """
        quiet = self.quiet_channels
        every = len(quiet) == len(self.real.channels)
        return () if every else tuple(self.real.channels[c] for c in quiet)

    @cached_property
    def _sides(self) -> tuple[FloatArray, FloatArray]:
        """(wells, R) means of the training and validation wells of source and target."""
        return self._group_means(self.source_index), self._group_means(self.target_index)

    def _group_means(self, k: int) -> FloatArray:
        """(wells, R) means of the training and validation wells of condition k."""
        rows = np.flatnonzero((self.real.truth == k) & ~self.real.held_out)
        names = np.array(self.real.groups)[rows]
        return np.stack(
            [self.real.readouts[rows[names == g]].mean(axis=0) for g in np.unique(names)]
        )

    def came(self, before: FloatArray, after: FloatArray) -> FloatArray:
        """(D,) share of the way that each differing readout came, from readouts (R,); 1 is the
        target.

        Brightness is compared by its logarithm, as a treatment that halves it takes more grey
        levels from a bright image than from a dim one.
        """
        source, target = (self._scaled(side.mean(axis=0))[self.differs] for side in self._sides)
        away = np.where(target == source, 1e-9, target - source)
        share: FloatArray = (self._scaled(after) - self._scaled(before))[self.differs] / away
        return share

    def _scaled(self, readouts: FloatArray) -> FloatArray:
        """(R,) readouts with the logarithm of brightness above the background."""
        logged = self.real.grey_levels > 0
        least = GREY_LEVEL * self.real.grey_levels[logged]
        out = readouts.copy()
        out[logged] = np.log(np.maximum(readouts[logged] - self.real.background[logged], least))
        return out

    @property
    def number_differs(self) -> bool:
        """Whether real images of source and target differ in how many nuclei they have."""
        nuclear = nuclear_channel([Channel(name) for name in self.real.channels])
        names = [] if nuclear is None else [f"{self.real.channels[nuclear]} objects"]
        return bool(self.differs[np.isin(self.real.names, names)].any())

    def mean_shift(self, moved: Sequence[CounterfactualMeasurements]) -> FloatArray:
        """(R,) mean shift from original to counterfactual, in standard deviations."""
        came: FloatArray = (
            np.mean([m.after.readouts - m.before.readouts for m in moved], axis=0) / self.spread
        )
        return came

    def reference_rows(self, k: int) -> IntArray:
        """Rows of real images of condition k in held-out wells; of all wells where none is held
        out.
        """
        rows = self.real.truth == k
        held = np.flatnonzero(rows & self.real.held_out)
        return held if len(held) else np.flatnonzero(rows)


def separability(of_source: FloatArray, of_target: FloatArray, source: int, target: int) -> float:
    """Mean recall between two conditions by scores (..., K) of images of either; .5 is chance.

    1 without images.
    """
    both = ((of_source[..., [source, target]], 0), (of_target[..., [source, target]], 1))
    return float(
        np.mean(
            [(scores.argmax(axis=-1) == k).mean() if scores.size else 1.0 for scores, k in both]
        )
    )
