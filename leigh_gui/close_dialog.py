"""What to ask before the window closes, images are replaced, or another computer is used."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget

from leigh_gui.widgets.common.look import tip

REPLACING = (
    "The project keeps its models, figure panels, and the roles and colours of conditions with the"
    " same names. It forgets plate map, name pattern, answers and pixel size. The map must be"
    " computed again. No image file is changed."
)


STRANGER = (
    "The system may send your login there. A project from someone else can name any computer: go on"
    " only if you know this one. The answer is kept for this project on this computer."
)


class Choice(StrEnum):
    """What to do about changes that cannot be saved."""

    RETRY = "Retry"
    ELSEWHERE = "Save elsewhere…"
    LOCATE = "Locate the folder…"
    DISCARD = "Discard"
    STAY = "Keep the window"


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


def ask_about_unsaved(parent: QWidget, why: str, gone: bool, closing: bool) -> Choice:
    """What to do; `gone`: the folder of the project is missing; `closing`: the window closes."""
    role = QMessageBox.ButtonRole
    box = QMessageBox(
        QMessageBox.Icon.NoIcon, "Not saved", "Your last changes are not saved.", parent=parent
    )
    box.setInformativeText(why)
    offers = [(Choice.RETRY, role.AcceptRole)]
    offers += [(Choice.LOCATE, role.ActionRole)] if gone else []
    offers += [(Choice.ELSEWHERE, role.ActionRole)]
    offers += [(Choice.DISCARD, role.DestructiveRole)] if closing else []
    offers += [(Choice.STAY, role.RejectRole)]
    buttons: dict[Choice, QAbstractButton] = {
        choice: box.addButton(choice.value, its_role) for choice, its_role in offers
    }
    box.exec()
    clicked = box.clickedButton()
    return next((c for c, button in buttons.items() if button is clicked), Choice.STAY)


def confirm_replacing(parent: QWidget, folder: str) -> bool:
    """Whether the images of the project are replaced by those in `folder`."""
    box = QMessageBox(
        QMessageBox.Icon.NoIcon,
        "Replace images",
        "Replace the images of this project?",
        parent=parent,
    )
    box.setInformativeText(tip(f"{folder}\n\n{REPLACING}"))
    replace = box.addButton("Replace images", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return box.clickedButton() is replace


def ask_about_network(parent: QWidget, message: str) -> str:
    """Whether to 'allow' the other computer that a project names, 'leave' it, or open nothing."""
    box = QMessageBox(
        QMessageBox.Icon.NoIcon,
        "Another computer",
        "Look for the images on another computer?",
        parent=parent,
    )
    box.setInformativeText(tip(f"{message}\n\n{STRANGER}"))
    allow = box.addButton("Go on", QMessageBox.ButtonRole.AcceptRole)
    leave = box.addButton("Open without images", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.exec()
    if box.clickedButton() is allow:
        return "allow"
    return "leave" if box.clickedButton() is leave else ""
