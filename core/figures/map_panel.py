"""The map panel: regions, boundaries, images, and the trajectory of one moved image."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import SubFigure
from matplotlib.patheffects import Normal, Stroke

from core.domain import EXACT_PLANE, Condition, DecisionMap, LatentTable, Projection, Split
from core.latent_map.region_labels import label_places

Place = tuple[float, float]
LEGEND_LETTERS, LEGEND_ROWS = 24, 22
MARKERS = "osD^vP*X"
HALO = (Stroke(linewidth=3.0, foreground="w"), Normal())
ROUGH = "Rough regions: make the map again for better ones."
LETTERS = 80  # in a line of the notes


@dataclass(frozen=True)
class MovedImage:
    """One image and its trajectory on the map."""

    start: Place  # the image's own position
    lines: tuple[tuple[Place, ...], ...]  # of the trajectory
    ticks: tuple[Place, ...]  # on it, at every tenth of the strength
    crossings: tuple[tuple[Place, str], ...]  # where the class changes, and the colour it gets
    landing: Place
    colour: str  # of the predicted condition of the counterfactual
    words: str


@dataclass(frozen=True)
class MapPanel:
    """The map with its regions, and notes on how far it can be trusted."""

    title: str
    conditions: tuple[Condition, ...]
    latents: LatentTable
    projection: Projection
    decision: DecisionMap
    moved: MovedImage | None = None

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of the panel."""
        return 5.2 + 1.4 * (self._columns - 1), 4.2

    @property
    def _columns(self) -> int:
        """Number of columns of the legend."""
        return -(-len(self.decision.conditions) // LEGEND_ROWS)

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        ax = figure.subplots()
        decision = self.decision
        colours = [
            next((c.colour for c in self.conditions if c.name == n), "#999999")
            for n in decision.conditions
        ]
        regions = np.array([to_rgb(c) for c in colours])[decision.posterior.argmax(axis=2)]
        opacity = 0.35 * np.clip(decision.posterior.max(axis=2), 0, 1) * decision.support
        ax.imshow(
            np.dstack([regions, opacity]),
            extent=decision.extent,
            origin="lower",
            aspect="auto",
            zorder=0,
        )
        _draw_boundaries(ax, decision)
        keys = self._draw_images(ax, colours)
        for name, place in label_places(decision, self.projection.xy).items():
            label = ax.text(*place, _short(name), fontsize=7, ha="center", va="center", zorder=6)
            label.set(clip_on=True, path_effects=HALO)
        if self.moved is not None:
            draw_moved_image(ax, self.moved)
        method = self.projection.method
        exact = method == EXACT_PLANE
        method = "ternary plane" if exact else method.upper()
        if exact:
            ax.set_aspect("equal")
            ax.tick_params(labelsize=7)
        else:
            ax.set(xticks=[], yticks=[])
        unit = " (σ)" if exact else ""
        ax.set_xlabel(f"{method} 1{unit}", fontsize=8)
        ax.set_ylabel(f"{method} 2{unit}", fontsize=8)
        names = [_short(name) for name in decision.conditions]
        legend = ax.legend(
            keys,
            names,
            fontsize=7,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            ncols=self._columns,
        )
        legend.set_frame_on(False)
        notes = "\n".join(fill(note, LETTERS) for note in self._notes(exact))
        ax.set_title(notes, fontsize=7, loc="left")
        if self.title:
            figure.suptitle(self.title, fontsize=9, x=0.01, ha="left")

    def _draw_images(self, ax: Axes, colours: Sequence[str]) -> list[PathCollection]:
        """Draw the points, held-out ones filled; returns one set per condition for the legend."""
        latents, xy = self.latents, self.projection.xy
        rows = [latents.row(record_id) for record_id in self.projection.record_ids]
        conditions = np.array([latents.conditions[latents.truth[row]] for row in rows])
        training = np.array([latents.split[row] != Split.TEST for row in rows])
        keys = []
        for k, (name, colour) in enumerate(zip(self.decision.conditions, colours)):
            of_condition = conditions == name
            marker = MARKERS[(k // 8) % len(MARKERS)]
            test_x, test_y = xy[of_condition & ~training].T
            training_x, training_y = xy[of_condition & training].T
            keys.append(ax.scatter(test_x, test_y, s=14, c=colour, marker=marker, linewidths=0))
            ax.scatter(
                training_x,
                training_y,
                s=12,
                facecolors="none",
                edgecolors=colour,
                marker=marker,
                linewidths=0.6,
            )
        return keys

    def _notes(self, exact: bool) -> list[str]:
        """How far the map can be trusted, and how to read it."""
        decision = self.decision
        which = "held-out" if decision.held_out else "training (none is held out)"
        distances = "Distances are not effect sizes."
        if exact:
            distances = "Axes in standard deviations within a condition."
        fidelity = (
            f"Map agrees with the model on {decision.fidelity:.1%} of {decision.fidelity_points}"
            f" {which} images."
        )
        return [
            fidelity,
            "Filled: held out; hollow: training. Hatched: no data.",
            distances,
            *([ROUGH] if decision.rough else []),
            *([self.moved.words] if self.moved is not None else []),
        ]


def _short(name: str) -> str:
    return name if len(name) <= LEGEND_LETTERS else f"{name[: LEGEND_LETTERS - 1]}…"


def draw_moved_image(ax: Axes, moved: MovedImage) -> None:
    """Draw the image (ring), its trajectory, its crossings (diamonds) and the landing (cross)."""
    (x, y), (end_x, end_y) = moved.start, moved.landing
    for line in moved.lines:
        ax.plot(*zip(*line), color="k", lw=1.1, zorder=4, path_effects=HALO)
    if moved.ticks:
        ax.plot(*zip(*moved.ticks), "o", ms=3, mfc="k", mec="w", mew=0.5, ls="", zorder=5)
    ax.plot(x, y, "o", ms=8, mfc="none", mec="k", mew=1.2, zorder=5)
    for place, colour in moved.crossings:
        ax.plot(*place, "D", ms=6, mfc=colour, mec="k", zorder=5)
    ax.plot(end_x, end_y, "o", ms=8, mfc=moved.colour, mec="k", zorder=5)
    ax.plot(end_x, end_y, "x", ms=6, color="k", zorder=6)


def _draw_boundaries(ax: Axes, decision: DecisionMap) -> None:
    """Draw lines between regions, and hatching in areas without data."""
    x0, x1, y0, y1 = decision.extent
    height, width = decision.support.shape
    x = x0 + (np.arange(width) + 0.5) * (x1 - x0) / width
    y = y0 + (np.arange(height) + 0.5) * (y1 - y0) / height
    for k in range(len(decision.conditions)):
        others = np.delete(decision.posterior, k, axis=2).max(axis=2)
        gap = np.where(decision.support, decision.posterior[..., k] - others, np.nan)
        if np.nanmin(gap, initial=0) < 0 < np.nanmax(gap, initial=0):
            ax.contour(x, y, gap, levels=[0.0], colors="0.25", linewidths=0.8)
    empty = np.where(decision.support, np.nan, 1.0)
    if np.isfinite(empty).any():
        blank = ListedColormap([(0, 0, 0, 0)])
        ax.contourf(
            x, y, (~decision.support).astype(float), levels=[0.5, 1.5], cmap=blank, hatches=["////"]
        )
