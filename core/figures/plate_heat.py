"""Draw plates as heat maps on one scale, and rescue against dose."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from core.domain import FloatArray, Role
from core.domain.screen import DoseCurve, Screen, WellScore
from core.figures.ranking_panel import HIT
from core.figures.style import WIDTH, Block, Canvas, fitted, line_height, paragraph

SHOWN = {
    "rescue": "Rescue (0 diseased, 1 healthy)",
    "off_axis": "Off-axis (spread of healthy wells)",
    "nuclei": "Nuclei per image",
}
EMPTY = "#E9E9E9"
BAR = 0.62  # inches for the colour bar next to each row of plates
MOST_TICKS = 12
PIXELS = 12  # per well and side
MOST_MARK = 9.0  # largest marker, in points
CURVES_PER_ROW = 3


def plate_blocks(screen: Screen, value: str) -> list[Block]:
    """All plates by one value of `SHOWN`, with the common scale next to every row of plates."""
    plates = list(dict.fromkeys(w.plate for w in screen.wells if w.well))
    values = [v for w in screen.wells if w.well and (v := _value(w, value)) is not None]
    if not plates or not values:
        return []
    scale = _limits(value, values)
    roles = {r.condition: r.role for r in screen.ranked}
    large = max(_shape(screen, p)[1] for p in plates) > 24
    per_row = 1 if large else 3 if len(plates) > 4 else 2
    blocks = []
    for start in range(0, len(plates), per_row):
        blocks.append(_row(screen, plates[start : start + per_row], per_row, value, scale, roles))
    note = (
        "Circles: healthy controls; squares: diseased controls; crosses: unlike all controls. Grey:"
        " no score."
    )
    if lost := sum(not w.well for w in screen.wells):
        note += f" {lost} scored groups have no well and are not drawn."
    return [*blocks, *paragraph(note, 6.5)]


def _value(well: WellScore, name: str) -> float | None:
    value = getattr(well, name)
    return float(value) if value is not None and isfinite(value) else None


def _limits(value: str, values: Sequence[float]) -> tuple[float, float]:
    """The middle 96 % of all wells; for rescue at least 0 to 1."""
    low, high = (float(v) for v in np.percentile(values, [2, 98]))
    if value == "rescue":
        low, high = min(low, 0.0), max(high, 1.0)
    elif value == "off_axis":
        low = 0.0
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)


def _shape(screen: Screen, plate: str) -> tuple[int, int]:
    """Rows and columns of a plate, enlarged for wells outside of the stored shape."""
    from core.io.well_names import well_place

    positions = [well_place(w.well) for w in screen.wells if w.plate == plate and w.well]
    rows, columns = screen.plate_shapes.get(plate, (1, 1))
    return max([rows, *(r for r, _ in positions)]), max([columns, *(c for _, c in positions)])


def _row(
    screen: Screen,
    plates: Sequence[str],
    per_row: int,
    value: str,
    scale: tuple[float, float],
    roles: dict[str, Role],
) -> Block:
    width = (WIDTH - BAR) / per_row
    titles = [fitted(p or "Plate without name", width - 0.35, 7.0, "bold") for p in plates]
    title = max(len(t) for t in titles) * line_height(7.0) + 0.16
    shapes = [_shape(screen, plate) for plate in plates]
    heights = [(width - 0.35) * rows / columns for rows, columns in shapes]
    shown = _Shown(screen, value, scale, roles)

    def draw(c: Canvas) -> None:
        for i, plate in enumerate(plates):
            c.text(i * width + 0.25, 0, "\n".join(titles[i]), 7.0, weight="bold")
            frame = (i * width + 0.25, title, width - 0.35, heights[i])
            _draw_plate(c, frame, shown, plate)
        bar = c.axes(WIDTH - BAR + 0.08, title, 0.09, min(max(heights), 2.2))
        steps = np.linspace(*scale, 256)[:, None]
        bar.imshow(steps, aspect="auto", origin="lower", cmap="viridis", extent=(0, 1, *scale))
        bar.yaxis.tick_right()
        bar.set_xticks([])
        bar.set_yticks([t for t in MaxNLocator(6).tick_values(*scale) if scale[0] <= t <= scale[1]])
        bar.text(
            4.6, 0.5, SHOWN[value], transform=bar.transAxes, fontsize=5.5, rotation=90, va="center"
        )

    return Block(title + max(heights) + 0.16, draw)


@dataclass(frozen=True)
class _Shown:
    """What a plate shows: one value of the wells on one scale, with the controls marked."""

    screen: Screen
    value: str
    scale: tuple[float, float]
    roles: dict[str, Role]


def _draw_plate(
    c: Canvas, frame: tuple[float, float, float, float], what: _Shown, plate: str
) -> None:
    from core.io.well_names import row_letters, well_place

    screen, value, scale, roles = what.screen, what.value, what.scale, what.roles
    rows, columns = _shape(screen, plate)
    ax = c.axes(*frame)
    values: FloatArray = np.full((rows, columns), np.nan)
    marks: dict[str, list[tuple[int, int]]] = {"o": [], "s": [], "x": []}
    for well in (w for w in screen.wells if w.plate == plate and w.well):
        row, column = well_place(well.well)
        of_well = _value(well, value)
        values[row - 1, column - 1] = np.nan if of_well is None else of_well
        mark = {Role.HEALTHY: "o", Role.DISEASED: "s"}.get(roles.get(well.condition, Role.OTHER))
        if mark or well.unlike:
            marks["x" if well.unlike else str(mark)].append((column - 1, row - 1))
    rgba = colormaps["viridis"](Normalize(*scale, clip=True)(np.nan_to_num(values)))
    rgba[np.isnan(values)] = [int(EMPTY[i : i + 2], 16) / 255 for i in (1, 3, 5)] + [1.0]
    # Viewers blur enlarged images; with many pixels per well, only the edge of a well is blurred.
    large = rgba.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1)
    ax.imshow(large, aspect="auto", extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))
    size = min(min(frame[2] / columns, frame[3] / rows) * 72 * 0.42, MOST_MARK)
    for mark, positions in marks.items():
        if positions:
            x, y = zip(*positions, strict=True)
            ax.plot(x, y, mark, ms=size, mfc="none", mec="w", mew=size * 0.34)
            ax.plot(x, y, mark, ms=size, mfc="none", mec="k", mew=size * 0.16)
    every = [max(1, -(-n // MOST_TICKS)) for n in (rows, columns)]
    ax.set_yticks(range(0, rows, every[0]), [row_letters(r + 1) for r in range(0, rows, every[0])])
    ax.set_xticks(range(0, columns, every[1]), [str(n + 1) for n in range(0, columns, every[1])])
    ax.tick_params(
        length=0, labelsize=5, pad=1.5, top=True, labeltop=True, bottom=False, labelbottom=False
    )


def dose_blocks(screen: Screen) -> list[Block]:
    """One small plot per compound: rescue against dose, the curve, and the EC50 if there is one."""
    blocks = []
    low = min([-0.2, *(v for d in screen.doses for v in d.rescue if isfinite(v))])
    high = max([1.1, *(v for d in screen.doses for v in d.rescue if isfinite(v))])
    limits = (max(low, -1.0) - 0.05, min(high, 2.0) + 0.05)
    for start in range(0, len(screen.doses), CURVES_PER_ROW):
        blocks.append(_curves(screen.doses[start : start + CURVES_PER_ROW], limits))
    return blocks


def ec50_words(curve: DoseCurve) -> str:
    """`EC50 0.52 µM [0.4-0.7]`, or the reason why an EC50 is not given."""
    if curve.ec50_um is None:
        return f"No EC50: {curve.reason or 'not measurable'}"
    interval = ""
    if curve.ec50_low is not None and curve.ec50_high is not None:
        interval = f" [{curve.ec50_low:.3g}-{curve.ec50_high:.3g}]"
    return f"EC50 {curve.ec50_um:.3g} µM{interval}"


def _curves(curves: Sequence[DoseCurve], limits: tuple[float, float]) -> Block:
    width = WIDTH / CURVES_PER_ROW
    names = [fitted(d.compound, width - 0.5, 7.0, "bold") for d in curves]
    words = [fitted(ec50_words(d), width - 0.5, 6.0) for d in curves]
    top = max(len(n) for n in names) * line_height(7.0) + 0.03
    below = max(len(w) for w in words) * line_height(6.0)

    def draw(c: Canvas) -> None:
        for i, curve in enumerate(curves):
            left = i * width + 0.4
            c.text(left, 0, "\n".join(names[i]), 7.0, weight="bold")
            _draw_curve(c, (left, top, width - 0.5, 1.35), curve, limits)
            c.text(left, top + 1.72, "\n".join(words[i]), 6.0)

    return Block(top + 1.72 + below + 0.12, draw)


def _draw_curve(
    c: Canvas,
    frame: tuple[float, float, float, float],
    curve: DoseCurve,
    limits: tuple[float, float],
) -> None:
    ax = c.axes(*frame)
    ax.axhline(0, color="0.7", lw=0.5)
    ax.axhline(1, color="0.7", lw=0.5)
    points = [
        (d, r) for d, r in zip(curve.doses_um, curve.rescue, strict=True) if d > 0 and isfinite(r)
    ]
    if points:
        dose, rescue = (np.array(v) for v in zip(*points, strict=True))
        inside = (rescue > limits[0]) & (rescue < limits[1])
        ax.plot(dose[inside], rescue[inside], "o", color="k", ms=3)
        for beyond, end, mark in (
            (rescue <= limits[0], limits[0], "v"),
            (rescue >= limits[1], limits[1], "^"),
        ):
            ax.plot(dose[beyond], np.full(beyond.sum(), end), mark, color="k", ms=3, clip_on=False)
        ax.set_xscale("log")
        span = (float(dose.min()) / 1.6, float(dose.max()) * 1.6)
        ax.set_xlim(*span)
        fitted_curve = (curve.bottom, curve.top, curve.slope, curve.ec50_um)
        if all(v is not None for v in fitted_curve):
            bottom, high, slope, ec50 = (float(v) for v in fitted_curve if v is not None)
            x = np.geomspace(*span, 120)
            ax.plot(x, bottom + (high - bottom) / (1 + (ec50 / x) ** slope), color=HIT, lw=1)
            ax.axvline(ec50, color=HIT, lw=0.6, ls="--")
        ticks = sorted(set(dose.tolist()))
        ticks = ticks[:: -(-len(ticks) // 5)]
        ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
        ax.set_xticks([], minor=True)
    ax.set_ylim(*limits)
    ax.set_xlabel("Dose (µM)", fontsize=6, labelpad=1)
    ax.set_ylabel("Rescue", fontsize=6, labelpad=1)
    ax.spines[["top", "right"]].set_visible(False)
