"""Rank treatments by rescue, with off-axis distance, intervals, rank groups and hits.

Rescue: mean discriminant score of the treatment's wells, from diseased (0) to healthy (1), relative
to the diseased wells of the same plates. Off-axis: distance of the mean from the disease axis
without the part that noise adds, in the spread of healthy wells. Intervals: wells of treatment and
controls are drawn again (core.screening.moderated_variance).
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

FEWEST_WELLS = 2  # a treatment with fewer wells has no interval


@dataclass(frozen=True)
class Rules:
    """When a treatment is a hit, and when it is flagged."""

    level: float = 0.9  # of intervals
    false_hits: float = 0.01  # family-wise error: chance of any false hit in the screen (Holm)
    least_rescue: float = 0.2
    # A side effect is larger than both: a share of the disease axis, and a multiple of the spread
    # of healthy wells.
    off_axis_share: float = 0.3
    off_axis_spread: float = 1.0
    # Share of the nuclei of diseased wells; a treatment whose whole interval is below loses cells.
    least_cells: float = 0.9
    draws: int = 1000

    def off_axis_limit(self, length: float) -> float:
        """Largest off-axis distance without a side effect; `length` is that of the disease axis."""
        return max(self.off_axis_spread, self.off_axis_share * length)


@dataclass(frozen=True)
class Estimates:
    """Estimates per condition (K,), and draws (B, K)."""

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
    """Means of every condition relative to the diseased wells of its batches, and their errors."""

    def __init__(
        self, values: FloatArray, design: Design, draws: int, rng: np.random.Generator
    ) -> None:
        self.count = design.counts
        classes, plates = self.count.shape
        base = self.count[design.diseased]
        if (base[self.count.sum(axis=0) > 0] == 0).any():
            raise LeighError(
                "A plate has no diseased control wells, so its treatments cannot be scored.",
                "Leave this plate out, or choose --normalise none.",
            )
        diseased = design.condition == design.diseased
        centred = from_diseased(values[:, None], design.home, diseased)[:, 0]
        self.spread = spread_of(centred, design.condition, classes)
        self.share = self.count / np.maximum(self.count.sum(axis=1, keepdims=True), 1)  # (K, P)
        self.base_error = redraw(self.spread, base, np.full(plates, design.diseased), draws, rng)
        own = redraw(self.spread, self.count.sum(axis=1), np.arange(classes), draws, rng)
        self.error = own - self.base_error @ self.share.T  # (B, K)
        self.error[:, design.diseased] = 0  # by definition, the diseased wells lie at 0


@dataclass(frozen=True)
class Placement:
    """W wells on the disease axis and off it."""

    scores: FloatArray  # (W,) discriminant scores
    redrawn: FloatArray  # (B, K) changes of the mean scores, by axes fitted to redrawn wells
    across: OffAxisSpace


def estimate(
    placement: Placement, nuclei: FloatArray, design: Design, rules: Rules, *, seed: int = 0
) -> Estimates:
    """Estimate rescue, off-axis distance and cell count of every condition.

    Parameters
    ----------
    placement
        The scores of W wells.
    nuclei
        (W,) nuclei per image; nan where they are not counted.
    design
        Conditions, batches and controls.
    rules
        Level of the intervals and number of draws.
    seed
        Of the draws.

    Raises
    ------
    LeighError
        Where held-out healthy and diseased wells are not separated.
    """
    scores, axes, space = placement.scores, placement.redrawn, placement.across
    rng = np.random.default_rng(seed)
    along = _Shares(scores, design, rules.draws, rng)
    gap = float(along.spread.mean[design.healthy])
    gap_draws = gap + along.error[:, design.healthy]
    if gap <= 0 or np.percentile(gap_draws, 0.5) <= 0:
        raise LeighError(
            "Healthy and diseased wells are not separated on wells left out of the fit, so nothing"
            " can be ranked.",
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
    estimates: Estimates, space: OffAxisSpace, table: WellTable, design: Design, rules: Rules
) -> tuple[Ranked, ...]:
    """Rank the treatments: one row per condition, best first and controls last.

    Parameters
    ----------
    estimates
        Rescue, off-axis distance and cell count per condition (K,).
    space
        The off-axis space.
    table
        The wells, for their intensity.
    design
        Conditions, batches and controls.
    rules
        When a treatment is a hit, and when it is flagged.
    """
    intensity = _intensities(table.intensity, design)
    rows = [
        _row(int(k), estimates, space, intensity[k], design, rules)
        for k in np.flatnonzero(estimates.wells)
    ]
    treatments = sorted((r for r in rows if _is_treatment(r)), key=lambda r: -r.rescue)
    controls = [r for r in rows if not _is_treatment(r)]
    return (*_grouped(treatments), *sorted(controls, key=lambda r: -r.rescue))


def _is_treatment(row: Ranked) -> bool:
    return row.role not in (Role.HEALTHY, Role.DISEASED)


def _row(
    k: int,
    estimates: Estimates,
    space: OffAxisSpace,
    intensity: FloatArray,
    design: Design,
    rules: Rules,
) -> Ranked:
    condition = design.conditions[k]
    measured = estimates.wells[k] >= FEWEST_WELLS
    cells = estimates.cells[k] if np.isfinite(estimates.cells[k]) else None
    tail = (1 - rules.level) / 2 * 100

    def ends(draws: FloatArray) -> tuple[float | None, float | None]:
        low, high = np.percentile(draws[:, k], [tail, 100 - tail])
        return (float(low), float(high)) if measured else (None, None)

    is_control = k in (design.healthy, design.diseased)
    low, high = (None, None) if is_control else ends(estimates.rescue_draws)
    cell_low, cell_high = ends(estimates.cell_draws) if cells is not None else (None, None)
    off = (float(estimates.off_low[k]), float(estimates.off_high[k])) if measured else (None, None)
    row = Ranked(
        condition=condition.name,
        compound=compound_of(condition),
        dose_um=condition.dose_um,
        role=condition.role,
        wells=int(estimates.wells[k]),
        rescue=float(estimates.rescue[k]) if k != design.diseased else 0.0,
        rescue_low=low,
        rescue_high=high,
        off_axis=float(estimates.off_axis[k]),
        off_axis_low=off[0],
        off_axis_high=off[1],
        cell_count=float(cells) if cells is not None else None,
        cell_count_low=cell_low,
        cell_count_high=cell_high,
        intensity=tuple(float(v) for v in intensity) if np.isfinite(intensity).all() else (),
        tie=0,
        p_value=float(estimates.p_value[k]) if measured else None,
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


def _grouped(rows: Sequence[Ranked]) -> list[Ranked]:
    """Number the rank groups from 1: intervals in a group overlap that of the group's best."""
    grouped: list[Ranked] = []
    best: Ranked | None = None
    for row in rows:
        starts_group = best is None or (
            row.rescue_high is not None
            and best.rescue_low is not None
            and row.rescue_high < best.rescue_low
        )
        if starts_group:
            best = row
        number = (grouped[-1].tie if grouped else 0) + (1 if starts_group else 0)
        grouped.append(replace(row, tie=number))
    return grouped


