"""What a counterfactual panel says in words: where the image was moved, and what its
evidence is.
"""

from core.domain import Evidence


def blend_words(weights: dict[str, float]) -> str:
    """`WT`, or `60% WT + 40% TT`; what is below one percent is left out, more than three are `a
    blend of 5`.
    """
    named = [f"{w:.0%} {n}" for n, w in weights.items() if w >= 0.01]
    if len(named) == 1:
        return max(weights, key=lambda name: weights[name])
    return "\n+ ".join(named) if len(named) <= 3 else f"a blend of {len(named)}"


def evidence_words(evidence: Evidence) -> str:
    """'Evidence: amber | model ok | judges doubtful (2 of 3) | distance ok (0.43) | ...': light and
    every check.
    """
    verdicts = {"green": "ok", "amber": "doubtful", "red": "failed"}
    values = evidence.values
    flips = [
        float(v)
        for name, v in values.items()
        if name.startswith("judge") and name.endswith("_flip")
    ]
    figures = {"judges": f" ({sum(flips):.3g} of {len(flips)})" if flips else ""}
    if isinstance(values.get("distance"), float):
        figures["distance"] = f" ({max(values['distance'], 0):.2f})"
    if "readouts_recovered" in values:
        figures["readouts"] = f" ({values['readouts_recovered']:.0%})"
    parts = [f"{c.name} {verdicts[c.light]}{figures.get(c.name, '')}" for c in evidence.checks]
    return " | ".join([f"Evidence: {evidence.light}", *parts])
