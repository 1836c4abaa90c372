"""Assign every record to its condition, well, plate and group."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.domain import Problem, ProblemKind, Question, QuestionKind, Role, ScanOptions
from core.errors import BadTable
from core.scanning.choose_conditions import (
    choose_conditions,
    contradiction,
    folded,
    folder_conditions,
    shared_folders,
    warn_of_other_names,
)
from core.scanning.findings import Findings
from core.scanning.group_channels import Draft
from core.scanning.name_runs import Run
from core.scanning.plate_map import HINT, PlateMap, PlateRow
from core.scanning.plate_map_rows import PlateMapRows

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
    words: Sequence[Run],
    table: PlateMap | None,
    options: ScanOptions,
    findings: Findings,
) -> dict[str, WellAssignment]:
    """First file of each record -> its assignment.

    Records without a condition are left out and listed in the problems.

    Parameters
    ----------
    root
        The image folder.
    drafts
        All records.
    words
        Runs of words in the names that may be conditions.
    table
        The plate map, if any.
    options
        Where conditions come from, and what a group is.
    findings
        Gets the problems and questions; holds the answers.

    Raises
    ------
    BadTable
        For a plate map without the needed columns.
    """
    problems, answers = findings.problems, findings.answers
    from_map = options.condition_from == "plate-map"
    if from_map and table is not None and not table.has_conditions:
        columns = ", ".join(table.columns)
        raise BadTable(f"{table.path.name} has no condition column. Columns: {columns}.", HINT)
    column = _group_column(table, options.group_by)
    rows = PlateMapRows(table, root, drafts, findings, answers)
    row_of = {draft.files[0]: rows.row(draft) for draft in drafts}
    from_folder = folder_conditions(drafts)
    use_table = from_map or _table_wins(drafts, from_folder, table, problems)
    if not use_table:
        choice = choose_conditions(drafts, words, root, from_folder, answers)
        findings.questions.extend(choice.questions)
        from_folder = choice.conditions
        use_table = contradiction(from_folder, row_of, answers, findings)
    assigned: dict[str, WellAssignment] = {}
    missing: dict[str, list[str]] = {}
    for draft in drafts:
        condition = None if use_table else from_folder.get(draft.files[0], "")
        assignment = _assigned(draft, row_of[draft.files[0]], condition)
        if assignment.condition.strip():
            assigned[draft.files[0]] = assignment
        else:
            item, reason = _why_nowhere(draft, assignment, table, use_table)
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
    if use_table and table is not None:
        _ask_of_one_condition(assigned, table, findings)
    warn_of_other_names(drafts, {f: one.condition for f, one in assigned.items()}, problems)
    rows.report_unused()
    return _grouped(drafts, _dosed(assigned), options.group_by, column, problems)


def _ask_of_one_condition(
    assigned: dict[str, WellAssignment], table: PlateMap, findings: Findings
) -> None:
    """Asks where all images are of one condition, and the map has others: are the wells right?"""
    found = {one.condition for one in assigned.values()}
    named = {folded(row.condition) for row in table.rows if row.condition.strip()}
    if len(found) != 1 or len(named) < 2:
        return
    only, about = next(iter(found)), next(iter(assigned))
    if findings.answers.choice(QuestionKind.CONDITION, [only]):
        return
    well = assigned[about].well
    text = (
        f"All images would be {only}, but {table.path.name} has {len(named)} conditions. Is"
        f" {about} of well {well}? If not, give a pattern for the names."
    )
    findings.questions.append(Question(QuestionKind.CONDITION, text, (only,), about=about))


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


def _assigned(draft: Draft, row: PlateRow | None, condition: str | None) -> WellAssignment:
    """The assignment; `condition` None: the row of the plate map names it."""
    well = (row.well if row else "") or draft.tells.get("well", "")
    plate = draft.tells.get("plate", "") or (row.plate if row else "")
    if condition is None:
        dose_and_role = (row.dose_um, row.role) if row else (None, None)
        return WellAssignment(row.condition if row else "", well, plate, "", *dose_and_role, row)
    condition = unicodedata.normalize("NFC", draft.tells.get("condition") or condition)
    same = row is not None and folded(row.condition) == folded(condition)
    dose_and_role = (row.dose_um, row.role) if row and same else (None, None)
    return WellAssignment(condition, well, plate, "", *dose_and_role, row)


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
    shared = shared_folders(drafts)
    grouped = {}
    for draft in drafts:
        of_draft = assigned.get(draft.files[0])
        if of_draft is None:
            continue
        group, fallback = _group(draft, of_draft, group_by, column, shared)
        fallbacks[fallback] += 1
        grouped[draft.files[0]] = replace(of_draft, group=group)
    del fallbacks[""]
    for fallback, count in fallbacks.items():
        wanted = column or group_by
        reason = f"no {wanted} is known for {count} records; {fallback}"
        problems.append(_warned(reason, "Give a plate map or a pattern."))
    return grouped


def _warned(reason: str, remedy: str) -> Problem:
    return Problem("groups", reason, remedy, "warning", ProblemKind.GROUPS)


def _group(
    draft: Draft, assigned: WellAssignment, group_by: str, column: str | None, shared: int
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
        return (well, "grouped by well instead") if well else _instead(draft, assigned, shared)
    return (well, "") if well else _instead(draft, assigned, shared)


def _instead(draft: Draft, assigned: WellAssignment, shared: int) -> tuple[str, str]:
    """Another grouping. Below the `shared` folders, one of the condition is not a group."""
    row = assigned.row
    values = {name.casefold(): value for name, value in row.values.items()} if row else {}
    named = values.get("group", "").strip()
    if named and row is not None and named != row.condition:
        return named, "the column group of the table was taken"
    own = draft.folder[shared:]
    only_condition = len(own) == 1 and folded(own[0]) == folded(assigned.condition)
    counted = len(own) == 1 and not only_condition and _is_counted(own[0], assigned.condition)
    if counted or (len(draft.folder) > 1 and not only_condition):
        return "/".join(draft.folder), "their sub-folders were taken as groups"
    if culture := draft.tells.get("culture"):
        return f"{assigned.condition}/{culture}", "what the names call by number was taken"
    if movie := draft.tells.get("movie"):
        return movie, f"each field is a group of its own, so {LEAK}"
    return "", f"each is a group of its own, so {LEAK}"


def _is_counted(folder: str, condition: str) -> bool:
    """Whether a folder is the condition with a number: WT_1, 2_WT."""
    name, word = folded(folder), re.escape(folded(condition))
    return re.fullmatch(rf"{word}[\W_]*\d+|\d+[\W_]+{word}", name) is not None
