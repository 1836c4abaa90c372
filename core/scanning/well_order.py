"""Ask whether the row or the column comes first where a plate map writes wells as 2-3."""

from dataclasses import replace

from core.domain import Question, QuestionKind
from core.io.well_names import row_letters, well_place
from core.scanning.answers import Answers
from core.scanning.plate_map import PlateMap
from core.scanning.plate_map_wells import numbered_well

ROW_FIRST, COLUMN_FIRST = "row first", "column first"


def well_order_questions(table: PlateMap | None, answers: Answers) -> tuple[Question, ...]:
    """The question, where wells are two numbers and it was not answered."""
    written = _numbered(table)
    if not written or answers.choice(QuestionKind.MAP, [ROW_FIRST, COLUMN_FIRST]):
        return ()
    text = f"The plate map writes wells as {written}. Is the first number the row or the column?"
    return (Question(QuestionKind.MAP, text, (ROW_FIRST, COLUMN_FIRST)),)


def in_well_order(table: PlateMap | None, answers: Answers) -> PlateMap | None:
    """The plate map, whose rows are read row first, with wells as they are answered."""
    column_first = answers.choice(QuestionKind.MAP, [COLUMN_FIRST]) == COLUMN_FIRST
    if table is None or not _numbered(table) or not column_first:
        return table
    column = table.well_column or ""
    rows = tuple(
        replace(row, well=_turned(row.well)) if numbered_well(row.values[column]) else row
        for row in table.rows
    )
    return replace(table, rows=rows)


def _numbered(table: PlateMap | None) -> str:
    """The first well that is written as two numbers; "" for none."""
    column = table.well_column if table is not None else None
    if table is None or column is None:
        return ""
    texts = (row.values[column] for row in table.rows)
    return next((text.strip() for text in texts if numbered_well(text)), "")


def _turned(well: str) -> str:
    row, column = well_place(well)
    return f"{row_letters(column)}{row:02d}"
