"""Stains in the text that a scheme takes for the plate, as in run_Green_B02_1_00d00h00m."""

import re
from collections.abc import Mapping, Sequence

from core.domain import Question, QuestionKind
from core.scanning.find_stains import stain_evidence, stain_question, tells_apart
from core.scanning.name_runs import NAME, Run
from core.scanning.run_labels import NONE, Context, list_of

KNOWN = 2  # evidence of a known word or a wavelength
Tells = dict[str, dict[str, str]]


def stains_of_plates(files: Sequence[str], tells: Tells, context: Context) -> list[Question]:
    """Reads words that tell apart the images of each well as stains; asks about unknown words.

    Changes `tells`: file -> group -> text. Only names of one channel and of equally many words
    are looked at, and no plates of the map.
    """
    plates = {file: tells[file].get("plate", "") for file in files}
    channels = {tells[file].get("channel", "") for file in files}
    words = {file: re.split(r"[ _\-]+", plate) for file, plate in plates.items()}
    single = all(file in context.single for file in files) and len(channels) == 1
    of_map = set(map(str.casefold, plates.values())) & context.map_plates
    if not single or of_map or len({len(parts) for parts in words.values()}) > 1:
        return []
    columns = [
        _run({f: parts[n] for f, parts in words.items()}) for n in range(len(words[files[0]]))
    ]
    groups = ("folder", "well", "group", "site", "z", "t")
    runs = [*columns, *(_run({f: tells[f].get(g, "") for f in files}) for g in groups)]
    for n, run in enumerate(columns):
        evidence = stain_evidence(run) if run.varies else 0
        plain = evidence >= KNOWN or (evidence and all(map(str.isalpha, run.values)))
        if not plain or not tells_apart(n, runs, files):
            continue
        choices = (list_of(run), NONE)
        answer = context.answers.choice(QuestionKind.STAIN, choices, files)
        if evidence < KNOWN and not answer:
            return [stain_question(runs, [n], files[0])]
        if answer != NONE:
            for file in files:
                left = "_".join(part for m, part in enumerate(words[file]) if m != n)
                _take_stain(tells[file], run.texts[file], left)
        return []
    return []


def _run(texts: Mapping[str, str]) -> Run:
    return Run(NAME, "", dict(texts), {})


def _take_stain(tells: dict[str, str], stain: str, plate: str) -> None:
    """Makes a word of the plate the stain, and leaves the rest as the plate."""
    old = tells["plate"]
    folder, slash, name = tells["key"].rpartition("/")
    rest = plate + name.removeprefix(old)
    tells["key"] = folder + slash + (rest if plate else rest.lstrip(" _-"))
    where, _, *parts = tells["field"].rsplit("/", 4)
    tells["field"] = "/".join([where, plate, *parts])
    tells |= {"channel": stain, "plate": plate}
    if not plate:
        del tells["plate"]
