"""Where each record belongs: its condition, its well and plate, and the group that must never be
split.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from core.domain import Problem, ProblemKind, Role
from core.errors import BadTable
from core.scanning.default_roles import names_role
from core.scanning.group_channels import Draft
from core.scanning.plate_map import HINT, PlateMap, PlateRow

LEAK = "images of one well may end on both sides of the split"


@dataclass(frozen=True)
class WellAssignment:
    """Of one record; `group` is "" where only the record itself is left to group by."""

    condition: str
    well: str = ""
    plate: str = ""
    group: str = ""
    dose_um: float | None = None
    role: Role | None = None  # as the plate map says; None: to be guessed from the name
    row: PlateRow | None = None


def assign_wells(
    root: Path,
    drafts: Sequence[Draft],
    table: PlateMap | None,
    condition_from: str,
    group_by: str,
    problems: list[Problem],
) -> dict[str, WellAssignment]:
    """First file of each record -> its place.

    Records without a condition are told in `problems` and left out.
    """
    if condition_from == "plate-map" and table is not None and not table.has_conditions:
        found = f"{table.path.name} has no condition column. Columns: {', '.join(table.columns)}."
        raise BadTable(found, HINT)
    column = _group_column(table, group_by)
    rows = _Rows(table, root, drafts, problems)
    from_folder = _folder_conditions(drafts)
    flat = "" if from_folder else _shared_folder(drafts, root)
    use_table = condition_from == "plate-map" or _table_wins(drafts, from_folder, table, problems)
    places: dict[str, WellAssignment] = {}
    missing: dict[str, list[str]] = {}
    for draft in drafts:
        place = _place(draft, rows.row(draft), None if use_table else from_folder, flat)
        if place.condition.strip():
            places[draft.files[0]] = place
        else:
            item, reason = _why_nowhere(draft, place, table, use_table)
            missing.setdefault(f"{item}\0{reason}", []).append(draft.files[0])
    for key, files in missing.items():
        item, reason = key.split("\0")
        what = item or (files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} others")
        problems.append(
            Problem(
                what,
                reason,
                "Name its condition in the plate map, or exclude it.",
                kind=ProblemKind.NOT_IN_MAP,
            )
        )
    rows.tell_unused()
    return _grouped(drafts, _dosed(places), group_by, column, problems)


class _Rows:
    """The plate map's line for each record, found by file or by plate and well."""

    def __init__(
        self, table: PlateMap | None, root: Path, drafts: Sequence[Draft], problems: list[Problem]
    ) -> None:
        self.table, self.problems = table, problems
        self.used: set[int] = (
            set()
        )  # rows that an image was found for, by identity: two sheets number theirs alike
        self.by_key: dict[tuple[str, str], PlateRow] = {}
        self.by_path: dict[str, PlateRow] = {}
        self.by_name: dict[str, list[PlateRow]] = {}
        self.plates: set[str] = set()
        self.names = Counter(PurePosixPath(file).name for draft in drafts for file in draft.files)
        if table is None:
            return
        for note in table.notes:
            problems.append(
                Problem(table.path.name, note.rstrip("."), "", "warning", ProblemKind.MAP_ROW)
            )
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
            found = self.by_name.get(name, [])
            if len(found) == 1 and self.names[name] <= 1:
                return found[0]
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

    def tell_unused(self) -> None:
        """Rows without images are normal on partial plates, and must still be said."""
        if self.table is None:
            return
        unused = [
            row for row in self.table.rows if id(row) not in self.used and row.condition.strip()
        ]
        if unused:
            examples = ", ".join(row.file or row.well for row in unused[:3])
            reason = f"{len(unused)} of {len(self.table.rows)} rows have no image here ({examples})"
            self.problems.append(
                Problem(self.table.path.name, reason, "", "warning", ProblemKind.MAP_ROW)
            )


def _below(folder: Path, root: Path) -> str:
    """The way from the table's folder down to the root, or ""."""
    try:
        way = root.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return ""
    return "" if way == "." else way


def _folder_conditions(drafts: Sequence[Draft]) -> dict[str, str]:
    """The first folder level at which the records part ways; {} where most of them lie in one
    folder.
    """
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
    """Without condition folders the plate map decides; also where the folders are none of its
    conditions (plates).
    """
    if table is None or not table.has_conditions or any("condition" in d.tells for d in drafts):
        return False
    if not from_folder:
        return True
    known = {row.condition.strip().casefold() for row in table.rows}
    names = {name for name in from_folder.values() if name}
    if any(name.casefold() in known for name in names):
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


