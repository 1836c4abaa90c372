"""A figure panel, as words and numbers from which it can be computed again."""

from dataclasses import dataclass, field

PANELS = ("counterfactual", "comparison", "map", "path", "confusion", "ranking", "residual")


@dataclass(frozen=True)
class PanelSpec:
    """One figure panel the user collected, as words and numbers that can be computed again."""

    # "counterfactual" | "map" | "path" | "confusion" | "comparison" | "ranking" | "residual"
    kind: str
    record_id: str = ""
    weights: dict[str, float] = field(default_factory=dict)
    strength: float = 1.0
    title: str = ""
    hold: tuple[str, ...] | None = (
        None  # channels that must not move; None: those in which no readout differs
    )
    plane: tuple[str, ...] = ()  # of a map: its three conditions; (): all
    network: str = ""  # of a comparison: whose decision is explained; "": the project's model
    window_um: float | None = (
        None  # of a comparison: side of what occlusion hides; None: the usual one
    )
    window_px: int | None = None  # the same in pixels of the file, where their size is not known
