"""What happens on the Screen page: read the stored screen, select a treatment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.domain import PanelSpec, Role, Split
from leigh_gui.services.background import Background
from leigh_gui.state import AppState
from leigh_gui.widgets.screen.ranking_rows import stale_words

if TYPE_CHECKING:
    from core.domain import Condition, Dataset, ImageRecord
    from core.domain.screen import Screen

FOLDER, FILE, REPORT = "screen", "screen.json", "report.pdf"


@dataclass(frozen=True)
class _Found:
    """A stored screen with the time its file was written."""

    screen: Screen | None
    written: int


class ScreenControl(QObject):
    """Reads in the background; an answer that comes after another project was opened is dropped."""

    screen_changed = Signal()  # another screen, none, or an error
    stale_changed = Signal()
    current_changed = Signal(str)  # condition

    def __init__(self, state: AppState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.screen: Screen | None = None
        self.error = ""  # why the stored screen cannot be shown
        self.hint = ""
        self.current = ""  # condition of the selected treatment
        self._written = 0
        self._generation = 0
        self._folder: Path | None = None
        self._digest: tuple[Dataset | None, str] = (None, "")
        self._background = Background(self, threads=1)
        state.project_changed.connect(self._on_project)
        state.model_changed.connect(self.stale_changed)
        self._on_project()

    def folder(self) -> Path | None:
        """Where the screen of the open project lies."""
        return self.state.project.folder / "exports" / FOLDER if self.state.project else None

    def report(self) -> Path | None:
        """The report of the screen, if it is there."""
        folder = self.folder()
        path = folder / REPORT if folder is not None else None
        return path if path is not None and path.is_file() else None

    def load(self) -> None:
        """Read the stored screen; what was on show stays until it has come."""
        folder = self.folder()
        self._generation += 1
        generation = self._generation
        if folder is None:
            self._show(_Found(None, 0))
            return
        self._background.run(
            lambda: _read(folder),
            lambda found: self._show(found) if generation == self._generation else None,
            lambda error: (
                self._show_error(error, folder) if generation == self._generation else None
            ),
        )

    def look_again(self) -> None:
        """Read it again if the file was written since, e.g. from the command line."""
        folder = self.folder()
        if folder is not None and _written(folder) != self._written:
            self.load()

    def select(self, condition: str) -> None:
        """Select a treatment."""
        if condition != self.current:
            self.current = condition
            self.current_changed.emit(condition)

    def stale(self) -> str:
        """Why the screen is not of what is open; empty when it is."""
        opened = self.state.opened
        if self.screen is None or opened is None:
            return ""
        return stale_words(
            self.screen, self._dataset_digest(), opened.card.digest if opened.card else ""
        )

    def why_not_rank(self) -> str:
        """Why the treatments cannot be ranked; empty when they can."""
        dataset = self.state.project.dataset if self.state.project else None
        if dataset is None or not dataset.records:
            return "Open a folder of images first."
        roles = {c.role for c in dataset.conditions}
        missing = [str(role) for role in (Role.HEALTHY, Role.DISEASED) if role not in roles]
        return (
            f"Say on the Data page which condition is {' and which is '.join(missing)}."
            if missing
            else ""
        )

    def why_not_explain(self, record: ImageRecord | None) -> str:
        """Why this image cannot be explained on the Explore page; empty when it can."""
        opened = self.state.opened
        if record is None:
            return "Click an image first."
        if opened is None or opened.card is None:
            return "An explanation needs a model. Train one on the Train page."
        if not self.state.ready_to_explore:
            return "Compute the map on the Train page first."
        if record.condition not in {c.name for c in opened.card.conditions}:
            return (
                f"The model was not trained on {record.condition}. Train it on these images to"
                " explain this one."
            )
        return ""

    def target(self, record: ImageRecord) -> str:
        """The healthy condition, where the model knows it and the image is not of it; else ""."""
        known = {c.name for c in self.state.conditions()}
        healthy = self.screen.healthy if self.screen is not None else ""
        return healthy if healthy in known and healthy != record.condition else ""

    def residual(self) -> PanelSpec:
        """The residual of the selected treatment as a figure panel, on its first held-out image."""
        assert self.screen is not None
        ids = [i for w in self.screen.wells if w.condition == self.current for i in w.record_ids]
        card = self.state.opened.card if self.state.opened else None
        records = [r for r in map(self.state.record, ids) if r is not None]
        first = min(records, key=lambda r: card is not None and card.part_of(r) != Split.TEST)
        return PanelSpec("residual", first.id, {self.screen.healthy: 1.0})

    def conditions(self) -> tuple[Condition, ...]:
        """All conditions of the images, with the project's colours."""
        dataset = self.state.project.dataset if self.state.project else None
        return dataset.conditions if dataset is not None else ()

    def _on_project(self) -> None:
        """Another project is read; of the same one only colours or labels changed."""
        folder = self.folder()
        if folder != self._folder:
            self._folder, self.screen, self.current, self._written = folder, None, "", 0
            self.error = self.hint = ""
            self.screen_changed.emit()
            self.load()
        else:
            self.look_again()
            self.screen_changed.emit()

    def _show(self, found: _Found) -> None:
        self.screen, self._written, self.error, self.hint = found.screen, found.written, "", ""
        names = {r.condition for r in found.screen.ranked} if found.screen is not None else set()
        if self.current not in names:
            first = (
                found.screen.ranked[0].condition
                if found.screen is not None and found.screen.ranked
                else ""
            )
            self.current = first
        self.screen_changed.emit()
        self.current_changed.emit(self.current)

    def _show_error(self, error: Exception, folder: Path) -> None:
        message = getattr(error, "message", "")
        if not message:
            raise error  # ours: to the error bar
        self.screen, self._written = None, _written(folder)
        self.error, self.hint = message, "Rank the treatments again."
        self.screen_changed.emit()

    def _dataset_digest(self) -> str:
        dataset = self.state.project.dataset if self.state.project else None
        if self._digest[0] is not dataset:
            self._digest = (dataset, dataset.digest if dataset is not None else "")
        return self._digest[1]


def _read(folder: Path) -> _Found:
    from core.io.screens import load_screen

    written = _written(folder)
    return _Found(load_screen(folder) if written else None, written)


def _written(folder: Path) -> int:
    """When the screen's file was written, in nanoseconds; 0 where there is none."""
    try:
        return (folder / FILE).stat().st_mtime_ns
    except OSError:
        return 0
