"""Join a row and the column after it into one well: R02/C03, Row 2/Col 3, B/03."""

import re
from collections.abc import Sequence

from core.scanning.name_runs import Run, path_text
from core.scanning.run_labels import Context, all_wells, well_of

# Row, column; words say it themselves.
WORDS = (
    r"(?:row|reihe|zeile|rang[eé]e)[ _\-]?(?:\d\d?|[a-p])",
    r"(?:col|column|spalte|colonne)[ _\-]?\d\d?",
)
SHORT = ((r"r\d\d?", r"c\d\d?"), (r"[a-p]|a[a-f]", r"\d\d?"))


def join_rows_and_columns(runs: Sequence[Run], context: Context) -> list[Run]:
    """The runs, with each row and column of a well as one run.

    Words such as Row and Col say it themselves. R and C, or a letter and a number, may also be a
    replicate and a clone: they are joined where the plate map has most of these wells.
    """
    joined: list[Run] = []
    for run in runs:
        well = _well(joined[-1], run) if joined else None
        if well is not None and (_written(joined[-1], run, WORDS) or _in_map(well, run, context)):
            joined[-1] = well
        else:
            joined.append(run)
    return joined


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


def _in_map(well: Run, column: Run, context: Context) -> bool:
    """Whether most of the wells are in the map, and more than of the wells named by the column."""
    wells, alone = ({well_of(text) for text in run.values} for run in (well, column))
    found = wells & context.map_wells
    return len(found) * 2 > len(wells) and len(found) > len(alone & context.map_wells)
