"""Simulated perturbations: known changes in copies of real images, and which images get them.

Inside every group (well), images are assigned in turn to "untouched" and to each change. Every
group then holds all changes, so a difference between wells cannot explain a change. The code calls
such a change a plant, after the option --plant.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from core.data.batches import Reader
from core.data.preprocessing import choose_downscale
from core.data.split import split_by_group
from core.domain import Channel, Dataset, FloatArray, ImageRecord, Role, Split
from core.errors import LeighError
from core.io.tables import safe_name
from core.progress import Progress, Report, silent
from core.workflows.project import reader

UNTOUCHED = "untouched"
LIMITS = {"factor": (0.1, 3.0), "blur": (0.5, 10.0)}  # fold of the signal; pixels
SYNTAX = "Write channel=NAME,factor=0.7 or channel=NAME,blur=2.0."
BACKGROUND_PERCENTILE = 0.5
SAMPLED_PIXELS = 2_000_000  # per channel, over all images of the condition
MAX_CLIPPED = 0.001  # share of the pixels
SMALLEST_TILE, SMALLEST_SEEN = 192, 96  # pixels a side: in the file, and in the network's input


@dataclass(frozen=True)
class Plant:
    """One change of one channel.

    `kind` is "factor" (fold of the signal above background) or "blur" (sigma in pixels).
    """

    channel: str
    kind: str
    amount: float

    @property
    def name(self) -> str:
        """The condition of the images with this change."""
        return (
            f"{self.channel} x{self.amount:g}"
            if self.kind == "factor"
            else f"{self.channel} blur {self.amount:g}"
        )

    @property
    def words(self) -> str:
        """The change as the subject of a sentence."""
        if self.kind == "factor":
            return f"A {self.amount:g}-fold {self.channel}"
        return f"{self.channel} spread by {self.amount:g} pixels"

    def apply(self, raw: FloatArray, channel: int, background: float) -> FloatArray:
        """A copy of `raw` (C Y X) with the change in one channel, rounded and clipped to its type.

        factor: background + F (raw - background); blur: Gaussian of sigma S pixels that keeps the
        total.
        """
        plane = raw[channel].astype(np.float64)
        if self.kind == "factor":
            plane = background + self.amount * (plane - background)
        else:
            plane = gaussian_filter(plane, self.amount, mode="reflect")
        if limits := _limits(raw.dtype):
            plane = np.clip(np.rint(plane), *limits)
        changed = raw.copy()
        changed[channel] = plane.astype(raw.dtype)
        return changed


@dataclass(frozen=True)
class Piece:
    """One tile of the control: its new record, and the field from which it was cut."""

    record: ImageRecord
    source: ImageRecord
    top: int
    left: int

    def cut(self, raw: FloatArray) -> FloatArray:
        """The tile's part (C Y X) of the whole field."""
        _, height, width = self.record.shape
        return raw[:, self.top : self.top + height, self.left : self.left + width]


@dataclass(frozen=True)
class Control:
    """The plan of a control: which tiles get which change, above which background."""

    condition: str  # of the user's project; the changes are made in copies of its images
    plants: tuple[Plant, ...]
    channels: tuple[Channel, ...]
    pieces: tuple[Piece, ...]
    split: dict[str, str]  # group -> Split value, the same as in the training
    background: tuple[float, ...]  # per channel, raw grey values
    cuts: int  # every field is cut into cuts x cuts tiles

    def planted(self, plant: Plant, raw: FloatArray) -> FloatArray:
        """`raw` (C Y X) with the change."""
        channel = [c.name for c in self.channels].index(plant.channel)
        return plant.apply(raw, channel, self.background[channel])


def parse_plants(words: Sequence[str], channels: Sequence[Channel]) -> tuple[Plant, ...]:
    """Changes from texts such as `channel=NAME,factor=F` or `channel=NAME,blur=S`.

    Raises LeighError, naming channel and value, for a change that is not possible.
    """
    plants = tuple(_parse(word, [c.name for c in channels]) for word in words)
    names = [p.name for p in plants]
    if twice := [name for name in names if names.count(name) > 1]:
        raise LeighError(f"The plant {twice[0]} is given twice.", "Give each --plant once.")
    return plants


