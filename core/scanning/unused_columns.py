"""Name the columns of a plate map that are not used, although they may matter."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain import Problem, ProblemKind
from core.scanning.doses import may_be_dose
from core.scanning.run_labels import LABELS

if TYPE_CHECKING:
    from core.scanning.plate_map import PlateRow

GROUPING = LABELS["group"] | LABELS["site"]  # may be chosen as groups
CONDITIONS = frozenset(
    {"condition", "treatment", "compound", "drug", "genotype", "label", "class", "phenotype"}
    | {"cellline", "line", "celltype", "zelllinie", "sirna", "grna"}
)
MOST_TEXTS = 0.5  # of the rows: more different texts are remarks or numbers of the rows


def unused_columns(
    path: Path, columns: Sequence[str], used: Collection[int], rows: Sequence["PlateRow"]
) -> list[Problem]:
    """A warning for each column that is not used: it may hold doses, or splits a condition.

    `used` are the indexes of the columns that are read.
    """
    problems = []
    for name in (name for i, name in enumerate(columns) if i not in used and name):
        reason = remedy = ""
        if may_be_dose(name):
            reason = "this column is not used: it does not say the dose in the well"
            remedy = "Is it the dose? Then name it dose_um."
        elif mixed := _mixed(name, rows):
            reason = f"this column is not used, so {mixed[0]} holds {mixed[1]} together"
            remedy = "Does it matter? Then write what is compared into one column: condition."
        if reason:
            item, kind = f"{path.name}: {name!r}", ProblemKind.MAP_COLUMN_UNUSED
            problems.append(Problem(item, reason, remedy, "warning", kind))
    return problems


def _mixed(name: str, rows: Sequence["PlateRow"]) -> tuple[str, str] | None:
    """A condition whose rows differ in this column, and some of their texts; None without one."""
    texts: dict[str, set[str]] = {}
    for row in rows:
        if row.condition:
            texts.setdefault(row.condition, set()).add(row.values[name].strip() or "nothing")
    different = set().union(*texts.values())
    word = re.sub(r"[\s_\-.\d]+", "", name.lower())
    of_image = bool(rows and rows[0].file) and word not in CONDITIONS  # such as its frame
    if len(different) > MOST_TEXTS * len(rows) or word in GROUPING or of_image:
        return None
    mixed = next((condition for condition, found in texts.items() if len(found) > 1), None)
    return None if mixed is None else (mixed, ", ".join(sorted(texts[mixed])[:4]))
