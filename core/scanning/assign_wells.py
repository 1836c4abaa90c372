"""Assign every record to its condition, well, plate and group."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from core.domain import Problem, Role
from core.errors import BadTable
from core.scanning.default_roles import names_role
from core.scanning.group_channels import Draft
from core.scanning.plate_map import HINT, PlateMap, PlateRow

LEAK = "images of one well may end on both sides of the split"


@dataclass(frozen=True)
class WellAssignment:
    """Condition, well, plate and group of one record; `group` "": the record is its own group."""

    condition: str
    well: str = ""
    plate: str = ""
    group: str = ""
    dose_um: float | None = None
    role: Role | None = None  # from the plate map; None: guessed from the name
    row: PlateRow | None = None


def assign_wells(
    root: Path,
    drafts: Sequence[Draft],
    table: PlateMap | None,
    condition_from: str,
    group_by: str,
    problems: list[Problem],
) -> dict[str, WellAssignment]:
    """First file of each record -> its assignment.

    Records without a condition are left out and listed in `problems`.

    Parameters
    ----------
    root
        The image folder.
    drafts
        All records.
    table
        The plate map, if any.
    condition_from
        "folder" or "plate-map".
    group_by
        "well", "plate", "record" or a column of the plate map.
    problems
        Gets the problems.

    Raises
    ------
    BadTable
        For a plate map without the needed columns.
    """
    if condition_from == "plate-map" and table is not None and not table.has_conditions:
        columns = ", ".join(table.columns)
        raise BadTable(f"{table.path.name} has no condition column. Columns: {columns}.", HINT)
    column = _group_column(table, group_by)
    rows = _Rows(table, root, drafts, problems)
    from_folder = _folder_conditions(drafts)
    flat = "" if from_folder else _shared_folder(drafts, root)
    use_table = condition_from == "plate-map" or _table_wins(drafts, from_folder, table, problems)
    assigned: dict[str, WellAssignment] = {}
    missing: dict[str, list[str]] = {}
    for draft in drafts:
        assignment = _assigned(draft, rows.row(draft), None if use_table else from_folder, flat)
        if assignment.condition.strip():
            assigned[draft.files[0]] = assignment
        else:
            item, reason = _why_nowhere(draft, assignment, table, use_table)
            missing.setdefault(f"{item}\0{reason}", []).append(draft.files[0])
    for key, files in missing.items():
        item, reason = key.split("\0")
        what = item or (files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} others")
        problems.append(
            Problem(what, reason, "Name its condition in the plate map, or exclude it.")
        )
    rows.report_unused()
    return _grouped(drafts, _dosed(assigned), group_by, column, problems)


class _Rows:
    """Finds the row of the plate map for each record, by file or by plate and well."""

    def __init__(
        self, table: PlateMap | None, root: Path, drafts: Sequence[Draft], problems: list[Problem]
    ) -> None:
        self.table, self.problems = table, problems
        # Identities of the rows with an image; row numbers are not unique, as sheets share them.
        self.used: set[int] = set()
        self.by_key: dict[tuple[str, str], PlateRow] = {}
        self.by_path: dict[str, PlateRow] = {}
        self.by_name: dict[str, list[PlateRow]] = {}
        self.plates: set[str] = set()
        self.names = Counter(PurePosixPath(file).name for draft in drafts for file in draft.files)
        if table is None:
            return
        for note in table.notes:
            problems.append(Problem(table.path.name, note.rstrip("."), "", "warning"))
        base = _below(table.path.parent, root)
        for row in table.rows:
            if table.by_file:
                self.by_path[row.file] = row
                if base and row.file.startswith(base + "/"):
                    self.by_path[row.file[len(base) + 1 :]] = row
                self.by_name.setdefault(PurePosixPath(row.file).name, []).append(row)
            else:
                self.by_key[row.plate, row.well] = row
                self.plates.add(row.plate)

    def row(self, draft: Draft) -> PlateRow | None:
        if self.table is None:
            return None
        row = self._by_file(draft) if self.table.by_file else self._by_well(draft)
        if row is not None:
            self.used.add(id(row))
        return row

    def _by_file(self, draft: Draft) -> PlateRow | None:
        for file in draft.files:
            if file in self.by_path:
                return self.by_path[file]
        for file in (*draft.files, draft.stem):
            name = PurePosixPath(file).name
            rows = self.by_name.get(name, [])
            if len(rows) == 1 and self.names[name] <= 1:
                return rows[0]
        return None

    def _by_well(self, draft: Draft) -> PlateRow | None:
        well = draft.tells.get("well", "")
        if not well:
            return None
        candidates = [draft.tells.get("plate", ""), *reversed(draft.folder)]
        for plate in candidates:
            if plate and (plate, well) in self.by_key:
                return self.by_key[plate, well]
        if len(self.plates) == 1:
            return self.by_key.get((next(iter(self.plates)), well))
        return self.by_key.get(("", well))

    def report_unused(self) -> None:
        """Warn of rows without images, although these are normal for partial plates."""
        if self.table is None:
            return
        unused = [
            row for row in self.table.rows if id(row) not in self.used and row.condition.strip()
        ]
        if unused:
            examples = ", ".join(row.file or row.well for row in unused[:3])
            reason = f"{len(unused)} of {len(self.table.rows)} rows have no image here ({examples})"
            self.problems.append(Problem(self.table.path.name, reason, "", "warning"))


def _below(folder: Path, root: Path) -> str:
    """The path from the table's folder down to the root, or ""."""
    try:
        path = root.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return ""
    return "" if path == "." else path


