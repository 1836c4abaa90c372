"""What every figure panel offers to a sheet: its size, and how it is drawn."""

from typing import Protocol

from matplotlib.figure import SubFigure


class Panel(Protocol):
    """A panel of a figure; the kinds are in the files `*_panel.py`."""

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height."""

    def draw(self, figure: SubFigure) -> None:
        """Draw the panel into its part of the sheet."""