def _parse(word: str, channels: Sequence[str]) -> Plant:
    match = re.fullmatch(r"\s*channel=(.+),\s*(factor|blur)=([^,=]*)", word)
    if match is None:
        raise LeighError(f"{word!r} is not a planted change.", SYNTAX)
    wanted, kind, text = match[1].strip(), match[2], match[3].strip()
    exact = [n for n in channels if n == wanted]
    matches = exact or [n for n in channels if n.casefold() == wanted.casefold()]
    if len(matches) != 1:
        names = ", ".join(channels)
        raise LeighError(f"The images have no channel {wanted}.", f"They have {names}.")
    channel = matches[0]
    low, high = LIMITS[kind]
    unit = "-fold" if kind == "factor" else " pixels"
    try:
        amount = float(text)
    except ValueError:
        raise LeighError(
            f"The {kind} {text!r} of channel {channel} is not a number.", SYNTAX
        ) from None
    if not (math.isfinite(amount) and low <= amount <= high):
        between = f"Choose one between {low:g} and {high:g}{unit}."
        raise LeighError(f"The {kind} {text} of channel {channel} is out of range.", between)
    if kind == "factor" and amount == 1:
        raise LeighError(
            f"The factor 1 of channel {channel} changes nothing.",
            "Choose another, for example 0.7.",
        )
    return Plant(channel, kind, amount)


def plan(
    dataset: Dataset,
    plants: Sequence[Plant],
    *,
    source: str | None = None,
    seed: int = 0,
    report: Report = silent,
) -> Control:
    """Assign the images of one condition to the changes and measure the background.

    Nothing is written.

    Parameters
    ----------
    dataset
        The images of the user's project.
    plants
        The changes.
    source
        The condition whose images are copied; None: the healthy one, else the largest.
    seed
        Of the assignment and of the split.
    report
        Receives the progress.

    Raises
    ------
    LeighError
        For too few images, and where a change would clip more than MAX_CLIPPED of the pixels.
    """
    condition = _source(dataset, source)
    records = [r for r in dataset.records if r.condition == condition]
    cuts = _cuts(records, condition, len(plants) + 1)
    pieces = _deal(records, [UNTOUCHED, *(p.name for p in plants)], cuts, seed)
    split = split_by_group([p.record for p in pieces], seed=seed)
    samples = _sample(records, reader(dataset), report)
    training = [values for r, values in zip(records, samples) if split[r.group] == Split.TRAIN]
    pixels = np.concatenate(training, axis=1)
    background = tuple(float(v) for v in np.percentile(pixels, BACKGROUND_PERCENTILE, axis=1))
    control = Control(condition, tuple(plants), dataset.channels, pieces, split, background, cuts)
    for plant in plants:
        _refuse_clipping(control, plant, records, samples)
    return control


def _source(dataset: Dataset, wanted: str | None) -> str:
    """The wanted condition; else the healthy one; else the one with most groups and records."""
    counts = dataset.counts()
    present = [name for name in dataset.condition_names if counts[name]]
    if wanted is not None and wanted not in present:
        raise LeighError(
            f"The project has no images of {wanted}.", f"Conditions are {', '.join(present)}."
        )
    if not present:
        raise LeighError("The project has no records.", "Scan a folder of images first.")
    healthy = [c.name for c in dataset.conditions if c.role == Role.HEALTHY and c.name in present]
    groups = {
        name: len({r.group for r in dataset.records if r.condition == name}) for name in present
    }
    return wanted or (healthy or sorted(present, key=lambda n: (-groups[n], -counts[n])))[0]


