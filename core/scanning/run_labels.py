"""What one run of names may mean by its words and numbers alone, and what is known besides them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.errors import BadTable
from core.io.well_names import ROW_AND_COLUMN, normalise_well
from core.scanning.answers import Answers
from core.scanning.name_runs import DAY_FIRST, Run

LABELS: dict[str, frozenset[str]] = {
    "stain": frozenset(
        {"ch", "chan", "channel", "wavelength", "wv", "filter", "laser", "led", "kanal", "canal"}
    ),
    "z": frozenset(
        {"z", "zstep", "zslice", "zplane", "zpos", "slice", "plane", "ebene"}
        | {"zstack", "focus", "fokus", "schicht", "depth", "tiefe"}
    ),
    "time": frozenset(
        {"t", "time", "timepoint", "tp", "frame", "day", "days", "hour", "hours", "week", "dpi"}
        | {"div", "weeks", "timelapse", "wk", "hpi", "tag", "tage", "stunde", "stunden", "woche"}
        | {"jour", "jours", "heure", "heures", "semaine", "zeit", "zeitpunkt", "temps"}
        | {"round", "cycle", "cyc", "dag", "dagen"}
    ),
    "site": frozenset(
        {"s", "f", "xy", "m", "site", "field", "fld", "fov", "pos", "position", "point", "tile"}
        | {"no", "nr", "snap", "snapshot", "pic", "picture", "photo", "foto"}
        | {"scene", "image", "img", "im", "series", "seq", "roi", "view", "stage"}
        | {"feld", "bild", "champ", "cell", "cells", "colony", "object", "zelle", "zellen"}
        | {"campo", "imagen", "immagine", "imagem", "beeld"}
    ),
    "group": frozenset(
        {"rep", "replicate", "culture", "mouse", "donor", "animal", "dish", "coverslip", "slide"}
        | {"batch", "chip", "organoid", "embryo", "rat", "fish", "n", "exp", "experiment", "r"}
        | {"biorep", "run", "clone", "line", "patient", "passage", "maus", "kultur", "souris"}
        | {"sample", "probe", "spheroid", "neuron", "echantillon", "well", "puits", "vertiefung"}
        | {"cs", "br", "coverglass", "pozo", "pocillo", "pozzetto", "boite", "schaal", "org"}
    ),
    "plate": frozenset({"plate", "plt", "p", "pl", "barcode", "platte", "plaque"}),
}
MEASURED = re.compile(r"(.+)__\d{4}-\d\d-\d\dT[\d_]+-Measurement \d+[a-z]?")  # plate of Harmony
SHORT_STAINS = ("c", "w")  # c1 is a stain, C1 may be a well or a clone
_LINES_NM = """340 355 365 375 380 385 395 405 430 440 445 458 470 473 475 477 488 490 505 514 532
546 550 555 561 568 575 587 590 594 630 633 635 638 640 647 650 660 680 685 730 740 750 770 785"""
WAVELENGTHS = frozenset(re.findall(r"\d+", _LINES_NM))  # of lasers and lamps
_OF_LIGHT = re.compile(r"[A-Za-z][A-Za-z ]*[ _\-]?(\d{3})")  # Conf405, ATTO488, Ex 561
MAX_STAINS = 12
NONE = "none"
MAX_WORDS = 8
_TIME = re.compile(
    r"(?i)(?:t|tp|d|day|days|div|hour|week|wk|tag|jour|time[ _\-]?point)[ _\-]?\d+"
    r"|\d+(?:[.,]\d+)?[ _\-]?(?:h|hr|hrs|hours?|min|d|days?|wk|weeks?|mo|months?|hp[fit]|dp[fit]"
    r"|stunden?|tage?|wochen?|monate?|heures?|jours?|semaines?|mois)|(?:\d+d)?\d+h\d+m?"
    r"|(?:19|20)\d\d[\-_.]?[01]\d[\-_.]?[0-3]\d(?:[T _\-]+\d.*)?"
    rf"|{DAY_FIRST}"
)


@dataclass(frozen=True)
class Context:
    """What is known besides the names: answers, files of one channel, the plate map.

    `levels` are file -> mean grey value. The files `indexed` have an index that names stains.
    """

    answers: Answers = field(default_factory=Answers)
    single: frozenset[str] = frozenset()
    levels: Mapping[str, float] = field(default_factory=dict)
    map_wells: frozenset[str] = frozenset()
    map_plates: frozenset[str] = frozenset()
    indexed: frozenset[str] = frozenset()


def is_time(values: Iterable[str]) -> bool:
    """Whether all texts are times: T1, day 3, 24h, 2024-05-01."""
    return all(_TIME.fullmatch(value.strip()) for value in values)


def label_meaning(run: Run) -> str:
    """The meaning that the word before the numbers has; "" without a known one."""
    label = run.label.lower().replace(" ", "")
    for meaning, labels in LABELS.items():
        if label in labels and not (meaning == "stain" and not run.numbers):
            return meaning
    counted = run.label in SHORT_STAINS and run.numbers and not has_gaps(run.values)
    written = run.label in ("c", "C") and all("=" in value for value in run.values)  # C=0 of Fiji
    return "stain" if counted or written else ""


def is_light(text: str) -> bool:
    """Whether a text is a wavelength, alone or after a word."""
    after = _OF_LIGHT.fullmatch(text)
    nm = re.fullmatch(r"(?:[A-Za-z]+)?\d{3} ?nm", text)
    return text in WAVELENGTHS or nm is not None or bool(after and after.group(1) in WAVELENGTHS)


def has_gaps(texts: Iterable[str]) -> bool:
    """Whether the numbers at the end are not counted one by one, as in NDUFS2 and NDUFS4."""
    found = {n for text in texts for n in re.findall(r"\d+(?:[.,]\d+)?$", text)}
    numbers = sorted({float(n.replace(",", ".")) for n in found})
    return len(numbers) > 1 and numbers[-1] - numbers[0] >= len(numbers)


def list_of(run: Run) -> str:
    values = run.values
    return ", ".join(values[:MAX_STAINS]) + (" ..." if len(values) > MAX_STAINS else "")


def well_of(text: str) -> str:
    text = re.sub(r"(?i)^well[ _\-]?(?=[a-z]\d)", "", text)
    letter = r"[a-z]\d{1,3}|[a-p](?: - \d\d?|[ _\-]\d\d|/\d\d?)|a[a-f]\d{1,3}"
    if not re.fullmatch(rf"(?i){letter}|{ROW_AND_COLUMN}", text):
        return ""
    try:
        return normalise_well(text)
    except BadTable:
        return ""


def is_well(text: str) -> bool:
    """Whether a text is written like a well."""
    return well_of(text) != ""


def all_wells(run: Run) -> bool:
    return all(map(is_well, run.values))
