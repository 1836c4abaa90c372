"""Write a synthetic drug screen with known truth: rescuing, toxic and other treatments.

A plan holds plates, wells, treatments and all disturbances of a real screen: variation between
wells, edge, batch, background and layout. `write_screen` then draws the images of the plan.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.domain import Role
from core.errors import LeighError
from core.io.tables import write_csv
from core.io.tiff import write_tiff
from core.io.well_names import row_letters
from core.progress import Progress, Report, silent
from core.synthetic.cells import (
    CHANNELS,
    DISEASED,
    HEALTHY,
    PIXEL_SIZE_UM,
    Optics,
    Phenotype,
    check_size,
    render,
)
from core.synthetic.treatments import Treatment, draw_treatments

SHAPES = {24: (4, 6), 96: (8, 12), 384: (16, 24), 1536: (32, 48)}  # wells -> rows, columns
CONTROL_SHARE = 1 / 8  # of the wells of a plate, for WT and for DS each: 12 of 96
# Standard deviations between wells of one treatment: relative, but absolute for mito_spread and
# survival.
WELL_SIGMA = Phenotype(
    mito_intensity=0.05,
    mito_spread=0.03,
    elongation=0.03,
    cytoskeleton=0.05,
    nucleus=0.02,
    survival=0.03,
)
OFFSET_PER_BATCH = 100.0  # grey values of offset per unit of batch effect
HAZE_SLOPE = 0.5
EDGE_ON = ("intensity", "survival")
NO_CELLS = 0.0  # survival


@dataclass(frozen=True)
class PlannedWell:
    """One well: its treatment, and the phenotype and optics with which it is drawn."""

    plate: str
    well: str
    treatment: Treatment
    edge: bool
    phenotype: Phenotype
    optics: Optics
    cultures: tuple[int, ...]  # seed of every field; () for a well without images


@dataclass(frozen=True)
class ScreenPlan:
    """The plan of a whole screen; the first two treatments are the controls WT and DS."""

    shape: tuple[int, int]
    treatments: tuple[Treatment, ...]
    wells: tuple[PlannedWell, ...]
    size: int  # pixels

    @property
    def images(self) -> int:
        """Number of fields of all wells."""
        return sum(len(w.cultures) for w in self.wells)


@dataclass(frozen=True)
class ScreenPlanOptions:
    """The size of a synthetic screen, and its disturbances.

    `treatments` counts a compound once per dose; treatments fill the wells without controls, evenly
    over all plates. `variation` scales WELL_SIGMA. `edge_effect` E multiplies signal and survival
    of wells at the edge by 1 - E (`edge_on` limits it to one of both). `batch_effect` B gives each
    plate and channel a gain exp(N(0, B)) and an offset of N(0, 100 B) grey values.
    `background_effect` G makes areas without cells brighter by 0 (WT) to G (DS) grey values, with
    another value for every treatment. `columns` puts treatments in blocks of columns with controls
    at both ends; otherwise they are scattered. `without_cells` and `without_images` are numbers of
    treated wells per plate.
    """

    plates: int = 3
    treatments: int = 24
    plate_wells: int = 96
    fields: int = 4
    size: int = 128
    seed: int = 0
    variation: float = 1.0
    edge_effect: float = 0.0
    edge_on: Sequence[str] = EDGE_ON
    batch_effect: float = 0.0
    background_effect: float = 0.0
    columns: bool = False
    perimeter_free: bool = False
    without_cells: int = 0
    without_images: int = 0


DEFAULTS = ScreenPlanOptions()


def plan_screen(o: ScreenPlanOptions = DEFAULTS) -> ScreenPlan:
    """Plan which treatment every well holds, and how the well looks.

    The same options give the same plan. Raises LeighError for options that are not possible.
    """
    _check(o.plates, o.plate_wells, o.fields, o.size, o.edge_effect, o.edge_on)
    _check_range(o.batch_effect, o.background_effect, o.variation)
    chosen = (*_controls(), *draw_treatments(o.treatments, o.seed))
    haze = _haze(len(chosen), o.background_effect, o.seed)
    positions = _positions(o.plate_wells, o.perimeter_free)
    rows, columns = SHAPES[o.plate_wells]
    dimmed = {what: 1.0 - o.edge_effect if what in o.edge_on else 1.0 for what in EDGE_ON}
    wells: list[PlannedWell] = []
    for p, layout in enumerate(_layouts(positions, o.plates, o.treatments, o.columns, o.seed)):
        gain, offset = _batch(o.batch_effect, o.seed, p)
        empty = _empty(layout, o.without_cells, o.without_images, o.seed, p)
        for n, ((row, column), number) in enumerate(zip(positions, layout, strict=True)):
            edge = row in (1, rows) or column in (1, columns)
            light, life = (dimmed[what] if edge else 1.0 for what in EDGE_ON)
            rng = np.random.default_rng([o.seed, 5, p, n])
            phenotype = _varied(chosen[number].phenotype, o.variation, rng)
            alive = NO_CELLS if empty.get(n) == "cells" else phenotype.survival * life
            lit = (gain[0] * light, gain[1] * light, gain[2] * light)
            without_images = empty.get(n) == "images"
            wells.append(
                PlannedWell(
                    plate=f"P{p + 1}",
                    well=f"{row_letters(row)}{column:02d}",
                    treatment=chosen[number],
                    edge=edge,
                    phenotype=replace(phenotype, survival=alive),
                    optics=Optics(lit, offset, (haze[number],) * 3, HAZE_SLOPE),
                    cultures=() if without_images else tuple(_seeds(o.seed, p, n, o.fields)),
                )
            )
    return ScreenPlan(SHAPES[o.plate_wells], chosen, tuple(wells), o.size)


def write_screen(out: Path, plan: ScreenPlan, report: Report = silent) -> Path:
    """Write the images, plate_map.csv, truth.csv and wells.csv of a plan under `out`.

    Images are images/PLATE/PLATE_WELL_sFIELD.ome.tif: only the plate map names the conditions.
    Raises LeighError when `out` already holds images.
    """
    if out.exists() and any(out.rglob("*.tif")):
        raise LeighError(f"{out} already holds images.", "Choose an empty folder.")
    done = 0
    for w in plan.wells:
        for field, culture in enumerate(w.cultures, start=1):
            path = out / "images" / w.plate / f"{w.plate}_{w.well}_s{field}.ome.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = render(culture, w.phenotype, plan.size, optics=w.optics)
            write_tiff(
                path, image, channel_names=[c.name for c in CHANNELS], pixel_size_um=PIXEL_SIZE_UM
            )
            done += 1
            report(Progress(done, plan.images, "Rendering cultures"))
    write_csv(out / "plate_map.csv", [_map_row(w) for w in plan.wells])
    counts = Counter(w.treatment.condition for w in plan.wells if w.cultures)
    write_csv(
        out / "truth.csv", [{**t.row(), "wells": counts[t.condition]} for t in plan.treatments]
    )
    write_csv(out / "wells.csv", [_well_row(w) for w in plan.wells])
    return out


def _controls() -> tuple[Treatment, Treatment]:
    healthy = Treatment("WT", "WT", None, Role.HEALTHY, "control", 1.0, HEALTHY)
    return healthy, Treatment("DS", "DS", None, Role.DISEASED, "control", 0.0, DISEASED)


def _check(
    plates: int, plate_wells: int, fields: int, size: int, edge: float, edge_on: Sequence[str]
) -> None:
    if plate_wells not in SHAPES:
        raise LeighError(
            f"Plates of {plate_wells} wells do not exist.", f"Use {', '.join(map(str, SHAPES))}."
        )
    if plates < 1 or fields < 1:
        raise LeighError(
            f"{plates} plates with {fields} fields per well do not make a screen.",
            "Ask for at least one each.",
        )
    check_size(size)
    if not 0 <= edge < 1:
        raise LeighError(
            f"The edge effect {edge:g} is not a share.",
            "Use 0 to below 1; 0.2 dims the edge by 20 %.",
        )
    if unknown := set(edge_on) - set(EDGE_ON):
        raise LeighError(
            f"The edge cannot change {sorted(unknown)[0]}.", f"Choose from {', '.join(EDGE_ON)}."
        )


def _check_range(batch: float, background: float, variation: float) -> None:
    if not 0 <= batch <= 1 or not 0 <= background <= 1000 or not 0 <= variation <= 5:
        given = f"batch {batch:g}, background {background:g}, variation {variation:g}"
        hint = "Batch 0 to 1, background 0 to 1000, variation 0 to 5."
        raise LeighError(f"An effect is out of range: {given}.", hint)


def _positions(plate_wells: int, perimeter_free: bool) -> list[tuple[int, int]]:
    """Row and column, both from 1, of the wells in use, column by column."""
    rows, columns = SHAPES[plate_wells]
    off = 1 if perimeter_free else 0
    return [
        (r, c) for c in range(1 + off, columns + 1 - off) for r in range(1 + off, rows + 1 - off)
    ]


def _layouts(
    positions: Sequence[tuple[int, int]], plates: int, treatments: int, columns: bool, seed: int
) -> list[list[int]]:
    """Number of the treatment in each well, per plate: 0 WT, 1 DS, then the others in turn."""
    controls = max(2, round(len(positions) * CONTROL_SHARE))
    free = len(positions) - 2 * controls
    if free * plates < treatments:
        raise LeighError(
            f"{treatments} treatments do not fit: {plates} plates have {free} wells each without"
            " the controls.",
            "Ask for fewer treatments, more plates or larger ones.",
        )
    layouts = []
    for p in range(plates):
        turn = [2 + n % treatments for n in range(p * free, (p + 1) * free)]
        if columns:
            layouts.append([0] * controls + sorted(turn) + [1] * controls)
        else:
            layouts.append(_scattered(len(positions), controls, turn, seed, p))
    return layouts


def _scattered(wells: int, controls: int, treated: list[int], seed: int, plate: int) -> list[int]:
    """One well of each control in each of `controls` stretches; treatments at random."""
    rng = np.random.default_rng([seed, 4, plate])
    layout = [-1] * wells
    for stretch in np.array_split(np.arange(wells), controls):
        healthy, diseased = rng.choice(stretch, 2, replace=False)
        layout[healthy], layout[diseased] = 0, 1
    lots = iter(rng.permutation(treated).tolist())
    return [next(lots) if t < 0 else t for t in layout]


def _batch(
    effect: float, seed: int, plate: int
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Gain and offset of a plate per channel; the camera's offset of 100 falls at most by 80."""
    rng = np.random.default_rng([seed, 6, plate])
    gain = np.exp(rng.normal(0, 1, 3) * effect)
    offset = np.maximum(rng.normal(0, 1, 3) * OFFSET_PER_BATCH * effect, -80.0)
    g0, g1, g2 = (float(v) for v in gain)
    o0, o1, o2 = (float(v) for v in offset)
    return (g0, g1, g2), (o0, o1, o2)


