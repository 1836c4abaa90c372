"""Small charts on cards that wrap like text; each is drawn when it first comes into view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSpacerItem, QVBoxLayout, QWidget
from superqt import QFlowLayout

from leigh_gui.turns import next_turn
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import clear_layout, plain, set_kind, tip

if TYPE_CHECKING:
    from leigh_gui.widgets.common.chart import Chart

GAP = 12
BATCH = 24  # cards that are made at once


class Drawing(Protocol):
    """What a card shows."""

    @property
    def title(self) -> str:
        """The heading of the card."""

    @property
    def words(self) -> str:
        """A sentence under the heading, or nothing."""

    @property
    def explanation(self) -> str:
        """The tooltip of the card."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """The treatments on the card; a click on a card of one treatment selects it."""

    @property
    def height(self) -> int:
        """Pixels of the chart."""

    def draw(self, chart: Chart, current: str) -> None:
        """Draw into a cleared chart, with emphasis on the treatment `current`."""


class ChartCard(QFrame):
    """A heading, a few words and a chart."""

    picked = Signal(str)  # condition

    def __init__(self, drawing: Drawing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.drawing = drawing
        self.chart: Chart | None = None
        self._current = ""
        self.setProperty("kind", "card")
        self.setToolTip(tip(drawing.explanation))
        self.setAccessibleName(drawing.title)
        self.setAccessibleDescription(drawing.explanation)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 6, 8, 4)
        self._column.setSpacing(2)
        title = ElidedLabel(drawing.title, "strong")
        title.setToolTip("")  # the card has one
        self._column.addWidget(title)
        if drawing.words:
            self._column.addWidget(two_lines(drawing.words))
        self._place = QSpacerItem(0, drawing.height)
        self._column.addItem(self._place)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.chart is None:  # in view for the first time
            next_turn(self, self._add_chart)

    def _add_chart(self) -> None:
        if self.chart is None:
            from leigh_gui.widgets.common.chart import Chart

            self.chart = Chart()
            self.chart.picked.connect(self.picked)
            self.chart.outdated.connect(self._redraw)
            self.chart.setFixedHeight(self.drawing.height)
            self._column.removeItem(self._place)
            self._column.addWidget(self.chart)
            self._redraw()

    def set_current(self, condition: str) -> None:
        """Emphasise this treatment."""
        before, self._current = self._current, condition
        shown = self.drawing.conditions
        if before != condition and (before in shown or condition in shown):
            set_kind(self, "chosen" if condition in shown else "card")
            self._redraw()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if len(self.drawing.conditions) == 1:
            self.picked.emit(self.drawing.conditions[0])

    def _redraw(self) -> None:
        if self.chart is not None:
            self.chart.clear()
            self.drawing.draw(self.chart, self._current)


class CardGrid(QScrollArea):
    """Cards of equal width in as many columns as fit; more are made as the view is scrolled."""

    selected = Signal(str)  # condition

    def __init__(self, name: str, least: int, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[ChartCard] = []
        self.empty: QLabel | None = None  # stands in for cards
        self._waiting: list[Drawing] = []  # those without a card yet
        self._least, self._empty_words = least, empty  # pixels of a card's width
        self._current = ""
        self._body = QWidget()
        self._body.setObjectName("page-body")
        self._flow = QFlowLayout(self._body)
        self._flow.setContentsMargins(GAP, GAP, 0, GAP)
        self._flow.setHorizontalSpacing(GAP)
        self._flow.setVerticalSpacing(GAP)
        self.setWidget(self._body)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._on_scrolled)
        self.setAccessibleName(name)
        self.set_drawings(())

    def sizeHint(self) -> QSize:
        return QSize(2 * self._least + 3 * GAP, 400)

    def set_drawings(self, drawings: Sequence[Drawing]) -> None:
        """Show these drawings, a card each."""
        clear_layout(self._flow)
        self.cards, self.empty, self._waiting = [], None, list(drawings)
        if not drawings:
            self.empty = plain(self._empty_words, "muted", wrap=True)
            self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self.empty.setMargin(24)
            self._flow.addWidget(self.empty)
            self.empty.show()
        self._add_cards(BATCH)

    def set_current(self, condition: str) -> None:
        """Emphasise this treatment and bring its card into view."""
        changed, self._current = condition != self._current, condition
        for card in self.cards:
            card.set_current(condition)
        if changed and self.isVisible():
            self._show_current()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_current()

    def _add_cards(self, many: int) -> None:
        self._flow.setEnabled(False)  # one layout for all of them
        for drawing in self._waiting[:many]:
            card = ChartCard(drawing)
            card.picked.connect(self.selected)
            card.set_current(self._current)
            self.cards.append(card)
            self._flow.addWidget(card)
            card.show()  # now, so that it has its place at once
        self._waiting = self._waiting[many:]
        self._flow.setEnabled(True)
        self._fit()

    def _on_scrolled(self) -> None:
        """The end is near: add more cards."""
        bar = self.verticalScrollBar()
        if self._waiting and bar.maximum() - bar.value() < self.viewport().height():
            self._add_cards(BATCH)

    def _fit(self) -> None:
        """Give the cards the width of their columns."""
        room = self.viewport().width() - GAP
        columns = max(room // (self._least + GAP), 1)
        if self.empty is not None:
            self.empty.setFixedWidth(max(room - GAP, 1))
        for card in self.cards:
            card.setFixedWidth(room // columns - GAP)

    def _show_current(self) -> None:
        """Bring the card of the current treatment into view; make it, if it still waits."""
        waiting = [k for k, d in enumerate(self._waiting) if self._current in d.conditions]
        if waiting:
            self._add_cards(waiting[0] + 1)
        body = self._body
        body.resize(body.width(), self._flow.heightForWidth(body.width()))
        self._flow.setGeometry(body.rect())
        for card in self.cards:
            if self._current in card.drawing.conditions:
                self.ensureWidgetVisible(card, 0, GAP)


def two_lines(text: str) -> QLabel:
    """Small text with room for two lines."""
    label = plain(text, "small", wrap=True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setFixedHeight(2 * label.fontMetrics().lineSpacing())
    return label
