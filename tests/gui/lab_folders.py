"""Small folders of TIFFs whose grey values say which stain and condition they are."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import tifffile
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

SIZE, EDGE, DARK = 32, 4, 200  # pixels, columns of background, its grey value
TIMEOUT_MS = 60_000  # for a scan
WELLS = {"WT": ("B02", "B03"), "DS": ("C02", "C03")}


def brightness(stain: int, condition: str) -> float:
    """Mean grey value of all images of this stain and condition."""
    return 1000.0 * (stain + 1) + (400.0 if condition == "DS" else 0.0)


def write(path: Path, stain: int, condition: str) -> None:
    """One image of its own, with the mean grey value of `brightness`, and a dark background."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(str(path).encode())
    noise = np.random.default_rng(seed).integers(-100, 101, (SIZE, SIZE))
    row = np.full(SIZE, float(DARK))
    bright = SIZE - EDGE
    row[EDGE:] = (brightness(stain, condition) * SIZE - DARK * EDGE) / bright
    row[EDGE:] += np.linspace(-300, 300, bright)
    pixels = row + noise - noise.mean()
    tifffile.imwrite(path, np.rint(pixels).astype(np.uint16))


def plate_map(folder: Path) -> Path:
    """A table of the wells above, next to the images."""
    rows = [f"{well},{name}" for name, wells in WELLS.items() for well in wells]
    table = folder / "map.csv"
    table.write_text("\n".join(["well,condition", *rows, ""]), encoding="utf-8")
    return table


def cultures() -> Iterator[tuple[str, str, str, int]]:
    """Condition, well, its row and its column."""
    for name, wells in WELLS.items():
        for well in wells:
            yield name, well, well[0], int(well[1:])


def imagexpress(folder: Path) -> Path:
    """A flat plate; only the plate map knows the conditions."""
    for name, well, _, _ in cultures():
        for stain in range(2):
            write(folder / f"Plate7_{well}_s1_w{stain + 1}.TIF", stain, name)
    return folder


def phenix(folder: Path) -> Path:
    """Conditions are folders, and each field is a stack of two planes."""
    for name, _, row, column in cultures():
        for plane, stain in product((1, 2), range(2)):
            place = f"r{ord(row) - 64:02d}c{column:02d}f01p{plane:02d}"
            write(folder / name / f"{place}-ch{stain + 1}sk1fk1fl1.tiff", stain, name)
    return folder


def yokogawa(folder: Path) -> Path:
    """With dark and shading images, which are no images of cells."""
    for name, well, _, _ in cultures():
        for stain in range(2):
            file = f"Plate7_{well}_T0001F001L01A0{stain + 1}Z01C0{stain + 1}.tif"
            write(folder / name / file, stain, name)
            write(folder / name / f"DC_sCMOS_CAM{stain + 1}.tif", stain, name)
    return folder


def incell(folder: Path) -> Path:
    """Names with spaces and brackets."""
    for name, _, row, column in cultures():
        for stain, word in enumerate(("DAPI", "FITC")):
            write(folder / name / f"{row} - {column}(fld 1 wv {word} - {word}).tif", stain, name)
    return folder


def lasx(folder: Path) -> Path:
    """Exports of LAS X with positions and channels, in two times."""
    for name, position, time, stain in product(WELLS, (1, 2), (0, 1), range(3)):
        write(folder / name / f"Exp_Position00{position}_t0{time}_ch0{stain}.tif", stain, name)
    return folder


def nis(folder: Path) -> Path:
    """Wells, points and channels, each behind its word."""
    for name, well, _, _ in cultures():
        for stain, word in enumerate(("DAPI", "GFP")):
            file = f"Well{well}_Point{well}_0000_Channel{word}_Seq0000.tif"
            write(folder / name / file, stain, name)
    return folder


def dishes(folder: Path, words: tuple[str, ...] = ("SYTOXX", "WGGA")) -> Path:
    """Words that are in no list of stains: they must be asked."""
    for name, dish, (stain, word) in product(WELLS, (1, 2), enumerate(words)):
        write(folder / name / f"dish{dish}_{word}.tif", stain, name)
    return folder


def is_open(window) -> bool:
    """Whether a project is on show, and nothing is being read."""
    return window.state.project is not None and not window.backstage.why_same_model()


def drop(window, folder: Path) -> None:
    """Drop a folder on the window."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    button, modifier = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, button, modifier))


def open_by_drop(window, qtbot, folder: Path):
    """Drop a folder that asks nothing; returns the Data page of its project."""
    drop(window, folder)
    qtbot.waitUntil(lambda: is_open(window), timeout=TIMEOUT_MS)
    return window.pages["data"]
