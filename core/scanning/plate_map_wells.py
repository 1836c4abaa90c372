"""Read the well of a row of a plate map, from one column or from those of row and column."""

import re
from collections.abc import Mapping, Sequence

from core.errors import BadTable
from core.io.well_names import normalise_well

Cells = Mapping[str, str]  # meaning of a column -> text


def well_of_row(cell: Cells, from_zero: bool) -> str:
    """The well; "" for none. Raises BadTable where its two columns say another one."""
    text = cell.get("well", "") or _row_and_column(cell, from_zero)
    if not text.strip():
        return ""
    well = normalise_well(numbered_well(text) or text)
    other = _plain_well(_row_and_column(cell, from_zero))
    if other and other != well:
        raise BadTable(
            f"the well is {well}, but its row and column say {other}.",
            "Correct one of them, or remove the columns of row and column.",
        )
    return well


def numbered_well(text: str) -> str:
    """2-3 as r2c3, the row first; "" for other texts."""
    numbers = re.fullmatch(r"\s*(\d{1,2})\s*[-–/x:]\s*(\d{1,2})\s*", text)
    return f"r{numbers.group(1)}c{numbers.group(2)}" if numbers else ""


def place_wells(rows: Sequence[Cells]) -> bool:
    """Whether row and column may be those of the wells; the tiles of one well have several."""
    places: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for cell in rows:
        if not {"well", "wellrow", "wellcol"} <= cell.keys():
            return True
        at = places.setdefault((cell["sheet"], cell.get("plate", ""), cell["well"]), set())
        at.add((cell["wellrow"], cell["wellcol"]))
    return all(len(at) == 1 for at in places.values())


def count_from_zero(rows: Sequence[Cells]) -> bool:
    """Whether rows and columns next to all wells are counted from 0."""
    wells = [(_plain_well(cell.get("well", "")), cell) for cell in rows]
    wells = [(well, cell) for well, cell in wells if well]
    return bool(wells) and all(well == _plain_well(_row_and_column(c, True)) for well, c in wells)


def _plain_well(text: str) -> str:
    try:
        return normalise_well(text)
    except BadTable:
        return ""


def _row_and_column(cell: Cells, from_zero: bool) -> str:
    """The well from two columns; its row is a letter or a number."""
    row, column = cell.get("wellrow", "").strip(), cell.get("wellcol", "").strip()
    if from_zero and column.isdecimal():
        column = str(int(column) + 1)
        row = str(int(row) + 1) if row.isdecimal() else row
    return f"r{row}c{column}" if row.isdecimal() else row + column
