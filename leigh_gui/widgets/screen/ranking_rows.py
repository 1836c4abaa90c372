"""What the ranking says in each row: order, ties, numbers with their intervals, and words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.domain import Role
from core.domain.screen import DoseCurve, Ranked, ResidualChange, Screen
from leigh_gui.widgets.common.look import count
from leigh_gui.widgets.screen.axis import known, off_axis_limit, short

DASH = "–"


class Column(StrEnum):
    """The columns of the ranking, from left to right."""

    RANK = "rank"
    NAME = "name"
    RESCUE = "rescue"
    OFF_AXIS = "off-axis"
    NUCLEI = "nuclei"
    WELLS = "wells"
    FLAGS = "flags"


# What a column is sorted by.
VALUES: dict[Column, Callable[[Ranked], float | None]] = {
    Column.RANK: lambda r: float(r.tie),
    Column.RESCUE: lambda r: r.rescue,
    Column.OFF_AXIS: lambda r: r.off_axis,
    Column.NUCLEI: lambda r: r.cell_count,
    Column.WELLS: lambda r: float(r.wells),
    Column.FLAGS: lambda r: -1.0 if r.hit else float(len(r.flags)),
}
FALLING = (Column.RESCUE, Column.NUCLEI, Column.WELLS)  # the first click puts the largest on top


@dataclass(frozen=True)
class RowWords:
    """A treatment in words: its name, what was measured, and its flags."""

    title: str
    figures: tuple[str, ...]
    flags: tuple[str, ...] = ()

    def text(self) -> str:
        """All of it, a line for each figure and flag."""
        return "\n".join([self.title, *self.figures, *flag_lines(self.flags)])


def flag_lines(flags: Sequence[str]) -> list[str]:
    """'⚑ side effect' for every flag."""
    return [f"⚑ {flag}" for flag in flags]


def is_control(row: Ranked) -> bool:
    """Healthy and diseased untreated cultures are not ranked."""
    return row.tie == 0 or row.role in (Role.HEALTHY, Role.DISEASED)


def treatment_name(row: Ranked) -> str:
    """'Drug A · 3 µM', or the condition where no dose is known."""
    return (
        row.condition
        if row.dose_um is None
        else f"{row.compound or row.condition} · {row.dose_um:g} µM"
    )


def flag_text(row: Ranked) -> str:
    """'★ hit', or the flags."""
    return ", ".join(("★ hit", *row.flags) if row.hit else row.flags)


def sorted_rows(
    ranked: Sequence[Ranked], by: Column = Column.RANK, down: bool = False, wanted: str = ""
) -> tuple[Ranked, ...]:
    """Treatments whose name contains `wanted`, sorted by one column; the controls at the end.

    `down` puts the largest first; rows without a value follow. Equal rows keep their order.
    """
    found = [r for r in ranked if wanted.strip().casefold() in treatment_name(r).casefold()]
    treated = [r for r in found if not is_control(r)]
    controls = [r for r in found if is_control(r)]
    if by is Column.NAME:
        treated.sort(
            key=lambda r: (r.compound.casefold(), r.dose_um or 0.0, r.condition), reverse=down
        )
        return (*treated, *controls)
    value = VALUES[by]
    measured = [r for r in treated if known(value(r))]
    measured.sort(key=lambda r: value(r) or 0.0, reverse=down)
    return (*measured, *(r for r in treated if not known(value(r))), *controls)


def shared_ranks(ranked: Sequence[Ranked]) -> frozenset[int]:
    """Ranks that several treatments share, because they are not distinguishable."""
    counted = Counter(r.tie for r in ranked if not is_control(r))
    return frozenset(tie for tie, many in counted.items() if many > 1)


def tie_runs(rows: Sequence[Ranked]) -> list[tuple[int, int]]:
    """First and last row of every block of neighbours that share a rank."""
    runs, start = [], 0
    for end in range(1, len(rows) + 1):
        if end < len(rows) and rows[end].tie == rows[start].tie and not is_control(rows[end]):
            continue
        if end - start > 1 and not is_control(rows[start]):
            runs.append((start, end - 1))
        start = end
    return runs


def figure(value: float | None) -> str:
    """A number of at most four figures, so that it fits in front of its axis."""
    size = abs(value) if value is not None and known(value) else 0.0
    return number(value, 2 if size < 9.995 else 1 if size < 99.95 else 0)


def number(value: float | None, digits: int = 2) -> str:
    """A value, or a dash where it was not measured."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.3g}"
    return text.replace("-", "−") if float(text) else text.replace("-", "")


