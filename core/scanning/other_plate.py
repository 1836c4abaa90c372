"""Find the part of names that is a plate, although the plate map names another one."""

import re
from collections.abc import Mapping, Sequence

from core.scanning.name_runs import Run
from core.scanning.run_labels import Context, is_time

_LONG = re.compile(r"\d{3}")  # BR0411 is a barcode, dish1 a count


def other_plate(runs: Sequence[Run], context: Context, meanings: Mapping[int, str]) -> list[int]:
    """The one part of all names that is written like the plates of the map, but is none of them.

    BR0411 before the wells is a plate where the map has BR0412; days are not.
    """
    if any(set(map(str.casefold, run.values)) & context.map_plates for run in runs):
        return []
    found = [
        n
        for n, run in enumerate(runs)
        if not run.varies and any(_alike(run.values[0], plate) for plate in context.map_plates)
    ]
    free = [n for n in found if _may_be_plate(runs[n], meanings.get(n))]
    return free[-1:]


def _may_be_plate(run: Run, meaning: str | None) -> bool:
    """Whether a part may name a plate: T4, BR0411, or one of no known meaning; days do not."""
    if run.label in ("T", "t"):
        return True
    barcode = meaning == "group" and _LONG.search(run.values[0]) is not None
    return (meaning is None or barcode) and not is_time(run.values)


def _alike(text: str, plate: str) -> bool:
    """Whether words before numbers are equally long, or both numbers are those of barcodes."""
    forms = [re.fullmatch(r"([^\W\d_]*)[ _\-]?\d+", name) for name in (text, plate)]
    letters = [len(form.group(1)) for form in forms if form is not None]
    barcodes = all(map(_LONG.search, (text, plate)))
    return len(letters) == len(forms) and (barcodes or letters[0] == letters[1])
