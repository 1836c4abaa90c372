"""The path panel: class probabilities over the strength."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import SubFigure

from core.domain import (
    Condition,
    CounterfactualPath,
)


@dataclass(frozen=True)
class PathPanel:
    """Probabilities over the strength, with the crossing marked."""

    title: str
    conditions: tuple[Condition, ...]
    path: CounterfactualPath

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of the panel."""
        return 4.2, 2.8

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        ax = figure.subplots()
        strengths = [p.strength for p in self.path.points]
        values = np.stack([p.probabilities for p in self.path.points])
        for k, condition in enumerate(self.conditions):
            if values[:, k].max() > 0.02:
                ax.plot(strengths, values[:, k], color=condition.colour, label=condition.name)
        if self.path.crossing is not None:
            ax.axvline(self.path.crossing, color="0.3", lw=0.8, ls="--")
            side = "left" if self.path.crossing < 0.5 else "right"
            words = f" class first changes at {self.path.crossing:.2f} "
            ax.annotate(words, (self.path.crossing, 1.05), fontsize=7, ha=side, va="center")
        ax.set_xlabel(f"Strength toward {self.path.target} (0 = original, 1 = target)", fontsize=8)
        ax.set_ylabel("Probability", fontsize=8)
        ax.set(xlim=(strengths[0], strengths[-1]), ylim=(0, 1.1))
        ax.tick_params(labelsize=7)
        ax.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        figure.suptitle(self.title or self.path.record_id, fontsize=9, x=0.01, ha="left")
