"""Measures real images and counterfactuals alike: hand-made readouts, an embedding, the judges'
verdicts, nuclei.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.data.nuclei import Nuclei, lost_and_gained, nuclear_channel
from core.data.preprocessing import shrink
from core.data.readouts import ABOVE_BACKGROUND, BRIGHTNESSES, readout_names, readout_values
from core.domain import (
    BoolArray,
    Channel,
    FloatArray,
    ImageRecord,
    IntArray,
    ModelCard,
    Preprocessing,
    Split,
)
from core.errors import BadModel
from core.io.tables import fits, load_arrays, save_arrays, texts, words
from core.models.oracles import Oracles, load_oracles, save_oracles
from core.progress import Progress, Report, silent

CELLS_FROM = 24  # real images whose nuclei set the threshold
REFERENCE_FILE = "panel.npz"
REMEDY = "Run `leigh evaluate`, or train the model again."


@dataclass(frozen=True)
class ImageMeasurements:
    """What one image measures."""

    readouts: FloatArray  # (R,)
    embedding: FloatArray  # (D,)
    oracle_probabilities: FloatArray  # (J, K) probabilities of every judge


@dataclass(frozen=True)
class ReferenceSet:
    """What real images measure, row by row; kept beside the model."""

    names: tuple[str, ...]  # R readouts
    channels: tuple[str, ...]  # C stains
    channel: IntArray  # (R,) the channel a readout is of
    conditions: tuple[str, ...]
    truth: IntArray  # (N,)
    groups: tuple[str, ...]  # (N,)
    held_out: BoolArray  # (N,) images of groups that neither model nor judges were trained on
    readouts: FloatArray  # (N, R)
    embedding: FloatArray  # (N, D)
    oracle_probabilities: FloatArray  # (N, J, K)

    @cached_property
    def grey_levels(self) -> FloatArray:
        """(R,) range of the channel in grey values, for readouts that are brightnesses; 0 for the
        others.
        """
        return self._of_brightnesses(lambda typical: typical["p99.5"] - typical["p5"], BRIGHTNESSES)

    @cached_property
    def background(self) -> FloatArray:
        """(R,) background of the channel in grey values, for brightnesses that include it; 0 for
        the others.
        """
        return self._of_brightnesses(lambda typical: typical["p5"], ABOVE_BACKGROUND)

    def _of_brightnesses(
        self, value: Callable[[dict[str, float]], float], readouts: Sequence[str]
    ) -> FloatArray:
        """(R,) a value per channel, from its typical readouts, for these readouts; 0 for the
        others.
        """
        names, out = [n.rsplit(" ", 1)[1] for n in self.names], np.zeros(len(self.names))
        for c in np.unique(self.channel):
            rows = np.flatnonzero(self.channel == c)
            typical = {names[i]: float(np.median(self.readouts[:, i])) for i in rows}
            if typical.keys() >= set(BRIGHTNESSES):
                out[[i for i in rows if names[i] in readouts]] = value(typical)
        return out


class EvidenceModels:
    """The judges and readouts of one model.

    Images (C, Y, X) in raw grey values at the file's own size.
    """

    def __init__(
        self,
        oracles: Oracles,
        channels: Sequence[Channel],
        preprocessing: Preprocessing,
        nuclei: Nuclei | None,
    ) -> None:
        self.oracles, self.preprocessing, self.nuclei = oracles, preprocessing, nuclei
        self.nuclear = nuclear_channel(channels)

    def measure(self, raw: FloatArray, known: FloatArray | None = None) -> ImageMeasurements:
        """Everything measured of one image; `known` are its readouts, where they were measured
        before.
        """
        values = readout_values(raw, self.preprocessing.downscale) if known is None else known
        return ImageMeasurements(
            values, self.oracles.embedding(raw), self.oracles.probabilities(raw, values)
        )

    def cells(self, before: FloatArray, after: FloatArray) -> tuple[int, int, int] | None:
        """(nuclei, lost, gained) from one image to another; None where no channel is known to show
        nuclei.
        """
        if self.nuclear is None or self.nuclei is None:
            return None
        planes = (
            shrink(np.asarray(x, np.float64), self.preprocessing.downscale)[self.nuclear]
            for x in (before, after)
        )
        return lost_and_gained(self.nuclei, *planes)


def fit_nuclei(
    channels: Sequence[Channel],
    records: Sequence[ImageRecord],
    preprocessing: Preprocessing,
    read: Callable[[ImageRecord], FloatArray],
) -> Nuclei | None:
    """One threshold and size of nuclei for all images, from some real ones; None without a nuclear
    channel.
    """
    nuclear = nuclear_channel(channels)
    if nuclear is None:
        return None
    step = max(1, len(records) // CELLS_FROM)
    planes = [
        shrink(read(r)[nuclear : nuclear + 1].astype(np.float64), preprocessing.downscale)[0]
        for r in records[::step]
    ]
    sides = tuple(min(p.shape[k] for p in planes) for k in (0, 1))
    return Nuclei(np.concatenate([p[: sides[0], : sides[1]] for p in planes], axis=1))


def measure_readouts(
    records: Sequence[ImageRecord],
    preprocessing: Preprocessing,
    read: Callable[[ImageRecord], FloatArray],
    report: Report = silent,
) -> dict[str, FloatArray]:
    """(R,) readouts of real images by record: they need no model, and are asked for before training
    and after.
    """
    found = {}
    for i, record in enumerate(records):
        found[record.id] = readout_values(read(record), preprocessing.downscale)
        report(Progress(i + 1, len(records), "Measuring real images"))
    return found


def reference_set(
    rows: Sequence[ImageMeasurements],
    records: Sequence[ImageRecord],
    conditions: tuple[str, ...],
    channels: Sequence[Channel],
    split: Mapping[str, str],
) -> ReferenceSet:
    """What was measured of real images, with what they are: the reference that counterfactuals are
    held against.
    """
    names = readout_names()
    return ReferenceSet(
        names=tuple(f"{channel.name} {name}" for channel in channels for name in names),
        channels=tuple(c.name for c in channels),
        channel=np.arange(len(names) * len(channels)) // len(names),
        conditions=conditions,
        truth=np.array([conditions.index(r.condition) for r in records], np.int64),
        groups=tuple(r.group for r in records),
        held_out=np.array([split.get(r.group, Split.TEST) == Split.TEST for r in records]),
        readouts=np.stack([m.readouts for m in rows]),
        embedding=np.stack([m.embedding for m in rows]),
        oracle_probabilities=np.stack([m.oracle_probabilities for m in rows]),
    )


def save_reference(
    folder: Path, panel: EvidenceModels, real: ReferenceSet, model_digest: str
) -> None:
    """Write judges and panel.npz beside the model of this digest."""
    save_oracles(folder, panel.oracles)
    nuclei = [] if panel.nuclei is None else [panel.nuclei.threshold, panel.nuclei.radius_px]
    save_arrays(
        Path(folder) / REFERENCE_FILE,
        {
            "names": texts(real.names),
            "channels": texts(real.channels),
            "channel": real.channel,
            "conditions": texts(real.conditions),
            "truth": real.truth,
            "groups": texts(real.groups),
            "held_out": real.held_out,
            "readouts": real.readouts.astype(np.float32),
            "embedding": real.embedding.astype(np.float32),
            "judged": real.oracle_probabilities.astype(np.float32),
            "nuclei": np.array(nuclei, np.float64),
            "model_digest": texts([model_digest]),
        },
    )


def load_reference(folder: Path, card: ModelCard) -> tuple[EvidenceModels, ReferenceSet]:
    """What save_panel wrote. Raises LeighError where it is absent, damaged or of another model."""
    path = Path(folder) / REFERENCE_FILE
    arrays = load_arrays(path, "measurements for the evidence", REMEDY)
    with fits(path, REMEDY):
        real = ReferenceSet(
            names=words(arrays["names"]),
            channels=words(arrays["channels"]),
            channel=arrays["channel"].astype(np.int64),
            conditions=words(arrays["conditions"]),
            truth=arrays["truth"].astype(np.int64),
            groups=words(arrays["groups"]),
            held_out=arrays["held_out"].astype(np.bool_),
            readouts=arrays["readouts"].astype(np.float64),
            embedding=arrays["embedding"].astype(np.float64),
            oracle_probabilities=arrays["judged"].astype(np.float64),
        )
        rows = (
            len(real.truth),
            len(real.groups),
            len(real.held_out),
            len(real.embedding),
            len(real.oracle_probabilities),
        )
        if len(set(rows)) > 1 or real.readouts.shape != (rows[0], len(real.names)):
            raise ValueError(f"{rows} rows, readouts {real.readouts.shape}")
        if not all(
            np.isfinite(a).all() for a in (real.readouts, real.embedding, real.oracle_probabilities)
        ):
            raise ValueError("values that are not numbers")
        digest = str(arrays["model_digest"][0])
        known = [float(v) for v in arrays["nuclei"]]
    if (
        digest != card.digest
        or real.conditions != card.condition_names
        or len(real.channels) != len(card.channels)
    ):
        raise BadModel(
            f"{path} was measured for another model ({digest[:8]}, not {card.digest[:8]}).", REMEDY
        )
    nuclei = Nuclei.of(*known) if len(known) == 2 else None
    return EvidenceModels(
        load_oracles(folder, card), card.channels, card.preprocessing, nuclei
    ), real
