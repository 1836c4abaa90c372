"""The well table: measurements and position of every well, with plates made comparable.

Normalisation follows pycytominer's `mad_robustize`: per plate, (x - median) / (1.4826 MAD) of the
diseased wells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.data.assay_quality import MAD_TO_SD
from core.domain import BoolArray, FloatArray, ImageRecord, IntArray
from core.errors import LeighError
from core.io.well_names import well_place

NORMALISATIONS = ("none", "median", "median-mad")
FEWEST_CONTROLS = 3  # diseased wells of a plate that a useful median needs


@dataclass(frozen=True)
class WellTable:
    """W wells; features are medians over the images of a well."""

    plates: tuple[str, ...]
    wells: tuple[str, ...]  # names as A01; "" where unknown
    groups: tuple[str, ...]
    conditions: tuple[str, ...]
    record_ids: tuple[tuple[str, ...], ...]
    features: FloatArray  # (W, D) of the space in which rescue is measured
    readouts: FloatArray  # (W, R) hand-made readouts, in which off-axis changes are measured
    nuclei: FloatArray  # (W,) per image; nan where no channel shows nuclei
    intensity: FloatArray  # (W, C) mean grey value above background
    seen: BoolArray  # (W,) whether the network was trained on images of the well

    @property
    def plate_index(self) -> IntArray:
        """(W,) number of the plate, in sorted order."""
        index: IntArray = np.unique(np.array(self.plates), return_inverse=True)[1]
        return index


def well_table(
    records: Sequence[ImageRecord],
    features: FloatArray,
    readouts: FloatArray,
    nuclei: FloatArray,
    intensity: FloatArray,
    seen: BoolArray,
) -> WellTable:
    """The well table of N images: medians over one plate, well (or group) and condition.

    Parameters
    ----------
    records
        N records.
    features
        (N, D) of the space in which rescue is measured.
    readouts
        (N, R) hand-made readouts.
    nuclei
        (N,) number of nuclei; nan where they are not counted.
    intensity
        (N, C) mean grey value above background.
    seen
        (N,) whether the network was trained on the image.
    """
    keys: dict[tuple[str, str, str], list[int]] = {}
    for i, r in enumerate(records):
        keys.setdefault((r.plate, r.well or r.group, r.condition), []).append(i)
    rows = [keys[k] for k in sorted(keys)]
    first = [records[i[0]] for i in rows]

    def medians(values: FloatArray) -> FloatArray:
        return np.array([np.median(values[i], axis=0) for i in rows], np.float64)

    return WellTable(
        plates=tuple(r.plate for r in first),
        wells=tuple(r.well for r in first),
        groups=tuple(r.group for r in first),
        conditions=tuple(r.condition for r in first),
        record_ids=tuple(tuple(records[i].id for i in ii) for ii in rows),
        features=medians(features),
        readouts=medians(readouts),
        nuclei=np.array([np.mean(nuclei[i]) for i in rows]),
        intensity=medians(intensity),
        seen=np.array([seen[i].any() for i in rows], bool),
    )


def normalise(values: FloatArray, plate: IntArray, control: BoolArray, how: str) -> FloatArray:
    """(W, D) values relative to the control wells of the same plate.

    Raises LeighError where a plate has too few control wells.
    """
    if how == "none":
        return values
    relative = np.array(values, np.float64)
    for p in np.unique(plate):
        own = values[(plate == p) & control]
        if len(own) < FEWEST_CONTROLS:
            raise LeighError(
                f"A plate has {len(own)} diseased control wells; {FEWEST_CONTROLS} are needed to"
                " normalise it.",
                "Choose --normalise none, or leave this plate out.",
            )
        median = np.median(own, axis=0)
        relative[plate == p] -= median
        if how == "median-mad":
            spread = MAD_TO_SD * np.median(np.abs(own - median), axis=0)
            relative[plate == p] /= np.where(spread > 0, spread, 1.0)
    return relative


def median_polish(grid: FloatArray, rounds: int = 10) -> FloatArray:
    """Residuals of Tukey's median polish of one plate (rows, columns); nan for missing wells."""
    left = np.array(grid, np.float64)
    with np.errstate(all="ignore"):
        for _ in range(rounds):
            for axis in (1, 0):
                medians = np.array([_median(line) for line in (left if axis == 1 else left.T)])
                left -= medians[:, None] if axis == 1 else medians[None, :]
    return left


def b_scores(values: FloatArray, table: WellTable, controls: BoolArray) -> FloatArray:
    """(W,) B-scores: residuals of the median polish per plate over 1.4826 MAD (Brideau 2003).

    Raises LeighError where controls fill whole columns or rows, because the polish would remove
    their effect, and for wells without a position.
    """
    if not all(table.wells):
        raise LeighError(
            "B-scores need the position of every well.",
            "Give a plate map, or leave --b-score out.",
        )
    position = np.array([well_place(w) for w in table.wells]) - 1
    plate, scores = table.plate_index, np.full(len(values), np.nan)
    for p in np.unique(plate):
        rows = np.flatnonzero(plate == p)
        for axis, name in ((1, "column"), (0, "row")):
            for line in np.unique(position[rows, axis]):
                on = rows[position[rows, axis] == line]
                if controls[on].all():
                    raise LeighError(
                        f"Controls fill {name} {line + 1} of plate"
                        f" {table.plates[on[0]] or 'without a name'}: B-scores would remove their"
                        " effect as an effect of position.",
                        "Leave --b-score out, or scatter the controls.",
                    )
        row, column = position[rows].T
        grid = np.full(position[rows].max(axis=0) + 1, np.nan)
        grid[row, column] = values[rows]
        left = median_polish(grid)[row, column]
        spread = MAD_TO_SD * np.median(np.abs(left - np.median(left)))
        scores[rows] = left / spread if spread > 0 else left
    return scores


def _median(line: FloatArray) -> float:
    finite = line[np.isfinite(line)]
    return float(np.median(finite)) if len(finite) else 0.0
