"""Read plate maps: tables or grids that say which well, or which file, has which condition."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from core.domain import Problem, ProblemKind, Role
from core.domain.limits import PLATE_SHAPES
from core.errors import BadTable
from core.io.project import is_inside
from core.io.well_names import guess_plate_shape
from core.scanning.doses import (
    DoseHeading,
    decimal_mark,
    dose_heading,
    is_unit_heading,
    read_dose_um,
)
from core.scanning.plate_map_grids import Grid, is_grid, read_grids
from core.scanning.plate_map_wells import count_from_zero, place_wells, well_of_row
from core.scanning.spreadsheet import Sheet, read_sheets
from core.scanning.unused_columns import unused_columns

CONDITION_COLUMNS = (
    "condition",
    "treatment",
    "compound",
    "drug",
    "genotype",
    "label",
    "class",
    "phenotype",
    "cellline",
    "bedingung",
    "behandlung",
    "substanz",
    "genotyp",
    "zelllinie",
)
WELL_COLUMNS = ("well", "wellposition", "wellid", "wellname", "vertiefung", "kavität", "puits")
ROW_COLUMNS = ("wellrow", "row", "platerow", "zeile", "reihe", "rangée", "ligne", "fila", "riga")
COLUMN_COLUMNS = (
    *("wellcol", "wellcolumn", "column", "col", "platecolumn", "platecol", "spalte", "colonne"),
    *("columna", "colonna"),
)
PLATE_COLUMNS = (
    "plate",
    "plateid",
    "platename",
    "assayplatebarcode",
    "barcode",
    "platte",
    "plaque",
)
FILE_COLUMNS = ("file", "filename", "path", "filepath", "relativepath", "image", "imagefile")
ROLE_COLUMNS = ("role", "wellrole", "conditionrole", "controltype")
ROLES = {
    "healthy": Role.HEALTHY, "wildtype": Role.HEALTHY, "wt": Role.HEALTHY, "positive": Role.HEALTHY,
    "positivecontrol": Role.HEALTHY, "pos": Role.HEALTHY, "poscon": Role.HEALTHY, "diseased":
        Role.DISEASED,
    "disease": Role.DISEASED, "negative": Role.DISEASED, "negativecontrol": Role.DISEASED, "neg":
        Role.DISEASED,
    "negcon": Role.DISEASED, "treated": Role.TREATED, "treatment": Role.TREATED, "sample":
        Role.TREATED,
    "compound": Role.TREATED, "test": Role.TREATED, "trt": Role.TREATED, "drug": Role.TREATED,
    "other": Role.OTHER, "poscontrol": Role.HEALTHY, "posctrl": Role.HEALTHY,
    "positivectrl": Role.HEALTHY, "negcontrol": Role.DISEASED, "negctrl": Role.DISEASED,
    "negativectrl": Role.DISEASED, "patient": Role.DISEASED, "mutant": Role.DISEASED,
    "cpd": Role.TREATED, "testcompound": Role.TREATED, "rescue": Role.TREATED, "isogenic":
        Role.HEALTHY,
    "isogeniccontrol": Role.HEALTHY, "gesund": Role.HEALTHY, "krank": Role.DISEASED, "behandelt":
        Role.TREATED,
    "sain": Role.HEALTHY, "malade": Role.DISEASED, "traité": Role.TREATED,
}  # fmt: skip
# Whether these are the healthy or the diseased cells depends on the experiment.
UNSURE_ROLES = ("control", "ctrl", "untreated", "vehicle", "dmso", "mock")
# How programs and people write an empty cell, or one like that above.
NO_CONDITION = frozenset(
    {"NA", "N/A", "n/a", "NaN", "nan", "<NA>", "n.d.", "?", ".", "–", "—", '"', "''", "〃", "//"}
)
TITLE_LINES = 20  # at most, above the headings
# In all languages of spreadsheets: #REF!, #BEZUG!, #NAME?, #NOM?, #DIV/0!, #N/A, #NV.
ERROR_CELL = re.compile(r"#(?:[^\W\d_]+(?:/0)?[!?]|N/A|NV|N/D)|=.+")
# Words that begin like this say what effect is expected, not what the cells are.
CONTROL_WORDS = ("pos", "neg")
# What a spreadsheet program makes of a name, in words, and such a name.
CHANGED_BY_SPREADSHEETS = (
    (r"\d{4}-\d\d-\d\d( 00:00:00)?|\d{1,2}-[A-Z][a-z]{2}", "dates", "1-2"),
    (r"\d+([.,]\d+)?[eE][+-]?\d+", "powers of ten", "1E5"),
)
HINT = (
    "A plate map has a column well or file, and a column condition; or it is a grid: rows A..,"
    " columns 1.."
)


@dataclass(frozen=True)
class PlateRow:
    """One line of a plate map; `number` is its line in the file or sheet, from 1."""

    number: int
    condition: str
    well: str = ""
    plate: str = ""
    file: str = ""
    dose_um: float | None = None
    role: Role | None = None  # None: not in the table
    values: dict[str, str] = field(default_factory=dict)
    sheet: str = ""

    @property
    def where(self) -> str:
        """`row 7`, or `row 7 of sheet P2`."""
        return f"row {self.number}" + (f" of sheet {self.sheet}" if self.sheet else "")


@dataclass(frozen=True)
class PlateMap:
    """A checked plate map: every well or file once, one role per condition.

    `columns` are the headings as written in the table.
    """

    path: Path
    rows: tuple[PlateRow, ...]
    columns: tuple[str, ...]
    by_file: bool
    has_conditions: bool
    notes: tuple[str, ...] = ()
    plate_shape: tuple[int, int] | None = None
    problems: tuple[Problem, ...] = ()  # rows that cannot be used, columns that are not used

    def column(self, name: str) -> str | None:
        """The heading that `name` stands for, in any case."""
        return next((c for c in self.columns if _plain(c) == _plain(name)), None)

    @property
    def well_column(self) -> str | None:
        """The heading of the column of wells, or None."""
        return next((c for c in self.columns if _plain(c) in WELL_COLUMNS), None)

    @property
    def role_column(self) -> str | None:
        """The heading of the column of roles, or None."""
        return next((c for c in self.columns if _plain(c) in ROLE_COLUMNS), None)

    def roles(self) -> dict[str, Role]:
        """Condition -> role, where the table names one; also for each dose of a compound."""
        roles_of: dict[str, set[Role]] = {}
        for row in self.rows:
            if row.role is not None:
                roles_of.setdefault(row.condition, set()).add(row.role)
                if row.dose_um is not None:
                    roles_of.setdefault(f"{row.condition} {row.dose_um:g} µM", set()).add(row.role)
        return {name: next(iter(roles)) for name, roles in roles_of.items() if len(roles) == 1}


class Table(NamedTuple):
    """The cells of one sheet as text: headings, rows, and the line number of every row."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    numbers: list[int]

    def column(self, index: int) -> list[str]:
        """All cells of one column."""
        return [row[index] for row in self.rows]


