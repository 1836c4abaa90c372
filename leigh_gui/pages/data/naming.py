"""How the names were read: one file name with its parts coloured by what they mean."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontDatabase, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from core.domain import ReadAs
from leigh_gui.widgets.common.look import count, plain, tip

COLOURS = {
    "stain": "#CC79A7", "plate": "#E69F00", "well": "#56B4E9", "site": "#999999",
    "z": "#B59F00", "time": "#0072B2", "condition": "#009E73", "group": "#D55E00",
}  # fmt: skip
WORDS = {
    "stain": ("stain", "stains"), "plate": ("plate", "plates"), "well": ("well", "wells"),
    "site": ("field of view", "fields of view"), "z": ("plane", "planes"),
    "time": ("time point", "time points"), "condition": ("condition", "conditions"),
    "group": ("culture", "cultures"),
}  # fmt: skip
MAKERS = {
    "imagexpress": "ImageXpress", "imagexpress-one-wavelength": "ImageXpress",
    "phenix": "Operetta and Opera Phenix", "yokogawa": "Yokogawa CellVoyager",
    "cv1000": "Yokogawa CV1000", "arrayscan": "ArrayScan", "cytation": "Cytation",
    "cytation-stitched": "Cytation", "incell": "IN Cell Analyzer", "incell-old": "IN Cell Analyzer",
    "scanr": "ScanR", "nis-elements": "NIS-Elements", "micro-manager": "Micro-Manager",
    "incucyte": "Incucyte", "incucyte-raw": "Incucyte",
}  # fmt: skip
PAD, GAP = 3.0, 14.0


@dataclass(frozen=True)
class Part:
    """A piece of the example; `means` is empty for what says nothing."""

    text: str
    means: str = ""


def parts_of(read_as: ReadAs) -> list[Part]:
    """The example, cut at the runs whose place is known."""
    parts, at = [], 0
    for run in sorted(read_as.runs, key=lambda run: run.start):
        if run.start < at:
            continue
        parts += [Part(read_as.example[at : run.start]), Part(run.text, run.means)]
        at = run.start + len(run.text)
    parts.append(Part(read_as.example[at:]))
    return [part for part in parts if part.text]


def legend_of(read_as: ReadAs) -> list[Part]:
    """Each meaning once, with how many different ones there are."""
    numbers: dict[str, int] = {}
    for run in read_as.runs:
        if run.means in WORDS:
            numbers[run.means] = max(run.values, numbers.get(run.means, 0))
    return [Part(count(number, *WORDS[means]), means) for means, number in numbers.items()]


def how_read(scheme: str) -> str:
    """What the scheme of a scan is, in one sentence."""
    if scheme in MAKERS:
        return f"Names were read as those of {MAKERS[scheme]}, for example:"
    if scheme == "found":
        return "Names were read by what differs from file to file, for example:"
    return "Names were read by the pattern that was given, for example:"


class NamingView(QWidget):
    """The sentence, the coloured example and the legend."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.words = plain("", "small", wrap=True)
        self.example, self.legend = PartsLine(fixed=True), PartsLine(fixed=False)
        for widget in (self.words, self.example, self.legend):
            column.addWidget(widget)

    def set_read_as(self, read_as: ReadAs | None) -> None:
        """Show how these names were read; nothing for a project of an earlier version."""
        self.setVisible(read_as is not None)
        if read_as is None:
            return
        self.words.setText(how_read(read_as.scheme))
        self.example.set_parts(parts_of(read_as))
        self.legend.set_parts(legend_of(read_as))
        self.legend.setVisible(bool(self.legend.parts))


class PartsLine(QWidget):
    """Pieces of text on colours, wrapped where the line is too narrow."""

    def __init__(self, fixed: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parts: list[Part] = []
        self._joined = fixed
        if fixed:
            font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
            font.setPointSizeF(self.font().pointSizeF())
            self.setFont(font)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)

    def set_parts(self, parts: list[Part]) -> None:
        """Show these pieces."""
        self.parts = parts
        text = "".join(part.text for part in parts)
        self.setAccessibleName(text)
        self.setToolTip(tip(text if self._joined else ""))
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for part, box in self._laid():
            colour = QColor(COLOURS.get(part.means, "#00000000"))
            if part.means and self._joined:
                painter.setPen(Qt.PenStyle.NoPen)
                soft = QColor(colour)
                soft.setAlpha(70)
                painter.setBrush(soft)
                painter.drawRoundedRect(box, 3, 3)
                painter.fillRect(QRectF(box.left(), box.bottom() - 2, box.width(), 2), colour)
            elif part.means:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                painter.drawRoundedRect(QRectF(box.left(), box.center().y() - 5, 10, 10), 2, 2)
                box = box.adjusted(14, 0, 0, 0)
            text = self.palette().text() if part.means else self.palette().placeholderText()
            painter.setPen(text.color())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, part.text)
        painter.end()

    def _fit(self) -> None:
        if self.height() != self._height():
            self.setFixedHeight(self._height())

    def _height(self) -> int:
        laid = self._laid()
        return round(laid[-1][1].bottom()) + 1 if laid else 0

    def _laid(self) -> list[tuple[Part, QRectF]]:
        """The pieces with their boxes; a piece wider than the line is cut."""
        metrics, width = self.fontMetrics(), max(self.width(), 160)
        high = metrics.height() + 6.0
        at, laid = QPointF(0, 0), []
        for part in self._cut(width - 4 * PAD):
            wide = metrics.horizontalAdvance(part.text) + (2 * PAD if part.means else 0)
            wide += 0 if self._joined else 14
            if at.x() + wide > width and at.x() > 0:
                at = QPointF(0, at.y() + high + 2)
            laid.append((part, QRectF(at.x(), at.y(), wide, high)))
            at.setX(at.x() + wide + (0 if self._joined else GAP))
        return laid

    def _cut(self, width: float) -> list[Part]:
        letter = max(self.fontMetrics().averageCharWidth(), 1)
        most = max(int(width // letter), 8)
        return [
            Part(part.text[start : start + most], part.means)
            for part in self.parts
            for start in range(0, len(part.text), most)
        ]
