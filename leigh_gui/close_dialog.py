"""What to do with a running job when the window closes."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget


def ask_about_job(parent: QWidget) -> str:
    """Closing during a job: 'finish' it in the background, 'stop' it, or 'stay'."""
    box = QMessageBox(
        QMessageBox.Icon.NoIcon, "A job is running", "A job is still running.", parent=parent
    )
    box.setInformativeText(
        "It can finish in the background without the window, or stop now; what is done is kept."
    )
    finish = box.addButton("Finish in background", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton("Keep the window", QMessageBox.ButtonRole.RejectRole)
    box.exec()
    if box.clickedButton() is finish:
        return "finish"
    return "stop" if box.clickedButton() is stop else "stay"