def read_table(path: Path) -> Table:
    """All cells of the first sheet as text.

    Reads CSV with commas, tabs or semicolons in UTF-8, UTF-16, cp1252 or Mac Roman, and
    XLSX.
    """
    sheets = read_sheets(Path(path))
    if not sheets:
        raise BadTable(f"{Path(path).name} is empty.", HINT)
    return _table(Path(path).name, _below_title(sheets[0]))


def _below_title(sheet: Sheet) -> Sheet:
    """The sheet from its headings on, without the lines of text above them."""
    for n, (_, cells) in enumerate(sheet.lines[:TITLE_LINES]):
        names = {_plain(cell) for cell in cells}
        places = names & {*WELL_COLUMNS, *FILE_COLUMNS} or (
            names & {*ROW_COLUMNS} and names & {*COLUMN_COLUMNS}
        )
        if places and len(names - {""}) > 1:
            return replace(sheet, lines=sheet.lines[n:])
    return sheet


def _table(file: str, sheet: Sheet) -> Table:
    heading = [name.strip() for name in sheet.lines[0][1]]
    while heading and not heading[-1]:
        heading.pop()
    doubled = {name for name in heading if name and heading.count(name) > 1}
    if doubled:
        raise BadTable(
            f"{file} has two columns named {sorted(doubled)[0]!r}.", "Rename one of them."
        )
    rows, numbers = [], []
    for number, cells in sheet.lines[1:]:
        if any(cell.strip() for cell in cells[len(heading) :]):
            raise BadTable(
                f"{file}, row {number}: {len(cells)} cells where the heading has {len(heading)}.",
                "Is a comma within a name? Put it in quotes.",
            )
        rows.append((cells + [""] * len(heading))[: len(heading)])
        numbers.append(number)
    return Table(tuple(heading), rows, numbers)


