"""Measure real images and counterfactuals: features, embedding, independent classifiers, nuclei."""

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

CELLS_FROM = 24  # real images that set the threshold and size of nuclei
REFERENCE_FILE = "panel.npz"
REMEDY = "Run `leigh evaluate`, or train the model again."


@dataclass(frozen=True)
class ImageMeasurements:
    """The measurements of one image."""

    readouts: FloatArray  # (R,) features
    embedding: FloatArray  # (D,)
    oracle_probabilities: FloatArray  # (J, K) probabilities of every independent classifier


@dataclass(frozen=True)
class ReferenceSet:
    """The measurements of N real images, one per row; stored next to the model."""

    names: tuple[str, ...]  # R features
    channels: tuple[str, ...]  # C channels
    channel: IntArray  # (R,) the channel of a feature
    conditions: tuple[str, ...]
    truth: IntArray  # (N,)
    groups: tuple[str, ...]  # (N,)
    held_out: BoolArray  # (N,) images of groups that no network was trained on
    readouts: FloatArray  # (N, R)
    embedding: FloatArray  # (N, D)
    oracle_probabilities: FloatArray  # (N, J, K)
    # (N, K) probabilities of the model itself; None in files of before.
    read: FloatArray | None = None
    # (R,) chance movement of the features of one image (core.evidence.jitter); None in files of
    # before.
    jitter: FloatArray | None = None

    @cached_property
    def grey_levels(self) -> FloatArray:
        """(R,) range of the channel in grey values for features of brightness, 0 for the others."""
        return self._of_brightnesses(lambda typical: typical["p99.5"] - typical["p5"], BRIGHTNESSES)

    @cached_property
    def background(self) -> FloatArray:
        """(R,) background of the channel in grey values, where the feature includes it; else 0."""
        return self._of_brightnesses(lambda typical: typical["p5"], ABOVE_BACKGROUND)

    def _of_brightnesses(
        self, value: Callable[[dict[str, float]], float], readouts: Sequence[str]
    ) -> FloatArray:
        """(R,) for `readouts` a value from the channel's median features; 0 for the others."""
        names, values = [n.rsplit(" ", 1)[1] for n in self.names], np.zeros(len(self.names))
        for c in np.unique(self.channel):
            rows = np.flatnonzero(self.channel == c)
            typical = {names[i]: float(np.median(self.readouts[:, i])) for i in rows}
            if typical.keys() >= set(BRIGHTNESSES):
                values[[i for i in rows if names[i] in readouts]] = value(typical)
        return values


class EvidenceModels:
    """The independent classifiers and features that the evidence of one model needs.

    Images are (C, Y, X) in raw grey values at the file's own size.
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
        """All measurements of one image; `known` are its features, if already measured."""
        values = readout_values(raw, self.preprocessing.downscale) if known is None else known
        return ImageMeasurements(
            values, self.oracles.embedding(raw), self.oracles.probabilities(raw, values)
        )

    def cells(self, before: FloatArray, after: FloatArray) -> tuple[int, int, int] | None:
        """(nuclei, lost, gained) from one image to another; None without a nuclear channel."""
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
    """Threshold and size of nuclei, from some real images; None without a nuclear channel."""
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
    """Record id -> features (R,) of real images; no model is needed."""
    readouts = {}
    for i, record in enumerate(records):
        readouts[record.id] = readout_values(read(record), preprocessing.downscale)
        report(Progress(i + 1, len(records), "Measuring real images"))
    return readouts


def reference_set(
    rows: Sequence[ImageMeasurements],
    records: Sequence[ImageRecord],
    conditions: tuple[str, ...],
    channels: Sequence[Channel],
    split: Mapping[str, str],
) -> ReferenceSet:
    """The reference set, from the measurements of real images.

    Parameters
    ----------
    rows
        Measurements of N images.
    records
        The same N records.
    conditions
        K names, in the order of the model.
    channels
        C channels.
    split
        Group -> Split value; other groups count as test groups.
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
    """Write the independent classifiers and panel.npz next to the model of this digest."""
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
            **({} if real.read is None else {"read": real.read.astype(np.float32)}),
            **({} if real.jitter is None else {"jitter": real.jitter.astype(np.float32)}),
            "nuclei": np.array(nuclei, np.float64),
            "model_digest": texts([model_digest]),
        },
    )


def load_reference(folder: Path, card: ModelCard) -> tuple[EvidenceModels, ReferenceSet]:
    """Read the files of `save_reference`.

    Raises LeighError where the files are missing, damaged or of another model.
    """
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
            read=arrays["read"].astype(np.float64) if "read" in arrays else None,
            jitter=arrays["jitter"].astype(np.float64) if "jitter" in arrays else None,
        )
        measured: list[FloatArray] = [real.readouts, real.embedding, real.oracle_probabilities]
        measured += [] if real.read is None else [real.read]
        rows = (len(real.truth), len(real.groups), len(real.held_out), *map(len, measured[1:]))
        if len(set(rows)) > 1 or real.readouts.shape != (rows[0], len(real.names)):
            raise ValueError(f"{rows} rows, readouts {real.readouts.shape}")
        if real.jitter is not None:
            measured.append(real.jitter)
            if len(real.jitter) != len(real.names):
                raise ValueError(f"jitter of {len(real.jitter)} features")
        if not all(np.isfinite(values).all() for values in measured):
            raise ValueError("values that are not numbers")
        digest = str(arrays["model_digest"][0])
        threshold_and_radius = [float(v) for v in arrays["nuclei"]]
    if (
        digest != card.digest
        or real.conditions != card.condition_names
        or len(real.channels) != len(card.channels)
    ):
        raise BadModel(
            f"{path} was measured for another model ({digest[:8]}, not {card.digest[:8]}).", REMEDY
        )
    nuclei = Nuclei.of(*threshold_and_radius) if len(threshold_and_radius) == 2 else None
    oracles = load_oracles(folder, card)
    return EvidenceModels(oracles, card.channels, card.preprocessing, nuclei), real
