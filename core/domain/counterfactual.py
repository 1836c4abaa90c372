"""A counterfactual with its evidence, its path, and attributions to compare it with."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.domain import html
from core.domain.images import FloatArray
from core.domain.move import Move, Precision

LIGHTS = ("green", "amber", "red")  # from good to bad


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
    finding: str  # what was found, for people
    title: str = ""  # what the finding is about, where the finding alone does not say it

    @property
    def words(self) -> str:
        """Title and finding in one sentence, for tables."""
        return f"{self.title}: {self.finding}" if self.title else self.finding


@dataclass(frozen=True)
class Evidence:
    """What speaks for and against a counterfactual, or a whole direction.

    The light is the worst of its checks.
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

    All images C Y X in raw grey values at the file's own size.
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
    reason: str = ""  # why it is not shown, when not valid
    clipped: float = 0.0  # share of pixels outside the file's grey values
    xy: tuple[float, float] | None = None  # where it lands on the map, when there is one
    contraction: float = 0.0  # largest of all blocks, measured while this image was encoded
    locked: tuple[str, ...] = ()  # channels that were not allowed to move
    evidence: Evidence | None = None  # None while dragging, and where the model has no judges
    picture_error: float = (
        0.0  # estimate of the largest error of `image` by the solver, share of the range
    )
    precision: Precision = Precision.EXACT

    def channel_shares(self, spans: tuple[float, ...]) -> FloatArray:
        """(C,) share of the change each channel carries: root mean square over its display range,
        summing to 1.
        """
        size = np.sqrt(np.square(self.difference, dtype=np.float64).mean(axis=(1, 2))) / np.maximum(
            spans, 1e-12
        )
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
    """A move and the image it led to."""

    move: Move
    result: Counterfactual


METHODS = ("saliency", "integrated-gradients", "occlusion", "gradcam")  # of attribution


UNSIGNED = ("saliency",)  # of METHODS: a size, never below zero


AUTOENCODER = "autoencoder"  # beside them: what an autoencoder draws otherwise


@dataclass(frozen=True)
class Attribution:
    """Where a network looks when it tells `source` from `target`: how much every pixel speaks for
    the target.
    """

    method: str  # one of METHODS, or AUTOENCODER
    network: str  # name of the model that was asked
    record_id: str
    source: str
    target: str
    # (C, Y, X) at the file's own size; (1, Y, X) where the method knows no stains (Grad-CAM)
    values: FloatArray
    settings: dict[str, Any] = field(
        default_factory=dict
    )  # window, baseline, seconds, shares: as for tables


@dataclass(frozen=True)
class PathPoint:
    """One step of the way from the original to the target."""

    strength: float
    probabilities: FloatArray  # (K,)
    xy: tuple[float, float] | None


@dataclass(frozen=True)
class CounterfactualPath:
    """The whole way of one record toward one target; `crossing` is the strength where the class
    changes.
    """

    record_id: str
    target: str
    points: tuple[PathPoint, ...]
    crossing: float | None