def load_plate_map(path: Path) -> PlateMap:
    """Read a plate map: one row per well, a list of files, or grids; a sheet is a plate.

    Raises BadTable, with row and column, for a table that cannot be used.
    """
    path = Path(path)
    sheets = read_sheets(path)
    if not sheets:
        raise BadTable(f"{path.name} is empty.", HINT)
    if is_grid(sheets[0]):
        return _from_grids(path, sheets)
    sheets = [_below_title(sheet) for sheet in sheets]
    table = _table(path.name, sheets[0])
    columns = table.columns
    roles = _columns(columns)
    if not {"file", "well", "wellrow"} & roles.keys():
        raise BadTable(
            f"{path.name} has no column for the well or the file. Columns: {', '.join(columns)}.",
            HINT,
        )
    same, notes = _same_heading(sheets)
    rows: list[PlateRow] = []
    refused: list[BadTable] = []
    tables = [_table(path.name, sheet) for sheet in same]
    if not place_wells(_cells(tables, roles)):
        del roles["wellrow"], roles["wellcol"]
    named = "condition" in roles
    doses = [cell for t in tables for cell in (t.column(roles["dose"]) if "dose" in roles else ())]
    written = {c for t in tables for c in (t.column(roles["condition"]) if named else ())}
    blank = NO_CONDITION if "+" in map(str.strip, written) else NO_CONDITION | {"-"}
    reader = _RowReader(
        path, columns, roles, decimal_mark(doses), blank, count_from_zero(_cells(tables, roles))
    )
    for sheet, one in zip(same, tables, strict=True):
        found = list(reader.rows(one, refused))
        rows += (
            [_on_sheet(row, sheet.name, "plate" in roles) for row in found]
            if len(same) > 1
            else found
        )
    if refused and not rows:
        raise refused[0]
    by_file = "file" in roles
    unique = _once(path, tuple(rows), by_file)
    _one_role(path, unique)
    notes += [*_notes(table, columns, roles), *_role_notes(unique, columns, roles)]
    problems = (
        *_refused_rows(path, refused),
        *unused_columns(path, columns, roles.values(), unique),
    )
    return PlateMap(
        path,
        unique,
        columns,
        by_file,
        named,
        tuple(notes),
        _plate_shape(unique),
        problems,
    )


def _cells(tables: Sequence[Table], roles: dict[str, int]) -> list[dict[str, str]]:
    """Meaning -> text, for each row of all sheets; a sheet counts as a plate."""
    return [
        {"sheet": str(n), **{role: str(row[index]) for role, index in roles.items()}}
        for n, table in enumerate(tables)
        for row in table.rows
    ]


def _refused_rows(path: Path, refused: Sequence[BadTable]) -> list[Problem]:
    remedy = "Correct the row and scan again."
    return [
        Problem(path.name, fault.message, fault.hint or remedy, kind=ProblemKind.MAP_ROW)
        for fault in refused
    ]