def _folder_conditions(drafts: Sequence[Draft]) -> dict[str, str]:
    """Conditions from the first folder level that differs; {} if most records lie in one folder."""
    folders = [draft.folder for draft in drafts]
    shared = 0
    while folders and len({f[: shared + 1] for f in folders}) == 1 and len(folders[0]) > shared:
        shared += 1
    level = Counter(f[shared] if len(f) > shared else "" for f in folders)
    if len(level) < 2 or level[""] > level.total() / 2:
        return {}
    return {d.files[0]: d.folder[shared] if len(d.folder) > shared else "" for d in drafts}


def _table_wins(
    drafts: Sequence[Draft],
    from_folder: dict[str, str],
    table: PlateMap | None,
    problems: list[Problem],
) -> bool:
    """Whether the plate map names the conditions, because the folders do not."""
    if table is None or not table.has_conditions or any("condition" in d.tells for d in drafts):
        return False
    if not from_folder:
        return True
    conditions = {row.condition.strip().casefold() for row in table.rows}
    names = {name for name in from_folder.values() if name}
    if any(name.casefold() in conditions for name in names):
        return False
    reason = "these folders are not among the plate map's conditions; the map was used"
    problems.append(
        Problem(
            ", ".join(sorted(names)[:4]),
            reason,
            "Choose where conditions come from on the Data page.",
            "warning",
        )
    )
    return True


def _assigned(
    draft: Draft, row: PlateRow | None, from_folder: dict[str, str] | None, flat: str
) -> WellAssignment:
    well = (row.well if row else "") or draft.tells.get("well", "")
    plate = (row.plate if row else "") or draft.tells.get("plate", "")
    if from_folder is None:
        dose_and_role = (row.dose_um, row.role) if row else (None, None)
        return WellAssignment(row.condition if row else "", well, plate, "", *dose_and_role, row)
    condition = draft.tells.get("condition") or from_folder.get(draft.files[0])
    if condition is None:
        condition = flat or _leading_word(draft.stem)
    dose_and_role = (row.dose_um, row.role) if row and row.condition == condition else (None, None)
    return WellAssignment(condition, well, plate, "", *dose_and_role, row)


def _shared_folder(drafts: Sequence[Draft], root: Path) -> str:
    """The name of a flat folder; "" if every file name starts with a condition (WT_01)."""
    if drafts and all(_leading_word(draft.stem) for draft in drafts):
        return ""
    folders = [root.joinpath(*draft.folder) for draft in drafts]
    return Path(os.path.commonpath(folders) if folders else root).name


def _leading_word(stem: str) -> str:
    word = re.split(r"[ _.\-]", stem, maxsplit=1)[0]
    return word if names_role(word) else ""


