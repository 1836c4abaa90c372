"""Write a synthetic plate: OME-TIFF files per condition, plate map, and the truth of every well."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import LeighError
from core.io.tables import write_csv
from core.io.tiff import write_tiff
from core.progress import Progress, Report, silent
from core.synthetic.cells import (
    CHANNELS,
    DEMO_PHENOTYPES,
    DISEASED,
    HEALTHY,
    PIXEL_SIZE_UM,
    Phenotype,
    check_size,
    render,
)

PLATES = {(8, 12): 60, (16, 24): 308, (32, 48): 1380}  # rows, columns -> wells inside the perimeter


def parse_conditions(words: Sequence[str]) -> dict[str, Phenotype]:
    """Phenotypes of `WT DS TT` of the demo, or of `Name=0.4` for a treatment that rescues 40 %.

    Raises LeighError for other texts, and for a name that is given twice, in any case.
    """
    chosen: dict[str, Phenotype] = {}
    for word in words:
        name, _, share = word.partition("=")
        if name.casefold() in map(str.casefold, chosen):
            raise LeighError(
                f"The condition {name} is given twice.", "Give each condition a name of its own."
            )
        if share:
            chosen[name] = DISEASED.toward(HEALTHY, _rescue(word, share))
        elif name in DEMO_PHENOTYPES:
            chosen[name] = DEMO_PHENOTYPES[name]
        else:
            raise LeighError(
                f"{name} is not a synthetic condition.",
                f"Known are {', '.join(DEMO_PHENOTYPES)}; others are written Name=RESCUE, for"
                " example DrugX=0.4.",
            )
    return chosen


def _rescue(word: str, share: str) -> float:
    try:
        rescue = float(share)
    except ValueError:
        rescue = math.nan
    if not math.isfinite(rescue):
        raise LeighError(
            f"{word}: the rescue {share} is not a number.", "Write for example DrugX=0.4."
        )
    return rescue


@dataclass(frozen=True)
class PlateOptions:
    """Size of a synthetic plate: wells per condition, fields per well, pixels a side."""

    wells: int = 8
    fields: int = 4
    size: int = 128
    seed: int = 0


DEFAULTS = PlateOptions()


def write_plate(
    out: Path,
    phenotypes: dict[str, Phenotype],
    options: PlateOptions = DEFAULTS,
    *,
    report: Report = silent,
) -> Path:
    """Write CONDITION/PLATE_WELL_sFIELD.ome.tif, plate_map.csv and truth.csv; returns `out`.

    Conditions alternate along rows and columns and leave the edge free, so the position of a well
    says nothing about its condition. Raises LeighError when `out` already holds images, and for
    wells that do not fit a 1536-well plate.
    """
    wells, fields, size = options.wells, options.fields, options.size
    if out.exists() and any(out.rglob("*.tif")):
        raise LeighError(f"{out} already holds images.", "Choose an empty folder.")
    if wells < 1 or fields < 1:
        raise LeighError(
            f"{wells} wells of {fields} fields do not make a plate.",
            "Ask for at least one of each.",
        )
    check_size(size)
    layout = _layout(list(phenotypes), wells)
    total, done = len(layout) * fields, 0
    map_rows, truth_rows = [], []
    for number, (well, name) in enumerate(layout.items()):
        map_rows.append({"Metadata_Plate": "P1", "Metadata_Well": well, "condition": name})
        for field in range(fields):
            sequence = np.random.SeedSequence([options.seed, number, field])
            culture = int(sequence.generate_state(1)[0])
            path = out / name / f"P1_{well}_s{field + 1}.ome.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = render(culture, phenotypes[name], size)
            write_tiff(
                path, image, channel_names=[c.name for c in CHANNELS], pixel_size_um=PIXEL_SIZE_UM
            )
            factors = {k: getattr(phenotypes[name], k) for k in Phenotype.__dataclass_fields__}
            truth_rows.append({"file": f"{name}/{path.name}", "culture_seed": culture, **factors})
            done += 1
            report(Progress(done, total, "Rendering cultures"))
    write_csv(out / "plate_map.csv", map_rows)
    write_csv(out / "truth.csv", truth_rows)
    return out


def _layout(names: list[str], wells: int) -> dict[str, str]:
    """Well -> condition, shifted by one from column to column (a Latin square if rows allow)."""
    wanted = len(names) * wells
    shape = next((s for s, room in PLATES.items() if room >= wanted), None)
    if shape is None:
        raise LeighError(f"{wanted} wells do not fit a 1536-well plate.", "Ask for fewer wells.")
    inner = shape[0] - 2  # rows without the edge
    rows = inner // len(names) * len(names) if len(names) <= inner else inner
    letters = [chr(66 + r) if r < 25 else "A" + chr(65 + r - 25) for r in range(rows)]
    left = dict.fromkeys(names, wells)
    layout: dict[str, str] = {}
    for n in range(wanted):
        column, row = divmod(n, rows)
        start = (row + column) % len(names)
        name = next(c for c in names[start:] + names[:start] if left[c] > 0)
        left[name] -= 1
        layout[f"{letters[row]}{column + 2:02d}"] = name
    return layout
