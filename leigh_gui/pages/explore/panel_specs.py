"""What is on show as a panel of a figure."""

from __future__ import annotations

from dataclasses import replace

from core.domain import PanelSpec
from leigh_gui.state import AppState


def panel_spec(state: AppState, kind: str = "counterfactual") -> PanelSpec | None:
    """The panel of this kind; None where there is nothing that a figure can show."""
    if kind == "confusion":
        return PanelSpec(kind, title="Confusion table")
    view, mix, result = state.view, state.mix, state.counterfactual
    record = state.record(view.current)
    stays = record is None or {name for name, _ in mix.weights} == {record.condition}
    if kind == "map":
        title = f"Ternary plane of {', '.join(view.plane)}" if view.plane else "Decision map"
        plain = PanelSpec(kind, title=title, plane=view.plane)
        invalid = result is None or not result.valid
        if record is None or stays or mix.strength == 0 or invalid:
            return plain
        return replace(
            plain,
            record_id=record.id,
            weights=dict(mix.weights),
            strength=mix.strength,
            title=f"{title}, {record.id} → {mix.target} {mix.strength:.0%}",
            hold=view.move.locked,
        )
    if record is None or stays:
        return None
    if kind == "counterfactual" and (result is None or not result.valid):
        return None
    title = f"{record.condition} → {mix.target}, {record.well or record.id}"
    locked = view.move.locked
    return PanelSpec(kind, record.id, dict(mix.weights), mix.strength, title, locked)
