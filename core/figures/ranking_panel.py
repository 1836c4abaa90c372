"""Draw the ranking of a screen: one row per treatment, with intervals and flags."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np
from matplotlib.figure import SubFigure

from core.domain import Role
from core.domain.screen import Ranked, Screen
from core.figures.style import (
    WIDTH,
    Block,
    Canvas,
    draw_blocks,
    fitted,
    heading,
    line_height,
    paragraph,
)

HIT, PLAIN, CONTROL, FLAG = "#0072B2", "#8C8C8C", "#000000", "#B34700"
ROW_GAP = 0.055
MAX_LABELS = 25  # numbers next to points of the scatter plot
# Ranking: left edge and width in inches of every column.
PLACES = {
    "tie": (0.0, 0.26), "name": (0.28, 1.66), "value": (1.97, 0.33), "rescue": (2.36, 1.75),
        "off_axis": (4.22, 0.85),
    "cell_count": (5.18, 0.75), "wells": (5.97, 0.3), "flags": (6.33, 0.94),
}  # fmt: skip
SCALES = ("rescue", "off_axis", "cell_count")


@dataclass(frozen=True)
class Scale:
    """A short axis without a frame; values beyond its ends are drawn at the ends.

    `left` and `width` are inches.
    """

    left: float
    width: float
    low: float
    high: float
    ticks: tuple[float, ...]

    def x(self, value: float) -> float:
        """The position of a value, in inches from the left."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.left + share * self.width