def _place(
    draft: Draft, row: PlateRow | None, from_folder: dict[str, str] | None, flat: str
) -> WellAssignment:
    well = (row.well if row else "") or draft.tells.get("well", "")
    plate = (row.plate if row else "") or draft.tells.get("plate", "")
    if from_folder is None:
        reported = (row.dose_um, row.role) if row else (None, None)
        return WellAssignment(row.condition if row else "", well, plate, "", *reported, row)
    condition = draft.tells.get("condition") or from_folder.get(draft.files[0])
    if condition is None:
        condition = flat or _leading_word(draft.stem)
    reported = (row.dose_um, row.role) if row and row.condition == condition else (None, None)
    return WellAssignment(condition, well, plate, "", *reported, row)


def _shared_folder(drafts: Sequence[Draft], root: Path) -> str:
    """The condition of a flat folder: its name, or "" where every record's first word names a
    condition (WT_01).
    """
    if drafts and all(_leading_word(draft.stem) for draft in drafts):
        return ""
    shared = (
        os.path.commonpath([root.joinpath(*draft.folder) for draft in drafts])
        if drafts
        else str(root)
    )
    return Path(shared).name


def _leading_word(stem: str) -> str:
    word = re.split(r"[ _.\-]", stem, maxsplit=1)[0]
    return word if names_role(word) else ""


def _why_nowhere(
    draft: Draft, place: WellAssignment, table: PlateMap | None, use_table: bool
) -> tuple[str, str]:
    if not use_table or table is None:
        return "", "lies in no condition folder"
    if place.row is not None:
        where = place.row.file or f"well {place.row.well}"
        return where, f"{place.row.where} of {table.path.name} leaves its condition empty"
    if table.by_file:
        return draft.files[0], f"not in {table.path.name}"
    if not place.well:
        return "", f"no well in its name, so {table.path.name} cannot say its condition"
    return (
        f"well {place.well}" + (f" of plate {place.plate}" if place.plate else ""),
        f"not in {table.path.name}",
    )


def _dosed(places: dict[str, WellAssignment]) -> dict[str, WellAssignment]:
    """A compound at several doses is several conditions."""
    doses: dict[str, set[float | None]] = {}
    for place in places.values():
        doses.setdefault(place.condition, set()).add(place.dose_um)
    return {file: _with_dose(p) if len(doses[p.condition]) > 1 else p for file, p in places.items()}


def _with_dose(place: WellAssignment) -> WellAssignment:
    return (
        place
        if place.dose_um is None
        else replace(place, condition=f"{place.condition} {place.dose_um:g} µM")
    )


def _group_column(table: PlateMap | None, group_by: str) -> str | None:
    if group_by in ("well", "plate", "record"):
        return None
    column = table.column(group_by) if table is not None else None
    if column is None:
        there = (
            f"Columns of {table.path.name}: {', '.join(table.columns)}."
            if table
            else "No plate map was given."
        )
        raise BadTable(
            f"There is no column {group_by!r} to group by.",
            f"{there} Or use well, plate or record.",
        )
    return column


def _grouped(
    drafts: Sequence[Draft],
    places: dict[str, WellAssignment],
    group_by: str,
    column: str | None,
    problems: list[Problem],
) -> dict[str, WellAssignment]:
    """Fill in the groups; a fallback is always told."""
    if group_by == "record":
        problems.append(_warned("every record is a group of its own", f"{LEAK}."))
        return places
    reported: Counter[str] = Counter()
    grouped = {}
    for draft in drafts:
        place = places.get(draft.files[0])
        if place is None:
            continue
        group, fallback = _group(draft, place, group_by, column)
        reported[fallback] += 1
        grouped[draft.files[0]] = replace(place, group=group)
    del reported[""]
    for fallback, count in reported.items():
        wanted = column or group_by
        reason = f"no {wanted} is known for {count} records; {fallback}"
        problems.append(_warned(reason, "Give a plate map or a pattern."))
    return grouped


def _warned(reason: str, remedy: str) -> Problem:
    return Problem("groups", reason, remedy, "warning")


def _group(
    draft: Draft, place: WellAssignment, group_by: str, column: str | None
) -> tuple[str, str]:
    """The group and, where it is not the one asked for, what was taken instead."""
    well = f"{place.plate}_{place.well}" if place.plate and place.well else place.well
    if column is not None:
        value = place.row.values.get(column, "").strip() if place.row else ""
        return (value, "") if value else ("", f"each is a group of its own, so {LEAK}")
    if "group" in draft.tells:
        return draft.tells["group"], ""
    if group_by == "plate":
        if place.plate:
            return place.plate, ""
        return (well, "grouped by well instead") if well else _instead(draft, place)
    return (well, "") if well else _instead(draft, place)


def _instead(draft: Draft, place: WellAssignment) -> tuple[str, str]:
    values = (
        {name.casefold(): value for name, value in place.row.values.items()} if place.row else {}
    )
    if values.get("group", "").strip():
        return values["group"].strip(), "the column group of the table was taken"
    if len(draft.folder) > 1:
        return "/".join(draft.folder), "their sub-folders were taken as groups"
    return "", f"each is a group of its own, so {LEAK}"
