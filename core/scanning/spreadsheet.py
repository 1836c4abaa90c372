"""Read the cells of a table file (CSV, TSV, XLSX) as text."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from core.errors import BadTable
from core.io.disk_errors import unreadable
from core.io.tables import unescaped

MAX_TABLE_BYTES = 500_000_000
Line = tuple[int, list[str]]  # number in the file, from 1; cells


@dataclass(frozen=True)
class Sheet:
    """One table without empty lines; `name` is "" for text tables."""

    name: str
    lines: tuple[Line, ...]


OF_OFFICE = ("cp1252", "mac_roman")  # of Excel on Windows, and of its "CSV (Macintosh)"
WESTERN = frozenset("äöüÄÖÜßéèêëÉÈàáâãÀÁçÇñÑíìîïóòôõøØúùûåÅæÆµ°²³±")


def read_sheets(path: Path) -> list[Sheet]:
    """All sheets with text, in order; a text table is one sheet.

    Raises BadTable for a file that is not a table.
    """
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise BadTable(
                f"{path.name} is larger than {MAX_TABLE_BYTES // 10**6} MB.",
                "Is this really the table?",
            )
        data = path.read_bytes()
    except OSError as error:
        raise BadTable(*unreadable(path, error)) from error
    if data[:4] == b"PK\x03\x04":
        return _workbook(path)
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise BadTable(f"{path.name} is an old Excel file (.xls).", "Save it as .xlsx or .csv.")
    text = _decode(data, path)
    first, _, rest = text.partition("\n")
    declared = re.fullmatch(r"\"?sep=(.)\"?", first.strip("\r "))
    text = "\n" + rest if declared else text
    separator = declared.group(1) if declared else _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines: list[Line] = []
    try:
        for cells in reader:
            if lines or not "".join(cells[:1]).lstrip().startswith("#"):  # comments above
                lines.append((reader.line_num, [unescaped(cell) for cell in cells]))
    except csv.Error as error:
        raise BadTable(
            f"{path.name}, row {reader.line_num}: {error}.", "Save it again as CSV."
        ) from error
    return _filled([("", lines)])


def _filled(sheets: list[tuple[str, list[Line]]]) -> list[Sheet]:
    filled = [
        Sheet(name, tuple(line for line in lines if any(cell.strip() for cell in line[1])))
        for name, lines in sheets
    ]
    return [sheet for sheet in filled if sheet.lines]


def _decode(data: bytes, path: Path) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif data[1:2] == b"\x00" and data[3:4] == b"\x00":
        encodings = ["utf-16-le"]
    else:
        encodings = ["utf-8-sig", *sorted(OF_OFFICE, key=lambda name: -_letters(data, name))]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise BadTable(f"{path.name} is not a text table.", "Save it as CSV (UTF-8) or XLSX.")


def _letters(data: bytes, encoding: str) -> int:
    """How many letters and signs of Western Europe the bytes are in this encoding."""
    beyond_ascii = data.translate(None, bytes(range(128)))  # few, in tables of a million rows
    return sum(sign in WESTERN for sign in beyond_ascii.decode(encoding, "ignore"))


def _separator(text: str) -> str:
    """The separator with most occurrences in the first line that has any, outside of quotes."""
    bare = (
        re.sub(r'"[^"]*"', "", line)
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
    )
    heading = next((line for line in bare if re.search(r"[\t;,]", line)), "")
    return max("\t;,", key=heading.count)


def _workbook(path: Path) -> list[Sheet]:
    import openpyxl  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > MAX_TABLE_BYTES:
                raise BadTable(
                    f"{path.name} unpacks to more than {MAX_TABLE_BYTES // 10**6} MB.",
                    "Not opened.",
                )
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            formulas = openpyxl.load_workbook(path, read_only=True)
            sheets = [
                (str(sheet.title), _sheet_lines(sheet, formulas[sheet.title], packed))
                for sheet in book.worksheets
            ]
            book.close()
            formulas.close()
    except BadTable:
        raise
    except Exception as error:  # openpyxl passes on all errors of its XML parser and zip reader
        raise BadTable(
            f"{path.name} is a damaged Excel file ({error}).", "Save it as CSV."
        ) from error
    return _filled(sheets)


def _sheet_lines(sheet: Any, formulas: Any, packed: zipfile.ZipFile) -> list[Line]:
    """The cells of a sheet: merged cells are filled, a formula without a value stays as text."""
    source = packed.read(sheet._worksheet_path.lstrip("/"))
    lines = _cells(sheet)
    if re.search(rb"<f[ >/]", source):
        for (_, cells), (_, written) in zip(lines, _cells(formulas), strict=False):
            for i, text in enumerate(written):
                if text.startswith("=") and not cells[i]:
                    cells[i] = text
    for merged in re.findall(rb'<mergeCell ref="([A-Z]+\d+:[A-Z]+\d+)"', source):
        _fill(lines, merged.decode())
    return lines


def _fill(lines: list[Line], merged: str) -> None:
    """Write the text of a merged cell, which is stored at its first corner, to all its cells."""
    from openpyxl.utils import range_boundaries  # type: ignore[import-untyped]

    left, top, right, bottom = range_boundaries(merged)
    by_number = dict(lines)
    first = by_number.get(top, [])
    text = first[left - 1] if len(first) >= left else ""
    for number in range(top, bottom + 1):
        cells = by_number.get(number)
        if cells is not None:
            cells += [""] * (right - len(cells))
            cells[left - 1 : right] = [text] * (right - left + 1)


def _cells(sheet: Any) -> list[Line]:
    """All lines; the extent that the file declares is not trusted."""
    sheet.reset_dimensions()
    if not _shows_percent(sheet.parent):
        rows = sheet.iter_rows(values_only=True)
        return [(n, [_text(v) for v in row]) for n, row in enumerate(rows, start=1)]
    return [(n, [_shown(cell) for cell in row]) for n, row in enumerate(sheet.iter_rows(), start=1)]


def _shows_percent(book: Any) -> bool:
    """Whether any cell of the workbook may be shown in percent."""
    formats = {style.numFmtId for style in book._cell_styles}
    return bool(formats & {9, 10}) or any("%" in text for text in book._number_formats)


def _shown(cell: Any) -> str:
    """The text of a cell; 0.01 that is shown as 1% is 1%."""
    percent = isinstance(cell.value, (int, float)) and "%" in getattr(cell, "number_format", "")
    return f"{cell.value * 100:g}%" if percent else _text(cell.value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()[:10]
    return str(value)