def _same_heading(sheets: Sequence[Sheet]) -> tuple[list[Sheet], list[str]]:
    """The first sheet and all sheets with the same headings; notes name the other sheets."""
    heading = [c.strip() for c in sheets[0].lines[0][1]]
    same = [s for s in sheets if [c.strip() for c in s.lines[0][1]] == heading]
    others = [s.name for s in sheets if s not in same]
    return same, [
        f"The sheet {name} has other headings than {sheets[0].name} and was not read."
        for name in others
    ]


def _on_sheet(row: PlateRow, sheet: str, has_plates: bool) -> PlateRow:
    """The row with its sheet; without a column of plates, the sheet is the plate."""
    return replace(row, sheet=sheet, plate=row.plate if has_plates else sheet)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-().]+", "", name.strip().lower()).removeprefix("metadata")


def _columns(columns: tuple[str, ...]) -> dict[str, int]:
    """Meaning -> index of its column; of several columns, the first name in the list wins."""
    plain = [_plain(c) for c in columns]
    wanted = {
        "condition": CONDITION_COLUMNS, "well": WELL_COLUMNS, "plate": PLATE_COLUMNS, "file":
            FILE_COLUMNS,
        "role": ROLE_COLUMNS, "wellrow": ROW_COLUMNS, "wellcol": COLUMN_COLUMNS,
    }  # fmt: skip
    roles = {}
    for role, names in wanted.items():
        index = next((plain.index(name) for name in names if name in plain), None)
        if index is not None:
            roles[role] = index
    if "condition" not in roles and "group" in plain:
        roles["condition"] = plain.index("group")  # next to conditions, it names the cultures
    if "wellrow" in roles and "wellcol" not in roles:
        del roles["wellrow"]
    headings = {i: dose_heading(name) for i, name in enumerate(columns)}
    doses = {i: heading for i, heading in headings.items() if heading is not None}
    if doses:  # a column with a unit comes before a column without one
        roles["dose"] = max(doses, key=lambda i: (bool(doses[i].unit), -i))
    unit = next((i for i, name in enumerate(columns) if is_unit_heading(name)), None)
    return roles if unit is None else {**roles, "unit": unit}


@dataclass(frozen=True)
class _RowReader:
    """Reads the rows of all sheets of one file; `mark` is its decimal mark.

    A condition that is one of the texts `blank` is none. `from_zero`: rows and columns are counted
    from 0.
    """

    path: Path
    columns: tuple[str, ...]
    roles: dict[str, int]
    mark: str
    blank: frozenset[str]
    from_zero: bool = False

    def rows(self, table: Table, refused: list[BadTable]) -> Iterator[PlateRow]:
        """The usable rows; `refused` gets one error for each other row."""
        heading = dose_heading(self.columns[self.roles["dose"]]) if "dose" in self.roles else None
        for number, cells in zip(table.numbers, table.rows, strict=True):
            cell = {role: str(cells[index]) for role, index in self.roles.items()}
            try:
                dose_um = self._dose(number, cell, heading or DoseHeading(""))
                well = self._well(number, cell)
            except BadTable as error:
                refused.append(error)
                continue
            yield replace(self._row(number, [str(c) for c in cells], cell, dose_um), well=well)

    def _row(
        self, number: int, cells: list[str], cell: dict[str, str], dose_um: float | None
    ) -> PlateRow:
        file = cell.get("file", "").strip()
        if file and not is_inside(file):
            raise BadTable(
                f"{self.path.name}, row {number}: {file!r} points outside the image folder.",
                "Use file names, or paths relative to the image folder.",
            )
        return PlateRow(
            number=number,
            condition=_condition(cell.get("condition", ""), self.blank),
            plate=cell.get("plate", "").strip(),
            file=PurePosixPath(file.replace("\\", "/")).as_posix() if file else "",
            dose_um=dose_um,
            role=_role(cell.get("role", "")),
            values=dict(zip(self.columns, cells, strict=True)),
        )

    def _well(self, number: int, cell: dict[str, str]) -> str:
        try:
            return well_of_row(cell, self.from_zero)
        except BadTable as error:
            raise BadTable(
                f"{self.path.name}, row {number}: {error.message}", error.hint
            ) from error

    def _dose(self, number: int, cell: dict[str, str], heading: DoseHeading) -> float | None:
        """The dose. Raises BadTable also where a spreadsheet left an error instead of a value."""
        for role, text in cell.items():
            if ERROR_CELL.fullmatch(text.strip()):
                what = "a formula without a value" if text.startswith("=") else "an error"
                raise BadTable(
                    f"{self.path.name}, row {number}: the {role} {text.strip()} is {what}.",
                    "Correct the cell in the spreadsheet, and save it with its values.",
                )
        try:
            return read_dose_um(cell.get("dose", ""), heading, cell.get("unit", ""), self.mark)
        except BadTable as error:
            raise BadTable(
                f"{self.path.name}, row {number}: {error.message}", error.hint
            ) from error