def ranged(value: float | None, low: float | None, high: float | None, digits: int = 2) -> str:
    """'0.82 [0.71 to 0.90]'; only the value without an interval."""
    if not known(value) or not (known(low) and known(high)):
        return number(value, digits)
    return f"{number(value, digits)} [{number(low, digits)} to {number(high, digits)}]"


def share(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """'98 % [90–105]'; a dash where it was not measured."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{number(value * 100, 0)} %"
    if low is None or high is None or not (known(low) and known(high)):
        return text
    between = " to " if low < 0 else "–"
    return f"{text} [{number(low * 100, 0)}{between}{number(high * 100, 0)}]"


def p_text(p: float) -> str:
    """'0.003', or '< 0.0001' for smaller values."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def row_words(row: Ranked, screen: Screen) -> RowWords:
    """Everything that is known of a treatment."""
    title = treatment_name(row) + (" (control)" if is_control(row) else "")
    rescue = ranged(row.rescue, row.rescue_low, row.rescue_high)
    off_axis = ranged(row.off_axis, row.off_axis_low, row.off_axis_high)
    limit = short(off_axis_limit(screen))
    cells = share(row.cell_count, row.cell_count_low, row.cell_count_high)
    figures = [
        *_rank_words(row, screen),
        f"Rescue {rescue} (0 {screen.diseased}, 1 {screen.healthy})",
        f"Off-axis {off_axis} spreads of healthy wells (above {limit} something else changed)",
        f"Nuclei {cells} of {screen.diseased}",
    ]
    for channel, value in zip(screen.channels, row.intensity, strict=False):
        figures.append(f"{channel} intensity {share(value)} of {screen.diseased}")
    figures.append(_wells_words(row))
    if not (known(row.rescue_low) and known(row.rescue_high)):
        figures.append("No interval could be measured.")
    return RowWords(title, tuple(figures), row.flags)


def _rank_words(row: Ranked, screen: Screen) -> list[str]:
    if is_control(row):
        return []
    tied = row.tie in shared_ranks(screen.ranked)
    words = ", tied: not distinguishable from the best of this rank" if tied else ""
    return [f"Rank {row.tie}{words}"]


def _wells_words(row: Ranked) -> str:
    p = row.p_value
    holm = f", p {p_text(p)} (Holm)" if p is not None and known(p) else ""
    return f"{count(row.wells, 'well')}{', hit' if row.hit else ''}{holm}"


def summary(screen: Screen) -> str:
    """'★ 3 hits among 12 treatments · 48 wells on 2 plates · intervals at 90 %'."""
    treated = [r for r in screen.ranked if not is_control(r)]
    hits = sum(r.hit for r in treated)
    plates = count(len({w.plate for w in screen.wells}), "plate")
    words = f"★ {count(hits, 'hit')} among {count(len(treated), 'treatment')}"
    return (
        f"{words} · {count(len(screen.wells), 'well')} on {plates} · intervals at"
        f" {screen.level * 100:g} %"
    )


def dose_words(curve: DoseCurve) -> str:
    """'EC50 2.1 µM [1.2–3.9]', or why there is none."""
    if curve.ec50_um is None or not known(curve.ec50_um):
        return curve.reason or "No EC50."
    if curve.ec50_low is None or curve.ec50_high is None:
        return f"EC50 {curve.ec50_um:.3g} µM"
    return f"EC50 {curve.ec50_um:.3g} µM [{curve.ec50_low:.3g}–{curve.ec50_high:.3g}]"


def restored_words(left: ResidualChange) -> str:
    """'restored 70 % [61–78] of the Mitochondria change'."""
    if not known(left.restored):
        return f"not measurable: the {left.channel} change"
    return f"restored {share(left.restored, left.low, left.high)} of the {left.channel} change"


def stale_words(screen: Screen, dataset_digest: str, model_digest: str) -> str:
    """Why this screen does not fit the open images and model; empty when it fits.

    A screen without a model fits any model.
    """
    images = bool(screen.dataset_digest) and screen.dataset_digest != dataset_digest
    model = bool(screen.model_digest) and screen.model_digest != model_digest
    if not images and not model:
        return ""
    if images and model:
        return "This screen was made from other images or labels, and with another model."
    if images:
        return "This screen was made from other images or labels than those that are open now."
    return "This screen was made with another model than the one that is open now."
