"""How the ranking is painted: columns, headings with their axes, rows with dots and intervals,
brackets of ties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen, QPolygonF

from core.domain.screen import Ranked
from leigh_gui.widgets.screen.axis import Axis, known, short
from leigh_gui.widgets.screen.ranking_rows import is_control, number, share, treatment_name

HEADINGS = {
    "rank": ("#", "Treatments of one rank cannot be told apart from the best of it."),
    "name": ("Treatment", "Condition and dose"),
    "rescue": ("Rescue", "Way from diseased (0) to healthy (1), with its interval over wells"),
    "off-axis": (
        "Off-axis",
        "What else changed, in spreads of healthy wells: about 1 is what they depart themselves",
    ),
    "nuclei": ("Nuclei", "Nuclei as share of the diseased wells of the same plates, with interval"),
    "wells": ("Wells", "Wells of this treatment"),
    "flags": ("Hit and flags", "★ marks a hit; flags say what to be careful about"),
}
NARROW = 76  # digits of width up to which the interval of the nuclei gives way
LEAST = 36  # digits that names, axes and flags need together
FAINT = 110  # opacity of the dots of controls, of 255
Measured = tuple[
    float | None, float | None, float | None
]  # value, low and high end of its interval


@dataclass(frozen=True)
class Columns:
    """Left edge and width of every column, in pixels."""

    places: dict[str, tuple[float, float]]

    def at(self, x: float) -> str:
        """The column under this x."""
        return next(
            (name for name, (left, width) in self.places.items() if left <= x < left + width), ""
        )

    def box(self, name: str, top: float, height: float) -> QRectF:
        """The cell of a column in a row."""
        left, width = self.places[name]
        return QRectF(left, top, width, height)


@dataclass(frozen=True)
class Wanted:
    """Widths that the texts of the rows need, in pixels; `digit` is that of a 0, `rank` counts
    digits.
    """

    digit: float = 8.0
    name: float = 0.0
    flags: float = 0.0
    nuclei: float = 0.0
    rank: int = 1


def wanted_widths(rows: Sequence[Ranked], font: QFont, small: QFont) -> Wanted:
    """What these rows need to be read in full."""
    metrics, little = QFontMetricsF(font), QFontMetricsF(small)
    names = [metrics.horizontalAdvance(treatment_name(r)) for r in rows]
    flags = [little.horizontalAdvance(", ".join(r.flags)) for r in rows]
    nuclei = {share(r.cell_count, r.cell_count_low, r.cell_count_high) for r in rows}
    return Wanted(
        metrics.horizontalAdvance("0"),
        max([*names, metrics.horizontalAdvance("Treatment ▾")]) + 40,
        max([*flags, little.horizontalAdvance(HEADINGS["flags"][0])]) + 36,
        max(
            [
                *(little.horizontalAdvance(words) for words in nuclei),
                little.horizontalAdvance("Nuclei ▾"),
            ]
        )
        + 14,
        len(str(max((r.tie for r in rows), default=1))),
    )


def columns_of(width: float, wanted: Wanted) -> Columns:
    """Ranks, nuclei and wells as wide as their text, the rest shared by names, axes and flags."""
    digit = wanted.digit
    most = 15 if width > NARROW * digit else 8
    nuclei = min(max(wanted.nuclei, 8 * digit), most * digit)
    fixed = {"rank": (wanted.rank + 3.5) * digit, "nuclei": nuclei, "wells": 5.5 * digit}
    free = max(width - sum(fixed.values()), LEAST * digit)
    shares = {
        "name": min(wanted.name, max(0.29 * free, 15 * digit)),
        "flags": min(wanted.flags, 0.18 * free),
    }
    left = free - sum(shares.values())
    widths = {"rank": fixed["rank"], "name": shares["name"], "rescue": 0.57 * left, "off-axis": 0.43 * left,
              "nuclei": nuclei, "wells": fixed["wells"], "flags": shares["flags"]}  # fmt: skip
    places, x = {}, 0.0
    for key, wide in widths.items():
        places[key] = (x, wide)
        x += wide
    return Columns(places)


@dataclass(frozen=True)
class Look:
    """Everything a row needs to be painted."""

    palette: QPalette
    font: QFont
    small: QFont
    colours: Mapping[str, str]
    axes: Mapping[str, Axis]
    columns: Columns
    height: float  # of a row
    shared: frozenset[int]
    off_axis_limit: float = 1.0

    def number_width(self) -> float:
        """Room for the number in front of an axis."""
        return QFontMetricsF(self.font).horizontalAdvance("−00.0") + 4

    def axis_box(self, name: str, top: float, height: float) -> QRectF:
        """Where an axis lies, right of its numbers."""
        return self.columns.box(name, top, height).adjusted(self.number_width() + 8, 0, -8, 0)


def figure(value: float | None) -> str:
    """A number of at most four figures, so that it fits in front of its axis."""
    size = abs(value) if value is not None and known(value) else 0.0
    return number(value, 2 if size < 9.995 else 1 if size < 99.95 else 0)


def paint_head(
    painter: QPainter, look: Look, width: float, height: float, sort: str, down: bool
) -> None:
    """Headings with the direction of sorting, and the ticks of both axes under them."""
    painter.fillRect(QRectF(0, 0, width, height), look.palette.base())
    painter.setPen(QPen(look.palette.mid().color(), 1))
    painter.drawLine(QPointF(0, height - 0.5), QPointF(width, height - 0.5))
    painter.setFont(look.small)
    line = QFontMetricsF(look.font).height()
    for name, (words, _) in HEADINGS.items():
        role = look.palette.windowText() if name == sort else look.palette.placeholderText()
        painter.setPen(role.color())
        arrow = (" ▾" if down else " ▴") if name == sort else ""
        box = look.columns.box(name, 2, line).adjusted(6, 0, -6, 0)
        _text(painter, box, words + arrow, right=name in ("rank", "wells", "nuclei"))
    painter.setPen(look.palette.placeholderText().color())
    metrics = painter.fontMetrics()
    for name, axis in look.axes.items():
        box = look.axis_box(name, 4 + line, line)
        free = box.left() - 40
        for tick in axis.ticks(int(box.width() // metrics.horizontalAdvance("0.00"))):
            x, half = (
                box.left() + axis.place(tick) * box.width(),
                metrics.horizontalAdvance(short(tick)) / 2 + 3,
            )
            if x - half >= free:
                painter.drawText(
                    QRectF(x - 30, box.top(), 60, box.height()),
                    Qt.AlignmentFlag.AlignCenter,
                    short(tick),
                )
                free = x + half


def paint_lines(painter: QPainter, look: Look, top: float, bottom: float) -> None:
    """Diseased and healthy on the rescue axis; on the other, where something else has changed."""
    painter.setPen(QPen(look.palette.placeholderText().color(), 1, Qt.PenStyle.DotLine))
    for name, values in (("rescue", (0.0, 1.0)), ("off-axis", (look.off_axis_limit,))):
        box = look.axis_box(name, top, bottom - top)
        for value in values:
            x = box.left() + look.axes[name].place(value) * box.width()
            painter.drawLine(QPointF(x, top), QPointF(x, bottom))


def paint_row(painter: QPainter, look: Look, row: Ranked, top: float) -> None:
    """One treatment; controls are grey."""
    grey, height, columns = is_control(row), look.height, look.columns
    ink = (look.palette.placeholderText() if grey else look.palette.windowText()).color()
    painter.setFont(look.font)
    painter.setPen(ink)
    rank = "" if grey else f"{row.tie}{'=' if row.tie in look.shared else ''}"
    _text(painter, columns.box("rank", top, height).adjusted(0, 0, -6, 0), rank, right=True)
    _paint_name(painter, look, row, columns.box("name", top, height), ink)
    _paint_dot(
        painter, look, row, "rescue", (row.rescue, row.rescue_low, row.rescue_high), top, ink
    )
    _paint_dot(
        painter,
        look,
        row,
        "off-axis",
        (row.off_axis, row.off_axis_low, row.off_axis_high),
        top,
        ink,
    )
    painter.setPen(ink)
    painter.setFont(look.small)
    nuclei = share(row.cell_count, row.cell_count_low, row.cell_count_high)
    _text(painter, columns.box("nuclei", top, height).adjusted(2, 0, -6, 0), nuclei, right=True)
    _text(
        painter, columns.box("wells", top, height).adjusted(0, 0, -6, 0), str(row.wells), right=True
    )
    inner = columns.box("flags", top, height).adjusted(6, 0, -4, 0)
    if row.hit:
        painter.setPen(look.palette.highlight().color())
        _text(painter, inner, "★")
        inner.adjust(18, 0, 0, 0)
    painter.setPen(look.palette.placeholderText().color())
    _text(painter, inner, ", ".join(row.flags))


def paint_ties(
    painter: QPainter, look: Look, runs: Sequence[tuple[int, int]], first_top: float, bottom: float
) -> None:
    """A bracket along the rows that share a rank; `first_top` is the top of row 0, painted down to
    `bottom`.
    """
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(look.palette.placeholderText().color(), 1.5))
    x = look.columns.places["rank"][0] + 5.0
    for first, last in runs:
        top, end = first_top + first * look.height + 5, first_top + (last + 1) * look.height - 5
        if end > 0 and top < bottom:
            painter.drawPolyline(
                [QPointF(x + 4, top), QPointF(x, top), QPointF(x, end), QPointF(x + 4, end)]
            )


def _paint_name(painter: QPainter, look: Look, row: Ranked, box: QRectF, ink: QColor) -> None:
    """Colour and name; a long name gives way to its dose and keeps its end."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(look.colours.get(row.condition, "#999999")))
    painter.drawEllipse(QPointF(box.left() + 10, box.center().y()), 5, 5)
    painter.setPen(ink)
    inner, metrics, middle = (
        box.adjusted(22, 0, -6, 0),
        painter.fontMetrics(),
        Qt.TextElideMode.ElideMiddle,
    )
    words, dose = treatment_name(row), ""
    if row.dose_um is not None:
        words, end = words.rsplit(" · ", 1)
        dose = f" · {end}"
    room = inner.width() - metrics.horizontalAdvance(dose) - 1
    _text(painter, inner, metrics.elidedText(words, middle, max(int(room), 0)) + dose)


