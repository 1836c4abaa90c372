"""A ResNeXt learns to name conditions: cross-entropy on crops, and a temperature on validation
wells.
"""

import torch
from torch import Tensor
from torch.nn import functional

from core.domain import FloatArray, IntArray
from core.models.heads import fit_temperature
from core.models.resnext import ResNeXt
from core.training.trainer import Loss, Values

SMOOTHING = 0.05  # of the labels: a few wells are learned by heart soon


def naming_loss(model: ResNeXt) -> Loss:
    """Cross-entropy with smoothed labels, and the share of crops named right."""

    def loss(x: Tensor, labels: Tensor, _: torch.Generator) -> Values:
        logits = model.logits(x).float()
        right = (logits.argmax(dim=1) == labels).float().mean()
        return {
            "loss": functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING),
            "accuracy": right,
        }

    return loss


@torch.no_grad()
def set_temperature(model: ResNeXt, features: FloatArray, labels: IntArray) -> float:
    """Soften the logits by what pooled features (N, F) of whole validation fields ask for; it only
    softens.
    """
    seen = torch.from_numpy(features).to(model.temperature.device)
    model.temperature.fill_(1.0)
    temperature = fit_temperature(model.classify(seen).cpu().numpy(), labels)
    model.temperature.fill_(temperature)
    return temperature
