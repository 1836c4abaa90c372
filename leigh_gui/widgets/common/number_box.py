"""A box for a number that takes a decimal point and a decimal comma."""

from __future__ import annotations

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox


class NumberBox(QDoubleSpinBox):
    """Reads 0.5 and 0,5 as one half in every language; Qt alone drops the other mark: 05.

    A mark never separates thousands. Without decimals, no mark is taken.
    """

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        if not self.decimals() and set(text) & set(".,"):
            return QValidator.State.Invalid, text, position
        return super().validate(self._own(text), position)

    def valueFromText(self, text: str) -> float:
        return super().valueFromText(self._own(text))

    def _own(self, text: str) -> str:
        """The text with the decimal mark of the language."""
        return text.replace(".", ",").replace(",", self.locale().decimalPoint())