def _condition(text: str, blank: frozenset[str]) -> str:
    """The condition in one Unicode form; "" for a cell that was left empty."""
    return "" if text.strip() in blank else unicodedata.normalize("NFC", text).strip()


def _role(text: str) -> Role | None:
    """The role of a word; None for no word, and for one that is not certain or not known."""
    word = _role_word(text)
    found = re.match(r"(?:pos|neg)con", word)  # poscon_cp, negcon_diverse
    return ROLES.get(found.group() if found else word)


def _role_word(text: str) -> str:
    return re.sub(r"[\s_\-.]+", "", text.strip().lower())


def _once(path: Path, rows: tuple[PlateRow, ...], by_file: bool) -> tuple[PlateRow, ...]:
    """One row per well or file; equal repetitions are dropped, contradictions raise BadTable."""
    unique: dict[tuple[str, str], PlateRow] = {}
    for row in rows:
        key = ("", row.file) if by_file else (row.plate, row.well)
        if not key[1]:
            continue
        first = unique.setdefault(key, row)
        if (first.condition, first.dose_um, first.role) != (row.condition, row.dose_um, row.role):
            of_plate = f" of plate {row.plate}" if row.plate else ""
            item = row.file if by_file else f"well {row.well}{of_plate}"
            raise BadTable(
                f"{path.name}: {item} is {_said(first)} in {first.where} and {_said(row)} in"
                f" {row.where}.",
                "Keep one of the two rows. Several plates? Add a column plate.",
            )
    return tuple(unique.values())


def _said(row: PlateRow) -> str:
    dose = "" if row.dose_um is None else f" at {row.dose_um:g} µM"
    return f"{row.condition!r}{dose}" + (f" ({row.role})" if row.role else "")


def _one_role(path: Path, rows: Sequence[PlateRow]) -> None:
    """Raises BadTable where a condition (a compound at one dose) has two different roles."""
    first: dict[tuple[str, float | None], PlateRow] = {}
    for row in rows:
        if row.role is None or not row.condition.strip():
            continue
        earlier = first.setdefault((row.condition, row.dose_um), row)
        if earlier.role != row.role:
            raise BadTable(
                f"{path.name}: {row.condition} is {earlier.role} in {earlier.where} and {row.role}"
                f" in {row.where}.",
                "A condition has one role. Correct one of the rows, or give them different names.",
            )


def _plate_shape(rows: Sequence[PlateRow]) -> tuple[int, int] | None:
    """Rows and columns of the largest plate."""
    plates: dict[str, list[str]] = {}
    for row in rows:
        if row.well:
            plates.setdefault(row.plate, []).append(row.well)
    shapes = [shape for wells in plates.values() if (shape := guess_plate_shape(wells)) is not None]
    return max(shapes, default=None)


