"""Real images of two conditions, and counterfactuals between them, as measurements alone."""

import numpy as np

from core.domain import FloatArray
from core.evidence.contrast import CounterfactualMeasurements
from core.evidence.reference import ImageMeasurements, ReferenceSet

WELLS, IMAGES, READOUTS, DIMENSIONS = (
    12,
    6,
    12,
    8,
)  # per condition; per well; six readouts of each of two stains
SHIFT = np.array(
    [0.0] * 6 + [2.0, 2.0, 2.0, -2.0, 0.0, 0.0]
)  # from WT to DS, in the second stain alone


def measured(k: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Readouts, embedding and the verdict of three judges for an image the share k of the way from
    WT to DS.
    """
    sure = min(0.1 + 0.8 * k, 0.98)
    away = np.zeros(DIMENSIONS)
    away[0] = 4 * k
    oracle_probabilities = np.tile([1 - sure, sure], (3, 1))
    return (
        rng.normal(size=READOUTS) + k * SHIFT,
        rng.normal(size=DIMENSIONS) + away,
        oracle_probabilities,
    )


def make_reference() -> ReferenceSet:
    """Real images of WT and DS, of which the second stain differs."""
    rng = np.random.default_rng(0)
    rows = [
        (k, f"{k}{w}", *measured(k, rng))
        for k in (0, 1)
        for w in range(WELLS)
        for _ in range(IMAGES)
    ]
    truth, groups, readouts, embedding, oracle_probabilities = zip(*rows)
    return ReferenceSet(
        names=tuple(f"stain{i // 6 + 1} readout{i}" for i in range(READOUTS)),
        channels=("Nuclei", "Mitochondria"),
        channel=np.arange(READOUTS) // 6,
        conditions=("WT", "DS"),
        truth=np.array(truth),
        groups=groups,
        held_out=np.array([int(g[1:]) < 3 for g in groups]),
        readouts=np.stack(readouts),
        embedding=np.stack(embedding),
        oracle_probabilities=np.stack(oracle_probabilities),
    )


def moved(share: float, count: int = 30) -> list[CounterfactualMeasurements]:
    """Images of WT brought the share of the way to DS; what does not differ stays as it was."""
    made = []
    for i in range(count):
        before, after = (measured(k, np.random.default_rng(100 + i)) for k in (0.0, share))
        sure = after[2][0]
        made.append(
            CounterfactualMeasurements(
                ImageMeasurements(*before),
                ImageMeasurements(*after),
                sure,
                np.array([0.0, share**2]),
                (10, 0, 0),
            )
        )
    return made
