"""One question of a folder: its choices with pictures, answered by a click."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QLineEdit,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from core.domain import ImagePlace, Question, QuestionKind
from leigh_gui.pages.data.pictures import PictureTile
from leigh_gui.services.small_pictures import SmallPictures
from leigh_gui.widgets.common.look import plain, tip

TITLES = {
    QuestionKind.STAIN: "Stains", QuestionKind.CONDITION: "Conditions", QuestionKind.ROLE:
        "Controls",
    QuestionKind.TIME: "Time points", QuestionKind.Z: "Planes", QuestionKind.WELL: "Wells",
    QuestionKind.PLATE: "Plates", QuestionKind.GROUP: "Groups", QuestionKind.SLICES: "Slices",
    QuestionKind.MAP: "Folders and plate map", QuestionKind.KIND_OF_IMAGE: "Kinds of images",
}  # fmt: skip
FREE_TEXT = (QuestionKind.PLATE,)  # the choice is a proposal that can be changed
PLAIN_WORDS = {
    "none": "none of them", "max": "maximum of all planes", "mean": "mean of all planes",
    "projection": "projection: the pictures next to the stacks",
    "stains": "stains of one image", "planes": "planes or times of one stain",
}  # fmt: skip
OF_NUMBERS = {"repeats": "pictures of one field again"}
OTHERWISE = "Without an answer nothing is read."


class QuestionCard(QFrame):
    """The sentence, a button with pictures per choice, and what happens without an answer."""

    changed = Signal()

    def __init__(
        self,
        question: Question,
        answer: str,
        pictures: SmallPictures,
        folder: Path,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.question = question
        self.setProperty("kind", "card")
        self.setObjectName(f"question-{question.kind}")
        self.buttons: dict[str, QRadioButton] = {}
        self.tiles: dict[tuple[str, str], PictureTile] = {}
        self.text: QLineEdit | None = None
        self._group = QButtonGroup(self)
        self._pictures, self._folder = pictures, folder
        self._build(answer if answer in question.choices else question.default or "")

    def _build(self, answer: str) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(plain(TITLES[self.question.kind], "small"))
        column.addWidget(plain(self.question.text, "strong", wrap=True))
        examples = self.question.examples
        of_one = all(len(files) <= 1 for files in examples.values())
        for _, some in groupby(self.question.choices, lambda choice: choice in examples):
            choices = QWidget()  # planes and time points stand side by side
            flow = QFlowLayout(choices) if of_one else QVBoxLayout(choices)
            flow.setContentsMargins(0, 0, 0, 0)
            for choice in some:
                flow.addWidget(self._choice(choice, choice == answer))
            column.addWidget(choices)
        if self.question.kind in FREE_TEXT:
            self.text = QLineEdit(next(iter(self.question.choices), ""))
            self.text.textEdited.connect(lambda: self._group.buttons()[0].setChecked(True))
            self.text.textChanged.connect(self.changed)
            column.addWidget(self.text)
        default = self.question.default
        without = f"Without another answer: {default}." if default is not None else OTHERWISE
        column.addWidget(plain(without, "small", wrap=True))

    def _choice(self, choice: str, chosen: bool) -> QWidget:
        holder = QWidget()
        row = QVBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        mark = " (as now)" if choice == self.question.default else ""
        button = QRadioButton((self._words(choice) + mark).replace("&", "&&"))
        button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        button.setToolTip(tip(choice))
        button.setChecked(chosen)
        button.toggled.connect(self.changed)
        self._group.addButton(button)
        self.buttons[choice] = button
        row.addWidget(button)
        examples = self.question.examples.get(choice, {})
        if examples:
            tiles = QWidget()
            flow = QFlowLayout(tiles)
            flow.setContentsMargins(22, 0, 0, 0)
            for word, file in examples.items():
                flow.addWidget(self._tile(choice, word, file))
            row.addWidget(tiles)
        return holder

    def _words(self, choice: str) -> str:
        if self.question.kind == QuestionKind.CONDITION and ", " not in choice:
            return f"all images are one condition: {choice}"
        words = OF_NUMBERS if self.question.kind == QuestionKind.GROUP else PLAIN_WORDS
        return words.get(choice, choice)

    def _tile(self, choice: str, word: str, file: str) -> PictureTile:
        place = self.question.places.get(file, ImagePlace(file))
        tile = PictureTile(self._pictures, self._folder, place, word)
        tile.setToolTip(tip(file))
        tile.clicked.connect(lambda: self.buttons[choice].setChecked(True))
        self.tiles[choice, word] = tile
        return tile

    def fields(self) -> list[QWidget]:
        """What the keyboard reaches, from top to bottom."""
        return [*self.buttons.values(), *([self.text] if self.text is not None else [])]

    def answer(self) -> str:
        """The choice that was made; empty before."""
        chosen = next((c for c, button in self.buttons.items() if button.isChecked()), "")
        return self.text.text().strip() if chosen and self.text is not None else chosen
