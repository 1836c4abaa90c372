"""Plate maps and label tables: which well, or which file, is which condition."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from core.errors import BadTable
from core.io.names import normalise_well, well_place
from core.io.project import is_inside

if TYPE_CHECKING:
    import pandas as pd

MAX_TABLE_BYTES = 500_000_000
PLATES = ((2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))
CONDITION_COLUMNS = ("condition", "treatment", "compound", "drug", "genotype", "label", "class", "phenotype")
WELL_COLUMNS = ("well", "wellposition", "wellid", "wellname")
PLATE_COLUMNS = ("plate", "plateid", "platename", "assayplatebarcode", "barcode")
FILE_COLUMNS = ("file", "filename", "path", "filepath", "relativepath", "image", "imagefile")
DOSE_COLUMNS = ("doseum", "concentrationum", "concum", "doseµm", "concentrationµm")
HINT = "A plate map has a column well or file, and a column condition; or it is a grid: rows A.., columns 1.."


@dataclass(frozen=True)
class PlateRow:
    """One line of a plate map; `number` is its line in the file, from 1."""

    number: int
    condition: str
    well: str = ""
    plate: str = ""
    file: str = ""
    dose_um: float | None = None
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlateMap:
    """The table, checked: every well or file once. `columns` are its headings as written."""

    path: Path
    rows: tuple[PlateRow, ...]
    columns: tuple[str, ...]
    by_file: bool
    has_conditions: bool
    notes: tuple[str, ...] = ()
    plate_shape: tuple[int, int] | None = None

    def column(self, name: str) -> str | None:
        """The heading that is meant by `name`, whatever its case."""
        return next((c for c in self.columns if _plain(c) == _plain(name)), None)


def read_table(path: Path) -> "pd.DataFrame":
    """All cells as text. CSV, TSV or semicolons; UTF-8, UTF-16 or cp1252; or the first sheet of an XLSX."""
    import pandas as pd

    lines = [line for line in _lines(Path(path)) if any(cell.strip() for cell in line[1])]
    if not lines:
        raise BadTable(f"{Path(path).name} is empty.", HINT)
    heading = [name.strip() for name in lines[0][1]]
    while heading and not heading[-1]:
        heading.pop()
    doubled = {name for name in heading if name and heading.count(name) > 1}
    if doubled:
        raise BadTable(f"{Path(path).name} has two columns named {sorted(doubled)[0]!r}.", "Rename one of them.")
    rows, numbers = [], []
    for number, cells in lines[1:]:
        if any(cell.strip() for cell in cells[len(heading) :]):
            found = f"{Path(path).name}, row {number}: {len(cells)} cells where the heading has {len(heading)}."
            raise BadTable(found, "Is a comma within a name? Put it in quotes.")
        rows.append((cells + [""] * len(heading))[: len(heading)])
        numbers.append(number)
    return pd.DataFrame(rows, columns=heading, index=numbers, dtype=str)


def load_plate_map(path: Path) -> PlateMap:
    """Long form, file list or grid. Raises BadTable naming row and column."""
    path = Path(path)
    table = read_table(path)
    columns = tuple(str(c) for c in table.columns)
    if _is_grid(columns, table):
        return _from_grid(path, table)
    roles = _roles(columns)
    if not {"file", "well", "wellrow"} & roles.keys():
        raise BadTable(f"{path.name} has no column for the well or the file. Columns: {', '.join(columns)}.", HINT)
    rows = tuple(_rows(path, table, columns, roles))
    by_file = "file" in roles
    rows = _once(path, rows, by_file)
    shape = _plate_shape(path, rows)
    return PlateMap(path, rows, columns, by_file, "condition" in roles, tuple(_notes(table, columns, roles)), shape)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-().]+", "", name.strip().lower()).removeprefix("metadata")


def _roles(columns: tuple[str, ...]) -> dict[str, int]:
    """Which column plays which part; the first name of each list that is there wins."""
    plain = [_plain(c) for c in columns]
    wanted = {
        "condition": CONDITION_COLUMNS, "well": WELL_COLUMNS, "plate": PLATE_COLUMNS, "file": FILE_COLUMNS,
        "dose": DOSE_COLUMNS, "wellrow": ("wellrow",), "wellcol": ("wellcol", "wellcolumn"),
    }  # fmt: skip
    roles = {}
    for role, names in wanted.items():
        place = next((plain.index(name) for name in names if name in plain), None)
        if place is not None:
            roles[role] = place
    if "wellrow" in roles and "wellcol" not in roles:
        del roles["wellrow"]
    return roles


def _rows(path: Path, table: "pd.DataFrame", columns: tuple[str, ...], roles: dict[str, int]) -> Iterator[PlateRow]:
    for number, *cells in table.itertuples(name=None):
        values = dict(zip(columns, (str(c) for c in cells), strict=True))
        cell = {role: str(cells[place]) for role, place in roles.items()}
        file = cell.get("file", "").strip()
        if file and not is_inside(file):
            found = f"{path.name}, row {number}: {file!r} points outside the image folder."
            raise BadTable(found, "Use file names, or paths relative to the image folder.")
        yield PlateRow(
            number=int(number),
            condition=cell.get("condition", ""),
            well=_well(path, int(number), cell),
            plate=cell.get("plate", "").strip(),
            file=PurePosixPath(file.replace("\\", "/")).as_posix() if file else "",
            dose_um=_dose(path, int(number), cell.get("dose", "")),
            values=values,
        )


def _well(path: Path, number: int, cell: dict[str, str]) -> str:
    text = cell.get("well", "") or (cell.get("wellrow", "") + cell.get("wellcol", ""))
    if not text.strip():
        return ""
    try:
        return normalise_well(text)
    except BadTable as error:
        raise BadTable(f"{path.name}, row {number}: {error.message}", error.hint) from error


def _dose(path: Path, number: int, text: str) -> float | None:
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise BadTable(f"{path.name}, row {number}: the dose {text!r} is not a number.", "Doses in µM.") from error


def _once(path: Path, rows: tuple[PlateRow, ...], by_file: bool) -> tuple[PlateRow, ...]:
    """One row per well or file; a repeated row that says the same is dropped, one that says other is refused."""
    kept: dict[tuple[str, str], PlateRow] = {}
    for row in rows:
        key = ("", row.file) if by_file else (row.plate, row.well)
        if not key[1]:
            continue
        first = kept.setdefault(key, row)
        if (first.condition, first.dose_um) != (row.condition, row.dose_um):
            what = f"{row.file}" if by_file else f"well {row.well}" + (f" of plate {row.plate}" if row.plate else "")
            found = f"{path.name}: {what} is {first.condition!r} in row {first.number} and {row.condition!r} in "
            raise BadTable(f"{found}row {row.number}.", "Keep one of the two rows. Several plates? Add a column plate.")
    return tuple(kept.values())


def _plate_shape(path: Path, rows: tuple[PlateRow, ...]) -> tuple[int, int] | None:
    wells = [row.well for row in rows if row.well]
    return guess_plate_shape(wells) if wells else None


def guess_plate_shape(wells: list[str]) -> tuple[int, int] | None:
    """The smallest usual plate of 96 wells or more that holds all wells."""
    if not wells:
        return None
    places = [well_place(well) for well in wells]
    rows, columns = max(r for r, _ in places), max(c for _, c in places)
    return next((shape for shape in PLATES if shape >= (8, 12) and rows <= shape[0] and columns <= shape[1]), (32, 48))


def _notes(table: "pd.DataFrame", columns: tuple[str, ...], roles: dict[str, int]) -> Iterator[str]:
    if "well" in roles:
        written = [str(w).strip() for w in table.iloc[:, roles["well"]]]
        short = sum(1 for w in written if re.fullmatch(r"[A-Za-z]{1,2}\d", w))
        if short:
            yield f"{short} wells written like A1 are read as A01."
    if "condition" in roles:
        cells = [str(c) for c in table.iloc[:, roles["condition"]]]
        dates = [c for c in cells if re.fullmatch(r"\d{4}-\d\d-\d\d( 00:00:00)?|\d{1,2}-[A-Z][a-z]{2}", c.strip())]
        if dates:
            yield f"{len(dates)} conditions look like dates ({dates[0]}): did a spreadsheet change a name such as 1-2?"


def _is_grid(columns: tuple[str, ...], table: "pd.DataFrame") -> bool:
    numbers = [c.removesuffix(".0") for c in columns[1:]]
    letters = [str(v).strip() for v in table.iloc[:, 0]]
    if not numbers or not all(n.isdecimal() for n in numbers):
        return False
    return all(re.fullmatch("[A-Za-z]|A[A-F]", v) for v in letters)


def _from_grid(path: Path, table: "pd.DataFrame") -> PlateMap:
    rows = []
    for number, letter, *cells in table.itertuples(name=None):
        for column, cell in zip(table.columns[1:], cells, strict=True):
            if str(cell).strip():
                well = normalise_well(f"{str(letter).strip()}{str(column).removesuffix('.0')}")
                rows.append(PlateRow(int(number), str(cell), well, values={"well": well, "condition": str(cell)}))
    size = (len(table), len(table.columns) - 1)
    shape = next((p for p in PLATES if p == size), guess_plate_shape([r.well for r in rows]))
    return PlateMap(path, _once(path, tuple(rows), False), ("well", "condition"), False, True, (), shape)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells of every line."""
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise BadTable(f"{path.name} is larger than {MAX_TABLE_BYTES // 10**6} MB.", "Is this really the table?")
        data = path.read_bytes()
    except OSError as error:
        raise BadTable(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error
    if data[:4] == b"PK\x03\x04":
        return _xlsx_lines(path)
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise BadTable(f"{path.name} is an old Excel file (.xls).", "Save it as .xlsx or .csv.")
    text = _decode(data, path)
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines = []
    try:
        for cells in reader:
            lines.append((reader.line_num, cells))
    except csv.Error as error:
        raise BadTable(f"{path.name}, row {reader.line_num}: {error}.", "Save it again as CSV.") from error
    return lines


def _decode(data: bytes, path: Path) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif data[1:2] == b"\x00" and data[3:4] == b"\x00":
        encodings = ["utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise BadTable(f"{path.name} is not a text table.", "Save it as CSV (UTF-8) or XLSX.")


def _separator(text: str) -> str:
    """The mark that splits the heading into most cells; quoted text does not count."""
    heading = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", heading)
    return max("\t;,", key=bare.count)


def _xlsx_lines(path: Path) -> list[tuple[int, list[str]]]:
    import openpyxl  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > MAX_TABLE_BYTES:
                raise BadTable(f"{path.name} unpacks to more than {MAX_TABLE_BYTES // 10**6} MB.", "Not opened.")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        lines = [(n, [_text(v) for v in row]) for n, row in enumerate(sheet.iter_rows(values_only=True), start=1)]
        book.close()
    except BadTable:
        raise
    except Exception as error:  # openpyxl raises what its XML parser, zip reader and style tables raise
        raise BadTable(f"{path.name} is a damaged Excel file ({error}).", "Save it as CSV.") from error
    return lines


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()[:10]
    return str(value)
