"""Evidence card: can this counterfactual be trusted? A verdict, a row of lights, and numbers.

Failures stay visible; the numbers fold out.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from core.domain import CHECKS, Check, Counterfactual, Precision, Problem
from core.domain.limits import EXACT_TO
from leigh_gui.widgets.common.look import percent, plain, scrolled, set_kind, tip
from leigh_gui.widgets.counterfactual.light import STATES, Light
from leigh_gui.widgets.counterfactual.verdict import RULE, evidence_of, verdict

TITLES = {
    "model": ("Model", "What the model itself reads in the picture. A flip alone proves nothing."),
    "judges": (
        "Independent classifiers",
        "Classifiers trained on the same wells, apart from this model.",
    ),
    "distance": (
        "Distance to real {target}",
        "0: like real images of the target; 1: as far away as the original.",
    ),
    "readouts": (
        "Features",
        "Share of the features that differ between real source and target images and came about"
        " as far as the target.",
    ),
    "rest": (
        "What should stay",
        "Nuclei, stains and features in which both conditions agree must not change.",
    ),
}
DETAILS = {
    "brightness": (
        "Brightness",
        "How each stain changes as a whole. The rest of the change is in its pattern.",
    ),
    "locked": ("Locked", "Channels that were not allowed to change, see “Lock”."),
    "channels": ("Change", "Share of the whole change that each stain carries."),
    "clipped": ("Clipped", "Pixels the change would push outside the camera's grey values."),
    "roundtrip": (
        "Round trip",
        "How exactly the network can be run backwards, measured on this image.",
    ),
    "contraction": (
        "Lipschitz estimate",
        "Of the network's blocks; a block below 1 can be run backwards.",
    ),
}
NO_CLASSIFIERS = (
    "This model has no independent classifiers: only its own reading is known. Train it again to"
    " get them."
)
ON_RELEASE = "on release"


WORDS = {
    "model": "Model",
    "judges": "Classifiers",
    "distance": "Closeness",
    "readouts": "Features",
    "rest": "Rest stays",
}


class EvidenceCard(QWidget):
    """The verdict in one sentence, a light and a word per check; the numbers fold out."""

    unfolded = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.light = Light(18)
        self.lights: dict[str, Light] = {}
        self._words: dict[str, QLabel] = {}
        self._titles: dict[str, QLabel] = {}
        self._values: dict[str, QLabel] = {}
        self._build()
        self.clear("Select an image and move it toward a condition.")

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.headline = plain("", "strong", wrap=True)
        self.headline.setObjectName("evidence-headline")
        verdict_row = QHBoxLayout()
        verdict_row.setSpacing(8)
        verdict_row.addWidget(self.light, 0, Qt.AlignmentFlag.AlignTop)
        verdict_row.addWidget(self.headline, 1)
        self.numbers = QToolButton()
        self.numbers.setObjectName("evidence-numbers")
        self.numbers.setCheckable(True)
        self.numbers.setProperty("kind", "flat")
        self.numbers.setText("Numbers ▸")
        self.numbers.setToolTip("Show what every check measured")
        self.numbers.toggled.connect(self._on_numbers)
        verdict_row.addWidget(self.numbers, 0, Qt.AlignmentFlag.AlignTop)
        self.missing = plain(NO_CLASSIFIERS, "muted", wrap=True)
        self.missing.hide()
        self.changed = plain("", wrap=True)
        self.changed.setObjectName("evidence-changed")
        self.record = plain("", "muted", wrap=True)
        self.record.setObjectName("evidence-record")
        self.record.setToolTip(
            tip(
                "Known changes were made in images of held-out wells after the training. Right"
                " and wrong pictures of them were put through this card."
            )
        )
        self.caution = plain("", wrap=True)
        self.caution.setObjectName("evidence-caution")
        self.caution.hide()
        self.details = scrolled(self._build_details())
        self.details.viewport().setAutoFillBackground(False)
        self.details.hide()
        column.addLayout(verdict_row)
        column.addWidget(self._build_lights())
        for widget in (self.missing, self.changed, self.record, self.caution):
            column.addWidget(widget)
        column.addWidget(self.details, 1)
        column.addStretch(0)

    def _build_lights(self) -> QWidget:
        holder = QWidget()
        row = QFlowLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setHorizontalSpacing(12)
        row.setVerticalSpacing(2)
        for key in CHECKS:
            pair = QWidget()
            pair.setObjectName(f"light-{key}")
            inner = QHBoxLayout(pair)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.setSpacing(4)
            self.lights[key], self._words[key] = Light(14), plain(WORDS[key], "small")
            inner.addWidget(self.lights[key])
            inner.addWidget(self._words[key])
            row.addWidget(pair)
        return holder

    def _build_details(self) -> QWidget:
        holder = QWidget()
        holder.setAutoFillBackground(False)
        self._grid = QGridLayout(holder)
        self._grid.setContentsMargins(0, 0, 8, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)  # names wrap, so that their values have room
        self._grid.setColumnStretch(1, 2)
        for row, key in enumerate(CHECKS):
            self._add_row(row, key, *TITLES[key])
        self._grid.setRowMinimumHeight(len(CHECKS), 4)  # sets the figures apart from the checks
        for row, (key, (title, meaning)) in enumerate(DETAILS.items(), start=1 + len(CHECKS)):
            self._add_row(row, key, title, meaning)
        self._grid.setRowStretch(2 + len(CHECKS) + len(DETAILS), 1)
        return holder

    def _add_row(self, row: int, key: str, title: str, meaning: str) -> None:
        name, value = plain(title, "small", wrap=True), plain("–", wrap=True)
        for column, label in ((0, name), (1, value)):
            label.setToolTip(tip(meaning))
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(label, row, column)
        self._titles[key], self._values[key] = name, value

    def _on_numbers(self, on: bool) -> None:
        self.numbers.setText("Numbers ▾" if on else "Numbers ▸")
        self.details.setVisible(on)
        self.unfolded.emit(on)

    def text(self, key: str) -> str:
        """What the card says about a check or a detail."""
        return self._values[key].text()

    def set_no_oracles(self, why: str) -> None:
        """Say once why the independent classifiers are missing; empty when they are there."""
        self.missing.setToolTip(tip(why))
        self.missing.setVisible(bool(why))
        for key in CHECKS:
            for widget in (self.lights[key], self._words[key], self._titles[key],
                           self._values[key]):  # fmt: skip
                widget.setVisible(not why)

    def set_confounders(self, problems: Sequence[Problem]) -> None:
        """Say what the network may have learned instead of the cells."""
        words = " ".join(f"⚠ {p.sentence}" for p in problems)
        self.caution.setText(words)
        self.caution.setToolTip(tip(problems[0].remedy if problems else ""))
        self.caution.setVisible(bool(words))

    def clear(self, text: str) -> None:
        """No counterfactual yet; say what to do."""
        self.light.set_state("none", RULE)
        self.headline.setText(text)
        self._show_checks((), "–", "")
        self._show_changed("")
        self._show_record("")
        for key in DETAILS:
            self._values[key].setText("–")
        self._show_brightness("")

    def set_counterfactual(self, cf: Counterfactual, names: Sequence[str], channels: Sequence[str],
                           spans: Sequence[float], automatic: bool = True) -> None:  # fmt: skip
        """Show the verdict. `automatic`: the program chose the locked channels, not the user."""
        if cf.strength <= 0 and cf.valid:
            self.clear("This is the original. Drag its handle or press “Move”.")
        else:
            state, reason = verdict(cf, names)
            self.light.set_state(state, f"{reason}\n{RULE}")
            self.headline.setText(reason)
            evidence = evidence_of(cf)
            instead = ON_RELEASE if cf.valid and cf.target != cf.source else "–"
            self._show_checks(evidence.checks if evidence else (), instead, cf.target)
            self._show_changed(str(evidence.values.get("changed", "")) if evidence else "")
            self._show_record(str(evidence.values.get("card_record", "")) if evidence else "")
            self._values["clipped"].setText(f"{percent(cf.clipped, 2)} of the pixels")
            self._values["channels"].setText(_shares(cf, channels, spans))
            self._show_brightness(cf.brightness_words(channels) if cf.brightness else "")
        self._values["locked"].setText(_locked(cf, automatic))
        picture = (
            "is a preview"
            if cf.precision == Precision.PREVIEW
            else f"by about {percent(cf.picture_error, 4)}"
        )
        self._values["roundtrip"].setText(
            f"off by {percent(cf.roundtrip_error, 4)} of the range, this picture {picture}; "
            f"limit {percent(EXACT_TO, 1)}"
        )
        self._values["contraction"].setText(
            f"{cf.contraction:.2f} at most" if cf.contraction > 0 else "–"
        )

    def _show_changed(self, words: str) -> None:
        """What a biologist would see change, in plain words; hidden without any."""
        self.changed.setText(words)
        self.changed.setVisible(bool(words))

    def _show_record(self, words: str) -> None:
        """How often this card was right on known pictures; hidden where it was not tried."""
        self.record.setText(words)
        self.record.setVisible(bool(words))

    def _show_brightness(self, words: str) -> None:
        """The row of networks that split brightness off; hidden without words."""
        self._values["brightness"].setText(words)
        for label in (self._titles["brightness"], self._values["brightness"]):
            label.setVisible(bool(words))

    def _show_checks(self, checks: Sequence[Check], instead: str, target: str) -> None:
        """One line per check; `instead` stands where there is none."""
        title = TITLES["distance"][0]
        self._titles["distance"].setText(title.format(target=target) if target else "Distance")
        found = {check.name: check for check in checks}
        for key in CHECKS:
            check = found.get(key)
            words = check.finding if check else instead
            title = self._titles[key].text()
            self.lights[key].set_state(
                STATES[check.light] if check else "none", f"{title}: {words}\n{RULE}"
            )
            self._words[key].setToolTip(tip(f"{title}: {words}"))
            self._values[key].setText(words)
            set_kind(self._values[key], "" if check else "muted")


def _shares(cf: Counterfactual, channels: Sequence[str], spans: Sequence[float]) -> str:
    if not cf.valid:
        return "not drawn"
    shares = cf.channel_shares(tuple(spans))
    return " · ".join(f"{n} {percent(float(s))}" for n, s in zip(channels, shares, strict=True))


def _locked(cf: Counterfactual, automatic: bool) -> str:
    """'Nuclei (no feature differs)', 'Nuclei (your choice)' or 'nothing'."""
    if not cf.locked:
        return "nothing"
    return ", ".join(cf.locked) + (" (no feature differs)" if automatic else " (your choice)")
