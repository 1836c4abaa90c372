"""Treatments ranked by rescue, with what else they change, intervals over wells, honest ties, and
hits.

Rescue: mean position of the treatment's wells on the way from diseased (0) to healthy (1), relative
to the diseased wells of the same plates. Off-axis: length of the mean departure across that way,
less what noise alone adds to a length, in the spread of healthy wells. Intervals: wells of
treatment and controls drawn again (core.screening.moderated_variance).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from core.domain import Condition, FloatArray, IntArray, Role
from core.domain.screen import Ranked
from core.errors import LeighError
from core.screening.design import Design
from core.screening.discriminant import OffAxisSpace, class_means, from_diseased
from core.screening.moderated_variance import redraw, spread_of
from core.screening.off_axis import off_axis
from core.screening.wells import WellTable

FEWEST_WELLS = 2  # below, a treatment has a place and no interval


@dataclass(frozen=True)
class Rules:
    """When a treatment is called a hit, and when it is flagged."""

    level: float = 0.9  # of intervals
    false_hits: float = 0.01  # chance of any false hit in the whole screen (Holm)
    least_rescue: float = 0.2
    off_axis_share: float = 0.3  # of the way from diseased to healthy ...
    off_axis_spread: float = (
        1.0  # ... and in the spread of healthy wells: beyond both, something else changed
    )
    least_cells: float = (
        0.9  # of the diseased wells' nuclei: an interval wholly below has lost cells
    )
    draws: int = 1000

    def off_axis_limit(self, length: float) -> float:
        """Beyond it something else changed; `length` is that of the way from
        diseased to healthy.
        """
        return max(self.off_axis_spread, self.off_axis_share * length)


@dataclass(frozen=True)
class Estimates:
    """Per condition (K,), and draws (B, K) of the rescue for dose curves."""

    wells: IntArray
    rescue: FloatArray
    rescue_draws: FloatArray
    p_value: FloatArray
    off_axis: FloatArray
    off_low: FloatArray
    off_high: FloatArray
    cells: FloatArray
    cell_draws: FloatArray


class _Shares:
    """Wells of every condition on every plate, and the redrawn errors of the
    diseased wells there.
    """

    def __init__(
        self, values: FloatArray, design: Design, draws: int, rng: np.random.Generator
    ) -> None:
        self.count = design.counts
        classes, plates = self.count.shape
        base = self.count[design.diseased]
        if (base[self.count.sum(axis=0) > 0] == 0).any():
            raise LeighError(
                "A plate has no diseased control wells, so its treatments cannot be placed.",
                "Leave this plate out, or choose --normalise none.",
            )
        diseased = design.condition == design.diseased
        centred = from_diseased(values[:, None], design.home, diseased)[:, 0]
        self.spread = spread_of(centred, design.condition, classes)
        self.share = self.count / np.maximum(self.count.sum(axis=1, keepdims=True), 1)  # (K, P)
        self.base_error = redraw(self.spread, base, np.full(plates, design.diseased), draws, rng)
        own = redraw(self.spread, self.count.sum(axis=1), np.arange(classes), draws, rng)
        self.error = (
            own - self.base_error @ self.share.T
        )  # (B, K); the diseased wells themselves lie at 0
        self.error[:, design.diseased] = 0


@dataclass(frozen=True)
class Placement:
    """Wells (W) on the disease axis and across it."""

    scores: FloatArray  # (W,) discriminant scores
    redrawn: FloatArray  # (B, K) positions of the conditions by axes fitted to redrawn wells
    across: OffAxisSpace


def estimate(
    placement: Placement, nuclei: FloatArray, design: Design, rules: Rules, *, seed: int = 0
) -> Estimates:
    """Rescue, off-axis and cell count of every condition; `nuclei` are (W,).

    Raises LeighError where healthy and diseased wells cannot be told apart.
    """
    scores, axes, space = placement.scores, placement.redrawn, placement.across
    rng = np.random.default_rng(seed)
    along = _Shares(scores, design, rules.draws, rng)
    gap = float(along.spread.mean[design.healthy])
    gap_draws = gap + along.error[:, design.healthy]
    if gap <= 0 or np.percentile(gap_draws, 0.5) <= 0:
        raise LeighError(
            "Healthy and diseased wells cannot be told apart on wells left out of the fit, so there"
            " is no way to rank along.",
            "Check the labels and the stains; look at the accuracy on held-out wells.",
        )
    rescue = along.spread.mean / gap
    draws = (along.spread.mean + along.error) / gap_draws[:, None]
    draws += axes[rng.integers(0, len(axes), len(draws))]
    off, low, high = off_axis(space, design, rescue, rules.level)
    cells, cell_draws = _cells(nuclei, design, rules, rng)
    p = _p_values(along, design, axes.var(axis=0) * gap**2)
    return Estimates(along.spread.wells, rescue, draws, p, off, low, high, cells, cell_draws)


def rank(
    found: Estimates, space: OffAxisSpace, table: WellTable, design: Design, rules: Rules
) -> tuple[Ranked, ...]:
    """Rows best first, controls last, with ties, hits and flags."""
    intensity = _intensities(table.intensity, design)
    rows = [
        _row(int(k), found, space, intensity[k], design, rules) for k in np.flatnonzero(found.wells)
    ]
    treatments = sorted((r for r in rows if _is_treatment(r)), key=lambda r: -r.rescue)
    controls = [r for r in rows if not _is_treatment(r)]
    return (*_tied(treatments), *sorted(controls, key=lambda r: -r.rescue))


def _is_treatment(row: Ranked) -> bool:
    return row.role not in (Role.HEALTHY, Role.DISEASED)


def _row(
    k: int,
    found: Estimates,
    space: OffAxisSpace,
    intensity: FloatArray,
    design: Design,
    rules: Rules,
) -> Ranked:
    condition = design.conditions[k]
    measured = found.wells[k] >= FEWEST_WELLS
    cells = found.cells[k] if np.isfinite(found.cells[k]) else None
    tail = (1 - rules.level) / 2 * 100

    def ends(draws: FloatArray) -> tuple[float | None, float | None]:
        low, high = np.percentile(draws[:, k], [tail, 100 - tail])
        return (float(low), float(high)) if measured else (None, None)

    low, high = (
        ends(found.rescue_draws) if k not in (design.healthy, design.diseased) else (None, None)
    )
    cell_low, cell_high = ends(found.cell_draws) if cells is not None else (None, None)
    off = (float(found.off_low[k]), float(found.off_high[k])) if measured else (None, None)
    row = Ranked(
        condition=condition.name,
        compound=compound_of(condition),
        dose_um=condition.dose_um,
        role=condition.role,
        wells=int(found.wells[k]),
        rescue=float(found.rescue[k]) if k != design.diseased else 0.0,
        rescue_low=low,
        rescue_high=high,
        off_axis=float(found.off_axis[k]),
        off_axis_low=off[0],
        off_axis_high=off[1],
        cell_count=float(cells) if cells is not None else None,
        cell_count_low=cell_low,
        cell_count_high=cell_high,
        intensity=tuple(float(v) for v in intensity) if np.isfinite(intensity).all() else (),
        tie=0,
        p_value=float(found.p_value[k]) if measured else None,
        hit=False,
    )
    flags = _flags(row, space, rules)
    hit = (
        _is_treatment(row)
        and not flags
        and row.p_value is not None
        and row.p_value < rules.false_hits
        and row.rescue >= rules.least_rescue
    )
    return replace(row, flags=flags, hit=hit)


def _flags(row: Ranked, space: OffAxisSpace, rules: Rules) -> tuple[str, ...]:
    flags = []
    if row.wells < FEWEST_WELLS:
        flags.append(f"only {row.wells} well: no interval")
    if row.cell_count_high is not None and row.cell_count_high < rules.least_cells:
        flags.append("loses cells")
    if row.off_axis_low is not None and row.off_axis_low > rules.off_axis_limit(space.length):
        flags.append("side effect")
    return tuple(flags)


def _tied(rows: Sequence[Ranked]) -> list[Ranked]:
    """Numbers from 1: a row whose interval overlaps that of its group's best shares the number."""
    out: list[Ranked] = []
    best: Ranked | None = None
    for row in rows:
        apart = best is None or (
            row.rescue_high is not None
            and best.rescue_low is not None
            and row.rescue_high < best.rescue_low
        )
        if apart:
            best = row
        number = (out[-1].tie if out else 0) + (1 if apart else 0)
        out.append(replace(row, tie=number))
    return out


