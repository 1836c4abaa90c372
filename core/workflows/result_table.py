"""Add rows to a table of results, also after a spreadsheet program has saved it."""

import csv
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import BadTable
from core.io.disk_errors import as_words
from core.io.tables import Figure, is_number, unescaped, write_csv
from core.scanning.spreadsheet import Line, read_sheets

Row = dict[str, Any]
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
log = logging.getLogger(__name__)


def add_rows(path: Path, rows: Sequence[Row], keys: tuple[str, ...]) -> Path:
    """Write a table; earlier rows stay unless a new row has the same values of `keys`.

    A table that cannot be read as such is kept under another name. Where the file cannot be
    replaced, for example because a spreadsheet program holds it, all rows go into a new file.
    Returns the file with the rows.
    """
    fresh = {tuple(str(row[k]) for k in keys) for row in rows}
    former = [row for row in _former(path, keys) if tuple(row[k] for k in keys) not in fresh]
    try:
        write_csv(path, [*former, *rows])
    except OSError as error:
        other = _free(path, "new")
        write_csv(other, [*former, *rows])
        log.warning("%s All rows are in %s.", as_words(error), other)
        return other
    return path


def _former(path: Path, keys: tuple[str, ...]) -> list[Row]:
    """The rows of the present table; none where it is set aside, or there is none."""
    if not path.exists():
        return []
    try:
        sheets = read_sheets(path)
        return _rows(sheets[0].lines, keys) if sheets else []
    except BadTable as fault:
        aside = _free(path, "kept")
        try:
            path.replace(aside)
        except OSError as error:  # the new rows then go into a new file
            log.warning("%s %s", fault, as_words(error))
        else:
            log.warning("%s It is kept as %s.", fault.message, aside)
        return []


def _rows(lines: Sequence[Line], keys: tuple[str, ...]) -> list[Row]:
    """The lines below the heading. Raises BadTable where a value would be lost."""
    if "".join(lines[0][1]).lower().startswith("sep="):
        lines = lines[1:]
    heading = [name.strip() for name in lines[0][1]] if lines else []
    while heading and not heading[-1]:
        heading.pop()
    if missing := [key for key in keys if key not in heading]:
        raise BadTable(f"The table has no column {missing[0]!r}.")
    if len(set(heading)) < len(heading):
        raise BadTable("The table has two columns of the same name.")
    decimal_comma = not any(
        "." in cell and is_number(cell)
        for _, line in lines
        for name, cell in zip(heading, line, strict=False)
        if name not in keys
    )
    rows = []
    for number, cells in lines[1:]:
        if len(cells) == 1 < len(heading):  # a whole line in quotes, from a spreadsheet with ;
            cells = [unescaped(cell) for cell in next(csv.reader(cells))]
        if any(cell.strip() for cell in cells[len(heading) :]):
            raise BadTable(f"Row {number} has more cells than the heading.")
        row: Row = dict.fromkeys(heading, "") | dict(zip(heading, cells, strict=False))
        for name, cell in row.items():
            if decimal_comma and name not in keys and DECIMAL_COMMA.fullmatch(cell):
                row[name] = Figure(cell.replace(",", "."))
            elif name not in keys and "." in cell and is_number(cell):
                row[name] = Figure(cell)
        rows.append(row)
    return rows


def _free(path: Path, word: str) -> Path:
    """A name next to `path` that no file has."""
    number = 1
    while (other := path.with_name(f"{path.stem}-{word}-{number}{path.suffix}")).exists():
        number += 1
    return other
