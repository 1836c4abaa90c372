"""The side of what occlusion hides: in micrometres, or in pixels where their size is not known."""

from __future__ import annotations

from leigh_gui.settings import Settings
from leigh_gui.state import AppState

USUAL_UM, USUAL_PX = 8.0, 16.0  # as in core.attribution.methods
RANGE_UM, RANGE_PX = (1.0, 100.0), (2.0, 512.0)


class OcclusionWindow:
    """Remembered between starts."""

    def __init__(self, state: AppState, settings: Settings) -> None:
        self.state, self.settings = state, settings

    @property
    def in_um(self) -> bool:
        """Whether the size of a pixel is known."""
        dataset = self.state.project.dataset if self.state.project is not None else None
        return dataset is not None and bool(dataset.pixel_size_um)

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest side that can be chosen."""
        return RANGE_UM if self.in_um else RANGE_PX

    @property
    def side(self) -> float:
        """Micrometres, or pixels of the file."""
        if self.in_um:
            side = round(self.settings.number("window-um", USUAL_UM), 1)
        else:
            side = round(self.settings.number("window-px", USUAL_PX))
        least, most = self.limits
        return min(max(side, least), most)

    def set_side(self, side: float) -> None:
        """Remember another side."""
        self.settings.set_number("window-um" if self.in_um else "window-px", side)

    @property
    def side_um(self) -> float | None:
        """None where the size of a pixel is not known."""
        return self.side if self.in_um else None

    @property
    def side_px(self) -> int | None:
        """None where the side is in micrometres."""
        return None if self.in_um else round(self.side)
