"""When something goes wrong: write it to the log, show it in the window, and carry on."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QObject, QtMsgType, Signal, qInstallMessageHandler

log = logging.getLogger("leigh")


class ErrorBus(QObject):
    """One place that every error passes; safe to use from any thread."""

    raised = Signal(str, str, str)  # message, hint, details
    offered = Signal(str, object)  # label and function of a button next to the last error

    def report(self, error: BaseException, more: str = "") -> None:
        """Log an error and show it; `more` follows its hint.

        Errors of the user's input come with their own words.
        """
        from core.io.disk_errors import disk_error

        details = "".join(traceback.format_exception(error))
        if isinstance(error, OSError):
            error = disk_error(error) or error
        message, hint = getattr(error, "message", ""), getattr(error, "hint", "")
        if message:
            log.warning("%s %s", message, hint, exc_info=error)
        else:
            log.error("Unexpected: %s", error, exc_info=error)
            message = "Something unexpected went wrong."
            hint = (
                "The program goes on. If it happens again, send the details below and the log to"
                " the person who looks after the program."
            )
        self.raised.emit(message, f"{hint} {more}".strip(), details)

    def offer(self, label: str, action: Callable[[], object]) -> None:
        """A button next to the error that was just shown."""
        self.offered.emit(label, action)

    def tell(self, message: str, hint: str = "", details: str = "") -> None:
        """Show a message without an exception."""
        log.warning("%s %s %s", message, hint, details)
        self.raised.emit(message, hint, details)


def install(bus: ErrorBus) -> None:
    """Send every unhandled exception of any thread, and Qt's warnings, to the bus or the log."""

    def on_exception(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        bus.report(error.with_traceback(trace))

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            bus.report(args.exc_value)

    sys.excepthook = on_exception
    threading.excepthook = on_thread
    qInstallMessageHandler(_on_qt_message)


def _on_qt_message(kind: QtMsgType, context: object, text: str) -> None:
    level = (
        logging.WARNING
        if kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg)
        else logging.DEBUG
    )
    logging.getLogger("qt").log(level, text)
