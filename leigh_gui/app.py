"""Starts the window: `leigh-gui [PROJECT] [--demo]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.arguments import path_option

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from leigh_gui.main_window import MainWindow

CRASHED = (
    "The program did not end as it should the last time.",
    "Your projects are as they were last saved. The log may say what happened.",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window and stay until it is closed; returns the exit code."""
    arguments = _parse(sys.argv[1:] if argv is None else argv)
    import multiprocessing

    multiprocessing.freeze_support()
    from leigh_gui import last_run
    from leigh_gui.paths import log_folder

    app, window = create_window()
    if last_run.begin(log_folder()):
        window.commands.notices.append(CRASHED)
    window.show()
    window.launch(arguments.project, arguments.demo)
    code = app.exec()
    last_run.end(log_folder())
    return code


def create_window() -> tuple[QApplication, MainWindow]:
    """The application and its window, not yet shown; nothing heavy is loaded for it."""
    os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
    from PySide6.QtCore import QLocale
    from PySide6.QtWidgets import QApplication

    from core.io.table_style import suggest_style
    from leigh_gui import errors, theme
    from leigh_gui.main_window import MainWindow
    from leigh_gui.paths import log_folder
    from leigh_gui.services.garbage_collector import GarbageCollector
    from leigh_gui.settings import Settings

    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Leigh Explorer")
    suggest_style(QLocale.system().decimalPoint())
    _log_to(log_folder())
    bus = errors.ErrorBus()
    errors.install(bus)
    settings = Settings()
    theme.apply(app, settings.flag("dark"))
    window = MainWindow(settings, bus)
    collector = GarbageCollector(app)
    window.backstage.loader.opened.connect(collector.settle)
    return app, window


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="leigh-gui", description="The window of Leigh Explorer.")
    text = "project folder, or a folder of images, to open"
    parser.add_argument("project", nargs="?", type=path_option, help=text)
    parser.add_argument(
        "--demo", action="store_true", help="open the demo with one diseased image selected"
    )
    return parser.parse_args(argv)


def _log_to(folder: Path) -> None:
    """Log to a file of limited size; a crash of the graphics driver is written to a second file."""
    import faulthandler
    import logging
    import logging.handlers

    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            folder / "leigh-gui.log", maxBytes=1_000_000, backupCount=2, encoding="utf-8"
        )
        faulthandler.enable((folder / "crash.log").open("a", encoding="utf-8"))
    except OSError:  # a full or read-only disk must not keep the window from opening
        handler = logging.StreamHandler()
        if sys.stderr is not None:
            faulthandler.enable()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
