"""Shared pieces of appearance: plain labels, colour swatches, marker shapes, numbers."""

from __future__ import annotations

import math
from html import escape

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import (
    QColor,
    QFont,
    QIcon,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
    Qt,
)
from PySide6.QtWidgets import QFrame, QLabel, QLayout, QScrollArea, QToolButton, QWidget

GRID = 8
GOOD, WARN, BAD = "#2F9E6E", "#C98A00", "#D0443E"
SHAPES = 5  # circle, square, triangle, diamond, cross: used beyond eight conditions


def plain(text: str = "", kind: str = "", wrap: bool = False) -> QLabel:
    """A label that never interprets names from files as markup.

    `kind` is title, small, strong or empty.
    """
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    if kind:
        label.setProperty("kind", kind)
    return label


def tip(text: str) -> str:
    """A tooltip that Qt never reads as markup, whatever the names in it look like."""
    if not Qt.mightBeRichText(text):
        return text
    return f"<qt>{escape(text, quote=False)}</qt>".replace("\n", "<br>")


def set_kind(widget: QWidget, kind: str) -> None:
    """Give a widget another appearance of the theme while it is on show."""
    if widget.property("kind") != kind:
        widget.setProperty("kind", kind)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def keep_place(widget: QWidget) -> None:
    """Hidden, the widget takes the room that it takes when it is shown: its neighbours stay."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def rule(vertical: bool = False) -> QFrame:
    """A thin dividing line."""
    line = QFrame()
    line.setFrameShape(QFrame.Shape.VLine if vertical else QFrame.Shape.HLine)
    line.setProperty("kind", "rule")
    return line


def scrolled(widget: QWidget) -> QScrollArea:
    """The widget with a vertical scroll bar where it is too tall."""
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(widget)
    return scroll


def plate_arrows() -> tuple[QToolButton, QToolButton]:
    """Buttons for the plate before and the plate after."""
    before, after = QToolButton(), QToolButton()
    for button, text, words in ((before, "‹", "Previous plate"), (after, "›", "Next plate")):
        button.setText(text)
        button.setToolTip(tip(words))
        button.setAccessibleName(words)
    return before, after


def clear_layout(layout: QLayout) -> None:
    """Take all widgets out of a layout and delete them."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def is_dark(widget: QWidget) -> bool:
    """Whether the widget sits on a dark background."""
    return widget.palette().window().color().lightness() < 128


def small_font(widget: QWidget, factor: float = 0.88) -> QFont:
    """The small text size of the program, derived from the widget's font."""
    font = QFont(widget.font())
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * factor)
    else:
        font.setPixelSize(max(round(font.pixelSize() * factor), 1))
    return font


def haloed(painter: QPainter, at: QPointF, text: str, ink: QColor, paper: QColor) -> None:
    """Text that can be read on any ground; `at` is the left end of its base line."""
    path = QPainterPath()
    path.addText(at, painter.font(), text)
    halo = QColor(paper)
    halo.setAlpha(225)
    pen = QPen(halo, 4)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, pen)
    painter.fillPath(path, ink)


def marker(shape: int, centre: QPointF, radius: float) -> QPainterPath:
    """Outline of the marker number `shape` around `centre`."""
    path = QPainterPath()
    x, y, r = centre.x(), centre.y(), radius
    if shape % SHAPES == 0:
        path.addEllipse(centre, r, r)
    elif shape % SHAPES == 1:
        path.addRect(QRectF(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8))
    elif shape % SHAPES == 2:
        path.addPolygon(
            QPolygonF(
                [QPointF(x, y - r * 1.2), QPointF(x + r * 1.1, y + r), QPointF(x - r * 1.1, y + r)]
            )
        )
        path.closeSubpath()
    elif shape % SHAPES == 3:
        corners = [
            QPointF(x, y - r * 1.25),
            QPointF(x + r * 1.25, y),
            QPointF(x, y + r * 1.25),
            QPointF(x - r * 1.25, y),
        ]
        path.addPolygon(QPolygonF(corners))
        path.closeSubpath()
    else:
        path.addRect(QRectF(x - r * 1.2, y - r * 0.4, r * 2.4, r * 0.8))
        path.addRect(QRectF(x - r * 0.4, y - r * 1.2, r * 0.8, r * 2.4))
        path = path.simplified()
    return path


def swatch(colour: str, size: int = 14, shape: int = 0, filled: bool = True) -> QPixmap:
    """A small coloured marker as a pixmap."""
    pixmap = QPixmap(QSize(size, size) * 2)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(colour))
    painter.setBrush(QColor(colour) if filled else Qt.BrushStyle.NoBrush)
    painter.drawPath(marker(shape, QPointF(size / 2, size / 2), size / 2 - 2.5))
    painter.end()
    return pixmap


def swatch_icon(colour: str, shape: int = 0) -> QIcon:
    """A coloured marker as an icon; in a selected row its colour stays as it is."""
    picture = swatch(colour, 16, shape)
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)
    return icon


def percent(share: float, digits: int = 0) -> str:
    """A share as percent; never rounds up to 100 % or down to 0 % what is not exactly so."""
    if not math.isfinite(share):
        return "–"
    text = f"{share * 100:.{digits}f}"
    if share < 1 and float(text) >= 100:
        return f"> {100 - 10.0**-digits:.{digits}f} %"
    if share > 0 and float(text) <= 0:
        return f"< {10.0**-digits:.{digits}f} %"
    return f"{text} %"


def duration(seconds: float | None) -> str:
    """Seconds as a person says them: '12 s', '3 min', '1 h 20 min'."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{(whole + 30) // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def count(number: int, one: str, many: str = "") -> str:
    """'1 image', '240 images'."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", " ")


def nice_length(length: float) -> float:
    """The largest of 1, 2, 5, 10, 20 ... that is not above `length`."""
    if length <= 0 or not math.isfinite(length):
        return 1.0
    power = 10.0 ** math.floor(math.log10(length))
    for step in (5.0, 2.0, 1.0):
        if step * power <= length * (1 + 1e-9):
            return step * power
    return power
