"""Fields from disk to network input, and random crops of them for training."""

from collections.abc import Callable, Sequence

import numpy as np

from core.data.preprocessing import to_network
from core.domain import FloatArray, ImageRecord, IntArray, Preprocessing

Reader = Callable[[ImageRecord], FloatArray]  # record -> raw C Y X


class FieldStore:
    """Network input of records, kept in memory up to `budget_bytes`; beyond it fields are read
    again.
    """

    def __init__(
        self,
        records: Sequence[ImageRecord],
        preprocessing: Preprocessing,
        read: Reader,
        budget_bytes: int = 4 << 30,
    ) -> None:
        self.records, self.preprocessing, self._read = tuple(records), preprocessing, read
        self._kept: dict[str, FloatArray] = {}
        self._free = budget_bytes

    def __len__(self) -> int:
        return len(self.records)

    def field(self, index: int) -> FloatArray:
        """Network input (C, Y, X) of record `index`."""
        record = self.records[index]
        if record.id in self._kept:
            return self._kept[record.id]
        x = to_network(self.preprocessing, self._read(record))
        if x.nbytes <= self._free:
            self._kept[record.id] = x
            self._free -= x.nbytes
        return x

    def crops(self, indices: IntArray, rng: np.random.Generator) -> FloatArray:
        """Random crops (N, C, crop, crop), flipped and transposed at random: no orientation means
        anything.
        """
        side = self.preprocessing.crop
        out = np.empty((len(indices), len(self.preprocessing.offset), side, side), np.float32)
        for n, index in enumerate(indices):
            x = self.field(int(index))
            top, left = (
                rng.integers(0, x.shape[1] - side + 1),
                rng.integers(0, x.shape[2] - side + 1),
            )
            crop = x[:, top : top + side, left : left + side]
            crop = crop[:, ::-1] if rng.random() < 0.5 else crop
            crop = crop[:, :, ::-1] if rng.random() < 0.5 else crop
            out[n] = crop.transpose(0, 2, 1) if rng.random() < 0.5 else crop
        return out


def balanced_indices(labels: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """`count` record indices, each condition equally often whatever its size."""
    present = np.unique(labels)
    wanted = rng.permutation(np.resize(rng.permutation(present), count))
    return np.array([rng.choice(np.flatnonzero(labels == k)) for k in wanted])
