"""Texts of counterfactual panels: the target of the move, and the evidence."""

from core.domain import Evidence

NAMES = {  # of the checks, as the window and the pages call them
    "judges": "independent classifiers", "readouts": "features", "rest": "what should stay",
}  # fmt: skip
VERDICTS = {"green": "ok", "amber": "doubtful", "red": "failed"}


def blend_words(weights: dict[str, float]) -> str:
    """`WT`, `60% WT + 40% TT`, or `a blend of 5`; weights below one percent are left out."""
    named = [f"{w:.0%} {n}" for n, w in weights.items() if w >= 0.01]
    if len(named) == 1:
        return max(weights, key=lambda name: weights[name])
    return "\n+ ".join(named) if len(named) <= 3 else f"a blend of {len(named)}"


def evidence_words(evidence: Evidence) -> str:
    """The light and every check: `Evidence: amber | model ok | distance ok (0.43) | ...`."""
    values = evidence.values
    judges = [name.removesuffix("_flip") for name in values if name.endswith("_flip")]
    counting = [name for name in judges if values.get(f"{name}_counts", True)]
    flips = [float(values[f"{name}_flip"]) for name in counting]
    figures = {"judges": f" ({sum(flips):.3g} of {len(flips)})" if flips else ""}
    if isinstance(values.get("distance"), float):
        figures["distance"] = f" ({max(values['distance'], 0):.2f})"
    if "readouts_recovered" in values:
        figures["readouts"] = f" ({values['readouts_recovered']:.0%})"
    parts = [
        f"{NAMES.get(c.name, c.name)} {VERDICTS[c.light]}{figures.get(c.name, '')}"
        for c in evidence.checks
    ]
    return " | ".join([f"Evidence: {evidence.light}", *parts])
