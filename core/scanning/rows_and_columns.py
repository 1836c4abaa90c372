"""Join a row and the column after it into one well: R02/C03, Row 2/Col 3, B/03."""

import re
from collections.abc import Sequence

from core.domain import Question, QuestionKind
from core.scanning.find_wells import in_map, like_a_plate
from core.scanning.name_runs import Run, path_text
from core.scanning.run_labels import Context, all_wells, label_meaning, list_of, well_of

# Row, column; words say it themselves.
WORDS = (
    r"(?:row|reihe|zeile|rang[eé]e)[ _\-]?(?:\d\d?|[a-p])",
    r"(?:col|column|spalte|colonne)[ _\-]?\d\d?",
)
SHORT = ((r"r\d\d?", r"c\d\d?"), (r"[a-p]|a[a-f]", r"\d\d?"))


def join_rows_and_columns(
    runs: Sequence[Run], context: Context
) -> tuple[list[Run], list[Question]]:
    """The runs, with each row and column of a well as one run; and what must be asked.

    Words such as Row and Col say it themselves. R and C, or a letter and a number, may also be a
    replicate and a clone: they are joined where the plate map has most of these wells, and not the
    column as a well. Where it has some of both, this is asked.
    """
    joined: list[Run] = []
    questions: list[Question] = []
    apart = [run for run in runs if run.varies and _is_alone(run, context)]
    for run in runs:
        well = _well(joined[-1], run) if joined else None
        if well is not None and _is_well(well, joined[-1], run, apart, context, questions):
            joined[-1] = well
        else:
            joined.append(run)
    return joined, questions


def _is_well(
    well: Run,
    row: Run,
    column: Run,
    apart: Sequence[Run],
    context: Context,
    questions: list[Question],
) -> bool:
    """Whether row and column are one well; `apart` are runs that are wells by themselves."""
    if _written(row, column, WORDS):
        return True
    if any(run is not row and run is not column for run in apart):
        return False  # B03_R1_C2: a replicate and a clone of a well
    found, alone = _found(well, context), _found(column, context)
    plates = set(map(str.casefold, row.values)) <= context.map_plates
    if plates or not found:
        return False
    if found > alone and in_map(well, context):
        return True
    choices = (list_of(well), list_of(column))
    answer = context.answers.choice(QuestionKind.WELL, choices, well.texts)
    if not answer:
        text = f"Are {choices[0]} wells, by row and column? Or {choices[1]} alone?"
        about = next(iter(well.texts))
        questions.append(Question(QuestionKind.WELL, text, choices, about=about))
    return answer != choices[1]


def _is_alone(run: Run, context: Context) -> bool:
    """Whether a run is a well of the map by itself; f1 is a field."""
    plain = all_wells(run) and not label_meaning(run) and like_a_plate(run)
    return plain and in_map(run, context)


def _found(run: Run, context: Context) -> int:
    """How many of its wells the plate map names."""
    return len({well_of(text) for text in run.values} & context.map_wells)


def _well(row: Run, column: Run) -> Run | None:
    """Both runs as one, if all their texts are a row and the column that follows it."""
    if not any(_written(row, column, pair) for pair in (WORDS, *SHORT)):
        return None
    spans = {file: (row.spans[file][0], column.spans[file][1]) for file in row.texts}
    texts = {file: path_text(file)[start:end] for file, (start, end) in spans.items()}
    run = Run(column.where, "", texts, spans)
    return run if all_wells(run) else None


def _written(row: Run, column: Run, pair: tuple[str, str]) -> bool:
    """Whether all texts of both runs are written like the pair of patterns."""
    both = zip((row, column), pair, strict=True)
    return all(re.fullmatch(f"(?i){pattern}", v) for run, pattern in both for v in run.values)
