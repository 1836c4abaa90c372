"""How tables are written so that the spreadsheet program of this computer reads them."""

import locale
import os
import threading
from dataclasses import dataclass
from functools import cache

VARIABLE = "LEIGH_CSV"  # `point` or `comma`: chosen by the user instead of by the system


@dataclass(frozen=True)
class TableStyle:
    """Separator of cells, and decimal mark of numbers."""

    separator: str
    decimal: str


POINT = TableStyle(",", ".")
COMMA = TableStyle(";", ",")
_STYLES = {"point": POINT, "comma": COMMA}
_LOCK = threading.Lock()


def table_style() -> TableStyle:
    """The style that LEIGH_CSV names; else that of the system's decimal mark."""
    return _STYLES.get(os.environ.get(VARIABLE, "").lower()) or style_for(_system_decimal())


def style_for(decimal: str) -> TableStyle:
    """Where the decimal mark is a comma, a semicolon separates cells."""
    return COMMA if decimal == "," else POINT


def suggest_style(decimal: str) -> None:
    """Take the style for this decimal mark, also in processes started later; the user's wins."""
    os.environ.setdefault(VARIABLE, "comma" if style_for(decimal) == COMMA else "point")


@cache
def _system_decimal() -> str:
    """The decimal mark of the system; the locale of this program is put back at once."""
    with _LOCK:
        before = locale.setlocale(locale.LC_NUMERIC)
        try:
            locale.setlocale(locale.LC_NUMERIC, "")
            return str(locale.localeconv()["decimal_point"])
        except locale.Error:  # the system names a locale that it does not have
            return "."
        finally:
            locale.setlocale(locale.LC_NUMERIC, before)
