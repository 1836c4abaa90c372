"""Screen: which treatment heals, what else it changes, and how far to trust the ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QSplitter,
    QStackedLayout,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from core.domain import PanelSpec
from core.domain.screen import Screen
from leigh_gui.layout_memory import LayoutMemory
from leigh_gui.pages.screen.controller import ScreenControl
from leigh_gui.pages.screen.head import NoticeBar, ScreenHead
from leigh_gui.pages.screen.wells import WellsPanel
from leigh_gui.services.thumbnails import Thumbnails
from leigh_gui.widgets.common.empty_state import EmptyState
from leigh_gui.widgets.common.look import tip
from leigh_gui.widgets.screen.detail_strip import DetailStrip
from leigh_gui.widgets.screen.dose_grid import DoseGrid
from leigh_gui.widgets.screen.quality_view import QualityView
from leigh_gui.widgets.screen.ranking_rows import summary
from leigh_gui.widgets.screen.ranking_view import RankingView
from leigh_gui.widgets.screen.rescue_plot import RescuePlot
from leigh_gui.widgets.screen.residual_view import ResidualView

if TYPE_CHECKING:
    from leigh_gui.project_memory import ProjectMemory

NONE_YET = (
    "Every treatment is placed between diseased and healthy, with intervals over wells and with"
    " what else it changes. A model is not needed."
)


class ScreenPage(QWidget):
    """The ranking on the left; points, plates, doses, residual and quality on the right."""

    screen_asked = Signal()
    data_asked = Signal()
    panel_asked = Signal(object)  # PanelSpec
    explain_asked = Signal(str, str)  # record id, target condition or ""

    def __init__(self, control: ScreenControl, thumbnails: Thumbnails, memory: ProjectMemory,
                 parent: QWidget | None = None) -> None:  # fmt: skip
        super().__init__(parent)
        self.control, self.state = control, control.state
        self._busy = ""
        self._drawn: tuple[Screen | None, dict[str, str], dict[str, str]] | None = None
        self._build(thumbnails)
        self.layout_memory = LayoutMemory(memory, self._splitters(), {"screen": self.tabs}, self)
        self._connect()
        self._on_screen()

    def _build(self, thumbnails: Thumbnails) -> None:
        self.empty = EmptyState("No screen yet", NONE_YET, "Rank the treatments")
        self.empty.button.setObjectName("rank")
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        self.head, self.notice = ScreenHead(self.control), NoticeBar()
        column.addWidget(self.head)
        column.addWidget(self.notice)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(8)
        self.ranking = RankingView()
        self.ranking.setObjectName("ranking")
        self.split.addWidget(self._build_left())
        self.split.addWidget(self._build_right(thumbnails))
        self.split.setStretchFactor(0, 13)
        self.split.setStretchFactor(1, 10)
        self.split.setSizes([790, 550])
        column.addWidget(self.split, 1)
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(body)

    def _build_left(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.detail = DetailStrip()
        column.addWidget(self.ranking, 1)
        column.addWidget(self.detail)
        return holder

    def _build_right(self, thumbnails: Thumbnails) -> QTabWidget:
        self.plot, self.wells = RescuePlot(), WellsPanel(self.control, thumbnails)
        self.wells.heat.setObjectName("heat")
        self.upright = QSplitter(Qt.Orientation.Vertical)
        self.upright.setChildrenCollapsible(False)
        self.upright.setHandleWidth(8)
        self.upright.addWidget(self.plot)
        self.upright.addWidget(self.wells)
        self.upright.setSizes([300, 320])
        self.doses, self.residual, self.quality = DoseGrid(), ResidualView(), QualityView()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(self.upright, "Map and plates")
        self.tabs.addTab(self.doses, "Dose")
        self.tabs.addTab(self.residual, "Residual")
        self.tabs.addTab(self.quality, "Quality")
        self.tabs.setMinimumWidth(440)
        return self.tabs

    def _connect(self) -> None:
        for button in (self.head.again, self.notice.again):
            button.clicked.connect(self.screen_asked)
        self.empty.asked.connect(self._on_empty)
        self.head.add.clicked.connect(self.ask_panel)
        self.head.search.textChanged.connect(self.ranking.set_wanted)
        self.head.search.textChanged.connect(self.plot.set_wanted)
        for view in (self.ranking, self.plot, self.wells, self.doses, self.residual):
            view.selected.connect(self.control.select)
        self.wells.explain_asked.connect(self.explain_asked)
        self.control.screen_changed.connect(self._on_screen)
        self.control.stale_changed.connect(self._show_notice)
        self.control.current_changed.connect(self._on_current)

    def set_busy(self, why: str) -> None:
        """Say why no screen can be computed now; empty when it can."""
        self._busy = why
        self._show_buttons()

    def step(self, by: int) -> None:
        """Select the next or the previous treatment of the ranking."""
        self.ranking.step(by)

    def ask_panel(self) -> None:
        """Collect the ranking for the figure; on the tab Residual, images of the residual."""
        if self.control.screen is None:
            return
        if self._shows_residual():
            self.panel_asked.emit(self.control.residual())
        else:
            self.panel_asked.emit(PanelSpec("ranking", title="Ranking of the treatments"))

    def _shows_residual(self) -> bool:
        """Whether the tab Residual is on show and has the selected treatment."""
        screen = self.control.screen
        reported = {u.condition for u in screen.unrepaired} if screen is not None else set()
        return self.tabs.currentWidget() is self.residual and self.control.current in reported

    def picture(self) -> QPixmap:
        """What is collected as it is, for the figure's list."""
        return self.residual.grab() if self._shows_residual() else self.ranking.grab()

    def remember_layout(self) -> None:
        """Keep the splitters for the next start."""
        self.layout_memory.write()

    def showEvent(self, event: QShowEvent) -> None:
        self.control.look_again()
        self._show_buttons()
        super().showEvent(event)

    def _splitters(self) -> dict[str, QSplitter]:
        return {
            "screen": self.split,
            "screen-right": self.upright,
            "screen-wells": self.wells.split,
        }

    def _on_screen(self) -> None:
        """Another screen, none, or other colours."""
        screen = self.control.screen
        self.stack.setCurrentIndex(1 if screen is not None else 0)
        self.empty.title.setText(
            "The screen cannot be read" if self.control.error else "No screen yet"
        )
        colours = {c.name: c.colour for c in self.control.conditions()}
        dataset = self.state.project.dataset if self.state.project else None
        stains = {c.name: c.colour for c in dataset.channels} if dataset is not None else {}
        drawn, self._drawn = self._drawn, (screen, colours, stains)
        if drawn is None or screen is not drawn[0] or (colours, stains) != drawn[1:]:
            self._draw(screen, colours, stains)
        self.head.title.setText(summary(screen) if screen is not None else "")
        self.head.title.setToolTip(
            "★ Hit: rescue of at least 20 %, significant at 1 % family-wise error, no flags."
        )
        if screen is not None:
            alerts = len(self.quality.warnings)
            self.tabs.setTabText(3, f"Quality ({alerts} ⚠)" if alerts else "Quality")
        self._on_current(self.control.current)
        self._show_notice()

    def _draw(self, screen: Screen | None, colours: dict[str, str], stains: dict[str, str]) -> None:
        """Fill all views: the names of conditions and channels come with their colours."""
        for view in (self.ranking, self.plot, self.doses):
            view.set_screen(screen, colours)
        self.residual.set_screen(screen, stains)
        self.quality.set_screen(screen)
        self.wells.set_screen(screen)

    def _on_current(self, condition: str) -> None:
        for view in (self.ranking, self.plot, self.wells, self.doses, self.residual):
            view.set_current(condition)
        screen = self.control.screen
        row = (
            next((r for r in screen.ranked if r.condition == condition), None)
            if screen is not None
            else None
        )
        self.detail.show_row(row, screen)

    def _show_notice(self) -> None:
        self.notice.show_words(self.control.stale())
        self._show_buttons()

    def _show_buttons(self) -> None:
        missing = self.control.why_not_rank()
        why = self._busy or missing
        for button in (self.head.again, self.notice.again):
            button.setEnabled(not why)
            button.setToolTip(tip(why or "Score all wells again; replaces the screen on show"))
        self.empty.button.setText("Go to Data" if missing else "Rank the treatments")
        self.empty.button.setEnabled(bool(missing) or not self._busy)
        self.empty.button.setToolTip(tip(missing or self._busy))
        wrong = f"{self.control.error} {self.control.hint}" if self.control.error else NONE_YET
        self.empty.text.setText(f"{wrong}\n{missing}" if missing else wrong)
        self.head.show_report()

    def _on_empty(self) -> None:
        (self.data_asked if self.control.why_not_rank() else self.screen_asked).emit()
