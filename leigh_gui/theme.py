"""Light and dark appearance of the program: palette, one accent colour, three text sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from core.io.resources import resource

CHECK = resource("icons", "check.svg").as_posix()

BODY_PT = 10.0
SMALL_PT = 9.0
TITLE_PT = 15.0
BETWEEN_MS = 10  # between two halves of long work: what has arrived meanwhile comes first


@dataclass(frozen=True)
class Colours:
    """The greys of one theme and its accent; everything that can be acted on is the accent."""

    window: str
    base: str
    raised: str
    hover: str
    line: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_soft: str
    on_accent: str
    warning: str
    alarm: str
    alarm_line: str


LIGHT = Colours(
    window="#F4F5F7",
    base="#FFFFFF",
    raised="#FFFFFF",
    hover="#ECEDF1",
    line="#D5D8DE",
    text="#1B1E24",
    muted="#656B76",
    faint="#AEB3BD",
    accent="#5B4FCF",
    accent_soft="#E9E7FA",
    on_accent="#FFFFFF",
    warning="#FFF4DC",
    alarm="#FDE7E5",
    alarm_line="#D0443E",
)
DARK = Colours(
    window="#1B1D21",
    base="#141518",
    raised="#26292F",
    hover="#30343B",
    line="#3C4149",
    text="#E8EAED",
    muted="#9AA1AC",
    faint="#596069",
    accent="#8F86F2",
    accent_soft="#2F2C4F",
    on_accent="#121318",
    warning="#3A3120",
    alarm="#432322",
    alarm_line="#D0443E",
)


def apply(app: QApplication, dark: bool) -> None:
    """Give the whole program the light or the dark appearance."""
    colours = DARK if dark else LIGHT
    if app.style().objectName() != "fusion" and app.property("leigh-themed") is None:
        app.setStyle(QStyleFactory.create("Fusion"))
    app.setProperty("leigh-themed", True)
    font = QFont(app.font())
    font.setPointSizeF(BODY_PT)
    app.setFont(font)
    app.setStyleSheet("")  # to replace one sheet by another takes Qt five times as long
    app.setPalette(palette(colours))
    app.setStyleSheet(sheet(colours))


def switch(app: QApplication, dark: bool, done: Callable[[], None]) -> None:
    """Change the appearance of a program in use; then `done`.

    Each half takes as long as a noticeable pause, so the second waits for what has arrived
    meanwhile. Windows are not painted in between.
    """
    for window in app.topLevelWidgets():
        window.setUpdatesEnabled(False)
    app.setStyleSheet("")
    app.setProperty("leigh-switching", dark)

    def finish() -> None:
        if app.property("leigh-switching") is None:  # switched twice at once: done by the first
            return
        apply(app, app.property("leigh-switching"))
        app.setProperty("leigh-switching", None)
        for window in app.topLevelWidgets():
            window.setUpdatesEnabled(True)
        done()

    QTimer.singleShot(BETWEEN_MS, app, finish)


def palette(c: Colours) -> QPalette:
    """The colours as Qt knows them."""
    made = QPalette()
    role = QPalette.ColorRole
    for where, colour in (
        (role.Window, c.window), (role.Base, c.base), (role.AlternateBase, c.window),
        (role.Button, c.raised), (role.WindowText, c.text), (role.Text, c.text),
        (role.ButtonText, c.text), (role.PlaceholderText, c.muted), (role.Mid, c.line),
        (role.Midlight, c.hover), (role.Dark, c.muted), (role.Light, c.raised),
        (role.Shadow, c.line), (role.Highlight, c.accent), (role.HighlightedText, c.on_accent),
        (role.Link, c.accent), (role.ToolTipBase, c.raised), (role.ToolTipText, c.text),
        (role.Accent, c.accent),
    ):  # fmt: skip
        made.setColor(where, QColor(colour))
    faint = QColor(c.muted)
    faint.setAlpha(150)
    for where in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, where, faint)
    return made


def sheet(c: Colours) -> str:
    """Shapes and spacing of the standard controls."""
    return f"""
QFrame[kind="chosen"] {{ background: {c.raised}; border: 1px solid {c.accent}; border-radius: 8px;
    }}
QLabel[kind="title"] {{ font-size: {TITLE_PT}pt; font-weight: 600; }}
QLabel[kind="strong"] {{ font-weight: 600; }}
QLabel[kind="small"] {{ font-size: {SMALL_PT}pt; color: {c.muted}; }}
QLabel[kind="muted"] {{ color: {c.muted}; }}
QLabel[kind="warning"] {{ background: {c.warning}; border-radius: 6px; padding: 4px 8px; }}
QFrame[kind="alarm"] {{ background: {c.alarm}; border: 1px solid {c.alarm_line};
    border-radius: 6px; }}
QFrame[kind="rule"] {{ background: {c.line}; border: none; max-height: 1px; min-height: 1px; }}
QFrame[kind="card"], QWidget[kind="card"] {{ background: {c.raised}; border: 1px solid {c.line};
    border-radius: 8px; }}
