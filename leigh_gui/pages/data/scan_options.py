"""How the folder is read: where the condition is written, plate map, file names, groups."""

from __future__ import annotations

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

from leigh_gui.widgets.common.look import plain, tip


class ScanOptions(QWidget):
    """Choices for `leigh scan`; "Read again" applies them."""

    scan_asked = Signal(object)  # tuple of command line options

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._excluded: tuple[str, ...] = ()
        self._build()
        self._connect()

    def _build(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.source = QComboBox()
        for text, value in (("name of the sub-folder", "folder"), ("plate map", "plate-map")):
            self.source.addItem(text, value)
        form.addRow("Condition from", self.source)
        row = QHBoxLayout()
        self.plate_map = QLineEdit()
        self.plate_map.setPlaceholderText("CSV or Excel with columns well and condition (optional)")
        self.browse = QPushButton("Choose…")
        row.addWidget(self.plate_map, 1)
        row.addWidget(self.browse)
        form.addRow("Plate map", row)
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
        self.group.setToolTip(
            "Images that must never be split between training and testing, e.g. one culture or"
            " donor"
        )
        form.addRow("Keep together", self.group)
        foot = QHBoxLayout()
        self.note = plain("", "small", wrap=True)
        self.again = QPushButton("Read again")
        self.again.setObjectName("scan-again")
        foot.addWidget(self.note, 1)
        foot.addWidget(self.again)
        form.addRow(foot)

    def _connect(self) -> None:
        self.browse.clicked.connect(self._on_browse)
        self.again.clicked.connect(lambda: self.scan_asked.emit(self.options()))

    def options(self) -> tuple[str, ...]:
        """The choices as command line options."""
        found: list[str] = []
        for flag, value in (
            ("--condition-from", self.source.currentData()), ("--plate-map",
            self.plate_map.text().strip()),
            ("--pattern", self.pattern.text().strip()), ("--group-by",
            self.group.currentText().strip()),
        ):  # fmt: skip
            if value:
                found += [flag, str(value)]
        if self._excluded:
            found += ["--exclude", *self._excluded]
        return tuple(found)

    def set_excluded(self, names: tuple[str, ...]) -> None:
        """Conditions to leave out."""
        self._excluded = names
        self.note.setText(f"“Read again” leaves out {', '.join(names)}." if names else "")

    def set_busy(self, why: str) -> None:
        """Say why it cannot be read again now."""
        self.again.setEnabled(not why)
        self.again.setToolTip(tip(why or "Look through the folder again with these choices"))

    def _on_browse(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Plate map", "", "Tables (*.csv *.tsv *.txt *.xlsx)"
        )
        if chosen:
            self.plate_map.setText(chosen)
            self.source.setCurrentIndex(1)
