"""Load fields as network input, and draw random crops for training."""

from collections.abc import Callable, Sequence

import numpy as np

from core.data.preprocessing import to_network
from core.domain import FloatArray, ImageRecord, IntArray, Preprocessing

Reader = Callable[[ImageRecord], FloatArray]  # record -> raw C Y X


class FieldStore:
    """Network input of records, in memory up to `budget_bytes`; further fields are read again."""

    def __init__(
        self,
        records: Sequence[ImageRecord],
        preprocessing: Preprocessing,
        read: Reader,
        budget_bytes: int = 4 << 30,
    ) -> None:
        self.records, self.preprocessing, self._read = tuple(records), preprocessing, read
        self._prepare: Callable[[FloatArray], FloatArray] | None = None
        self._cached: dict[str, FloatArray] = {}
        self._free = budget_bytes

    def __len__(self) -> int:
        return len(self.records)

    def field(self, index: int) -> FloatArray:
        """Network input (C, Y, X) of record `index`, prepared."""
        record = self.records[index]
        if record.id in self._cached:
            return self._cached[record.id]
        x = to_network(self.preprocessing, self._read(record))
        x = x if self._prepare is None else self._prepare(x)
        if x.nbytes <= self._free:
            self._cached[record.id] = x
            self._free -= x.nbytes
        return x

    def prepare(self, prepare: Callable[[FloatArray], FloatArray]) -> None:
        """From now on every field is what `prepare` makes of its network input (C, Y, X)."""
        self._prepare = prepare
        self._cached = {name: prepare(x) for name, x in self._cached.items()}

    def crops(self, indices: IntArray, rng: np.random.Generator) -> FloatArray:
        """Random crops (N, C, crop, crop), flipped and transposed at random."""
        side = self.preprocessing.crop
        crops = np.empty((len(indices), len(self.preprocessing.offset), side, side), np.float32)
        for n, index in enumerate(indices):
            x = self.field(int(index))
            top = rng.integers(0, x.shape[1] - side + 1)
            left = rng.integers(0, x.shape[2] - side + 1)
            crop = x[:, top : top + side, left : left + side]
            crop = crop[:, ::-1] if rng.random() < 0.5 else crop
            crop = crop[:, :, ::-1] if rng.random() < 0.5 else crop
            crops[n] = crop.transpose(0, 2, 1) if rng.random() < 0.5 else crop
        return crops


def balanced_indices(labels: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """`count` record indices, with each condition equally often."""
    present = np.unique(labels)
    wanted = rng.permutation(np.resize(rng.permutation(present), count))
    return np.array([rng.choice(np.flatnonzero(labels == k)) for k in wanted])