def _why_nowhere(
    draft: Draft, assigned: WellAssignment, table: PlateMap | None, use_table: bool
) -> tuple[str, str]:
    """Item and reason of the problem of a record without a condition."""
    if not use_table or table is None:
        return "", "lies in no condition folder"
    if assigned.row is not None:
        item = assigned.row.file or f"well {assigned.row.well}"
        return item, f"{assigned.row.where} of {table.path.name} leaves its condition empty"
    if table.by_file:
        return draft.files[0], f"not in {table.path.name}"
    if not assigned.well:
        return "", f"no well in its name, so {table.path.name} cannot say its condition"
    of_plate = f" of plate {assigned.plate}" if assigned.plate else ""
    return f"well {assigned.well}{of_plate}", f"not in {table.path.name}"


def _dosed(assigned: dict[str, WellAssignment]) -> dict[str, WellAssignment]:
    """Add the dose to the condition of compounds with several doses."""
    doses: dict[str, set[float | None]] = {}
    for one in assigned.values():
        doses.setdefault(one.condition, set()).add(one.dose_um)
    return {
        file: _with_dose(one) if len(doses[one.condition]) > 1 else one
        for file, one in assigned.items()
    }


def _with_dose(assigned: WellAssignment) -> WellAssignment:
    if assigned.dose_um is None:
        return assigned
    return replace(assigned, condition=f"{assigned.condition} {assigned.dose_um:g} µM")


def _group_column(table: PlateMap | None, group_by: str) -> str | None:
    if group_by in ("well", "plate", "record"):
        return None
    column = table.column(group_by) if table is not None else None
    if column is None:
        present = "No plate map was given."
        if table:
            present = f"Columns of {table.path.name}: {', '.join(table.columns)}."
        raise BadTable(
            f"The plate map has no column {group_by!r} to group by.",
            f"{present} Or use well, plate or record.",
        )
    return column


def _grouped(
    drafts: Sequence[Draft],
    assigned: dict[str, WellAssignment],
    group_by: str,
    column: str | None,
    problems: list[Problem],
) -> dict[str, WellAssignment]:
    """Fill in the groups, and warn where another grouping had to be used."""
    if group_by == "record":
        problems.append(_warned("every record is a group of its own", f"{LEAK}."))
        return assigned
    fallbacks: Counter[str] = Counter()
    grouped = {}
    for draft in drafts:
        of_draft = assigned.get(draft.files[0])
        if of_draft is None:
            continue
        group, fallback = _group(draft, of_draft, group_by, column)
        fallbacks[fallback] += 1
        grouped[draft.files[0]] = replace(of_draft, group=group)
    del fallbacks[""]
    for fallback, count in fallbacks.items():
        wanted = column or group_by
        reason = f"no {wanted} is known for {count} records; {fallback}"
        problems.append(_warned(reason, "Give a plate map or a pattern."))
    return grouped


def _warned(reason: str, remedy: str) -> Problem:
    return Problem("groups", reason, remedy, "warning")


def _group(
    draft: Draft, assigned: WellAssignment, group_by: str, column: str | None
) -> tuple[str, str]:
    """The group, and which grouping was used instead of the wanted one ("": the wanted one)."""
    well, plate, row = assigned.well, assigned.plate, assigned.row
    well = f"{plate}_{well}" if plate and well else well
    if column is not None:
        value = row.values.get(column, "").strip() if row else ""
        return (value, "") if value else ("", f"each is a group of its own, so {LEAK}")
    if "group" in draft.tells:
        return draft.tells["group"], ""
    if group_by == "plate":
        if plate:
            return plate, ""
        return (well, "grouped by well instead") if well else _instead(draft, row)
    return (well, "") if well else _instead(draft, row)


def _instead(draft: Draft, row: PlateRow | None) -> tuple[str, str]:
    values = {name.casefold(): value for name, value in row.values.items()} if row else {}
    if values.get("group", "").strip():
        return values["group"].strip(), "the column group of the table was taken"
    if len(draft.folder) > 1:
        return "/".join(draft.folder), "their sub-folders were taken as groups"
    return "", f"each is a group of its own, so {LEAK}"
