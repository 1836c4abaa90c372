"""What can be done about changes that cannot be saved: retry, another place, or give them up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEventLoop, QObject, Qt
from PySide6.QtWidgets import QFileDialog, QProgressDialog, QWidget

from core.errors import FolderMissing
from leigh_gui.close_dialog import Choice, ask_about_unsaved
from leigh_gui.services.job_controller import BUSY

if TYPE_CHECKING:
    from core.domain import Project
    from leigh_gui.services.backstage import Backstage


class UnsavedChanges(QObject):
    """Asks the user where the program cannot help itself."""

    def __init__(self, window: QWidget, backstage: Backstage) -> None:
        super().__init__(window)
        self.window, self.backstage = window, backstage
        backstage.saver.failed.connect(self._on_failed)

    def settle(self) -> bool:
        """Whether the window may close: everything is on disk, or was given up."""
        while not self.backstage.saver.flush():
            choice = self._ask(closing=True)
            if choice == Choice.STAY:
                return False
            if choice == Choice.DISCARD:
                self.backstage.saver.discard()
            else:
                self._do(choice, closing=True)
        return True

    def offer(self) -> None:
        """Ask what to do while the window stays open."""
        if not self.backstage.saver.flush():
            self._do(self._ask(closing=False), closing=False)

    def save_elsewhere(self, folder: Path, closing: bool = False) -> None:
        """Copy the project, with all changes, to a new folder, and go on there."""
        project = self.backstage.saver.unsaved()
        if project is None:
            return
        if self.backstage.runner.running():
            self.backstage.bus.tell("A job is still running.", BUSY)
            return
        whole = project.folder.is_dir()
        copy = self._run(lambda: _copy(project, folder))
        if copy is None:
            return
        self._go_on(copy, closing)
        if not whole:
            self.backstage.bus.tell(
                f"Only the project file was saved in {copy.folder}, because the folder"
                f" {project.folder} is not there.",
                "Copy models, maps and exports into the new folder when the old one is back.",
            )

    def locate(self, folder: Path, closing: bool = False) -> None:
        """Save the changes in the folder that the project was moved to, and go on there."""
        project = self.backstage.saver.unsaved()
        if project is None:
            return
        moved = self._run(lambda: _save_at(project, folder))
        if moved is not None:
            self._go_on(moved, closing)

    def _ask(self, closing: bool) -> Choice:
        saver = self.backstage.saver
        gone = isinstance(saver.error, FolderMissing)
        hint = getattr(saver.error, "hint", "")
        return ask_about_unsaved(self.window, f"{saver.why} {hint}".strip(), gone, closing)

    def _do(self, choice: Choice, closing: bool) -> None:
        if choice == Choice.ELSEWHERE:
            if chosen := self._choose("Choose where the project is saved"):
                self.save_elsewhere(self._free(Path(chosen)), closing)
        elif choice == Choice.LOCATE:
            if chosen := self._choose("Choose the folder that the project was moved to"):
                self.locate(Path(chosen), closing)
        elif choice == Choice.RETRY and not closing:
            self.backstage.saver.flush()

    def _choose(self, words: str) -> str:
        return QFileDialog.getExistingDirectory(self.window, words)

    def _free(self, folder: Path) -> Path:
        """The chosen folder where it is empty, else a new one in it."""
        from core.io.tables import safe_name

        project = self.backstage.saver.unsaved()
        if project is None or not any(folder.iterdir()):
            return folder
        name, number = safe_name(project.name), 2
        while (folder / name).exists():
            name = f"{safe_name(project.name)}-{number}"
            number += 1
        return folder / name

    def _go_on(self, project: Project, closing: bool) -> None:
        self.backstage.saver.discard()  # it is saved in the new folder
        self.backstage.settings.remember(project.folder)
        if not closing:
            self.backstage.loader.open(project.folder)

    def _run(self, work: Callable[[], Project]) -> Project | None:
        """The result of long work, during which the window stays alive; None where it failed."""
        results: list[Any] = []
        loop = QEventLoop()
        progress = QProgressDialog("Saving the project…", "", 0, 0, self.window)
        progress.setCancelButton(None)
        progress.setWindowModality(Qt.WindowModality.WindowModal)

        def done(value: Any) -> None:
            results.append(value)
            loop.quit()

        self.backstage.background.run(work, done, done)
        loop.exec()
        progress.close()
        if isinstance(results[0], Exception):
            self.backstage.bus.report(results[0])
            return None
        return results[0]  # type: ignore[no-any-return]

    def _on_failed(self, error: Exception) -> None:
        gone = isinstance(error, FolderMissing)
        self.backstage.bus.offer(
            "Locate the folder…" if gone else "What can I do?",
            self._on_locate if gone else self.offer,
        )

    def _on_locate(self) -> None:
        self._do(Choice.LOCATE, closing=False)


def _copy(project: Project, folder: Path) -> Project:
    from core.io.project_copy import save_copy

    return save_copy(project, folder)


def _save_at(project: Project, folder: Path) -> Project:
    from core.io.project import save_project
    from core.io.project_copy import moved_to

    moved = moved_to(project, folder)
    save_project(moved)
    return moved
