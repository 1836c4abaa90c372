"""What a plate can be coloured by: values of its wells, and one scale for all plates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.limits import PLATE_SHAPES
from core.domain.screen import Screen, WellScore
from leigh_gui.widgets.image.plate_view import well_place
from leigh_gui.widgets.screen.axis import measured, short

# Viridis (Smith and van der Walt 2015): even steps to the eye, also for colour-blind readers and in
# grey.
VIRIDIS = (
    (68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142),
    (31, 158, 137), (53, 183, 121), (109, 205, 89), (180, 222, 44), (253, 231, 37),
)  # fmt: skip
# Brown through neutral to teal (ColorBrewer BrBG), also for colour-blind readers: half way is
# neutral.
LIGHT_BROWN_TEAL = ((84, 48, 5), (191, 129, 45), (240, 240, 240), (53, 151, 143), (0, 60, 48))
DARK_BROWN_TEAL = ((252, 205, 130), (176, 112, 36), (44, 46, 50), (42, 140, 130), (140, 235, 220))
LEVELS = 256
MANY = 200  # wells from which on the outermost hundredth may lie beyond the scale


@dataclass(frozen=True)
class Scale:
    """Range of the colours, the same for all plates; `below` and `above`: values lie outside."""

    low: float
    high: float
    diverging: bool = False
    below: bool = False
    above: bool = False

    def level(self, value: float) -> int:
        """Row of the colour table."""
        share = (value - self.low) / max(self.high - self.low, 1e-12)
        return round(min(max(share, 0.0), 1.0) * (LEVELS - 1))

    def ends(self) -> tuple[str, str]:
        """The printed limits, with a sign where values lie beyond them."""
        return ("≤ " if self.below else "") + short(self.low), ("≥ " if self.above else "") + short(
            self.high
        )


def choices(screen: Screen) -> list[tuple[str, str]]:
    """(key, words) of everything the plates can be coloured by."""
    strange = any(w.unlike for w in screen.wells)
    fixed = [("rescue", "Rescue (× odd)" if strange else "Rescue"), ("off-axis", "Off-axis")]
    if any(w.nuclei is not None for w in screen.wells):
        fixed.append(("nuclei", "Nuclei per image"))
    stains = [(f"intensity-{k}", f"{name} intensity") for k, name in enumerate(screen.channels)]
    return [*fixed, *stains, ("condition", "Condition")]


def value_of(well: WellScore, key: str) -> float | None:
    """The well's value; None where it was not measured."""
    if key.startswith("intensity-"):
        index = int(key.removeprefix("intensity-"))
        value: float | None = well.intensity[index] if index < len(well.intensity) else None
    else:
        value = {"rescue": well.rescue, "off-axis": well.off_axis, "nuclei": well.nuclei}.get(key)
    return value if value is not None and math.isfinite(value) else None


def scale_of(wells: Sequence[WellScore], key: str) -> Scale:
    """One scale over all wells of all plates.

    Rescue: at least 0 to 1, with one half in the middle. Off-axis and nuclei begin at 0,
    intensities at their least. The outermost hundredth of many wells may lie beyond the ends, which
    then say so.
    """
    values = np.array(measured(value_of(w, key) for w in wells) or [0.0, 1.0])
    low, high = (
        float(v) for v in np.percentile(values, (1, 99) if len(values) >= MANY else (0, 100))
    )
    if key == "rescue":
        reach = math.ceil(max(0.5, 0.5 - low, high - 0.5) * 20) / 20
        low, high = 0.5 - reach, 0.5 + reach
    elif key in ("off-axis", "nuclei"):
        low, high = 0.0, max(high, 1.0)
    if high <= low:
        high = low + max(abs(low) * 0.01, 1e-6)
    return Scale(
        low,
        high,
        key == "rescue",
        bool(values.min() < low - 1e-9),
        bool(values.max() > high + 1e-9),
    )


def colour_table(diverging: bool, dark: bool) -> np.ndarray:
    """(LEVELS, 3) uint8 R G B from the low to the high end."""
    stops = np.array(
        (DARK_BROWN_TEAL if dark else LIGHT_BROWN_TEAL) if diverging else VIRIDIS, dtype=np.float64
    )
    at = np.linspace(0, LEVELS - 1, len(stops))
    return (
        np.stack([np.interp(np.arange(LEVELS), at, stops[:, c]) for c in range(3)], axis=1)
        .round()
        .astype(np.uint8)
    )


@dataclass(frozen=True)
class Layout:
    """Where the wells of one plate lie; `named`: by their names, else by their order."""

    rows: int
    columns: int
    wells: dict[tuple[int, int], WellScore]
    named: bool = True
    left_out: int = 0  # wells whose names do not say a place, or whose place is taken


def layout_of(wells: Sequence[WellScore], shape: tuple[int, int] | None) -> Layout:
    """The plate at its known shape, enlarged if need be, or the smallest plate for its wells."""
    placed = {place: w for w in wells if (place := well_place(w.well)) is not None}
    if len(placed) < len(wells) and len(placed) < max(len(wells) // 2, 1):
        columns = max(math.ceil(math.sqrt(len(wells) * 1.5)), 1)
        there = {divmod(k, columns): w for k, w in enumerate(wells)}
        return Layout(max(-(-len(wells) // columns), 1), columns, there, named=False)
    rows = max((r for r, _ in placed), default=0) + 1
    columns = max((c for _, c in placed), default=0) + 1
    if shape is None:
        shape = next((s for s in PLATE_SHAPES if rows <= s[0] and columns <= s[1]), (rows, columns))
    left_out = len(wells) - len(placed)
    return Layout(max(rows, shape[0]), max(columns, shape[1]), placed, left_out=left_out)


def well_words(well: WellScore, key: str, words: str) -> str:
    """'B04 · Drug A' and its value and images, for the tooltip."""
    lines = [f"{well.well or well.group} · {well.condition}"]
    if key != "condition":
        value = value_of(well, key)
        lines.append(f"{words}: {'not measurable' if value is None else short(value)}")
    many = len(well.record_ids)
    lines.append(f"{many} image" + ("" if many == 1 else "s"))
    if well.unlike:
        lines.append("Out of distribution: not like any control, so its rescue means little.")
    return "\n".join(lines)
