"""Well names such as B07, and plate formats from 6 to 1536 wells."""

import re
from collections.abc import Sequence

from core.domain.limits import PLATE_SHAPES
from core.errors import BadTable

# R02C07, Row 2/Col 7, Reihe B Spalte 7: the row by number or letter, and the column.
ROW_AND_COLUMN = (
    r"(?:r(?:ow)?[ _\-]?0*(?=\d)|(?:row|reihe|zeile|rang[eé]e)[ _\-]?0*)(\d+|[a-p](?![a-z]))"
    r"[ _\-/]*(?:c|col|column|spalte|colonne)[ _\-]?0*(\d+)"
)


def normalise_well(text: str) -> str:
    """B7, b07, B-007, B - 7, Well B7, R02C07, R02/C07 -> B07.

    Raises BadTable beyond AF48 (1536 wells).
    """
    given, text = text, re.sub(r"(?i)^\s*well[ _\-]?(?=[a-z])", "", text)
    if places := re.fullmatch(rf"(?i)\s*{ROW_AND_COLUMN}\s*", text):
        row, column = places.group(1), places.group(2)
        text = (row_letters(min(int(row), 33)) if row.isdecimal() else row) + column
    match = re.fullmatch(r"\s*([A-Za-z]{1,2})(?:[ _\-/]?| - )0*(\d{1,2})\s*", text)
    if not match:
        raise BadTable(f"{given!r} is not a well.", "Wells are a letter and a number: B7 or B07.")
    letters, column = match.group(1).upper(), int(match.group(2))
    row = row_number(letters)
    if not (1 <= row <= 32 and 1 <= column <= 48):
        raise BadTable(
            f"Well {given!r} lies beyond a 1536-well plate (A01 to AF48).", "Check the well column."
        )
    return f"{letters}{column:02d}"


def row_letters(row: int) -> str:
    """1 -> A, 26 -> Z, 27 -> AA."""
    return chr(64 + row) if row <= 26 else "A" + chr(64 + row - 26)


def row_number(letters: str) -> int:
    """A -> 1, Z -> 26, AA -> 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def well_place(well: str) -> tuple[int, int]:
    """Row and column, both from 1, of a normalised well."""
    letters = well.rstrip("0123456789")
    return row_number(letters), int(well[len(letters) :])


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts img10 after img2."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p)


def guess_plate_shape(wells: Sequence[str]) -> tuple[int, int] | None:
    """Rows and columns of the plate, from the names of its wells; None without wells.

    A plate whose wells are all present is recognised. Else the smallest format of at least 96 wells
    that holds all wells is taken.
    """
    if not wells:
        return None
    places = {well_place(well) for well in wells}
    for height, width in PLATE_SHAPES:
        if len(places) == height * width and max(places) == (height, width):
            return height, width
    rows, columns = max(r for r, _ in places), max(c for _, c in places)
    return next(
        (
            shape
            for shape in PLATE_SHAPES
            if shape >= (8, 12) and rows <= shape[0] and columns <= shape[1]
        ),
        (32, 48),
    )