def _paint_dot(painter: QPainter, look: Look, row: Ranked, name: str, values: Measured, top: float,
               ink: QColor) -> None:  # fmt: skip
    """The number, then its dot with the interval."""
    value, low, high = values
    text = look.columns.box(name, top, look.height)
    text.setWidth(look.number_width())
    painter.setPen(ink)
    _text(painter, text, figure(value), right=True)
    if value is None or not known(value):
        return
    box, axis = look.axis_box(name, top, look.height), look.axes[name]
    if low is not None and high is not None and known(low) and known(high):
        _paint_interval(painter, box, axis, (low, high), ink)
    colour = QColor(look.colours.get(row.condition, "#999999"))
    colour.setAlpha(FAINT if is_control(row) else 255)
    painter.setPen(QPen(look.palette.base().color(), 1))
    painter.setBrush(colour)
    painter.drawEllipse(
        QPointF(box.left() + axis.place(value) * box.width(), box.center().y()), 4.5, 4.5
    )


def _paint_interval(
    painter: QPainter, box: QRectF, axis: Axis, ends: tuple[float, float], ink: QColor
) -> None:
    """A line with end strokes; an arrow where it leaves the axis."""
    y, faint = box.center().y(), QColor(ink)
    faint.setAlpha(170)
    painter.setPen(QPen(faint, 1.5))
    painter.setBrush(faint)
    low, high = (box.left() + min(max(axis.place(v), 0.0), 1.0) * box.width() for v in ends)
    painter.drawLine(QPointF(low, y), QPointF(high, y))
    for x, beyond, way in ((low, axis.place(ends[0]) < 0, 1), (high, axis.place(ends[1]) > 1, -1)):
        if beyond:
            painter.drawPolygon(
                QPolygonF([QPointF(x, y), QPointF(x + 5 * way, y - 4), QPointF(x + 5 * way, y + 4)])
            )
        else:
            painter.drawLine(QPointF(x, y - 5), QPointF(x, y + 5))


def _text(painter: QPainter, box: QRectF, text: str, right: bool = False) -> None:
    """Shortened with an ellipsis rather than clipped."""
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    shown = painter.fontMetrics().elidedText(
        text, Qt.TextElideMode.ElideRight, max(int(box.width()), 0)
    )
    painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
