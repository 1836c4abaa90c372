"""Read doses such as `10 nM` or `1,5 µM`, with units from headings or from a column of units.

A unit is never guessed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from core.errors import BadTable

UM_PER_UNIT = {"m": 1e6, "mm": 1e3, "µm": 1.0, "nm": 1e-3, "pm": 1e-6}
LONG = {"mol/l": "m", "mmol/l": "mm", "µmol/l": "µm", "nmol/l": "nm", "pmol/l": "pm"}
LONG |= {"molar": "m", "millimolar": "mm", "micromolar": "µm", "nanomolar": "nm", "picomolar": "pm"}
KNOWN = "M, mM, µM (or uM), nM, pM"
REMEDY = f"Doses are molar: {KNOWN}. Convert the others; leave the cell empty for no dose."
NOTHING = {"", "-", "–", "na", "n/a", "nan", "none"}
OTHERS = (
    "%",
    "x",
    "µg/ml",
    "mg/ml",
    "ng/ml",
    "pg/ml",
    "g/l",
    "mg/l",
    "µg/l",
    "iu/ml",
    "u/ml",
    "mg/kg",
)
_WORDS_BEFORE = r"(?:(?:metadata|final|nominal|compound|cpd|drug|treatment|test|pert)[ _.]*)*"
_NAME = (
    _WORDS_BEFORE
    + r"(?:dose|dosage|dosis|conc(?:entration)?|konz(?:entration)?)\.?(?:[ _]in(?=[ _]))?"
)
_UNIT_ALONE = r"([pnuµμm]?)mol(?:es?|ar)?(?:[ _]*(?:/|per)[ _]*l(?:it(?:er|re)s?)?)?"
_MAYBE_DOSE = r"dos(?:e|age|is)|conc|konz|molar|moles|(?:^|[ _(\[])[pnuµμm]M(?:$|[)\]_ ])"
_THOUSANDS = r"[+-]?[1-9]\d{0,2}(?:%s\d{3})+"


@dataclass(frozen=True)
class DoseHeading:
    """The heading of a column of doses; `unit` is "" if the heading names no unit.

    `fault` says why the doses below a heading such as `dose (µg/ml)` cannot be read.
    """

    unit: str
    fault: str = ""


def dose_heading(name: str) -> DoseHeading | None:
    """Read a heading such as `dose_um`, `dose (nM)` or `conc`; None if it does not name a dose."""
    name = re.sub(r"\s+", " ", name.strip())
    if alone := re.fullmatch(_UNIT_ALONE, name, re.IGNORECASE):
        return DoseHeading(_folded(f"{alone.group(1)}m"))
    if name.lower() in LONG:
        return DoseHeading(LONG[name.lower()])
    if short := re.fullmatch(r"(?:[cC]|[Ff]inal|[Ll]evel)[ _]*[(\[]\s*([pnuµμm]?M)\s*[)\]]", name):
        return DoseHeading(_folded(short.group(1)))
    match = re.fullmatch(
        rf"{_NAME}(?:[ _\-.,]*[(\[]?\s*([^()\[\]]*?)\s*[)\]]?)?", name, re.IGNORECASE
    )
    if match is None:
        return None
    written = match.group(1) or ""
    if not written:
        return DoseHeading("")
    unit = _unit(written)
    if unit is None and _folded(written).replace("_", "/") in (*OTHERS, "m", "percent"):
        fault = f"the column {name!r} has the unit {written}, which cannot be brought to µM."
        return DoseHeading("", fault)
    return DoseHeading(unit) if unit else None  # dose_group and concentration_id are not doses


def may_be_dose(name: str) -> bool:
    """Whether a heading seems to speak of a dose; such a column is named where it is not used."""
    return re.search(_MAYBE_DOSE, name) is not None or bool(
        re.search(r"dose|conc|konz|volumen?(?![a-z])", name, re.IGNORECASE)
    )


def decimal_mark(texts: Iterable[str]) -> str:
    """The decimal mark of a whole file, "." or ","; "" if its numbers do not say."""
    marks = set()
    for text in texts:
        number = re.match(r"\s*([+-]?[\d.,]+)", text)
        for mark in ".,":
            if number and re.fullmatch(rf"[+-]?\d*{re.escape(mark)}\d+", number.group(1)):
                thousands = re.fullmatch(_THOUSANDS % re.escape(mark), number.group(1))
                marks |= set() if thousands else {mark}
    return marks.pop() if len(marks) == 1 else ""


def is_unit_heading(name: str) -> bool:
    """Whether a column holds the unit of each dose."""
    plain = re.sub(r"[\s_\-().]+", "", name.strip().lower()).removeprefix("metadata")
    return plain in (
        "doseunit",
        "doseunits",
        "concentrationunit",
        "concentrationunits",
        "concunit",
        "concunits",
    )


def read_dose_um(
    text: str, heading: DoseHeading, unit_cell: str = "", mark: str = ""
) -> float | None:
    """The dose in µM; None for an empty cell. `mark` is the decimal mark of the file, if known.

    Raises BadTable for a text that is not a dose, without a unit, or with two different units.
    """
    text = text.strip()
    if text.lower() in NOTHING:
        return None
    match = re.fullmatch(r"([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*(.*)", text)
    number = _number(match.group(1), text, mark) if match else None
    if match is None or number is None:
        raise BadTable(
            f"the dose {text!r} is not a number.", f"Write for example 0.5 or 10 nM. {REMEDY}"
        )
    if not isfinite(number) or number < 0:
        raise BadTable(
            f"the dose {text!r} is below zero or beyond all bounds.",
            "Leave the cell empty for no dose.",
        )
    if heading.fault and number > 0:
        raise BadTable(heading.fault, REMEDY)
    units = [heading.unit] if heading.unit else []
    for written in (unit_cell.strip(), match.group(2).strip()):
        if written and written.lower() not in NOTHING:
            unit = _unit(written)
            if unit is None:
                raise BadTable(f"the unit {written!r} of the dose {text!r} is not known.", REMEDY)
            units.append(unit)
    if len(set(units)) > 1:
        both = " and in ".join(_shown(u) for u in dict.fromkeys(units))
        raise BadTable(f"the dose {text!r} is in {both} at once.", "Give the unit once.")
    if not units and number > 0:
        raise BadTable(
            f"the dose {text!r} has no unit.",
            "Name the column dose_um (or dose_nm, dose_mm), or add a column dose_unit.",
        )
    # Small units are divided, not multiplied, so that 300 nM is 0.3 µM, not 0.30000000000000004.
    factor = UM_PER_UNIT[units[0]] if units else 1.0
    return number * factor if factor >= 1 else number / round(1 / factor)


def _number(written: str, text: str, mark: str) -> float | None:
    if mark:
        other = "," if mark == "." else "."
        if re.fullmatch(_THOUSANDS % re.escape(other) + rf"(?:\{mark}\d+)?", written):
            written = written.replace(other, "")
    elif re.fullmatch(_THOUSANDS % ",", written):
        plain = written.replace(",", "")
        raise BadTable(
            f"the dose {text!r} may be {written.replace(',', '.', 1)} or {plain}.",
            f"Write {plain} or 1.5.",
        )
    try:
        return float(written.replace(",", "."))
    except ValueError:
        return None


def _folded(written: str) -> str:
    """Lower case, with one sign for micro."""
    text = re.sub(r"\s+", "", written.replace("μ", "µ").lower())
    return re.sub(r"^u(?=m|g|mol)", "µ", text)


def _unit(written: str) -> str | None:
    """m, mm, µm, nm or pm; None for other units, and for a small m alone (metre or milli?)."""
    folded = _folded(written)
    folded = LONG.get(folded, LONG.get(folded.replace("_per_", "/"), folded))
    if folded not in UM_PER_UNIT or (folded == "m" and written.strip() == "m"):
        return None
    return folded


def _shown(unit: str) -> str:
    return unit[:-1] + "M"