def _haze(treatments: int, effect: float, seed: int) -> list[float]:
    """Additional grey values of the background of each treatment, unrelated to its effect."""
    levels = np.random.default_rng([seed, 7]).permutation(np.linspace(0, 1, treatments)[1:-1])
    return [0.0, effect, *(effect * levels).tolist()]


def _empty(
    layout: Sequence[int], no_cells: int, no_images: int, seed: int, plate: int
) -> dict[int, str]:
    """Treated wells of a plate without "cells" or without "images"."""
    treated = [n for n, t in enumerate(layout) if t > 1]
    if no_cells < 0 or no_images < 0 or no_cells + no_images > len(treated):
        raise LeighError(
            f"{no_cells} wells without cells and {no_images} without images per plate are not"
            " possible.",
            f"{len(treated)} wells of a plate hold treatments.",
        )
    lots = np.random.default_rng([seed, 8, plate]).permutation(treated).tolist()
    without_images = lots[no_cells : no_cells + no_images]
    return dict.fromkeys(lots[:no_cells], "cells") | dict.fromkeys(without_images, "images")


def _varied(phenotype: Phenotype, variation: float, rng: np.random.Generator) -> Phenotype:
    """The phenotype of one well, with random variation between wells."""
    by = {
        name: float(rng.normal(0, getattr(WELL_SIGMA, name) * variation))
        for name in Phenotype.__dataclass_fields__
    }
    return Phenotype(
        mito_intensity=phenotype.mito_intensity * float(np.exp(by["mito_intensity"])),
        mito_spread=min(max(phenotype.mito_spread + by["mito_spread"], 0.0), 1.0),
        elongation=phenotype.elongation * float(np.exp(by["elongation"])),
        cytoskeleton=phenotype.cytoskeleton * float(np.exp(by["cytoskeleton"])),
        nucleus=phenotype.nucleus * float(np.exp(by["nucleus"])),
        survival=min(max(phenotype.survival + by["survival"], 0.05), 1.0),
    )


def _seeds(seed: int, plate: int, well: int, fields: int) -> list[int]:
    return [
        int(np.random.SeedSequence([seed, 9, plate, well, f]).generate_state(1)[0])
        for f in range(fields)
    ]


def _map_row(w: PlannedWell) -> dict[str, object]:
    t = w.treatment
    where = {"Metadata_Plate": w.plate, "Metadata_Well": w.well}
    return {**where, "condition": t.compound, "dose_um": t.dose_um, "role": str(t.role)}


def _well_row(w: PlannedWell) -> dict[str, object]:
    row: dict[str, object] = {
        "plate": w.plate,
        "well": w.well,
        "condition": w.treatment.condition,
        "edge": w.edge,
    }
    row |= {
        "images": len(w.cultures),
        "cells": w.phenotype.survival > NO_CELLS,
        "background": w.optics.haze[0],
    }
    for channel, gain, offset in zip(CHANNELS, w.optics.gain, w.optics.offset, strict=True):
        row |= {f"gain_{channel.name}": gain, f"offset_{channel.name}": offset}
    return row | {name: getattr(w.phenotype, name) for name in Phenotype.__dataclass_fields__}
