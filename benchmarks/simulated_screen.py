"""Simulate a screen with known truth at the level of wells, without images.

The features of a well are a sum: the diseased state, the rescue along the disease axis, a side
effect off this axis, the shift of the plate, and correlated noise. Toxic treatments have fewer
nuclei per image.
"""

from dataclasses import dataclass

import numpy as np

from core.domain import Condition, FloatArray, Role
from core.screening.wells import WellTable

KINDS = ("rescuing", "null", "toxic", "side effect")


@dataclass(frozen=True)
class Truth:
    """The truth of all treatments."""

    rescue: dict[str, float]
    kind: dict[str, str]


FEATURES = 40  # of a well


def simulate(
    seed: int,
    *,
    plates: int = 3,
    controls: int = 12,
    treatments: int = 24,
    replicates: int = 3,
    plate_shift: float = 1.0,
) -> tuple[WellTable, tuple[Condition, ...], Truth]:
    """Simulate the wells of a screen.

    Parameters
    ----------
    seed
        Of all random numbers.
    plates
        Number of plates.
    controls
        Wells of each control on every plate.
    treatments
        Number of treatments.
    replicates
        Wells of each treatment on every plate.
    plate_shift
        Shift of each feature between plates, in the spread of wells.

    Returns
    -------
    tuple
        The well table, the conditions and the truth.
    """
    features = FEATURES
    rng = np.random.default_rng(seed)
    # Correlated features with different spreads.
    rotation = np.linalg.qr(rng.normal(size=(features, features)))[0]
    mixing = rotation * rng.uniform(0.3, 3.0, features)[:, None]
    mixing = np.linalg.qr(rng.normal(size=(features, features)))[0] @ mixing
    axis = _long(rng.normal(size=features), 10.0)
    names = [f"T{i + 1:02d}" for i in range(treatments)]
    truth = _truth(names, rng)
    effects = {n: truth.rescue[n] * axis + _side_effect(truth.kind[n], axis, rng) for n in names}
    effects |= {"WT": axis, "DS": np.zeros(features)}
    survival = {n: rng.uniform(0.5, 0.7) if truth.kind.get(n) == "toxic" else 1.0 for n in effects}
    rows: list[tuple[str, str, str]] = []
    for p in range(plates):
        members = ["WT"] * controls + ["DS"] * controls + names * replicates
        wells = rng.permutation(96)[: len(members)]
        rows += [
            (f"P{p + 1}", f"{'ABCDEFGH'[w // 12]}{w % 12 + 1:02d}", m)
            for w, m in zip(wells, members)
        ]
    shift = {f"P{p + 1}": plate_shift * rng.normal(size=features) for p in range(plates)}
    noise = rng.normal(size=(len(rows), features))
    values = np.array([effects[c] + shift[p] for p, _, c in rows]) + noise
    nuclei = np.array([rng.poisson(60 * survival[c]) / 4 for _, _, c in rows])
    table = WellTable(
        plates=tuple(p for p, _, _ in rows),
        wells=tuple(w for _, w, _ in rows),
        groups=tuple(f"{p}_{w}" for p, w, _ in rows),
        conditions=tuple(c for _, _, c in rows),
        record_ids=tuple((f"{p}_{w}_s1",) for p, w, _ in rows),
        features=values @ mixing.T,
        readouts=values @ mixing.T,
        nuclei=nuclei,
        intensity=np.ones((len(rows), 1)),
        seen=np.zeros(len(rows), bool),
    )
    conditions = (
        Condition("WT", Role.HEALTHY),
        Condition("DS", Role.DISEASED),
        *(Condition(n, Role.TREATED) for n in names),
    )
    return table, conditions, truth


def _truth(names: list[str], rng: np.random.Generator) -> Truth:
    """A quarter of the treatments do nothing; an eighth each is toxic or has side effects."""
    count = len(names)
    kinds = ["null"] * (count // 4) + ["toxic"] * (count // 8) + ["side effect"] * (count // 8)
    kinds += ["rescuing"] * (count - len(kinds))
    kind = dict(zip(names, rng.permutation(kinds)))
    rescue = {
        n: 0.0 if kind[n] in ("null", "toxic") else float(rng.uniform(0.1, 1.0)) for n in names
    }
    return Truth(rescue, {n: str(k) for n, k in kind.items()})


def _side_effect(kind: str, axis: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A vector orthogonal to the disease axis; zero for treatments without side effects."""
    if kind not in ("toxic", "side effect"):
        return np.zeros_like(axis)
    off_axis = rng.normal(size=axis.shape)
    off_axis -= (off_axis @ axis) / (axis @ axis) * axis
    return _long(off_axis, 12.0)


def _long(vector: FloatArray, length: float) -> FloatArray:
    scaled: FloatArray = vector / np.linalg.norm(vector) * length
    return scaled
