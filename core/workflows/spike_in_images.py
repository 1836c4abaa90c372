"""A known change to plant in copies of a lab's own images: what it does, and which images get it.

Inside every group (well) images are dealt in turn to "untouched" and to each plant, so that every
group holds all of them and no difference between wells can explain the plant.
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
SMALLEST_TILE, SMALLEST_SEEN = 192, 96  # pixels a side: in the file, and as the network sees them


@dataclass(frozen=True)
class Plant:
    """One change of one channel: `kind` "factor" (fold of the signal above background) or "blur"
    (sigma in pixels).
    """

    channel: str
    kind: str
    amount: float

    @property
    def name(self) -> str:
        """The condition of the images that carry it."""
        return (
            f"{self.channel} x{self.amount:g}"
            if self.kind == "factor"
            else f"{self.channel} blur {self.amount:g}"
        )

    @property
    def words(self) -> str:
        """As the subject of a sentence."""
        if self.kind == "factor":
            return f"A {self.amount:g}-fold {self.channel}"
        return f"{self.channel} spread by {self.amount:g} pixels"

    def apply(self, raw: FloatArray, place: int, background: float) -> FloatArray:
        """A copy of `raw` (C Y X) with the plant in channel `place`, rounded and clipped to the
        type of `raw`.

        factor: background + F (raw - background); blur: Gaussian of sigma S pixels that keeps the
        total.
        """
        plane = raw[place].astype(np.float64)
        if self.kind == "factor":
            plane = background + self.amount * (plane - background)
        else:
            plane = gaussian_filter(plane, self.amount, mode="reflect")
        if limits := _limits(raw.dtype):
            plane = np.clip(np.rint(plane), *limits)
        out = raw.copy()
        out[place] = plane.astype(raw.dtype)
        return out


@dataclass(frozen=True)
class Piece:
    """One image of the control: its new record, and the field of the user's project that it was cut
    from.
    """

    record: ImageRecord
    source: ImageRecord
    top: int
    left: int

    def cut(self, raw: FloatArray) -> FloatArray:
        """Its part (C Y X) of the whole field."""
        _, height, width = self.record.shape
        return raw[:, self.top : self.top + height, self.left : self.left + width]


@dataclass(frozen=True)
class Control:
    """A plan of planted images: which, where, and above which background."""

    condition: str  # of the user's project, in whose images is planted
    plants: tuple[Plant, ...]
    channels: tuple[Channel, ...]
    pieces: tuple[Piece, ...]
    split: dict[str, str]  # group -> Split value, as the training will draw it
    background: tuple[float, ...]  # per channel, raw grey values
    cuts: int  # every field is cut into cuts x cuts tiles

    def planted(self, plant: Plant, raw: FloatArray) -> FloatArray:
        """`raw` (C Y X) as it looks with the plant."""
        place = [c.name for c in self.channels].index(plant.channel)
        return plant.apply(raw, place, self.background[place])


def parse_plants(words: Sequence[str], channels: Sequence[Channel]) -> tuple[Plant, ...]:
    """Plants from `channel=NAME,factor=F` or `channel=NAME,blur=S`.

    Raises LeighError naming channel and value.
    """
    plants = tuple(_parse(word, [c.name for c in channels]) for word in words)
    names = [p.name for p in plants]
    if twice := [name for name in names if names.count(name) > 1]:
        raise LeighError(f"The plant {twice[0]} is given twice.", "Give each --plant once.")
    return plants


def _parse(word: str, known: Sequence[str]) -> Plant:
    match = re.fullmatch(r"\s*channel=(.+),\s*(factor|blur)=([^,=]*)", word)
    if match is None:
        raise LeighError(f"{word!r} is no plant.", SYNTAX)
    wanted, kind, text = match[1].strip(), match[2], match[3].strip()
    found = [n for n in known if n == wanted] or [
        n for n in known if n.casefold() == wanted.casefold()
    ]
    if len(found) != 1:
        raise LeighError(f"The images have no channel {wanted}.", f"They have {', '.join(known)}.")
    low, high = LIMITS[kind]
    unit = "-fold" if kind == "factor" else " pixels"
    try:
        amount = float(text)
    except ValueError:
        raise LeighError(
            f"The {kind} {text!r} of channel {found[0]} is no number.", SYNTAX
        ) from None
    if not (math.isfinite(amount) and low <= amount <= high):
        between = f"Choose one between {low:g} and {high:g}{unit}."
        raise LeighError(f"The {kind} {text} of channel {found[0]} is out of range.", between)
    if kind == "factor" and amount == 1:
        raise LeighError(
            f"The factor 1 of channel {found[0]} changes nothing.",
            "Choose another, for example 0.7.",
        )
    return Plant(found[0], kind, amount)


def plan(
    dataset: Dataset,
    plants: Sequence[Plant],
    *,
    source: str | None = None,
    seed: int = 0,
    report: Report = silent,
) -> Control:
    """Deal the images of one condition to the plants and measure its background; nothing is
    written.

    Raises LeighError where the images are too few, or where a plant would clip more than
    MAX_CLIPPED of the pixels.
    """
    condition = _source(dataset, source)
    records = [r for r in dataset.records if r.condition == condition]
    cuts = _cuts(records, condition, len(plants) + 1)
    pieces = _deal(records, [UNTOUCHED, *(p.name for p in plants)], cuts, seed)
    split = split_by_group([p.record for p in pieces], seed=seed)
    samples = _sample(records, reader(dataset), report)
    known = [
        values for record, values in zip(records, samples) if split[record.group] == Split.TRAIN
    ]
    background = tuple(
        float(v)
        for v in np.percentile(np.concatenate(known, axis=1), BACKGROUND_PERCENTILE, axis=1)
    )
    control = Control(condition, tuple(plants), dataset.channels, pieces, split, background, cuts)
    for plant in plants:
        _refuse_clipping(control, plant, records, samples)
    return control


def _source(dataset: Dataset, wanted: str | None) -> str:
    """The condition asked for; else the healthy one; else that with most groups,
    then most records.
    """
    counts = dataset.counts()
    present = [name for name in dataset.condition_names if counts[name]]
    if wanted is not None and wanted not in present:
        raise LeighError(
            f"There are no images of {wanted}.", f"Conditions are {', '.join(present)}."
        )
    if not present:
        raise LeighError("The project has no records.", "Scan a folder of images first.")
    healthy = [c.name for c in dataset.conditions if c.role == Role.HEALTHY and c.name in present]
    groups = {
        name: len({r.group for r in dataset.records if r.condition == name}) for name in present
    }
    return wanted or (healthy or sorted(present, key=lambda n: (-groups[n], -counts[n])))[0]


def _cuts(records: Sequence[ImageRecord], condition: str, shares: int) -> int:
    """The fewest cuts per side (1: whole fields) with which every group has an image for every
    share.

    Tiles of large fields are averaged down less than the fields were, so the network sees them in
    finer detail.
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
    seen = (
        side
        // cuts
        // choose_downscale([(r.shape[1] // cuts, r.shape[2] // cuts) for r in records])
    )
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
    """Pieces in the order of their groups; each group begins with another condition, so that shares
    are even.
    """
    rng = np.random.default_rng(seed)
    pieces: list[Piece] = []
    for turn, group in enumerate(sorted({r.group for r in records})):
        places = [
            (r, i, j) for r in records if r.group == group for i in range(cuts) for j in range(cuts)
        ]
        for n, k in enumerate(rng.permutation(len(places))):
            source, i, j = places[k]
            condition = names[(n + turn) % len(names)]
            channels, height, width = (
                source.shape[0],
                source.shape[1] // cuts,
                source.shape[2] // cuts,
            )
            stem = f"{safe_name(group)}_{len(pieces) + 1}"
            record = replace(
                source,
                id=stem,
                files=(f"{safe_name(condition)}/{stem}.ome.tif",),
                planes=tuple(range(channels)),
                condition=condition,
                shape=(channels, height, width),
                digest="",
            )
            pieces.append(Piece(record, source, i * height, j * width))
    return tuple(pieces)


def _sample(records: Sequence[ImageRecord], read: Reader, report: Report) -> list[FloatArray]:
    """(C, n) grey values of every record, evenly spread over it; all of them where the images are
    small.
    """
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
    place = [c.name for c in control.channels].index(plant.channel)
    background, beyond, total = control.background[place], 0, 0
    for values in samples:
        total += values.shape[1]
        if plant.kind == "factor" and (limits := _limits(values.dtype)):
            grown = background + plant.amount * (values[place].astype(np.float64) - background)
            beyond += int(((grown < limits[0] - 0.5) | (grown > limits[1] + 0.5)).sum())
    if beyond > MAX_CLIPPED * total:
        raise LeighError(
            f"With the factor {plant.amount:g}, {beyond / total:.1%} of the pixels of channel"
            f" {plant.channel} are beyond what {records[0].dtype} images can hold.",
            f"At most {MAX_CLIPPED:.1%} may be: choose a smaller factor, or one below 1.",
        )


def _limits(dtype: Any) -> tuple[int, int] | None:
    """The lowest and highest value of an integer type."""
    return (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) if dtype.kind in "iu" else None
