"""The one number that a model is known by: its accuracy, or the balanced accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNEQUAL = 3.0  # times as many images in the largest condition as in the smallest
FEW_GROUPS = 4  # wells or groups of a condition below which training and test share very few
FEWEST_GROUPS = 3  # held-out wells or groups, for an interval
BALANCED = "balanced accuracy"


@dataclass(frozen=True)
class Headline:
    """Name and value of the number, and its 95 % interval where it was measured."""

    name: str
    value: float
    low: float | None
    high: float | None


def interval_words(report: Mapping[str, Any]) -> str:
    """` [0.80-0.95]` after an accuracy; "" where too few wells were held out for an interval."""
    low, high = report.get("accuracy_low"), report.get("accuracy_high")
    return "" if low is None or high is None else f" [{low:.2f}-{high:.2f}]"


def cannot_draw(report: Mapping[str, Any]) -> str:
    """Why counterfactuals of the model prove nothing; "" where its drawing is above chance.

    A network can tell conditions apart that it cannot draw: what it then draws proves nothing.
    """
    drawing = report.get("generative", {})
    if drawing.get("above_chance") is not False:
        return ""
    right, chance = round(100 * drawing["accuracy"]), round(100 * drawing["chance"])
    return (
        "The network can tell the conditions apart but not draw the difference (as a generator it"
        f" names {right} % right, chance is {chance} %): train longer or add wells."
    )


def card_record_words(record: Mapping[str, Any]) -> str:
    """How often the evidence card was right on known pictures; "" where it was not tried."""
    if not record.get("right") or not record.get("wrong"):
        return ""
    return (
        f"On known pictures of your own {record['condition']} wells, this card calls"
        f" {record['right_green']} of {record['right']} right ones green, and"
        f" {record['wrong_green']} of {record['wrong']} wrong ones."
    )


def headline(report: Mapping[str, Any]) -> Headline | None:
    """The number of an evaluation report, also of earlier versions; None where none is claimed."""
    if report.get("accuracy") is None:
        return None
    name = str(report.get("headline", "accuracy"))
    key = "balanced_accuracy" if name == BALANCED else "accuracy"
    if report.get(key) is None:
        name = key = "accuracy"
    return Headline(name, float(report[key]), report.get(f"{key}_low"), report.get(f"{key}_high"))
