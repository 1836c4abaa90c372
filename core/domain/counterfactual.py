"""A counterfactual with its evidence, its path, and attributions to compare it with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from core.domain import html
from core.domain.images import FloatArray

LIGHTS = ("green", "amber", "red")  # from good to bad


class Precision(IntEnum):
    """How exactly an image is solved; a higher precision takes longer."""

    PREVIEW = 0  # rough, while the handle moves; marked, and never saved
    DISPLAY = 1  # as exact as a display shows
    EXACT = 2  # to the tolerance of the solver, with evidence


@dataclass(frozen=True, init=False)
class Mix:
    """A target: weights of conditions, and how far toward them.

    Accepts a mapping or pairs; equal weights in any order are equal.
    """

    weights: tuple[tuple[str, float], ...]  # condition -> weight, sorted by name
    strength: float  # 0 = original, 1 = as far as the target condition typically is

    def __init__(
        self, weights: Mapping[str, float] | Iterable[tuple[str, float]], strength: float = 1.0
    ) -> None:
        object.__setattr__(self, "weights", tuple(sorted(dict(weights).items())))
        object.__setattr__(self, "strength", strength)

    @property
    def target(self) -> str:
        """The condition with the largest weight; "" without any."""
        return max(self.weights, key=lambda pair: pair[1], default=("", 0.0))[0]

    @property
    def direction(self) -> "Mix":
        """The mix at strength 1; weights that differ only by rounding have the same direction."""
        return Mix({name: round(weight, 4) for name, weight in self.weights if weight})


ORIGINAL = Mix({}, 0.0)  # the goal of a move that leaves the image as it is


@dataclass(frozen=True)
class MapPosition:
    """A position on the map, or on the ternary plane of three conditions."""

    xy: tuple[float, float]
    plane: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """One request to the engine: move this record to this goal. Equal moves are one request."""

    record_id: str
    goal: Mix | MapPosition
    locked: tuple[str, ...] | None = None  # channels; None: those whose features do not differ
    precision: Precision = Precision.EXACT


@dataclass(frozen=True)
class PathRequest:
    """One request to the engine: the path from this record to strength 1 of a mix."""

    record_id: str
    mix: Mix
    locked: tuple[str, ...] | None = None
    frames: int = 21


@dataclass(frozen=True)
class AttributionRequest:
    """One request to the engine: where a network looks in this record."""

    record_id: str
    method: str  # one of METHODS, or AUTOENCODER
    target: str
    network: str = ""  # "": the project's model
    window_um: float | None = None  # side of the window that occlusion hides
    window_px: int | None = None  # the same in pixels of the file; used before `window_um`


CHECKS = ("model", "judges", "distance", "readouts", "rest")  # of an evidence card, in this order


@dataclass(frozen=True)
class Check:
    """One line of an evidence card."""

    name: str  # one of CHECKS
    light: str  # "green" | "amber" | "red"
    finding: str  # one sentence for people
    title: str = ""  # the subject of the finding, where the finding does not name it

    @property
    def words(self) -> str:
        """Title and finding in one sentence, for tables."""
        return f"{self.title}: {self.finding}" if self.title else self.finding


@dataclass(frozen=True)
class Evidence:
    """The evidence card of a counterfactual, or of a whole direction.

    Its light is the light of the worst check.
    """

    checks: tuple[Check, ...]
    values: dict[str, float | bool | str]  # every figure behind the checks, for tables

    @property
    def light(self) -> str:
        """green: every check holds; amber: at least one is doubtful; red: at least one fails."""
        return max((c.light for c in self.checks), key=LIGHTS.index, default="red")

    def _repr_html_(self) -> str:
        rows = [
            (html.text(check.name), html.light(check.light), html.text(check.words))
            for check in self.checks
        ]
        return html.table(("check", "light", "finding"), rows)


@dataclass(frozen=True)
class Counterfactual:
    """One record moved toward other conditions.

    All images are C Y X, in raw grey values at the file's own size.
    """

    record_id: str
    source: str
    weights: dict[str, float]  # condition -> weight, sum 1
    strength: float  # 0 = original, 1 = as far as the target condition typically is
    original: FloatArray
    image: FloatArray
    difference: FloatArray
    probabilities: FloatArray  # (K,) of the re-encoded counterfactual
    coordinates: FloatArray  # (K-1,) of the re-encoded counterfactual
    roundtrip_error: float  # share of the range, worst channel
    valid: bool = True
    reason: str = ""  # why an invalid one is not shown
    clipped: float = 0.0  # share of pixels outside the file's grey values
    xy: tuple[float, float] | None = None  # landing point on the map, if there is a map
    contraction: float = 0.0  # largest Lipschitz estimate of all blocks, for this image
    locked: tuple[str, ...] = ()  # names of the locked channels
    evidence: Evidence | None = None  # None during a drag, and without evidence models
    picture_error: float = 0.0  # estimated largest error of `image`, as a share of the range
    precision: Precision = Precision.EXACT

    def channel_shares(self, spans: tuple[float, ...]) -> FloatArray:
        """(C,) share of the change in each channel, sum 1: root mean square over display range."""
        root_mean_square = np.sqrt(np.square(self.difference, dtype=np.float64).mean(axis=(1, 2)))
        size = root_mean_square / np.maximum(spans, 1e-12)
        shares: FloatArray = size / size.sum() if size.sum() > 0 else size
        return shares

    def _repr_html_(self) -> str:
        """Original, counterfactual and difference of every channel, then the evidence."""
        goal = " + ".join(f"{share:.0%} {name}" for name, share in self.weights.items())
        head = f"{self.record_id}: {self.source} to {goal}, strength {self.strength:g}"
        if not self.valid:
            return f"<p>{html.text(head)}: no counterfactual. {html.text(self.reason)}</p>"
        limit = float(np.abs(self.difference).max())
        rows = []
        for before, after, change in zip(self.original, self.image, self.difference, strict=True):
            low, high = (float(v) for v in np.percentile(before, (0.5, 99.5)))
            pictures = [html.grey_picture(plane, low, high) for plane in (before, after)]
            rows.append((*pictures, html.difference_picture(change, limit)))
        heads = ("original", "counterfactual", f"difference, ±{limit:.4g} grey values")
        evidence = self.evidence._repr_html_() if self.evidence is not None else ""
        return f"<p>{html.text(head)}</p>{html.table(heads, rows)}{evidence}"

    @property
    def target(self) -> str:
        """The condition with the largest weight."""
        return max(self.weights, key=lambda name: self.weights[name])


@dataclass(frozen=True)
class Answer:
    """A move and its counterfactual."""

    move: Move
    result: Counterfactual


METHODS = ("saliency", "integrated-gradients", "occlusion", "gradcam")  # of attribution
UNSIGNED = ("saliency",)  # methods whose values are never negative
AUTOENCODER = "autoencoder"  # a further method: the change that an autoencoder draws


@dataclass(frozen=True)
class Attribution:
    """Where a network looks when it decides between `source` and `target`.

    A positive value means that the pixel speaks for the target.
    """

    method: str  # one of METHODS, or AUTOENCODER
    network: str  # name of the explained model
    record_id: str
    source: str
    target: str
    # (C, Y, X) at the file's own size; (1, Y, X) for a method without channels (Grad-CAM).
    values: FloatArray
    # Window, baseline, seconds and shares, as in the tables.
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PathPoint:
    """One point of the path from the original to the target."""

    strength: float
    probabilities: FloatArray  # (K,)
    xy: tuple[float, float] | None


@dataclass(frozen=True)
class CounterfactualPath:
    """The path of one record toward a target; `crossing` is the strength at the class change."""

    record_id: str
    target: str
    points: tuple[PathPoint, ...]
    crossing: float | None
