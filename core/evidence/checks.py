"""Evidence: what a counterfactual must pass, and the light that is the worst of its checks.

A flip of the model proves nothing: adversarial noise flips it, a brighter channel flips it. So four
families are
asked: the model; judges trained apart from it; the distance to real images of the target; a panel
of readouts that a biologist would measure. And a fifth check: did everything stay that should stay
(cells, channels, readouts in which the conditions agree)? The same checks judge one image and a
whole direction. The limits were set on planted truth against seven bad generators, on cultures
`leigh bench truth` does not use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import sqrtm
from scipy.stats import t as student

from core.data.nuclei import nuclear_channel
from core.domain import LIGHTS, BoolArray, Channel, Check, Evidence, FloatArray, IntArray
from core.evidence.reference import Measured, Real

# Limits: green up to the first, amber up to the second, red beyond.
MODEL = (0.8, 0.5)  # share of the images that the model calls the target
JUDGES = (
    0.6,
    0.3,
)  # flips of the least convinced judge, as share of the real target images it recognises
DISTANCE = (0.6, 0.9)  # 0: like real target images; 1: did nothing
RECOVERED = (0.7, 0.5)  # share of the differing readouts that came CAME of the way
CAME = (0.5, 1.6)
SIDE_EFFECT = (0.5, 1.0)  # in standard deviations between real images, where the conditions agree
CELLS = (0.02, 0.1)  # nuclei lost or gained, as share of the nuclei
OFF_CHANNEL = (0.15, 0.3)  # share of the change in channels in which the conditions agree

FEWEST_WELLS = 4  # of either condition, to say that something does not differ
# mean recall of the judges between two conditions; below it, and with no readout, they are alike
TOLD_APART = 0.7
GREY_LEVEL = 1 / 255  # of a channel's range: brightness that moves by less is not seen
DIFFERS_T, DIFFERS_P, DIFFERS_SD, AGREES_SD = 4.0, 0.01, 0.6, 0.35
FEWEST_READOUTS = 3
EMBEDDED_DIMENSIONS = 8
STRONGEST = 3  # side effects averaged


@dataclass(frozen=True)
class Moved:
    """One counterfactual, as the panel measured it."""

    before: Measured
    after: Measured
    probabilities: FloatArray  # (K,) of the model, for the counterfactual
    difference: (
        FloatArray  # (C,) sum of the squared change per channel, each over its display range
    )
    cells: tuple[int, int, int] | None  # nuclei, lost, gained


class Direction:
    """What real images say of the way from one condition to another, and how a counterfactual
    compares.
    """

    def __init__(self, real: Real, source: str, target: str) -> None:
        self.real, self.source, self.target = real, source, target
        self._s, self._t = real.conditions.index(source), real.conditions.index(target)

    @cached_property
    def _spread(self) -> FloatArray:
        """(R,) standard deviation of a readout between real images of one condition, source and
        target pooled.

        A brightness has at least that of one grey level in 255: an even background must not turn it
        into a finding.
        """
        seen = [self.real.readouts[self.real.truth == k] for k in (self._s, self._t)]
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
        shift: FloatArray = (target - source) / self._spread
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
            / self._spread
        )
        out: BoolArray = (np.abs(self.shift) > least) & (np.abs(self.shift) > DIFFERS_SD)
        return out

    @cached_property
    def alike(self) -> bool:
        """Nothing tells source and target apart: no readout, nor the judges on images they were not
        trained on.
        """
        judged = [self.real.judged[self._held_out(k)] for k in (self._s, self._t)]
        return (
            self.nothing_differs and told_apart(judged[0], judged[1], self._s, self._t) < TOLD_APART
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
    def _same(self) -> list[int]:
        """The target, and conditions that nothing tells from it: DMSO reached where untreated was
        asked is reached.
        """
        names = self.real.conditions
        others = [k for k in range(len(names)) if k not in (self._s, self._t)]
        return [self._t, *(k for k in others if Direction(self.real, names[k], self.target).alike)]

    @property
    def _called(self) -> str:
        return " or ".join(self.real.conditions[k] for k in self._same)

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
    def holdable(self) -> tuple[str, ...]:
        """Names of the channels that may be held: no readout differs there, but in some other
        channel one does.
        """
        quiet = self.quiet_channels
        every = len(quiet) == len(self.real.channels)
        return () if every else tuple(self.real.channels[c] for c in quiet)

    @cached_property
    def _sides(self) -> tuple[FloatArray, FloatArray]:
        """(wells, R) means of the training and validation wells of source and target."""
        return self._group_means(self._s), self._group_means(self._t)

    def _group_means(self, k: int) -> FloatArray:
        """(wells, R) means of the training and validation wells of condition k."""
        rows = np.flatnonzero((self.real.truth == k) & ~self.real.held_out)
        names = np.array(self.real.groups)[rows]
        return np.stack(
            [self.real.readouts[rows[names == g]].mean(axis=0) for g in np.unique(names)]
        )

    def came(self, before: FloatArray, after: FloatArray) -> FloatArray:
        """(D,) how far each of the readouts that differ came, from readouts (R,): 0 not at all, 1
        as far as the target.

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

    def judge(self, moved: Sequence[Moved]) -> Evidence:
        """The evidence of one counterfactual, or of several of this direction together."""
        values: dict[str, float | bool | str] = {"images": float(len(moved))}
        checks = [
            self._model(moved, values),
            self._judges(moved, values),
            self._distance(moved, values),
        ]
        checks += [self._readouts(moved, values), self._rest(moved, values)]
        return Evidence(tuple(checks), values)

    def _model(self, moved: Sequence[Moved], values: dict[str, float | bool | str]) -> Check:
        flips = float(np.mean([m.probabilities.argmax() in self._same for m in moved]))
        values["flip"] = flips
        values["target_probability"] = float(
            np.mean([m.probabilities[self._same].sum() for m in moved])
        )
        values["alike"] = ", ".join(self.real.conditions[k] for k in self._same[1:])
        many = f" in {flips:.0%} of {len(moved)} images" if len(moved) > 1 else ""
        called = "calls it" if len(moved) > 1 or flips else "does not call it"
        same = f" (nothing tells {self._called} apart)" if len(self._same) > 1 else ""
        return Check(
            "model", _light(flips, MODEL), f"The model {called} {self._called}{many}{same}"
        )

    def _judges(self, moved: Sequence[Moved], values: dict[str, float | bool | str]) -> Check:
        known = np.isin(self.real.judged[self._held_out(self._t)].argmax(axis=2), self._same).mean(
            axis=0
        )  # (J,)
        flips = np.mean([np.isin(m.after.judged.argmax(axis=1), self._same) for m in moved], axis=0)
        for j, (flip, recall) in enumerate(zip(flips, known)):
            values[f"judge{j + 1}_flip"], values[f"judge{j + 1}_recognises"] = (
                float(flip),
                float(recall),
            )
        if len(moved) == 1:
            share = float(flips.mean())
            words = f"{flips.sum():.0f} of {len(flips)} independent judges see {self._called}"
            return Check("judges", _light(share, (0.99, 0.6)), words)
        share = float(np.min(flips / np.maximum(known, 0.2)))
        words = (
            "Independent judges see " + self._called + " in " + ", ".join(f"{f:.0%}" for f in flips)
        )
        return Check(
            "judges", _light(share, JUDGES), words + " (real images: " + _percents(known) + ")"
        )

    def _distance(self, moved: Sequence[Moved], values: dict[str, float | bool | str]) -> Check:
        before, after = (
            np.stack([getattr(m, side).embedding for m in moved]) for side in ("before", "after")
        )
        space = self._space
        real = space.project(self.real.embedding[self._held_out(self._t)])
        known = int(((self.real.truth == self._t) & ~self.real.held_out).sum())
        measure = (
            space.frechet
            if min(len(moved), len(real), known) > 2 * EMBEDDED_DIMENSIONS
            else space.mean_distance
        )
        floor, top, here = (measure(v) for v in (real, space.project(before), space.project(after)))
        ranks = [(space.distances(real) < d).mean() for d in space.distances(space.project(after))]
        values["typicality"] = float(1 - np.mean(ranks))
        if not top > floor:
            values["distance"] = ""
            return Check(
                "distance",
                "amber",
                f"Real {self.source} and {self.target} lie together: no distance to judge",
            )
        values["distance"] = rescaled = float((here - floor) / (top - floor))
        words = f"Distance to real {self.target}: {max(rescaled, 0):.2f} of that of the original"
        return Check("distance", _light(-rescaled, (-DISTANCE[0], -DISTANCE[1])), words)

    def _readouts(self, moved: Sequence[Moved], values: dict[str, float | bool | str]) -> Check:
        count = int(self.differs.sum())
        values["readouts_that_differ"] = float(count)
        if self.alike:
            return Check(
                "readouts",
                "red",
                f"Nothing tells {self.source} from {self.target}: nothing to explain",
            )
        if count < FEWEST_READOUTS:
            return Check(
                "readouts", "amber", f"Only {count} readouts tell {self.source} from {self.target}"
            )
        came = self._came(moved)
        share = came[self.differs] / self.shift[self.differs]
        recovered = float(((share >= CAME[0]) & (share <= CAME[1])).mean())
        rest = came[self.differs] - self.shift[self.differs]
        explained = 1 - float(
            (_capped(rest) ** 2).sum() / (_capped(self.shift[self.differs]) ** 2).sum()
        )
        values |= {
            "readouts_recovered": recovered,
            "readouts_r2": explained,
            "readouts_median": float(np.median(share)),
        }
        words = (
            f"{recovered:.0%} of {count} differing readouts came {CAME[0]:.0%} to {CAME[1]:.0%} of"
            " the way"
        )
        return Check(
            "readouts",
            _light(recovered, RECOVERED),
            f"{words}; half of them came {np.median(share):.0%} or more",
        )

    def _rest(self, moved: Sequence[Moved], values: dict[str, float | bool | str]) -> Check:
        lights, words = [], []
        if self.agrees.any():
            excess = np.abs(self._came(moved))[self.agrees] - np.abs(self.shift[self.agrees])
            order = np.argsort(-excess)[:STRONGEST]
            side = float(np.maximum(excess[order], 0).mean())
            name = np.array(self.real.names)[self.agrees][order[0]]
            values |= {"side_effect": side, "strongest_side_effect": str(name)}
            lights.append(_light(-side, (-SIDE_EFFECT[0], -SIDE_EFFECT[1])))
            if lights[-1] != "green":
                words.append(f"{name} moved, which {self.source} and {self.target} share")
        counted = [m.cells for m in moved if m.cells is not None]
        if counted:
            cells, lost, gained = (int(v) for v in np.sum(counted, axis=0))
            values |= {
                "cells": float(cells),
                "cells_lost": float(lost),
                "cells_gained": float(gained),
            }
            words.append(f"nuclei: {cells}, lost {lost}, gained {gained}")
            if self._number_differs:
                words[-1] += f" ({self.source} and {self.target} differ in their number)"
            else:
                lights.append(_light(-(lost + gained) / max(cells, 1), (-CELLS[0], -CELLS[1])))
        if self.quiet_channels:
            change = np.sum([m.difference for m in moved], axis=0)
            off = float(change[self.quiet_channels].sum() / max(float(change.sum()), 1e-12))
            values["off_channel"] = off
            lights.append(_light(-off, (-OFF_CHANNEL[0], -OFF_CHANNEL[1])))
            words.append(f"{off:.0%} of the change in channels that should not change")
        light = max(lights, key=LIGHTS.index, default="amber")
        return Check(
            "rest", light, "What should stay: " + ("; ".join(words) or "nothing to compare")
        )

    @property
    def _number_differs(self) -> bool:
        """Whether real images of source and target differ in how many nuclei they have."""
        nuclear = nuclear_channel([Channel(name) for name in self.real.channels])
        names = [] if nuclear is None else [f"{self.real.channels[nuclear]} objects"]
        return bool(self.differs[np.isin(self.real.names, names)].any())

    def _came(self, moved: Sequence[Moved]) -> FloatArray:
        """(R,) mean shift from original to counterfactual, in standard deviations."""
        came: FloatArray = (
            np.mean([m.after.readouts - m.before.readouts for m in moved], axis=0) / self._spread
        )
        return came

    def _held_out(self, k: int) -> IntArray:
        """Rows of real images of condition k in held-out wells; of all wells where none is held
        out.
        """
        rows = self.real.truth == k
        held = np.flatnonzero(rows & self.real.held_out)
        return held if len(held) else np.flatnonzero(rows)

    @cached_property
    def _space(self) -> "_TargetSpace":
        known = ~self.real.held_out
        return _TargetSpace(
            self.real.embedding[known], self.real.embedding[known & (self.real.truth == self._t)]
        )


