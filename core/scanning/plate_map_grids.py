"""Read plate maps that are drawn as grids, with rows A.. and columns 1.."""

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

SHOWN = 60  # letters of a line that is left out


@dataclass(frozen=True)
class Grid:
    """One plate as drawn.

    `cells` are line number, well and text. `size` includes empty wells.
    """

    plate: str
    cells: tuple[tuple[int, str, str], ...]
    size: tuple[int, int]
    sheet: str = ""
    line: int = 0  # of its heading


def is_grid(sheet: Sheet) -> bool:
    """Whether the sheet begins with a grid, or with one name and then a grid."""
    lines = sheet.lines
    has_title = len(lines) > 1 and _title(lines[0]) is not None and bool(_columns(lines[1]))
    start = 1 if has_title else 0
    if len(lines) <= start + 1:
        return False
    return bool(_columns(lines[start])) and _letter(lines[start + 1]) is not None


def read_grids(sheet: Sheet, file: str, sheet_is_plate: bool, notes: list[str]) -> list[Grid]:
    """All blocks of a sheet; `notes` gets the lines below blocks that are left out, as sums.

    Raises BadTable for a line outside of any block, and for several blocks without names.
    """
    grids: list[Grid] = []
    index, title = 0, ""
    lines = sheet.lines
    while index < len(lines):
        number = lines[index][0]
        columns = _columns(lines[index])
        if columns and index + 1 < len(lines) and _letter(lines[index + 1]) is not None:
            empty = Grid(title, (), (0, 0), sheet.name, number)
            grid, index = _block(lines, index, columns, empty, file)
            grids.append(grid)
            title = ""
        elif (name := _title(lines[index])) is not None and not title:
            title, index = name, index + 1
        elif grids and _letter(lines[index]) is None and _is_left_out(lines, index):
            of_sheet = f" of sheet {sheet.name}" if sheet.name else ""
            text = ", ".join(t.strip() for t in lines[index][1] if t.strip())[:SHOWN]
            notes.append(f"Row {number}{of_sheet} is in no block and was left out: {text}.")
            title, index = "", index + 1
        else:
            of_sheet = f" of sheet {sheet.name}" if sheet.name else ""
            raise BadTable(
                f"{file}, row {number}{of_sheet}: neither columns 1.., nor a row A.., nor a"
                " plate's name.",
                REMEDY,
            )
    if len(grids) == 1 and not grids[0].plate and sheet_is_plate:
        return [replace(grids[0], plate=sheet.name)]
    if len(grids) > 1 and (nameless := [g for g in grids if not g.plate]):
        raise BadTable(
            f"{file}: the block that begins in row {nameless[0].line} has no name.", REMEDY
        )
    return grids


def _is_left_out(lines: tuple[Line, ...], index: int) -> bool:
    """Whether a line has several texts, or only lines of text follow: sums and remarks."""
    later = lines[index + 1 :]
    return _title(lines[index]) is None or not any(_letter(line) for line in later)


def _block(
    lines: tuple[Line, ...], heading: int, columns: list[int], empty: Grid, file: str
) -> tuple[Grid, int]:
    """The block below line `heading`, and the index of the line after the block."""
    cells: list[tuple[int, str, str]] = []
    last, rows = 0, 0
    index = heading + 1
    while index < len(lines):
        letter = _letter(lines[index])
        if letter is None or row_number(letter) <= last:
            break
        number, texts = lines[index]
        if any(text.strip() for text in texts[1 + len(columns) :]):
            raise BadTable(
                f"{file}, row {number}: more cells than the block has columns ({len(columns)}).",
                REMEDY,
            )
        last, rows = row_number(letter), rows + 1
        for column, text in zip(columns, texts[1:], strict=False):
            if text.strip():
                cells.append((number, normalise_well(f"{letter}{column}"), text))
        index += 1
    return replace(empty, cells=tuple(cells), size=(rows, len(columns))), index


def _columns(line: Line) -> list[int]:
    """Numbers of the columns if this line is the heading of a block; else []."""
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
    """The name of a plate in a line with one text: `P1`, `Plate: P1`, or `Plate` and `P1`."""
    texts = [t.strip() for t in line[1] if t.strip()]
    if len(texts) == 2 and re.fullmatch(r"plate( name)?:?", texts[0], re.IGNORECASE):
        texts = texts[1:]
    if len(texts) != 1:
        return None
    return re.sub(r"^plate( name)?\s*:\s*", "", texts[0], flags=re.IGNORECASE) or None