def compound_of(condition: Condition) -> str:
    """The condition's name without the dose that it ends in."""
    if condition.dose_um is None:
        return condition.name
    return condition.name.removesuffix(f" {condition.dose_um:g} µM").strip() or condition.name


def _p_values(along: _Shares, design: Design, axis_variance: FloatArray) -> FloatArray:
    """(K,) one-sided p that the rescue is 0 or less: moderated t, Holm over all treatments;
    controls 1.
    """
    s = along.spread
    base = along.count[design.diseased]
    variance = s.variance / np.maximum(s.wells, 1)
    variance = (
        variance
        + (along.share**2) @ (s.variance[design.diseased] / np.maximum(base, 1))
        + axis_variance
    )
    p = stats.t.sf(s.mean / np.sqrt(np.maximum(variance, 1e-300)), s.freedom)
    tested = np.array([c.role not in (Role.HEALTHY, Role.DISEASED) for c in design.conditions]) & (
        s.wells > 1
    )
    out = np.ones(len(p))
    order = np.flatnonzero(tested)[np.argsort(p[tested])]
    out[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return out


def _cells(
    nuclei: FloatArray, design: Design, rules: Rules, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(K,) nuclei as share of the diseased wells of the same plates, and (B, K) draws; nan without
    nuclei.
    """
    classes = len(design.conditions)
    if not np.isfinite(nuclei).all():
        return np.full(classes, np.nan), np.full((rules.draws, classes), np.nan)
    diseased = design.condition == design.diseased
    base = class_means(nuclei[diseased][:, None], design.home[diseased])[:, 0]
    if (base[np.unique(design.home)] <= 0).any():
        return np.full(classes, np.nan), np.full((rules.draws, classes), np.nan)
    relative = _Shares(
        nuclei / np.where(base > 0, base, 1.0)[design.home], design, rules.draws, rng
    )
    share = 1 + relative.spread.mean
    return share, share + relative.error


def _intensities(intensity: FloatArray, design: Design) -> FloatArray:
    """(K, C) mean brightness of the wells over that of the diseased wells of the same plates; nan
    without any.
    """
    diseased = design.condition == design.diseased
    base = class_means(intensity[diseased], design.home[diseased])[design.home]
    share = np.where(base > 0, intensity / np.where(base > 0, base, 1), np.nan)
    return class_means(share, design.condition)
