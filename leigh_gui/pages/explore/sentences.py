"""Captions of the Explore page: which image this is, and where it is being moved."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain import ImageRecord
from leigh_gui.widgets.counterfactual.verdict import exaggerated


def record_caption(record: ImageRecord) -> str:
    """'plate 3 · B04 · field 2', or the id where no well is known."""
    plate = (
        f"plate {record.plate}"
        if record.plate and not record.plate.lower().startswith("plate")
        else record.plate
    )
    parts = [plate, record.well, f"field {record.site}" if record.site else ""]
    named = [p for p in parts if p]
    return " · ".join(named) if record.well else record.id


def short_caption(record: ImageRecord) -> str:
    """'B04 · 2', or the id where no well is known."""
    return (
        f"{record.well} · {record.site}"
        if record.well and record.site
        else record.well or record.id
    )


def target_caption(weights: Mapping[str, float], strength: float) -> str:
    """The target and its strength: 'Toward WT · 50 %', '70 % WT + 30 % TT · 50 %'.

    Above strength 1: 'Exaggerated to WT · 130 %'.
    """
    parts = sorted(weights.items(), key=lambda part: -part[1])
    target = " + ".join(
        name if w > 0.95 else f"{w * 100:.0f} % {name}" for name, w in parts if w > 0.05
    )
    if not target:
        return "Counterfactual"
    toward = "Exaggerated to " if exaggerated(strength) else "" if " + " in target else "Toward "
    return f"{toward}{target} · {strength * 100:.0f} %"
