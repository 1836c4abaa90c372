"""The program's line icons, drawn in the text colour of the current theme."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

from core.io.resources import resource

FOLDER = resource("icons")
DISABLED = 0.35  # opacity: Qt's own grey looks enabled on a dark bar


def icon(name: str, colour: str = "") -> QIcon:
    """The icon of this name; an empty one where the file is missing."""
    from PySide6.QtSvg import QSvgRenderer

    path = FOLDER / f"{name}.svg"
    if not path.exists():
        return QIcon()
    ink = colour or QApplication.palette().windowText().color().name()
    renderer = QSvgRenderer(QByteArray(path.read_bytes().replace(b"#000000", ink.encode())))
    whole, faint = QPixmap(48, 48), QPixmap(48, 48)
    for pixmap in (whole, faint):
        pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(whole)
    renderer.render(painter, QRectF(0, 0, 48, 48))
    painter.end()
    painter = QPainter(faint)
    painter.setOpacity(DISABLED)
    painter.drawPixmap(0, 0, whole)
    painter.end()
    made = QIcon(whole)
    made.addPixmap(faint, QIcon.Mode.Disabled)
    return made
