"""The verdict on one counterfactual in one sentence: the worst of its checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.domain import Counterfactual, Evidence, Precision
from core.domain.limits import EXACT_TO
from leigh_gui.widgets.common.look import percent
from leigh_gui.widgets.counterfactual.light import STATES

RULE = "Green: every check passes. Amber: one is doubtful. Red: one fails. Grey: not checked."
WORSE = ("none", "good", "warn", "bad")


def verdict(cf: Counterfactual, names: Sequence[str]) -> tuple[str, str]:
    """(light, reason) of one counterfactual in a few words.

    Never good where only the model itself was asked.
    """
    if cf.precision == Precision.PREVIEW and cf.valid:
        return "none", "A preview while you drag: rest or release for the exact picture."
    own, reason = _own_verdict(cf, names)
    evidence = evidence_of(cf)
    if evidence is None:
        return ("none" if own == "good" else own), reason
    state = STATES[evidence.light]
    if own == state == "good":
        return "good", f"Reaches {cf.target}; every check passes."
    if WORSE.index(own) >= WORSE.index(state):
        return own, reason
    first = next(check for check in evidence.checks if check.light == evidence.light)
    if first.name == "model":
        return state, _landing(cf, names)[1]
    return state, _plain(evidence, cf.target).get(first.name, first.words)


def _plain(evidence: Evidence, target: str) -> dict[str, str]:
    """Name of a check that does not pass -> its finding in one plain sentence, where known."""
    words = {}
    came, far = evidence.values.get("readouts_recovered"), evidence.values.get("distance")
    if isinstance(came, float):
        words["readouts"] = f"Only {came:.0%} of what differs came near {target}."
    if isinstance(far, float):
        near = (
            "Still as far from real {} as the original." if far >= 0.9 else "Not near real {} yet."
        )
        words["distance"] = near.format(target)
    return words


def evidence_of(cf: Counterfactual) -> Evidence | None:
    """The evidence on an image that was moved away from its own condition; else None."""
    return cf.evidence if cf.valid and cf.strength > 0 and cf.target != cf.source else None


def exaggerated(strength: float) -> bool:
    """Whether this is further than real images of the target typically are."""
    return strength > 1.005


def _own_verdict(cf: Counterfactual, names: Sequence[str]) -> tuple[str, str]:
    """What the arithmetic and the model say by themselves."""
    if not cf.valid:
        return "bad", cf.reason or "This counterfactual did not pass its checks and is not drawn."
    if cf.picture_error > EXACT_TO:
        return (
            "warn",
            (
                f"This picture is off by about {percent(cf.picture_error, 3)} of the range: a loose"
                " inverse."
            ),
        )
    if cf.clipped > 0.01:
        return (
            "warn",
            f"{percent(cf.clipped, 1)} of the pixels left the camera's range and were clipped.",
        )
    if exaggerated(cf.strength):
        return "warn", "Exaggerated: further than real images of the target typically are."
    return _landing(cf, names)


def _landing(cf: Counterfactual, names: Sequence[str]) -> tuple[str, str]:
    """Where the model says it is now."""
    predicted = names[int(np.argmax(cf.probabilities))]
    if cf.target == cf.source:
        return "none", f"It is {cf.source} already; choose another condition."
    if predicted == cf.source:
        return "none", f"Still {cf.source}: the boundary is not crossed yet."
    reached = predicted == cf.target or (
        cf.evidence is not None and cf.evidence.values.get("flip") == 1
    )
    if not reached:  # the evidence also counts conditions that do not differ from the target
        return "warn", f"It landed in {predicted}, not in {cf.target}."
    return "good", f"Reaches {cf.target}, by this model's own reading."