def told_apart(of_source: FloatArray, of_target: FloatArray, source: int, target: int) -> float:
    """Mean recall between two conditions by scores (..., K) of images of either; .5 is chance.

    1 without images.
    """
    both = ((of_source[..., [source, target]], 0), (of_target[..., [source, target]], 1))
    return float(
        np.mean(
            [(scores.argmax(axis=-1) == k).mean() if scores.size else 1.0 for scores, k in both]
        )
    )


class _TargetSpace:
    """The embedding in its main directions, with real target images of training wells as reference."""

    def __init__(self, every: FloatArray, target: FloatArray) -> None:
        self._centre = every.mean(axis=0)
        _, sizes, axes = np.linalg.svd(every - self._centre, full_matrices=False)
        keep = min(EMBEDDED_DIMENSIONS, int((sizes > 1e-6 * sizes[0]).sum()))
        self._axes = axes[:keep] / (sizes[:keep, None] / np.sqrt(len(every)))
        placed = self.project(target)
        self._mean = placed.mean(axis=0)
        spread = np.cov(placed.T).reshape(keep, keep) if len(placed) > 1 else 0.0
        self._covariance = spread + 0.05 * np.eye(keep)

    def project(self, embedding: FloatArray) -> FloatArray:
        """(N, D) -> (N, d), every direction of unit spread over all real images."""
        out: FloatArray = (embedding - self._centre) @ self._axes.T
        return out

    def distances(self, points: FloatArray) -> FloatArray:
        """(N,) Mahalanobis distances from the target."""
        away = points - self._mean
        out: FloatArray = np.sqrt(
            np.einsum("nd,nd->n", away, np.linalg.solve(self._covariance, away.T).T)
        )
        return out

    def mean_distance(self, points: FloatArray) -> float:
        """Mean distance of a few points."""
        return float(self.distances(points).mean())

    def frechet(self, points: FloatArray) -> float:
        """Frechet distance of two Gaussians (Heusel et al. 2017, arXiv 1706.08500, eq. 6)."""
        covariance = np.cov(points.T) + 0.05 * np.eye(points.shape[1])
        between = np.real(sqrtm(covariance @ self._covariance))
        away = points.mean(axis=0) - self._mean
        return float(away @ away + np.trace(covariance + self._covariance - 2 * between))


def _capped(values: FloatArray) -> FloatArray:
    """Readouts beyond three deviations count as three: no single one decides."""
    return np.clip(values, -3.0, 3.0)


def _light(value: float, limits: tuple[float, float]) -> str:
    return "green" if value >= limits[0] else "amber" if value >= limits[1] else "red"


def _percents(values: FloatArray) -> str:
    return ", ".join(f"{v:.0%}" for v in values)