@dataclass(frozen=True)
class RankingPanel:
    """The best `max_rows` treatments and the controls, with intervals, off-axis and nuclei."""

    title: str
    screen: Screen
    max_rows: int = 40

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of the panel."""
        return WIDTH + 0.2, sum(b.height for b in self._blocks()) + 0.2

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        draw_blocks(Canvas(figure, *self.inches, 0.1, 0.1), self._blocks())

    def _blocks(self) -> list[Block]:
        treated = [r for r in self.screen.ranked if not is_control(r)]
        controls = [r for r in self.screen.ranked if is_control(r)]
        rows = (*treated[: self.max_rows], *controls)
        title = self.title or f"Rescue from {self.screen.diseased} toward {self.screen.healthy}"
        words = ranking_words(self.screen)
        if len(treated) > self.max_rows:
            words = f"The best {self.max_rows} of {len(treated)} treatments. {words}"
        return [heading(title, 9.0), *ranking_blocks(self.screen, rows), *paragraph(words, 6.5)]


def is_control(ranked: Ranked) -> bool:
    """Whether a row is a healthy or diseased control."""
    return ranked.role in (Role.HEALTHY, Role.DISEASED)


def ranking_words(screen: Screen) -> str:
    """How to read the ranking."""
    return (
        f"Rescue: 0 is {screen.diseased}, 1 is {screen.healthy}. Off-axis: other changes, in the"
        f" spread of healthy wells. Nuclei: as a share of {screen.diseased}. Lines:"
        f" {screen.level:.0%} intervals over wells; triangles lie beyond the scale. Blue: hits,"
        " with a significant rescue of at least 20 % and no remark. Treatments with one number are"
        " a rank group: their intervals overlap with that of the best. H and D are controls."
    )


def label(ranked: Ranked) -> str:
    """The condition, with its dose if the name does not contain it."""
    if ranked.dose_um is None or ranked.condition != ranked.compound:
        return ranked.condition
    return f"{ranked.condition} ({ranked.dose_um:g} µM)"


def ranking_blocks(screen: Screen, rows: Sequence[Ranked] | None = None) -> list[Block]:
    """The head and one block per row, so that hundreds of treatments flow over pages."""
    rows = screen.ranked if rows is None else rows
    if not rows:
        return paragraph("No treatment was ranked.")
    scales = {name: _scale(name, screen.ranked) for name in SCALES}
    head = _ranking_head(scales)
    return [replace(head, keep=True), *(_ranking_row(r, scales, head) for r in rows)]


def _scale(name: str, ranked: Sequence[Ranked]) -> Scale:
    """A scale that is wide enough for almost all intervals, but keeps 0 to 1 readable."""
    ends = [getattr(r, f"{name}{end}") for r in ranked for end in ("", "_low", "_high")]
    finite = [float(e) for e in ends if e is not None and isfinite(e)] or [0.0]
    least, most, floor, roof = {
        "rescue": (-0.25, 1.25, -1.0, 2.0), "off_axis": (0.0, 3.0, 0.0, 20.0), "cell_count": (0.0,
            1.5, 0.0, 3.0)
    }[name]  # fmt: skip
    low = max(floor, min(least, float(np.percentile(finite, 2))))
    high = min(roof, max(most, float(np.percentile(finite, 98))))
    most_steps = 5 if name == "rescue" else 3.5
    step = next(s for s in (0.5, 1.0, 2.0, 5.0, 10.0) if (high - low) / s <= most_steps)
    ticks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return Scale(*PLACES[name], low, high, tuple(float(t) + 0.0 for t in ticks))  # no -0


def _ranking_head(scales: dict[str, Scale]) -> Block:
    titles = {
        "tie": "Tie",
        "name": "Condition",
        "value": "Rescue",
        "off_axis": "Off-axis",
        "cell_count": "Nuclei",
    }
    titles |= {"wells": "Wells", "flags": "Remarks"}

    def draw(c: Canvas) -> None:
        for name, title in titles.items():
            c.text(PLACES[name][0], 0.02, title, 6.5, weight="bold")
        for scale in scales.values():
            for tick in scale.ticks:
                c.text(scale.x(tick), 0.16, f"{tick:g}", 5.5, ha="center")
        c.line((0, WIDTH), (0.28, 0.28), color="0.4", lw=0.6)

    return Block(0.28, draw)


def _ranking_row(r: Ranked, scales: dict[str, Scale], head: Block) -> Block:
    weight = "bold" if r.hit else "normal"
    name = fitted(label(r), PLACES["name"][1], 6.5, weight)
    flags = fitted("; ".join(r.flags), PLACES["flags"][1], 5.5)
    height = max(len(name) * line_height(6.5), len(flags) * line_height(5.5), 0.1) + ROW_GAP
    colour = CONTROL if is_control(r) else HIT if r.hit else PLAIN
    rules = _rules(scales)

    def draw(c: Canvas) -> None:
        middle = height / 2
        number = str(r.tie) if r.tie else str(r.role)[0].upper()
        c.text(PLACES["tie"][0] + 0.02, middle, number, 6.5, middle=True)
        c.text(
            PLACES["name"][0],
            middle,
            "\n".join(name),
            6.5,
            middle=True,
            weight=weight,
            color=colour,
        )
        c.text(sum(PLACES["value"]), middle, f"{r.rescue:.2f}", 6.5, middle=True, ha="right")
        c.text(sum(PLACES["wells"]) - 0.03, middle, str(r.wells), 6.5, middle=True, ha="right")
        c.text(PLACES["flags"][0], middle, "\n".join(flags), 5.5, middle=True, color=FLAG)
        for shade, xs in rules.items():
            c.line(
                [v for x in xs for v in (x, x, nan)],
                (0, height, nan) * len(xs),
                color=shade,
                lw=0.5,
                zorder=0,
            )
        for what, scale in scales.items():
            three = (getattr(r, what), getattr(r, f"{what}_low"), getattr(r, f"{what}_high"))
            draw_interval(c, scale, middle, three, colour)

    return Block(height, draw, head)


def _rules(scales: dict[str, Scale]) -> dict[str, list[float]]:
    """Positions of the vertical lines by their shade; diseased and healthy have darker lines."""
    every = [
        (scale.x(t), what != "off_axis" and t in (0.0, 1.0))
        for what, scale in scales.items()
        for t in scale.ticks
    ]
    return {
        "0.55": [x for x, strong in every if strong],
        "0.9": [x for x, strong in every if not strong],
    }


Estimate = tuple[float | None, float | None, float | None]  # value, low, high


def draw_interval(c: Canvas, scale: Scale, y: float, estimate: Estimate, colour: str) -> None:
    """Draw a dot with its interval, or an arrow where the value lies beyond the scale.

    Parameters
    ----------
    c
        The canvas.
    scale
        The axis.
    y
        Inches from the top.
    estimate
        Value, low and high end.
    colour
        Of dot and line.
    """
    value, low, high = estimate
    if low is not None and high is not None and low < scale.high and high > scale.low:
        c.line((scale.x(low), scale.x(high)), (y, y), color=colour, lw=1.1, solid_capstyle="butt")
    if value is None or not isfinite(value):
        return
    marker = "<" if value < scale.low else ">" if value > scale.high else "o"
    c.line([scale.x(value)], [y], color=colour, marker=marker, ms=3.4, ls="")
