"""What the ranking says in each row: order, ties, numbers with their intervals, and the words of
the tooltip.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from core.domain import Role
from core.domain.screen import DoseCurve, Ranked, Screen, Unrepaired
from leigh_gui.widgets.common.look import count
from leigh_gui.widgets.screen.axis import known, off_axis_limit, short

DASH = "–"
FALLING = ("rescue", "nuclei")  # headings whose first click puts the largest on top


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


def sorted_rows(
    ranked: Sequence[Ranked], by: str = "rank", down: bool = False, wanted: str = ""
) -> tuple[Ranked, ...]:
    """Treatments whose name holds `wanted`, by one heading, what was not measured last, then the
    controls.

    `by` is rank, name, rescue, off-axis or nuclei; `down` puts the largest first. Ranked alike, the
    given order stays.
    """
    value: dict[str, Callable[[Ranked], float | None]] = {
        "rescue": lambda r: r.rescue, "off-axis": lambda r: r.off_axis, "nuclei": lambda r: r.cell_count,
        "rank": lambda r: float(r.tie),
    }  # fmt: skip
    shown = [r for r in ranked if wanted.strip().casefold() in treatment_name(r).casefold()]
    treated = [r for r in shown if not is_control(r)]
    controls = [r for r in shown if is_control(r)]
    if by == "name":
        treated.sort(
            key=lambda r: (r.compound.casefold(), r.dose_um or 0.0, r.condition), reverse=down
        )
        return (*treated, *controls)
    there = [r for r in treated if known(value[by](r))]
    there.sort(key=lambda r: value[by](r) or 0.0, reverse=down)
    return (*there, *(r for r in treated if not known(value[by](r))), *controls)


def shared_ranks(ranked: Sequence[Ranked]) -> frozenset[int]:
    """Ranks that several treatments share, because they cannot be told apart."""
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


def number(value: float | None, digits: int = 2) -> str:
    """A value, or a dash where it was not measured."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.3g}"
    return text.replace("-", "−") if float(text) else text.replace("-", "")


def ranged(value: float | None, low: float | None, high: float | None, digits: int = 2) -> str:
    """'0.82 [0.71 to 0.90]'; without the brackets where there is no interval."""
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
    """'0.003', or '< 0.0001' below that."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def row_words(row: Ranked, screen: Screen) -> str:
    """Everything known of a treatment, for its tooltip."""
    lines = [treatment_name(row) + (" (control)" if is_control(row) else "")]
    if not is_control(row):
        tied = row.tie in shared_ranks(screen.ranked)
        lines.append(
            f"Rank {row.tie}"
            + (", tied: not to be told apart from the best of this rank" if tied else "")
        )
    lines.append(f"Rescue {ranged(row.rescue, row.rescue_low, row.rescue_high)} (0 {screen.diseased}, "
                 f"1 {screen.healthy})")  # fmt: skip
    lines.append(f"Off-axis {ranged(row.off_axis, row.off_axis_low, row.off_axis_high)} spreads of healthy wells "
                 f"(beyond {short(off_axis_limit(screen))} something else changed)")  # fmt: skip
    lines.append(
        f"Nuclei {share(row.cell_count, row.cell_count_low, row.cell_count_high)} of"
        f" {screen.diseased}"
    )
    for channel, value in zip(screen.channels, row.intensity, strict=False):
        lines.append(f"{channel} intensity {share(value)} of {screen.diseased}")
    p = (
        f", p {p_text(row.p_value)} (Holm)"
        if row.p_value is not None and known(row.p_value)
        else ""
    )
    lines.append(f"{count(row.wells, 'well')}{', hit' if row.hit else ''}{p}")
    if not (known(row.rescue_low) and known(row.rescue_high)):
        lines.append("No interval could be measured.")
    return "\n".join([*lines, *(f"⚑ {flag}" for flag in row.flags)])


def detail_lines(row: Ranked, screen: Screen) -> tuple[str, str, str]:
    """Title, what was measured, and the flags in full: for the strip under the ranking."""
    title, *lines = row_words(row, screen).split("\n")
    flags = [line for line in lines if line.startswith("⚑")]
    return title, " · ".join(line for line in lines if not line.startswith("⚑")), "   ".join(flags)


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


def restored_words(left: Unrepaired) -> str:
    """'restored 70 % [61–78] of the Mitochondria change'."""
    if not known(left.restored):
        return f"not measurable: the {left.channel} change"
    return f"restored {share(left.restored, left.low, left.high)} of the {left.channel} change"


def stale_words(screen: Screen, dataset_digest: str, model_digest: str) -> str:
    """Why this screen is not of what is open now; empty when it is.

    A screen without a model fits any model.
    """
    images = bool(screen.dataset_digest) and screen.dataset_digest != dataset_digest
    model = bool(screen.model_digest) and screen.model_digest != model_digest
    if not images and not model:
        return ""
    what = "of other images or labels" if images else "made with another model"
    if images and model:
        what = "of other images or labels, and made with another model"
    return f"This screen is {what} than what is open now."
