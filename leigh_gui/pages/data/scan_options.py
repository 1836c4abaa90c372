"""How the folder is read: where the condition is written, plate map, file names, groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from core.domain import Dataset, ScanOptions
from leigh_gui.widgets.common.look import plain, tip
from leigh_gui.widgets.common.number_box import NumberBox

TABLES = "Tables (*.csv *.tsv *.txt *.xlsx)"
FROM_FILES = "from the files"
UNKNOWN_SIZE = "unknown"
PIXEL_SIZE_UNKNOWN = (
    "The files do not say the size of a pixel, or not the same one. Without it images"
    " have no scale bar, and sizes are in pixels."
)
GROUPS_TOOLTIP = (
    "Images that must never be split between training and testing, e.g. one culture or donor"
)


class ScanForm(QWidget):
    """The stored choices of `leigh scan`, to be changed; "Read again" applies them."""

    scan_asked = Signal(object)  # ScanOptions
    replace_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stored: ScanOptions | None = None
        self._root: Path | None = None
        self._unused: tuple[str, ...] = ()
        self._busy = self._closed = ""  # why it cannot be read again
        self._build()
        self._connect()

    def _build(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.source = QComboBox()
        for text, value in (
            ("as found: folders, names or plate map", "folder"),
            ("plate map only", "plate-map"),
        ):
            self.source.addItem(text, value)
        form.addRow("Condition from", self.source)
        self.plate_map = PathField("Plate map", "CSV or Excel with columns well and condition")
        form.addRow("Plate map", self.plate_map)
        self.pattern = QLineEdit()
        self.pattern.setPlaceholderText("a built-in name or a regular expression (optional)")
        self.pattern.setToolTip("Named groups: condition, plate, well, site, channel, z, t, group")
        form.addRow("File names", self.pattern)
        self.group = QComboBox()
        self.group.setEditable(True)
        for text in ("", "well", "plate"):
            self.group.addItem(text)
        line = self.group.lineEdit()
        if line is not None:
            line.setPlaceholderText("well, plate or a column of the plate map")
        self.group.setToolTip(GROUPS_TOOLTIP)
        form.addRow("Keep together", self.group)
        self.pixel_size = NumberBox()
        self.pixel_size.setObjectName("pixel-size")
        self.pixel_size.setRange(0.0, 999.0)
        self.pixel_size.setDecimals(4)
        self.pixel_size.setSingleStep(0.01)
        self.pixel_size.setMinimumHeight(self.pattern.sizeHint().height())
        form.addRow("Pixel size (µm)", self.pixel_size)
        self.answers = StoredChoice("Ask again", "Forget these answers and read the folder again")
        form.addRow("Answers", self.answers)
        self.left_out = StoredChoice("Use again", "Read these conditions, too")
        form.addRow("Left out", self.left_out)
        form.addRow(self._build_foot())
        self._form = form

    def _build_foot(self) -> QHBoxLayout:
        foot = QHBoxLayout()
        self.note = plain("", "small", wrap=True)
        self.replace = QPushButton("Replace images…")
        self.replace.setObjectName("replace-images")
        self.replace.setToolTip("Read another folder into this project")
        self.again = QPushButton("Read again")
        self.again.setObjectName("scan-again")
        foot.addWidget(self.note, 1)
        foot.addWidget(self.replace)
        foot.addWidget(self.again)
        return foot

    def _connect(self) -> None:
        self.plate_map.chosen.connect(lambda: self.source.setCurrentIndex(1))
        self.again.clicked.connect(lambda: self.scan_asked.emit(self.options()))
        self.replace.clicked.connect(self.replace_asked)
        self.answers.forget.clicked.connect(
            lambda: self.scan_asked.emit(replace(self.options(), answers={}))
        )
        self.left_out.forget.clicked.connect(
            lambda: self.scan_asked.emit(replace(self.options(), exclude=self._unused))
        )

    def set_dataset(self, dataset: Dataset) -> None:
        """Show the stored choices; what is typed stays while they are the same."""
        stored = dataset.options or ScanOptions()
        known = dataset.pixel_size_um is not None and stored.pixel_size_um is None
        self.pixel_size.setSpecialValueText(FROM_FILES if known else UNKNOWN_SIZE)
        size = f"The files say {dataset.pixel_size_um:g} µm." if known else PIXEL_SIZE_UNKNOWN
        self.pixel_size.setToolTip(tip(size))
        if (stored, dataset.root) == (self._stored, self._root):
            return
        self._stored, self._root, self._unused = stored, dataset.root, ()
        self.source.setCurrentIndex(self.source.findData(stored.condition_from))
        self.plate_map.line.setText(str(stored.plate_map) if stored.plate_map else "")
        self.pattern.setText(stored.pattern or "")
        self.group.setCurrentText("" if stored.group_by == "well" else stored.group_by)
        self.pixel_size.setValue(stored.pixel_size_um or 0.0)
        listed = "; ".join(f"{kind}: {choice}" for kind, choice in stored.answers.items())
        for row, words in ((self.answers, listed), (self.left_out, ", ".join(stored.exclude))):
            row.words.setText(words)
            self._form.setRowVisible(row, bool(words))
        self._say_left_out()

    def options(self) -> ScanOptions:
        """The choices as they are now; an empty field is a choice that is forgotten."""
        stored = self._stored or ScanOptions()
        plate_map = self.plate_map.line.text().strip()
        return ScanOptions(
            pattern=self.pattern.text().strip() or None,
            condition_from=str(self.source.currentData()),
            plate_map=Path(plate_map) if plate_map else None,
            group_by=self.group.currentText().strip() or "well",
            exclude=tuple(dict.fromkeys((*stored.exclude, *self._unused))),
            pixel_size_um=self.pixel_size.value() or None,
            answers=stored.answers,
        )

    def set_excluded(self, names: tuple[str, ...]) -> None:
        """Conditions to leave out."""
        self._unused = names
        self._say_left_out()

    def set_busy(self, why: str) -> None:
        """Say why it cannot be read again now."""
        self._busy = why
        self._say_why_not()

    def set_closed(self, why: str) -> None:
        """Say why the folder of the project is not opened; "" where it is."""
        self._closed = why
        self._say_why_not()

    def _say_why_not(self) -> None:
        why = self._busy or self._closed
        for button, reason, does in (
            (self.again, why, "Look through the folder again with these choices"),
            (self.replace, self._busy, "Read another folder into this project"),
            (self.answers.forget, why, self.answers.does),
            (self.left_out.forget, why, self.left_out.does),
        ):
            button.setEnabled(not reason)
            button.setToolTip(tip(reason or does))

    def _say_left_out(self) -> None:
        names = self._unused
        self.note.setText(f"“Read again” leaves out {', '.join(names)}." if names else "")


class StoredChoice(QWidget):
    """A choice of an earlier scan, and a button to forget it."""

    def __init__(self, button: str, does: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.does = does
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.words = plain("", wrap=True)
        self.forget = QPushButton(button)
        row.addWidget(self.words, 1)
        row.addWidget(self.forget)


class PathField(QWidget):
    """The path of a table, typed or chosen."""

    chosen = Signal()
    edited = Signal()

    def __init__(self, title: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.line = QLineEdit()
        self.line.setPlaceholderText(hint)
        self.line.setClearButtonEnabled(True)
        self.line.textChanged.connect(self.edited)
        self.browse = QPushButton("Choose…")
        self.browse.clicked.connect(self._on_browse)
        row.addWidget(self.line, 1)
        row.addWidget(self.browse)

    def _on_browse(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, self._title, "", TABLES)
        if chosen:
            self.line.setText(chosen)
            self.chosen.emit()
