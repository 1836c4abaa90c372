"""A figure panel, as words and numbers from which it can be computed again."""

from dataclasses import dataclass, field

PANELS = ("counterfactual", "comparison", "map", "path", "confusion", "ranking", "residual")


@dataclass(frozen=True)
class PanelSpec:
    """One figure panel, described so that it can be computed again."""

    # "counterfactual" | "map" | "path" | "confusion" | "comparison" | "ranking" | "residual"
    kind: str
    record_id: str = ""
    weights: dict[str, float] = field(default_factory=dict)
    strength: float = 1.0
    title: str = ""
    hold: tuple[str, ...] | None = None  # locked channels; None: chosen automatically
    plane: tuple[str, ...] = ()  # of a map: three conditions; (): all
    network: str = ""  # of a comparison: the network that is explained; "": the project's model
    window_um: float | None = None  # of a comparison: side of the occlusion window; None: default
    window_px: int | None = None  # the same in pixels of the file, without a known pixel size
