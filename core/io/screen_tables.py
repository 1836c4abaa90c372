"""Write a screen as CSV tables that are safe in a spreadsheet; two tables also as Parquet."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.domain.screen import Screen
from core.io.atomic import replacing
from core.io.tables import write_csv
from core.io.well_names import well_place

Row = dict[str, Any]
RANKING_COLUMNS = (
    "condition", "dose_um", "wells", "rescue", "rescue_low", "rescue_high", "off_axis",
    "off_axis_low", "off_axis_high",
    "cell_count", "tie", "hit", "flags",
)  # fmt: skip
UNREPAIRED_COLUMNS = ("condition", "channel", "restored", "low", "high", "wells")
DOSE_COLUMNS = (
    "compound", "dose_um", "rescue", "bottom", "top", "slope", "ec50_um", "ec50_low", "ec50_high",
    "reason",
)  # fmt: skip
AUDIT_COLUMNS = ("what", "score", "unit", "chance", "p_value", "warning")
QUALITY_COLUMNS = ("score", "value", "unit", "wells", "low", "high")


def write_screen_tables(folder: Path, screen: Screen) -> dict[str, Path]:
    """Write all tables of a screen and return name -> path; ranking and plate also as Parquet."""
    folder = Path(folder)
    tables: dict[str, tuple[Sequence[Row], Sequence[str]]] = {
        "ranking": (ranking_rows(screen), RANKING_COLUMNS),
        "plate": (plate_rows(screen), plate_columns(screen)),
        "not_repaired": (unrepaired_rows(screen), UNREPAIRED_COLUMNS),
        "dose_response": (dose_rows(screen), DOSE_COLUMNS),
        "audit": (audit_rows(screen), AUDIT_COLUMNS),
        "quality": (quality_rows(screen), quality_columns(screen)),
    }
    written = {}
    for name, (rows, columns) in tables.items():
        written[name] = folder / f"{name}.csv"
        write_csv(written[name], rows, columns)
    for name in ("ranking", "plate"):
        written[f"{name}_parquet"] = folder / f"{name}.parquet"
        _write_parquet(written[f"{name}_parquet"], *tables[name])
    return written


def ranking_rows(screen: Screen) -> list[Row]:
    """One row per treatment and dose, best first, controls last."""
    return [
        {n: getattr(r, n) for n in RANKING_COLUMNS} | {"flags": "; ".join(r.flags)}
        for r in screen.ranked
    ]


def plate_columns(screen: Screen) -> tuple[str, ...]:
    """Columns of the table of wells, with one column of intensity per channel."""
    where = (
        "plate",
        "well",
        "row",
        "column",
        "condition",
        "dose_um",
        "images",
        "rescue",
        "off_axis",
        "nuclei",
    )
    return (*where, *_intensity_names(screen), "unlike")


def plate_rows(screen: Screen) -> list[Row]:
    """One row per scored well; rows and columns of the plate count from 1."""
    doses = {r.condition: r.dose_um for r in screen.ranked}
    rows: list[Row] = []
    for w in screen.wells:
        row, column = well_place(w.well) if w.well else (None, None)
        values: Row = {
            "plate": w.plate,
            "well": w.well or w.group,
            "row": row,
            "column": column,
            "condition": w.condition,
            "dose_um": doses.get(w.condition),
            "images": len(w.record_ids),
            "rescue": w.rescue,
            "off_axis": w.off_axis,
            "nuclei": w.nuclei,
        }
        values |= zip(_intensity_names(screen), w.intensity, strict=True)
        rows.append(values | {"unlike": w.unlike})
    return rows


def _intensity_names(screen: Screen) -> list[str]:
    """Columns of intensity; channels with the same name get their number."""
    counted = Counter(screen.channels)
    return [
        f"intensity_{c}" + (f"_{i}" if counted[c] > 1 else "")
        for i, c in enumerate(screen.channels, start=1)
    ]


def unrepaired_rows(screen: Screen) -> list[Row]:
    """One row per treatment and channel."""
    return [{n: getattr(u, n) for n in UNREPAIRED_COLUMNS} for u in screen.unrepaired]


def dose_rows(screen: Screen) -> list[Row]:
    """One row per compound and dose; the fitted values are repeated in every row."""
    return [
        {n: getattr(d, n) for n in DOSE_COLUMNS if n not in ("dose_um", "rescue")}
        | {"dose_um": dose, "rescue": rescue}
        for d in screen.doses
        for dose, rescue in zip(d.doses_um, d.rescue, strict=True)
    ]


def audit_rows(screen: Screen) -> list[Row]:
    """One row per question of the audit."""
    return [{n: getattr(f, n) for n in AUDIT_COLUMNS} for f in screen.audit]


def quality_rows(screen: Screen) -> list[Row]:
    """One row per score; a pair of numbers becomes two columns, a list becomes text."""
    pairs = {name for q in screen.quality for name, value in q.items() if _is_pair(value)}
    return [_flat(q, pairs) for q in screen.quality]


def quality_columns(screen: Screen) -> tuple[str, ...]:
    """All columns in order of first appearance; the usual columns without any score."""
    return tuple(dict.fromkeys(n for row in quality_rows(screen) for n in row)) or QUALITY_COLUMNS


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(v, int | float) for v in value)
    )


def _flat(values: Mapping[str, Any], pairs: set[str]) -> Row:
    row: Row = {}
    for name, value in values.items():
        if _is_pair(value):
            row |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        elif name in pairs and value is None:
            row |= {f"{name}_low": None, f"{name}_high": None}
        else:
            row[name] = "; ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return row


def _write_parquet(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    import pandas as pd

    table = pd.DataFrame(list(rows), columns=list(columns)).convert_dtypes(convert_integer=False)
    for name in ("wells", "tie", "row", "column", "images"):
        if name in table:
            table[name] = table[name].astype("Int64")
    with replacing(path) as temporary:
        table.to_parquet(temporary, engine="pyarrow", index=False)
