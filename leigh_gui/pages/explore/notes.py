"""What must be said under the map, where the picture is not what the map suggests."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain import Condition, Counterfactual, CounterfactualPath, DecisionMap, ImageRecord


def landing_note(
    decision: DecisionMap | None,
    position: tuple[float, float],
    result: Counterfactual,
    conditions: Sequence[Condition],
) -> str:
    """Say where the model reads another condition than the region under the handle."""
    from core.latent_map.decision_regions import has_data, posterior_at

    if decision is None:
        return ""
    if result.strength == 0:
        return "No condition lies in this direction: the image stays as it is."
    landed = conditions[int(result.probabilities.argmax())].name
    if not has_data(decision, *position):
        return f"The handle is outside the data; the picture is read as {landed}."
    under = decision.conditions[int(posterior_at(decision, *position).argmax())]
    return "" if landed == under else f"The handle is in {under}, the picture lands in {landed}."


def other_condition_note(
    record: ImageRecord | None,
    result: Counterfactual | None,
    conditions: Sequence[Condition],
    plane: tuple[str, ...],
) -> str:
    """Say that the image, or its counterfactual, has a condition that the plane leaves out."""
    if record is None or not plane:
        return ""
    if result is not None and result.valid and result.strength > 0:
        read = conditions[int(result.probabilities.argmax())].name
        if read not in plane:
            return f"The picture is read as {read}: not a corner here."
    if record.condition in plane:
        return ""
    return f"The image is {record.condition}: not a corner here."


def crossing_note(
    path: CounterfactualPath | None, conditions: Sequence[Condition], plane: tuple[str, ...]
) -> str:
    """Say that the class first changes to a condition that the plane leaves out."""
    if path is None or not plane or not path.changes:
        return ""
    first = path.changes[0]
    name = conditions[first.read].name
    if name in plane:
        return ""
    return f"First read as {name}, at {first.strength * 100:.0f} %: not a corner here."
