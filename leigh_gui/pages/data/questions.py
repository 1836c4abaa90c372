"""What a folder asks before it can be read: all questions, and one button to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from core.domain import QuestionKind, ScanOptions, answer_to
from leigh_gui.pages.data.naming import NamingView
from leigh_gui.pages.data.question_card import TITLES, QuestionCard
from leigh_gui.pages.data.scan_options import PathField, StoredChoice
from leigh_gui.scan_request import OpenScan, with_answers
from leigh_gui.services.small_pictures import SmallPictures
from leigh_gui.widgets.common.look import clear_layout, plain, scrolled, tip

# Questions that a plate map or a pattern for the names can settle, too.
BY_MAP = (QuestionKind.CONDITION, QuestionKind.ROLE, QuestionKind.MAP, QuestionKind.PLATE)
BY_PATTERN = (
    QuestionKind.STAIN,
    QuestionKind.CONDITION,
    QuestionKind.WELL,
    QuestionKind.Z,
    QuestionKind.GROUP,
)
MOST_PROBLEMS = 6  # lines below the cards


class QuestionsPanel(QWidget):
    """All cards of a scan that wrote nothing, and one button that reads the folder with answers."""

    answered = Signal(object)  # ScanRequest
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[QuestionCard] = []
        self._asked: OpenScan | None = None
        self._why = ""
        self.pictures = SmallPictures(self)
        self._build()
        self._connect()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addLayout(self._build_head())
        inner = QWidget()
        inner.setObjectName("page-body")
        body = QVBoxLayout(inner)
        body.setContentsMargins(0, 0, 8, 0)
        body.setSpacing(12)
        self.naming = NamingView()
        body.addWidget(self.naming)
        self._cards = QVBoxLayout()
        self._cards.setSpacing(12)
        body.addLayout(self._cards)
        body.addWidget(self._build_other_ways())
        self.answered_before = StoredChoice(
            "Ask again", "Forget the answers and ask from the start"
        )
        body.addWidget(self.answered_before)
        self.problems = plain("", "small", wrap=True)
        body.addWidget(self.problems)
        body.addStretch(1)
        column.addWidget(scrolled(inner), 1)

    def _build_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(2)
        self.title = plain("How should this folder be read?", "title", wrap=True)
        self.place = plain("", "small", wrap=True)
        words.addWidget(self.title)
        words.addWidget(self.place)
        head.addLayout(words, 1)
        self.cancel = QPushButton("Cancel")
        self.read = QPushButton("Read the folder with these answers")
        self.read.setObjectName("read-with-answers")
        self.read.setProperty("kind", "primary")
        head.addWidget(self.cancel)
        head.addWidget(self.read)
        return head

    def _build_other_ways(self) -> QWidget:
        self.ways = QFrame()
        self.ways.setProperty("kind", "card")
        column = QVBoxLayout(self.ways)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        self.ways_title = plain("", "strong")
        column.addWidget(self.ways_title)
        self.plate_map = PathField(
            "Plate map", "plate map: CSV or Excel with columns well and condition"
        )
        self.plate_map.setObjectName("answer-plate-map")
        self.pattern = QLineEdit()
        self.pattern.setObjectName("answer-pattern")
        self.pattern.setPlaceholderText(
            "pattern for the names, for example (?P<condition>.+)_(?P<channel>[^_]+)"
        )
        column.addWidget(self.plate_map)
        column.addWidget(self.pattern)
        return self.ways

    def _connect(self) -> None:
        self.cancel.clicked.connect(self.cancelled)
        self.read.clicked.connect(self._on_read)
        self.answered_before.forget.clicked.connect(self._on_ask_again)
        self.plate_map.edited.connect(self._say)
        self.pattern.textChanged.connect(self._say)

    def set_asked(self, asked: OpenScan | None) -> None:
        """Show what this scan asks; answers of before are chosen."""
        self._asked = asked
        clear_layout(self._cards)
        self.cards = []
        self.pictures.forget_wishes()
        if asked is None:
            return
        options = asked.request.options
        self.place.setText(str(asked.request.folder))
        self.naming.set_read_as(asked.read_as)
        for question in asked.questions:
            answer = answer_to(question, options.answers)
            card = QuestionCard(question, answer, self.pictures, asked.request.folder)
            card.changed.connect(self._say)
            self._cards.addWidget(card)
            self.cards.append(card)
        self._order_tabs()
        self._show_rest(asked)
        self._say()

    def _order_tabs(self) -> None:
        """The tab key goes down the page: the cards, then the other ways."""
        order: list[QWidget] = [self.read]
        for card in self.cards:
            order += card.fields()
        order += [self.plate_map.line, self.plate_map.browse, self.pattern]
        for first, second in pairwise(order):
            QWidget.setTabOrder(first, second)

    def _show_rest(self, asked: OpenScan) -> None:
        """Other ways to answer, answers of before, and problems."""
        options = asked.request.options
        kinds = {question.kind for question in asked.questions}
        shown = {key for question in asked.questions for key in (question.key, question.kind)}
        with_map, with_pattern = bool(kinds & set(BY_MAP)), bool(kinds & set(BY_PATTERN))
        self.plate_map.setVisible(with_map)
        self.pattern.setVisible(with_pattern)
        self.ways.setVisible(with_map or with_pattern)
        table = "another plate map" if options.plate_map else "a plate map"
        ways = [table] * with_map + ["a pattern for the names"] * with_pattern
        self.ways_title.setText(f"Or give {' or '.join(ways)}")
        before = [f"{k}: {choice}" for k, choice in options.answers.items() if k not in shown]
        self.answered_before.words.setText(f"Answered before: {'; '.join(before)}")
        self.answered_before.setVisible(bool(before))
        lines = asked.problems.splitlines()
        more = [f"And {len(lines) - MOST_PROBLEMS} more."] if len(lines) > MOST_PROBLEMS else []
        self.problems.setText("\n".join(lines[:MOST_PROBLEMS] + more))
        self.problems.setVisible(bool(lines))
        self.plate_map.line.setText(str(options.plate_map) if options.plate_map else "")
        self.pattern.setText(options.pattern or "")

    def set_busy(self, why: str) -> None:
        """Say why the folder cannot be read now; empty when it can."""
        self._why = why
        self._say()

    def options(self) -> ScanOptions:
        """The choices of this scan with the answers that were given."""
        assert self._asked is not None
        several = Counter(card.question.kind for card in self.cards)
        answers = {
            str(card.question.kind) if several[card.question.kind] == 1 else card.question.key: text
            for card in self.cards
            if (text := card.answer())
        }
        plate_map, pattern = self.plate_map.line.text().strip(), self.pattern.text().strip()
        options = replace(
            self._asked.request.options,
            plate_map=Path(plate_map) if plate_map else None,
            pattern=pattern or None,
        )
        return with_answers(options, answers)

    def missing(self) -> Sequence[str]:
        """Titles of the questions that nothing settles yet."""
        if self._asked is None:
            return ()
        before, options = self._asked.request.options, self.options()
        settled: set[QuestionKind] = set()
        if options.plate_map is not None and options.plate_map != before.plate_map:
            settled |= set(BY_MAP)
        if options.pattern is not None and options.pattern != before.pattern:
            settled |= set(BY_PATTERN)
        unanswered = [card.question.kind for card in self.cards if not card.answer()]
        return [TITLES[kind] for kind in unanswered if kind not in settled]

    def _say(self) -> None:
        missing = self.missing()
        still = f"Still open: {', '.join(dict.fromkeys(missing))}" if missing else ""
        needed = [card for card in self.cards if card.question.default is None]
        # An answer can settle other questions; the scan asks what is left.
        nothing = bool(missing) and len(missing) == len(needed)
        self.read.setEnabled(self._asked is not None and not self._why and not nothing)
        self.read.setToolTip(tip(self._why or still or "Read the folder and make the project"))
        self.answered_before.forget.setEnabled(not self._why)

    def _on_ask_again(self) -> None:
        if self._asked is not None:
            options = replace(self._asked.request.options, answers={})
            self.answered.emit(replace(self._asked.request, options=options))

    def _on_read(self) -> None:
        if self._asked is not None:
            self.answered.emit(replace(self._asked.request, options=self.options()))
