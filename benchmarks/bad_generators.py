"""Counterfactuals that are wrong on purpose, for which the evidence card must be red."""

# ruff: noqa: TID253 - the window never imports this module

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.cultures import Culture, Cultures, Way
from core.counterfactual.encode_decode import read_logits
from core.data.preprocessing import from_network, to_network
from core.domain import FloatArray
from core.evidence.contrast import CounterfactualMeasurements
from core.evidence.empty_ground import change_in_ground

SMALL, LARGE = 0.1, 0.25  # sizes of the attack, network units (a field's spread is 0.5)
ATTACK_STEPS = 20
RESCALE = 1.6
SIDE_EFFECT = 1.4  # of the cytoskeleton
Make = Callable[[Culture], FloatArray]


def bad_generators(way: Way, cultures: Cultures, mover: Any) -> dict[str, dict[str, Any]]:
    """Generator -> light of the card over all cultures, and finding of every check."""
    session = mover.session
    direction = session.evidence.direction(*way)
    lights = {}
    for name, make in generators(way, cultures, session).items():
        moved = [_moved(c, c.images[way[0]], make(c), session) for c in cultures.cultures]
        evidence = direction.assess(moved)
        lights[name] = {
            "light": evidence.light,
            "checks": {c.name: [c.light, c.words] for c in evidence.checks},
        }
    return lights


def generators(way: Way, cultures: Cultures, session: Any) -> dict[str, Make]:
    """Seven bad generators, and the truth; each makes an image (C, Y, X) in grey values."""
    source, target = way
    offset = np.array(session.card.preprocessing.offset)[:, None, None]
    every = cultures.cultures
    shift = np.mean([c.images[target] - c.images[source] for c in every], axis=0)

    def scaled(image: FloatArray, channel: int, factor: float) -> FloatArray:
        gains = np.ones((len(image), 1, 1))
        gains[channel] = factor
        rescaled: FloatArray = (offset + (image - offset) * gains).astype(np.float32)
        return rescaled

    def nearest(culture: Culture) -> FloatArray:
        others = [c for c in every if c.seed != culture.seed]
        away = [float(((c.images[target] - culture.images[source]) ** 2).mean()) for c in others]
        return others[int(np.argmin(away))].images[target]

    return {
        "truth": lambda c: c.images[target],
        "identity": lambda c: c.images[source],
        "adversarial, small": lambda c: attacked(c.images[source], target, SMALL, session),
        "adversarial, large": lambda c: attacked(c.images[source], target, LARGE, session),
        "mean-image shift": lambda c: c.images[source] + shift,
        "one-channel rescale": lambda c: scaled(c.images[source], 2, RESCALE),
        "nearest real image": nearest,
        "truth plus side effect": lambda c: scaled(c.images[target], 1, SIDE_EFFECT),
    }


def attacked(raw: FloatArray, target: str, size: float, session: Any) -> FloatArray:
    """Projected gradient descent on the model's logits, L-infinity (Madry 2018, 1706.06083)."""
    card, model = session.card, session.model
    x = torch.from_numpy(to_network(card.preprocessing, raw))[None].to(session.device)
    label = torch.tensor([card.condition_names.index(target)], device=session.device)
    change = torch.zeros_like(x)
    for _ in range(ATTACK_STEPS):
        change.requires_grad_()
        loss = torch.nn.functional.cross_entropy(model.logits(x + change), label)
        (slope,) = torch.autograd.grad(loss, change)
        change = (change.detach() - 0.15 * size * slope.sign()).clamp(-size, size)
    moved = from_network(card.preprocessing, (x + change)[0].cpu().numpy())
    return raw + moved - from_network(card.preprocessing, x[0].cpu().numpy())


def _moved(
    culture: Culture, before: FloatArray, after: FloatArray, session: Any
) -> CounterfactualMeasurements:
    from scipy.special import softmax

    spans = np.array(session.card.preprocessing.span)[:, None, None]
    logits = read_logits(session.model, to_network(session.card.preprocessing, after))
    return CounterfactualMeasurements(
        before=session.evidence.panel.measure(before),
        after=session.evidence.panel.measure(after),
        probabilities=softmax(logits),
        difference=(((after - before) / spans) ** 2).sum(axis=(1, 2)),
        cells=session.evidence.panel.cells(before, after),
        ground=change_in_ground(before, after, spans[:, 0, 0]),
    )