def _notes(table: Table, columns: tuple[str, ...], roles: dict[str, int]) -> Iterator[str]:
    if "well" in roles:
        written = [str(w).strip() for w in table.column(roles["well"])]
        short = sum(1 for w in written if re.fullmatch(r"[A-Za-z]{1,2}\d", w))
        if short:
            yield f"{short} wells written like A1 are read as A01."
    for role, words in (("condition", "conditions"), ("plate", "plates")):
        if role not in roles:
            continue
        cells = [cell.strip() for cell in table.column(roles[role])]
        for pattern, kind, name in CHANGED_BY_SPREADSHEETS:
            alike = [cell for cell in cells if re.fullmatch(pattern, cell)]
            if alike:
                yield (
                    f"{len(alike)} {words} look like {kind} ({alike[0]}): did a spreadsheet change"
                    f" a name such as {name}?"
                )


def _role_notes(
    rows: Sequence[PlateRow], columns: tuple[str, ...], roles: dict[str, int]
) -> Iterator[str]:
    """A note on control words: in a screen for rescue, negative controls are the diseased wells."""
    if "role" not in roles:
        return
    written = {row.values[columns[roles["role"]]].strip().lower() for row in rows}
    without = {word for word in written if _role(word) is None}
    unsure = sorted(word for word in without if _role_word(word) in UNSURE_ROLES)
    nothing = ("", "empty", "blank", "none", "na")
    if unknown := sorted(word for word in without - {*unsure} if _role_word(word) not in nothing):
        yield (
            f"The role {unknown[0]!r} is not known; the roles of its conditions are guessed from"
            " their names. Use healthy, diseased, treated or other."
        )
    if unsure:
        yield (
            f"The role {unsure[0]!r} may be healthy or diseased; the roles of its conditions are"
            " guessed from their names."
        )
    if any(word.startswith(CONTROL_WORDS) for word in written):
        yield (
            "Negative controls are read as diseased, positive controls as healthy; check the roles."
        )


def _from_grids(path: Path, sheets: Sequence[Sheet]) -> PlateMap:
    """A plate map of grids: every block is a plate; notes name sheets without a grid.

    A single block needs no name.
    """
    drawn = [s for s in sheets if is_grid(s)]
    notes = [
        f"The sheet {s.name} is not a grid and was not read." for s in sheets if s not in drawn
    ]
    grids = [g for s in drawn for g in read_grids(s, path.name, len(drawn) > 1, notes)]
    drawn_rows = [row for grid in grids for row in _grid_rows(grid, len(drawn) > 1)]
    errors = [row for row in drawn_rows if ERROR_CELL.fullmatch(row.condition.strip())]
    refused = [
        BadTable(f"{path.name}, {row.where}: well {row.well} holds {row.condition.strip()}.")
        for row in errors
    ]
    rows = [row for row in drawn_rows if row not in errors]
    if refused and not rows:
        raise refused[0]
    kept = _once(path, tuple(rows), False)
    sizes = [g.size for g in grids if g.size in PLATE_SHAPES]
    shape = max(
        [*sizes, *([found] if (found := _plate_shape(kept)) and len(sizes) < len(grids) else [])],
        default=None,
    )
    columns = (
        ("plate", "well", "condition") if any(g.plate for g in grids) else ("well", "condition")
    )
    problems = tuple(_refused_rows(path, refused))
    return PlateMap(path, kept, columns, False, True, tuple(notes), shape, problems)


def _grid_rows(grid: Grid, several_sheets: bool) -> Iterator[PlateRow]:
    for number, well, text in grid.cells:
        text = _condition(text, NO_CONDITION)
        values = {"well": well, "condition": text} | ({"plate": grid.plate} if grid.plate else {})
        sheet = grid.sheet if several_sheets else ""
        yield PlateRow(number, text, well, grid.plate, values=values, sheet=sheet)
