"""A counterfactual with its evidence, its path, and attributions to compare it with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from core.domain import html
from core.domain.images import FloatArray
from core.domain.move import Move, Precision

LIGHTS = ("green", "amber", "red")  # from good to bad
LEAST_FACTOR, LEAST_LIFT = 0.005, 0.5  # of a brightness and a background worth saying


CHECKS = (
    "model",
    "judges",
    "distance",
    "readouts",
    "rest",
)  # of every evidence card, in this order


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
    # (C,) factor of the signal above background, and change of the background in grey values; ():
    # the network moves brightness and pattern together.
    brightness: tuple[float, ...] = ()
    background: tuple[float, ...] = ()
    detail: tuple[float, ...] = ()  # (C,) factor of the fine detail; (): nowhere
    moves_pattern: bool = True  # False where source and target do not differ in pattern
    own_probabilities: FloatArray | None = None  # (K,) of the original; None in a preview

    def brightness_words(self, channels: Sequence[str]) -> str:
        """What changed as a whole, by channel name, and whether the pattern changed, too."""
        parts = []
        for name, factor, lift in zip(channels, self.brightness, self.background, strict=True):
            if abs(factor - 1) >= LEAST_FACTOR:
                parts.append(
                    f"{name} {abs(factor - 1):.0%} {'brighter' if factor > 1 else 'dimmer'}"
                )
            if abs(lift) >= LEAST_LIFT:
                parts.append(f"background of {name} {lift:+.4g} grey values")
        for name, factor in zip(channels, self.detail):
            if abs(factor - 1) >= LEAST_FACTOR:
                more = "more" if factor > 1 else "less"
                parts.append(f"{name} {abs(factor - 1):.0%} {more} fine detail")
        words = ", ".join(parts) or "the same"
        return f"{words}; {'pattern changes, too' if self.moves_pattern else 'pattern stays'}"

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
    # (C, Y'', X'') grey values in small, for a film strip; None where it is not drawn.
    picture: FloatArray | None = field(default=None, compare=False, repr=False)
    # To real images, as a share of the usual distance among them: above 1, none is like it.
    distance: float | None = None

    @property
    def read(self) -> int:
        """Index of the condition that the model reads."""
        return int(self.probabilities.argmax())

    @property
    def is_far(self) -> bool:
        """Whether the picture is farther from real images than they are from one another."""
        return self.distance is not None and self.distance > 1


@dataclass(frozen=True)
class CounterfactualPath:
    """The path of one record toward a target; `crossing` is the strength at the class change."""

    record_id: str
    target: str
    points: tuple[PathPoint, ...]  # rising in strength
    crossing: float | None
    exact: bool = True  # False: changes of the class are known to the next frame only

    @property
    def changes(self) -> tuple[PathPoint, ...]:
        """The points that are read as another condition than the point before; () unless exact."""
        if not self.exact:
            return ()
        return tuple(b for a, b in pairwise(self.points) if a.read != b.read)

    @property
    def far(self) -> tuple[tuple[float, float], ...]:
        """Stretches of strength whose pictures are farther from real images than usual.

        A stretch ends half way to the next point that is not far.
        """
        stretches: list[tuple[float, float]] = []
        for k, point in enumerate(self.points):
            if not point.is_far:
                continue
            before = self.points[max(k - 1, 0)].strength
            after = self.points[min(k + 1, len(self.points) - 1)].strength
            low, high = (before + point.strength) / 2, (point.strength + after) / 2
            if stretches and abs(stretches[-1][1] - low) < 1e-9:
                low = stretches.pop()[0]
            stretches.append((low, high))
        return tuple(stretches)
