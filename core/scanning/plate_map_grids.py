"""Plate maps drawn as plates: rows A.., columns 1..; one block per plate, under its name or on its
own sheet.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from core.errors import BadTable
from core.io.well_names import normalise_well, row_number
from core.scanning.spreadsheet import Line, Sheet

REMEDY = (
    "Write each plate's name alone in the line above its block, or give each plate a sheet of its"
    " own."
)


@dataclass(frozen=True)
class Grid:
    """One plate as drawn.

    `cells` are line number, well and text; `size` is what is drawn, empty wells too.
    """

    plate: str
    cells: tuple[tuple[int, str, str], ...]
    size: tuple[int, int]
    sheet: str = ""
    line: int = 0  # of its heading


def is_grid(sheet: Sheet) -> bool:
    """Does the sheet begin with a grid, or with one name and then a grid?"""
    lines = sheet.lines
    start = (
        1 if lines and _title(lines[0]) is not None and len(lines) > 1 and _columns(lines[1]) else 0
    )
    return (
        len(lines) > start + 1
        and bool(_columns(lines[start]))
        and _letter(lines[start + 1]) is not None
    )


def read_grids(sheet: Sheet, file: str, sheet_is_plate: bool) -> list[Grid]:
    """All blocks of a sheet.

    Raises BadTable for a line that belongs to none, and for several without names.
    """
    grids: list[Grid] = []
    place, title = 0, ""
    lines = sheet.lines
    while place < len(lines):
        columns = _columns(lines[place])
        if columns and place + 1 < len(lines) and _letter(lines[place + 1]) is not None:
            grid, place = _block(
                lines, place, columns, Grid(title, (), (0, 0), sheet.name, lines[place][0]), file
            )
            grids.append(grid)
            title = ""
        elif (name := _title(lines[place])) is not None and not title:
            title, place = name, place + 1
        else:
            where = f"{file}, row {lines[place][0]}" + (
                f" of sheet {sheet.name}" if sheet.name else ""
            )
            raise BadTable(
                f"{where}: neither columns 1.., nor a row A.., nor a plate's name.", REMEDY
            )
    if len(grids) == 1 and not grids[0].plate and sheet_is_plate:
        return [replace(grids[0], plate=sheet.name)]
    if len(grids) > 1 and (nameless := [g for g in grids if not g.plate]):
        raise BadTable(
            f"{file}: the block that begins in row {nameless[0].line} has no name.", REMEDY
        )
    return grids


def _block(
    lines: tuple[Line, ...], place: int, columns: list[int], empty: Grid, file: str
) -> tuple[Grid, int]:
    """The block that is headed by line `place`, and the line after it."""
    cells: list[tuple[int, str, str]] = []
    last, rows = 0, 0
    place += 1
    while (
        place < len(lines)
        and (letter := _letter(lines[place])) is not None
        and row_number(letter) > last
    ):
        number, texts = lines[place]
        if any(text.strip() for text in texts[1 + len(columns) :]):
            raise BadTable(
                f"{file}, row {number}: more cells than the block has columns ({len(columns)}).",
                REMEDY,
            )
        last, rows = row_number(letter), rows + 1
        for column, text in zip(columns, texts[1:], strict=False):
            if text.strip():
                cells.append((number, normalise_well(f"{letter}{column}"), text))
        place += 1
    return replace(empty, cells=tuple(cells), size=(rows, len(columns))), place


def _columns(line: Line) -> list[int]:
    """Numbers of the columns where this line heads a block; [] where it does not."""
    texts = [t.strip().removesuffix(".0") for t in line[1][1:]]
    while texts and not texts[-1]:
        texts.pop()
    if not texts or not all(t.isdecimal() and 1 <= int(t) <= 48 for t in texts):
        return []
    numbers = [int(t) for t in texts]
    return numbers if all(a < b for a, b in pairwise(numbers)) else []


def _letter(line: Line) -> str | None:
    text = line[1][0].strip() if line[1] else ""
    return text.upper() if re.fullmatch("[A-Za-z]|[Aa][A-Fa-f]", text) else None


def _title(line: Line) -> str | None:
    """The one text in a line: `P1`, `Plate: P1`, or `Plate` and `P1` side by side."""
    texts = [t.strip() for t in line[1] if t.strip()]
    if len(texts) == 2 and re.fullmatch(r"plate( name)?:?", texts[0], re.IGNORECASE):
        texts = texts[1:]
    if len(texts) != 1:
        return None
    return re.sub(r"^plate( name)?\s*:\s*", "", texts[0], flags=re.IGNORECASE) or None