def compound_of(condition: Condition) -> str:
    """The condition's name without its dose."""
    if condition.dose_um is None:
        return condition.name
    return condition.name.removesuffix(f" {condition.dose_um:g} µM").strip() or condition.name


def _p_values(along: _Shares, design: Design, axis_variance: FloatArray) -> FloatArray:
    """(K,) one-sided p of a rescue above 0: moderated t, corrected by Holm; 1 for controls."""
    s = along.spread
    base = along.count[design.diseased]
    own = s.variance / np.maximum(s.wells, 1)
    of_diseased = (along.share**2) @ (s.variance[design.diseased] / np.maximum(base, 1))
    variance = own + of_diseased + axis_variance
    p = stats.t.sf(s.mean / np.sqrt(np.maximum(variance, 1e-300)), s.freedom)
    roles = [c.role for c in design.conditions]
    is_treatment = np.array([role not in (Role.HEALTHY, Role.DISEASED) for role in roles])
    tested = is_treatment & (s.wells > 1)
    corrected = np.ones(len(p))
    order = np.flatnonzero(tested)[np.argsort(p[tested])]
    steps = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    corrected[order] = np.minimum(1, steps)
    return corrected


def _cells(
    nuclei: FloatArray, design: Design, rules: Rules, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(K,) nuclei as a share of the diseased wells of the same batches, and (B, K) draws.

    All values are nan where nuclei are not counted.
    """
    classes = len(design.conditions)
    if not np.isfinite(nuclei).all():
        return np.full(classes, np.nan), np.full((rules.draws, classes), np.nan)
    diseased = design.condition == design.diseased
    base = class_means(nuclei[diseased][:, None], design.home[diseased])[:, 0]
    if (base[np.unique(design.home)] <= 0).any():
        return np.full(classes, np.nan), np.full((rules.draws, classes), np.nan)
    of_diseased = np.where(base > 0, base, 1.0)[design.home]
    relative = _Shares(nuclei / of_diseased, design, rules.draws, rng)
    share = 1 + relative.spread.mean
    return share, share + relative.error


def _intensities(intensity: FloatArray, design: Design) -> FloatArray:
    """(K, C) mean brightness relative to the diseased wells of the same batches; else nan."""
    diseased = design.condition == design.diseased
    base = class_means(intensity[diseased], design.home[diseased])[design.home]
    share = np.where(base > 0, intensity / np.where(base > 0, base, 1), np.nan)
    return class_means(share, design.condition)