QPushButton, QToolButton {{ background: {c.raised}; border: 1px solid {c.line}; border-radius: 6px;
    padding: 3px 10px; min-height: 18px; }}
QToolButton {{ padding: 2px 8px; }}
QPushButton:hover, QToolButton:hover {{ background: {c.hover}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {c.accent}; }}
QPushButton:pressed, QToolButton:pressed, QToolButton:checked {{ background: {c.accent_soft};
    border-color: {c.accent}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {c.muted}; background: transparent; }}
QPushButton[kind="primary"] {{ background: {c.accent}; color: {c.on_accent};
    border-color: {c.accent};
    font-weight: 600; padding: 6px 18px; }}
QPushButton[kind="primary"]:disabled {{ background: {c.hover}; color: {c.muted};
    border-color: {c.line}; }}
QToolButton[kind="flat"], QPushButton[kind="flat"] {{ background: transparent;
    border-color: transparent; }}
QToolButton[kind="flat"]:hover, QPushButton[kind="flat"]:hover {{ background: {c.hover}; }}
QToolButton[kind="small"] {{ padding: 0 8px; min-height: 20px; }}
QToolButton::menu-indicator {{ image: none; }}
QToolButton[kind="nav"] {{ background: transparent; border: none; border-radius: 0;
    padding: 10px 16px 9px 16px;
    border-bottom: 3px solid transparent; color: {c.muted}; }}
QToolButton[kind="nav"]:hover {{ color: {c.text}; }}
QToolButton[kind="nav"]:checked {{ color: {c.text}; border-bottom-color: {c.accent};
    font-weight: 600; }}
QToolButton[kind="nav"]:disabled {{ color: {c.faint}; }}
QWidget#top-bar, QWidget#status-strip {{ background: {c.raised}; }}
QWidget#top-bar {{ border-bottom: 1px solid {c.line}; }}
QWidget#status-strip {{ border-top: 1px solid {c.line}; }}
QWidget#error-bar {{ background: {c.warning}; border: 1px solid {c.line}; border-radius: 8px; }}
QWidget#notice-bar {{ background: {c.warning}; border: 1px solid {c.line}; border-radius: 6px; }}
QPushButton[kind="row"] {{ text-align: left; padding: 8px 12px; }}
QPushButton[kind="choice"] {{ text-align: left; padding: 0; border-radius: 8px;
    min-height: 92px; }}
QPushButton[kind="choice"]:checked {{ border: 2px solid {c.accent}; background: {c.accent_soft}; }}
QLineEdit, QPlainTextEdit, QListView, QTableView {{ background: {c.base};
    border: 1px solid {c.line};
    border-radius: 6px; selection-background-color: {c.accent_soft}; selection-color: {c.text}; }}
QLineEdit {{ padding: 3px 8px; min-height: 18px; }}
QLineEdit:focus {{ border-color: {c.accent}; }}
QTableView[kind="facts"] {{ font-size: {SMALL_PT}pt; }}
QTableView[kind="facts"]::item {{ padding: 2px 8px; }}
QTableView {{ gridline-color: transparent; }}
QTableView[kind="rows"]::item {{ padding: 4px 0; border-bottom: 1px solid {c.line}; }}
QHeaderView::section {{ background: {c.base}; color: {c.muted}; border: none;
    border-bottom: 1px solid {c.line};
    padding: 4px 8px; font-size: {SMALL_PT}pt; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {c.line}; }}
QTabBar::tab {{ background: transparent; border: none; padding: 5px 12px; color: {c.muted};
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {c.text}; border-bottom-color: {c.accent}; }}
QCheckBox::indicator, QTableView::indicator {{ width: 12px; height: 12px;
    border: 1px solid {c.muted}; border-radius: 3px; background: {c.base}; }}
QCheckBox::indicator:checked, QTableView::indicator:checked {{ border-color: {c.accent};
    background: {c.accent}; image: url("{CHECK}"); }}
QCheckBox::indicator:checked:disabled {{ border-color: {c.faint}; background: {c.faint}; }}
QRadioButton::indicator {{ width: 12px; height: 12px; border: 1px solid {c.muted};
    border-radius: 7px; background: {c.base}; }}
QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 4px solid {c.accent};
    background: {c.on_accent}; }}
QSlider {{ min-height: 18px; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {c.line}; }}
QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {c.accent}; }}
QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -5px 0; border-radius: 7px;
    border: 1px solid {c.muted}; background: {c.base}; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ border-color: {c.accent}; }}
QSplitter::handle {{ background: transparent; }}
QSplitter::handle:hover {{ background: {c.line}; }}
QProgressBar {{ background: {c.hover}; border: none; border-radius: 2px; }}
QProgressBar::chunk {{ background: {c.accent}; border-radius: 2px; }}
QScrollArea {{ border: none; background: transparent; }}
QScrollArea > QWidget > QWidget#page-body {{ background: transparent; }}
QToolTip {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.line}; padding: 4px; }}
"""
