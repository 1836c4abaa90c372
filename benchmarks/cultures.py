"""New cultures, each drawn under every condition, for comparisons with the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.stats import ttest_rel

from benchmarks.measures import culture_readouts
from core.data.nuclei import Nuclei
from core.domain import FloatArray
from core.synthetic.cells import HEALTHY, Phenotype, draw_cells, render

NUCLEI = 0  # the channel with the nuclei
# A readout is measured if the truth shifts it: by a paired t-test over the cultures, and by this
# share of the spread of the source cultures.
SIGNIFICANT_P = 0.01
SIGNIFICANT_SD = 0.5

Way = tuple[str, str]  # source, target
Readouts = dict[str, float]


def culture_seed(*key: int) -> int:
    """The seed of a culture; training fields, held-out cultures and reference have own keys."""
    return int(np.random.SeedSequence(key).generate_state(1)[0])


@dataclass(frozen=True)
class Culture:
    """One culture under all conditions, with readouts that a biologist would measure."""

    seed: int
    images: dict[str, FloatArray]  # (C, Y, X) grey values
    readouts: dict[str, Readouts]


class Cultures:
    """`count` cultures of `side` pixels, drawn from `seed`, under all phenotypes."""

    def __init__(
        self,
        phenotypes: Mapping[str, Phenotype],
        ways: Sequence[Way],
        seed: int,
        count: int,
        side: int,
    ):
        self.phenotypes, self.ways, self.side = dict(phenotypes), tuple(ways), side
        self.nuclei = Nuclei(render(culture_seed(seed, 2), HEALTHY, 192)[NUCLEI].astype(np.float32))
        self.cultures = [self._culture(culture_seed(seed, 1, i)) for i in range(count)]

    def _culture(self, seed: int) -> Culture:
        images = {
            k: render(seed, p, self.side).astype(np.float32) for k, p in self.phenotypes.items()
        }
        readouts = {k: culture_readouts(x, self.nuclei) for k, x in images.items()}
        return Culture(seed, images, readouts)

    def oracle(self, culture: Culture, target: str) -> FloatArray:
        """The same cells under `target` with other filaments.

        This is the best possible result, because single filaments cannot be predicted.
        """
        cells = draw_cells(culture.seed, self.side)
        others = draw_cells(culture_seed(culture.seed, 3), self.side)
        mixed = tuple(
            replace(cell, curves=others[i % len(others)].curves) for i, cell in enumerate(cells)
        )
        return render(culture.seed, self.phenotypes[target], self.side, mixed).astype(np.float32)

    @cached_property
    def planted(self) -> dict[Way, list[int]]:
        """The channels that truly change, per direction."""
        changing = {}
        for way in self.ways:
            source, target = way
            changes = np.stack([c.images[target] - c.images[source] for c in self.cultures])
            largest = np.abs(changes).max(axis=(0, 2, 3))  # (C,)
            changing[way] = [int(c) for c in np.flatnonzero(largest)]
        return changing

    @cached_property
    def shifting(self) -> dict[Way, list[str]]:
        """The readouts that truly shift by a significant amount, per direction."""
        names = next(iter(self.cultures[0].readouts.values()))
        return {way: [k for k in names if self._shifts(k, *way)] for way in self.ways}

    def _shifts(self, readout: str, source: str, target: str) -> bool:
        before, after = (
            np.array([c.readouts[k][readout] for c in self.cultures]) for k in (source, target)
        )
        if np.ptp(after - before) == 0:
            return False
        large = abs((after - before).mean()) > SIGNIFICANT_SD * before.std()
        return bool(large and ttest_rel(before, after).pvalue < SIGNIFICANT_P)

    def recovery(self, way: Way, made: Sequence[tuple[Culture, Readouts]]) -> Readouts:
        """Readout -> mean shift to the counterfactual, as a share of the true mean shift."""
        recovered = {}
        for key in self.shifting[way]:
            before, truth = (np.mean([c.readouts[k][key] for c, _ in made]) for k in way)
            after = np.mean([readouts[key] for _, readouts in made])
            recovered[key] = float((after - before) / (truth - before))
        return recovered
