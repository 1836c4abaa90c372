"""The model card: accuracy on held-out wells, round-trip error, conditions and channels."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from core.data.assay_quality import FEWEST_WELLS
from core.domain import ModelCard, Split, headline
from core.domain.accuracy import cannot_draw
from leigh_gui.widgets.common.look import count, duration, percent, plain


class ModelCardView(QFrame):
    """A small table of words and numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self._holder: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 12, 16, 12)
        self.rows: dict[str, str] = {}

    def set_card(self, card: ModelCard | None, checked: str = "") -> None:
        """Show this model, if any; `checked`: what the simulated perturbation showed."""
        if self._holder is not None:
            self._holder.hide()
            self._holder.deleteLater()
        self._holder = QWidget()
        self._column.addWidget(self._holder)
        grid = QGridLayout(self._holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        self.rows = card_rows(card) if card is not None else {}
        if checked:
            self.rows["Simulated perturbation"] = checked
        if card is None:
            grid.addWidget(
                plain("No model yet. Choose a preset and press “Train”.", "muted", wrap=True), 0, 0
            )
        for row, (title, value) in enumerate(self.rows.items()):
            grid.addWidget(plain(title, "small"), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(plain(value, "strong" if row == 0 else "", wrap=True), row, 1)
        grid.setColumnStretch(1, 1)


def card_rows(card: ModelCard) -> dict[str, str]:
    """Title -> value, most important first; numbers always say what they rest on."""
    groups = sum(value == Split.TEST for value in card.split.values())
    tested = count(
        int(card.accuracy.get("test_groups", groups)), "well or group", "wells or groups"
    )
    rows = {
        accuracy_title(card.accuracy): accuracy_words(card.accuracy),
        "Measured on": f"{tested}, held out",
    }
    if "test_records" in card.accuracy:
        rows["Measured on"] = (
            f"{count(int(card.accuracy['test_records']), 'image')} of {tested}, held out"
        )
    if card.accuracy.get("group_accuracy") is not None:
        rows["By wells"] = f"{percent(float(card.accuracy['group_accuracy']), 1)} of wells right"
    if doubt := cannot_draw(card.accuracy):
        rows["Drawing"] = doubt
    if card.accuracy.get("few"):
        rows["Few images"] = " ".join(card.accuracy["few"])
    baseline = card.accuracy.get("baseline", {}).get("accuracy")
    if baseline is not None:
        rows["Simple features"] = (
            f"{percent(float(baseline), 1)} by logistic regression on the same wells"
        )
    rows["Z′ healthy–diseased"] = z_prime_words(card.accuracy.get("z_prime"))
    if card.inverse is not None:
        quality = card.inverse
        rows["Round-trip error"] = f"{percent(quality.roundtrip_max, 4)} of the range at most, " + (
            f"{count(quality.records, 'test image')}")  # fmt: skip
        if quality.failed:
            rows["Not invertible"] = count(len(quality.failed), "image") + ", not drawn"
    else:
        rows["Round-trip error"] = "not measured yet"
    rows["Conditions"] = ", ".join(card.condition_names)
    rows["Channels"] = ", ".join(c.name for c in card.channels)
    rows["Trained"] = training_words(card)
    return {title: value for title, value in rows.items() if value}


def accuracy_title(accuracy: dict[str, Any]) -> str:
    """`Accuracy`, or `Balanced accuracy` where conditions have very unequal numbers of images."""
    main = headline(accuracy)
    return main.name.capitalize() if main is not None else "Accuracy"


def accuracy_words(accuracy: dict[str, Any]) -> str:
    """'98.2 % (95.1 – 99.6 %)', or why the number is missing."""
    main = headline(accuracy)
    if main is None:
        return str(accuracy.get("reason") or "not measured yet")
    between = (
        f"  ({percent(float(main.low), 1)} – {percent(float(main.high), 1)})"
        if main.low is not None and main.high is not None
        else ""
    )
    return percent(main.value, 1) + between


def z_prime_words(z_prime: Any) -> str:
    """Z' on well medians of the logits, or why it is missing."""
    if not isinstance(z_prime, dict):
        return ""
    logits = z_prime.get("logits")
    if z_prime.get("reason"):
        return str(z_prime["reason"])
    value = logits.get("z_prime") if isinstance(logits, dict) else None
    if value is None or not isinstance(logits, dict):
        return ""
    wells = [number for number in logits.get("wells", ()) if isinstance(number, int)]
    of = (
        f"the medians of {' and '.join(map(str, wells))} held-out wells"
        if wells
        else "well medians"
    )
    few = ", which are few" if wells and min(wells) < FEWEST_WELLS else ""
    return f"{value:.2f} on {of}{few}: {_z_prime_means(value)}"


def _z_prime_means(value: float) -> str:
    """The classes of Zhang, Chung and Oldenburg 1999 (10.1177/108705719900400206), table 1."""
    if value >= 0.5:
        return "excellent, single wells separate (0.5 and more)"
    if value > 0:
        return "marginal, compare several wells (between 0 and 0.5)"
    return "the two overlap, single wells do not separate (0 and less)"


def training_words(card: ModelCard) -> str:
    """'quick preset, 4 min, seed 0'."""
    took = duration(card.training.get("total_seconds", card.training.get("seconds")))
    return ", ".join(x for x in (f"{card.preset} preset", took, f"seed {card.seed}") if x)
