"""Summarise the figures of all seeds for `leigh bench real`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

NETWORK, RATIO = "network", "ratio of class means"
TRIVIAL = ("nothing", RATIO, "transport")
# How far each figure is from that of the truth.
FAULTS: dict[str, Callable[[float], float]] = {
    "effectiveness": lambda e: abs(e - 1),
    "amplification": lambda a: a,
    "off_channel": lambda off: off,
}
EVEN = 0.005  # figures this near count as even

Figures = Mapping[str, float]


def summary(of_seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Figures per kind of change, medians over seeds; the card over all kinds and seeds.

    `pareto_losses` are the kinds on which a trivial answer is at least as good in effect,
    amplification and leak together, and better in one of them.
    """
    kinds, lost = {}, []
    for kind in dict.fromkeys(row["kind"] for row in of_seeds):
        answers = medians([row["answers"] for row in of_seeds if row["kind"] == kind])
        kinds[kind] = _of_kind(answers)
        if "effectiveness" in answers[NETWORK] and any(
            is_beaten(answers[NETWORK], answers[name]) for name in TRIVIAL
        ):
            lost.append(kind)
    cards = [row["card"] for row in of_seeds if row.get("card")]
    return {
        "kinds": kinds,
        "pareto_losses": lost,
        **{key: _mean(cards, key) for key in ("card_auc", "truth_green", "wrong_green")},
        "card": _lights(cards),
    }


def medians(answers: Sequence[Mapping[str, Figures]]) -> dict[str, dict[str, float]]:
    """Median over seeds of every figure, by answer."""
    return {
        name: {
            key: float(np.median([row[name][key] for row in answers if name in row]))
            for key in figures
        }
        for name, figures in answers[0].items()
    }


def is_beaten(ours: Figures, other: Figures) -> bool:
    """Whether another answer is as good in all figures, and better in one."""
    ahead = [fault(ours[key]) - fault(other[key]) for key, fault in FAULTS.items()]
    return min(ahead) >= -EVEN and max(ahead) > EVEN


def _of_kind(answers: Mapping[str, Figures]) -> dict[str, float | None]:
    ours, ratio = answers[NETWORK], answers[RATIO]
    keys = {"e": "effectiveness", "a": "amplification", "off": "off_channel"}
    return {
        **{short: ours.get(key) for short, key in keys.items()},
        "empty": ours["empty"],
        "size": ours["size"],
        "corr_vs_oracle": ours.get("smoothed_corr"),
        **{f"baseline_{short}": ratio.get(key) for short, key in keys.items()},
    }


def _mean(cards: Sequence[Mapping[str, Any]], key: str) -> float | None:
    return float(np.mean([card[key] for card in cards])) if cards else None


def _lights(cards: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Kind of picture -> number of green, amber and red lights of single images."""
    lights: dict[str, list[int]] = {}
    for card in cards:
        for name, counts in card["single"].items():
            lights[name] = [a + b for a, b in zip(lights.get(name, [0, 0, 0]), counts)]
    return lights
