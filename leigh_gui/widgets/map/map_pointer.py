"""What the pointer does on the map: drag the handle, lasso, pan, zoom, pick, hover."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QWidget

from leigh_gui.widgets.map.map_overlay import HANDLE, Place
from leigh_gui.widgets.map.still_map import StillMap

CLICK = 3  # pixels; a shorter drag is a click
HOME = 5  # pixels from the image's own position; there the handle snaps
NEAR, OVER = 10, 7  # pixels from a point that is clicked, or hovered over
SETTLED_MS = 120


@dataclass
class _Press:
    """What the pressed mouse button is doing."""

    what: str = ""  # "", "handle", "pan", "lasso"
    start: QPointF = field(default_factory=QPointF)
    last: QPointF = field(default_factory=QPointF)
    moved: bool = False


class MapPointer(QObject):
    """Filters the mouse events of the map."""

    picked = Signal(str)
    lassoed = Signal(object)  # tuple of record ids
    handle_moved = Signal(float, float)
    handle_released = Signal(float, float)
    hover_changed = Signal()
    hovered = Signal(str)  # record id, "" when the mouse left it

    def __init__(self, widget: QWidget, still: StillMap) -> None:
        super().__init__(widget)
        self.source: Place | None = None  # the image's own position
        self.handle: Place | None = None
        self.lasso = QPolygonF()  # pixels
        self.hover = -1  # row of the point under the mouse
        self._widget, self._still = widget, still
        self._press = _Press()
        self._settle = QTimer(self, interval=SETTLED_MS, singleShot=True)
        self._settle.timeout.connect(self._on_settled)
        widget.setMouseTracking(True)
        widget.installEventFilter(self)

    def holds_handle(self) -> bool:
        """Whether the handle is being dragged."""
        return self._press.what == "handle"

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent):
            self._zoom(event)
            return True
        kind = event.type()
        if kind == QEvent.Type.Leave:
            self._hover_at(QPointF(-1e6, -1e6))
        if not isinstance(event, QMouseEvent):
            return False
        if kind == QEvent.Type.MouseButtonDblClick:
            self._still.fit()
        elif kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._take(event)
        elif kind == QEvent.Type.MouseMove:
            self._move(event.position())
        elif kind == QEvent.Type.MouseButtonRelease:
            self._release(event.position())
        return False

    def _zoom(self, event: QWheelEvent) -> None:
        at = event.position()
        factor = 1.0015 ** event.angleDelta().y()
        self._still.set_transform(self._still.transform().zoomed(factor, at.x(), at.y()))
        event.accept()

    def _take(self, event: QMouseEvent) -> None:
        at = event.position()
        what = "handle" if self._on_handle(at) else "pan"
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            what = "lasso"
            self.lasso = QPolygonF([at])
        self._press = _Press(what, at, at)
        self.hover_changed.emit()

    def _move(self, at: QPointF) -> None:
        press = self._press
        if not press.what:
            self._hover_at(at)
            return
        if not press.moved and (at - press.start).manhattanLength() <= CLICK:
            return
        press.moved = True
        step, press.last = at - press.last, at
        if press.what == "pan":
            self._still.set_transform(self._still.transform().panned(step.x(), step.y()))
        elif press.what == "lasso":
            self.lasso.append(at)
            self._widget.update()
        else:
            self.handle = self._position_at(at)
            self.handle_moved.emit(*self.handle)

    def _release(self, at: QPointF) -> None:
        press, self._press = self._press, _Press()
        if press.what == "handle" and press.moved:
            self.handle_released.emit(*self._position_at(at))
        elif press.what == "lasso" and press.moved:
            caught, self.lasso = self._still.inside(self.lasso), QPolygonF()
            self._widget.update()
            self.lassoed.emit(caught)
        elif press.what and not press.moved:
            row = self._still.nearest(at, NEAR)
            if row is not None and self._still.points is not None:
                self.picked.emit(self._still.points.ids[row])

    def _on_handle(self, at: QPointF) -> bool:
        if self.handle is None:
            return False
        offset = self._pixel(self.handle) - at
        return offset.x() ** 2 + offset.y() ** 2 <= (HANDLE + 4) ** 2

    def _position_at(self, at: QPointF) -> Place:
        """Position of the handle: always in sight, and at home when it is as good as there."""
        widget = self._widget
        x = min(max(at.x(), 0.0), widget.width() - 1.0)
        y = min(max(at.y(), 0.0), widget.height() - 1.0)
        if self.source is not None:
            offset = self._pixel(self.source) - QPointF(x, y)
            near = offset.x() ** 2 + offset.y() ** 2 <= HOME**2
            if near and widget.rect().contains(self._pixel(self.source).toPoint()):
                return self.source
        return self._still.transform().to_map(x, y)

    def _pixel(self, position: Place) -> QPointF:
        x, y = self._still.transform().pixel(position)
        return QPointF(x, y)

    def _hover_at(self, at: QPointF) -> None:
        over_handle = self._on_handle(at)
        shape = Qt.CursorShape.OpenHandCursor if over_handle else Qt.CursorShape.ArrowCursor
        self._widget.setCursor(shape)
        row = None if over_handle else self._still.nearest(at, OVER)
        if (row if row is not None else -1) != self.hover:
            self.hover = -1 if row is None else row
            self.hover_changed.emit()
            self._settle.start()

    def _on_settled(self) -> None:
        points = self._still.points
        known = points is not None and 0 <= self.hover < len(points.ids)
        self.hovered.emit(points.ids[self.hover] if points is not None and known else "")
