"""The confusion panel: how often the model predicts each condition correctly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from core.domain import headline


@dataclass(frozen=True)
class ConfusionPanel:
    """Held-out images by true and predicted condition."""

    title: str
    names: tuple[str, ...]
    accuracy: dict[str, Any]

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of the panel."""
        side = max(3.0, 0.33 * len(self.names) + 1.6)
        return side + 0.6, side

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        ax = figure.subplots()
        table = np.array(self.accuracy["confusion"])
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        ax.imshow(share, cmap="Greys", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(table):
            if count:
                ax.text(
                    column,
                    row,
                    str(count),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="w" if share[row, column] > 0.5 else "k",
                )
        ticks = range(len(self.names))
        ax.set_xticks(ticks, self.names, rotation=45, ha="right", fontsize=7)
        ax.set_yticks(ticks, self.names, fontsize=7)
        ax.set_xlabel("Predicted", fontsize=8)
        ax.set_ylabel("True", fontsize=8)
        main = headline(self.accuracy)
        if main is not None:
            interval = f"[{main.low:.2f}-{main.high:.2f}]" if main.low is not None else ""
            measured = f"{main.name.capitalize()} {main.value:.3f} {interval}"
            ax.set_title(
                f"{measured}\n{self.accuracy.get('interval', '')}",
                fontsize=7,
                loc="left",
            )
        if self.title:
            figure.suptitle(self.title, fontsize=9, x=0.01, ha="left")
