"""A made-up screen for tests of tables, figures and reports: no image was ever scored."""

import numpy as np

from core.domain import Role
from core.domain.screen import DoseCurve, Finding, Ranked, ResidualChange, Screen, WellScore
from core.io.well_names import row_letters

CHANNELS = ("Nuclei", "Cytoskeleton", "Mitochondria")
LONG = (
    "Compound with a name that is far too long for any column of any table,"
    " 4-(2-hydroxyethyl)-piperazine"
)


def made_screen(
    names: tuple[str, ...] | None = None,
    treatments: int = 20,
    shape: tuple[int, int] = (8, 12),
    plates: int = 2,
    seed: int = 0,
) -> Screen:
    """Random scores with every awkward case: no interval, no nuclei, values beyond every scale,
    long names, no well.
    """
    rng = np.random.default_rng(seed)
    names = names or tuple(f"Drug {i:03d}" for i in range(treatments))
    truth = np.sort(rng.uniform(-0.2, 1.1, len(names)))[::-1]
    ranked = [
        _ranked(name, float(v), i, rng)
        for i, (name, v) in enumerate(zip(names, truth, strict=True))
    ]
    ranked += [_control("WT", Role.HEALTHY, 1.0), _control("DS", Role.DISEASED, 0.0)]
    conditions = ["WT", "DS", *names]
    wells = []
    for p in range(plates):
        for n in range(shape[0] * shape[1]):
            if n % 17 == 5:
                continue  # a well without images
            row, column = divmod(n, shape[1])
            condition = conditions[(n * 7 + p) % len(conditions)]
            wells.append(
                WellScore(
                    plate=f"Plate {p + 1}",
                    well=f"{row_letters(row + 1)}{column + 1:02d}",
                    group=f"Plate {p + 1}_{n}",
                    condition=condition,
                    record_ids=(f"r{p}_{n}_1", f"r{p}_{n}_2"),
                    rescue=float(rng.normal(0.5, 0.4)),
                    off_axis=float(rng.gamma(2.0)),
                    nuclei=None if n % 31 == 3 else float(rng.uniform(2, 20)),
                    intensity=(100.0, 55.5, float(rng.uniform(20, 90))),
                    unlike=n % 29 == 7,
                )
            )
    doses = (0.1, 0.3, 1.0, 3.0, 10.0)
    response = tuple(0.9 / (1 + (0.5 / d) ** 1.5) for d in doses)
    return Screen(
        ranked=tuple(ranked),
        wells=tuple(wells),
        channels=CHANNELS,
        plate_shapes={f"Plate {p + 1}": shape for p in range(plates)},
        healthy="WT",
        diseased="DS",
        level=0.9,
        space="latents",
        normalised="centred and scaled on the diseased wells of each plate",
        quality=(
        {"score": "Z'", "value": 0.41, "unit": "1", "wells": "24 WT, 24 DS", "interval": (0.2,
            0.6)},
        {"score": "SSMD", "value": 4.2, "unit": "1", "wells": "24 WT, 24 DS", "interval": None,
            "reason": "few"},
        ),
        audit=(
        Finding("plate", 0.61, "balanced accuracy", 0.5, 0.003,
        "The plates can be told apart by the latents."),
            Finding("edge", None, "balanced accuracy", None, None, ""),
        ),
        doses=(
            DoseCurve("Drug 001", doses, response, 0.0, 0.9, 1.5, 0.5, 0.3, 0.8),
        DoseCurve("Drug 002", doses, (0.0, 0.1, 0.0, 0.2, 0.3), None, None, None, None, None, None,
                      "the upper plateau is not reached at the highest dose"),
        DoseCurve(LONG, doses[:3], (5.0, -3.0, 0.4), None, None, None, None, None, None,
        "fewer than 4 doses"),
            DoseCurve("Drug 004", doses, response, 0.0, 0.9, 1.5, 0.5, None, None),
        ),
        unrepaired=tuple(
            ResidualChange(name, c, float(v), float(v) - 0.1, float(v) + 0.1, 6)
            for name in names[:8]
            for c, v in zip(CHANNELS, rng.uniform(-0.8, 1.8, 3), strict=True)
        ),
        notes=("Drug 003 has a single well.",),
        settings={"seed": 0, "minimum_wells": 3, "channels": list(CHANNELS)},
        dataset_digest="",
        model_digest="m" * 32,
    )  # fmt: skip


def _ranked(name: str, rescue: float, i: int, rng: np.random.Generator) -> Ranked:
    single = i == 3
    beyond = 7.0 if i == 1 else rescue
    return Ranked(
        condition=name, compound=name, dose_um=1.5 if i % 5 == 0 else None, role=Role.TREATED,
        wells=1 if single else 9,
        rescue=beyond, rescue_low=None if single else beyond - 0.15, rescue_high=None if single else
        beyond + 0.15,
        off_axis=60.0 if i == 2 else float(rng.gamma(2.0)), off_axis_low=None if single else 0.3,
        off_axis_high=None if single else 2.5, cell_count=None if i == 4 else float(rng.uniform(0.3,
        1.2)),
        cell_count_low=None if i == 4 else 0.3, cell_count_high=None if i == 4 else 1.3,
        intensity=(1.0, 1.1, 1.4), tie=1 + i // 3, p_value=None if single else 0.001 * i, hit=rescue
        > 0.6,
        flags=("fewer cells", "off-axis: other changes are larger than the rescue") if i % 4 == 2
        else (),
    )  # fmt: skip


def _control(name: str, role: Role, rescue: float) -> Ranked:
    return Ranked(
        name, name, None, role, 24, rescue, rescue - 0.1, rescue + 0.1, 1.0, 0.8, 1.2, 1.0, 0.9,
        1.1, (1.0, 1.0, 1.0),
        0, None, False,
    )  # fmt: skip
