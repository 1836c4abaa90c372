"""The results of a screen: scored wells, ranked treatments, dose curves, audit and residual."""

from dataclasses import dataclass, field
from typing import Any

from core.domain import html
from core.domain.images import Role


@dataclass(frozen=True)
class WellScore:
    """One well of a screen: its rescue from diseased (0) to healthy (1), and other changes."""

    plate: str
    well: str
    group: str
    condition: str
    record_ids: tuple[str, ...]
    rescue: float
    off_axis: float  # distance from the disease axis; 1 is the spread of healthy wells
    nuclei: float | None  # per image; None without a nuclear channel
    intensity: tuple[float, ...]  # mean grey value above background, per channel
    unlike: bool = False  # far from all control wells


@dataclass(frozen=True)
class Ranked:
    """One treatment at one dose, with its rescue and its side effects.

    `rescue` 0 is diseased, 1 healthy; `off_axis` is the distance from the disease axis in the
    spread of healthy wells. Intervals are bootstrap intervals over wells at the level of the
    `Screen`. None: not measurable, see `flags`.
    """

    condition: str
    compound: str  # the condition without its dose
    dose_um: float | None
    role: Role
    wells: int
    rescue: float
    rescue_low: float | None
    rescue_high: float | None
    off_axis: float
    off_axis_low: float | None
    off_axis_high: float | None
    cell_count: float | None  # nuclei as share of the diseased wells of the same plates
    cell_count_low: float | None
    cell_count_high: float | None
    # Per channel, as a share of the diseased wells of the same plates; () if these are dark.
    intensity: tuple[float, ...]
    tie: int  # rank group; 1 is best, 0 is a control
    p_value: float | None  # of a rescue above 0, corrected for the number of treatments (Holm)
    hit: bool
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class DoseCurve:
    """Rescue against dose of one compound: bottom + (top - bottom) / (1 + (ec50 / dose)^slope)."""

    compound: str
    doses_um: tuple[float, ...]
    rescue: tuple[float, ...]
    bottom: float | None
    top: float | None
    slope: float | None
    ec50_um: float | None  # None unless the doses reach both plateaus
    ec50_low: float | None
    ec50_high: float | None
    reason: str = ""  # why an EC50 is not given


@dataclass(frozen=True)
class Finding:
    """One question of the audit: could `what` explain the ranking?"""

    what: str  # "plate" | "row" | "column" | "edge" | "cell count" | "position" | "background"
    score: float | None
    unit: str  # of the score: "balanced accuracy", "R2", "share of condition explained"
    chance: float | None
    p_value: float | None
    warning: str = ""  # where the reader must act


@dataclass(frozen=True)
class ResidualChange:
    """The residual of a treatment in one channel."""

    condition: str
    channel: str
    restored: float  # share of the change that is repaired; below 0: larger than before
    low: float | None
    high: float | None
    wells: int


@dataclass(frozen=True)
class Screen:
    """All results of one screen."""

    ranked: tuple[Ranked, ...]  # best first, then controls
    wells: tuple[WellScore, ...]
    channels: tuple[str, ...]
    plate_shapes: dict[str, tuple[int, int]]  # rows, columns per plate
    healthy: str
    diseased: str
    level: float  # of all intervals: 0.9
    space: str  # in which rescue is measured: "latents" | "readouts"
    normalised: str  # how plates were made comparable, as text
    quality: tuple[dict[str, Any], ...]  # Z', robust Z', SSMD: score, unit, wells, interval
    audit: tuple[Finding, ...]
    doses: tuple[DoseCurve, ...] = ()
    unrepaired: tuple[ResidualChange, ...] = ()
    notes: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    dataset_digest: str = ""
    model_digest: str = ""

    def _repr_html_(self) -> str:
        """The ranking as a table: rescue and off-axis with their intervals, hits, flags."""
        heads = ("rank", "condition", "wells", "rescue", "off-axis", "nuclei", "hit", "flags")
        rows = [
            (
                html.text(r.tie or ""),
                html.text(r.condition),
                html.text(r.wells),
                _with_interval(r.rescue, r.rescue_low, r.rescue_high),
                _with_interval(r.off_axis, r.off_axis_low, r.off_axis_high),
                "" if r.cell_count is None else f"{r.cell_count:.0%}",
                "hit" if r.hit else "",
                html.text("; ".join(r.flags)),
            )
            for r in self.ranked
        ]
        notes = "".join(f"<p>{html.text(note)}</p>" for note in self.notes)
        return html.table(heads, rows) + notes


def _with_interval(value: float, low: float | None, high: float | None) -> str:
    interval = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return f"{value:.2f}{interval}"