def _cuts(records: Sequence[ImageRecord], condition: str, shares: int) -> int:
    """The fewest tiles per side with which every group has enough tiles; 1: whole fields.

    Tiles of large fields are shrunk less than whole fields, so the network sees finer detail.
    """
    by_group: dict[str, int] = {}
    for record in records:
        by_group[record.group] = by_group.get(record.group, 0) + 1
    if len(by_group) < 2:
        raise LeighError(
            f"{condition} has images of one group only ({records[0].group}).",
            "Two are needed, so that one can be held out: choose another condition with --from.",
        )
    group, fewest = min(by_group.items(), key=lambda item: item[1])
    cuts = math.ceil(math.sqrt(shares / fewest))
    side = min(min(r.shape[1:]) for r in records)
    downscale = choose_downscale([(r.shape[1] // cuts, r.shape[2] // cuts) for r in records])
    seen = side // cuts // downscale
    if cuts > 1 and (side // cuts < SMALLEST_TILE or seen < SMALLEST_SEEN):
        raise LeighError(
            f"Group {group} has {fewest} images of {condition}; {shares} are needed, one untouched"
            " and one per plant.",
            f"Its fields of {side} pixels are too small to be cut (tiles need {SMALLEST_TILE}): "
            "plant fewer changes, or choose another condition with --from.",
        )
    return cuts


def _deal(
    records: Sequence[ImageRecord], names: Sequence[str], cuts: int, seed: int
) -> tuple[Piece, ...]:
    """Assign tiles to conditions, group by group; each group starts with another condition."""
    rng = np.random.default_rng(seed)
    pieces: list[Piece] = []
    for turn, group in enumerate(sorted({r.group for r in records})):
        fields = [r for r in records if r.group == group]
        tiles = [(r, i, j) for r in fields for i in range(cuts) for j in range(cuts)]
        for n, k in enumerate(rng.permutation(len(tiles))):
            source, i, j = tiles[k]
            condition = names[(n + turn) % len(names)]
            channels = source.shape[0]
            height, width = source.shape[1] // cuts, source.shape[2] // cuts
            stem = f"{safe_name(group)}_{len(pieces) + 1}"
            record = replace(
                source,
                id=stem,
                files=(f"{safe_name(condition)}/{stem}.ome.tif",),
                scene="",
                z="",
                t="",
                depth=1,
                planes=tuple(range(channels)),
                condition=condition,
                shape=(channels, height, width),
                digest="",
            )
            pieces.append(Piece(record, source, i * height, j * width))
    return tuple(pieces)


def _sample(records: Sequence[ImageRecord], read: Reader, report: Report) -> list[FloatArray]:
    """(C, n) grey values of every record, evenly over its pixels; all values of small images."""
    step = max(1, sum(r.shape[1] * r.shape[2] for r in records) // SAMPLED_PIXELS)
    samples = []
    for i, record in enumerate(records):
        raw = read(record)
        samples.append(raw.reshape(len(raw), -1)[:, ::step].copy())
        report(Progress(i + 1, len(records), "Measuring the background"))
    return samples


def _refuse_clipping(
    control: Control, plant: Plant, records: Sequence[ImageRecord], samples: Sequence[FloatArray]
) -> None:
    channel = [c.name for c in control.channels].index(plant.channel)
    background, beyond, total = control.background[channel], 0, 0
    for values in samples:
        total += values.shape[1]
        if plant.kind == "factor" and (limits := _limits(values.dtype)):
            signal = values[channel].astype(np.float64) - background
            changed = background + plant.amount * signal
            beyond += int(((changed < limits[0] - 0.5) | (changed > limits[1] + 0.5)).sum())
    if beyond > MAX_CLIPPED * total:
        raise LeighError(
            f"With the factor {plant.amount:g}, {beyond / total:.1%} of the pixels of channel"
            f" {plant.channel} are beyond what {records[0].dtype} images can hold.",
            f"At most {MAX_CLIPPED:.1%} may be: choose a smaller factor, or one below 1.",
        )


def _limits(dtype: Any) -> tuple[int, int] | None:
    """The lowest and highest value of an integer type."""
    return (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) if dtype.kind in "iu" else None
