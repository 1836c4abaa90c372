"""The questions to the engine: a move of an image, its path, an attribution. Equality is their key.

The window loads this file before numpy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum


class Precision(IntEnum):
    """How well an image is solved: the more, the longer it takes."""

    PREVIEW = 0  # rough, while the pointer moves; only the screen may use it
    DISPLAY = 1  # as well as a screen shows
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
        """The mix at strength 1; weights that differ by rounding alone have the same direction."""
        return Mix({name: round(weight, 4) for name, weight in self.weights if weight})


ORIGINAL = Mix({}, 0.0)  # the goal of a move that leaves the image as it is


@dataclass(frozen=True)
class MapPosition:
    """A position on the map, or on the ternary plane of three conditions."""

    xy: tuple[float, float]
    plane: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """One question to the engine: this record, moved there. Equality is its key."""

    record_id: str
    goal: Mix | MapPosition
    locked: tuple[str, ...] | None = None  # channels; None: those whose features do not differ
    precision: Precision = Precision.EXACT


@dataclass(frozen=True)
class PathRequest:
    """One question to the engine: everything between this record and strength 1 of a mix."""

    record_id: str
    mix: Mix
    locked: tuple[str, ...] | None = None
    frames: int = 21
    exact: bool = True  # whether every change of the class is found to a percent of strength


@dataclass(frozen=True)
class AttributionRequest:
    """One question to the engine: where a network looks in this record."""

    record_id: str
    method: str  # a method of attribution, or "autoencoder"
    target: str
    network: str = ""  # "": the explored one
    window_um: float | None = None  # side of what occlusion hides
    window_px: int | None = None  # the same in pixels of the file; goes before `window_um`
