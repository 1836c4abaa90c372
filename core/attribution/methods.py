"""Attribution: which pixels a classifier's decision depends on, by four published methods.

Saliency (Simonyan et al. 2013, arXiv 1312.6034), integrated gradients (Sundararajan et al. 2017,
arXiv 1703.01365), occlusion (Zeiler & Fergus 2013, arXiv 1311.2901) and Grad-CAM (Selvaraju et al.
2017, arXiv 1610.02391), computed by captum. All explain one score: the logit of the target
condition minus the logit of the record's own condition. Without a target, the score is the own
logit minus the mean of the others. Attribution shows where a network looks, not what a treatment
would change.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Saliency
from torch import Tensor, nn
from torch.nn import functional

from core.attribution.occlusion import BATCH, Score, occlusion
from core.data.preprocessing import at_full_size, to_network
from core.domain import METHODS, Attribution, FloatArray, ModelCard
from core.errors import LeighError
from core.io.models import condition_index
from core.models.iresnet import IResNet, pad_field
from core.progress import Progress, Report, silent, with_time_left

BATCH_SIDE = 128  # fields of this side (pixels) are computed in batches of BATCH
STEPS = 32  # from background to image; on the demo, the sum is then within 1 % of the score
WINDOW_UM = 8.0  # about the size of a nucleus
WINDOW_PX = 16  # without a known pixel size


@dataclass(frozen=True)
class Window:
    """Side of the window that occlusion hides, in micrometres, or in pixels of the file (`px`)."""

    um: float = WINDOW_UM
    px: int | None = None

    def network_px(self, pixel_size_um: float | None, downscale: int) -> int:
        """Side in network pixels, at least 2.

        Raises LeighError for a side of zero or less.
        """
        if (self.px is not None and self.px <= 0) or not self.um > 0:
            raise LeighError("The window of occlusion has no size.", "Give a side above zero.")
        from_um = self.um / pixel_size_um if pixel_size_um else WINDOW_PX
        return max(2, round((self.px or from_um) / downscale))


@dataclass(frozen=True)
class Question:
    """The question to explain: the decision for `target` against `source`."""

    method: str  # one of METHODS
    source: str
    target: str = ""  # "": `source` against the mean of the others
    record_id: str = ""
    window: Window = Window()  # of occlusion
    pixel_size_um: float | None = None  # None: from the model card


def attribute(
    network: nn.Module,
    card: ModelCard,
    raw: FloatArray,
    question: Question,
    report: Report = silent,
) -> Attribution:
    """Explain one record.

    Parameters
    ----------
    network
        Has `logits(x)`, (N, C, H, W) -> (N, K) in the order of the card's conditions.
    card
        Its model card.
    raw
        (C, Y, X) grey values of the whole field.
    question
        Method, conditions and window.
    report
        Receives the progress; may raise Cancelled.

    Raises
    ------
    LeighError
        For an unknown method or condition, and where source and target are the same.
    """
    method, source, target = question.method, question.source, question.target
    if method not in METHODS:
        raise LeighError(
            f"No explanation is called {method}.", f"Choose one of {', '.join(METHODS)}."
        )
    score = score_of(network, card, source, target)
    x, empty = network_input(network, card, raw)
    settings: dict[str, Any] = {"score": score_words(source, target), "model_digest": card.digest}
    report = with_time_left(report)
    report(Progress(0, 1, f"Explaining by {method}"))
    network.eval()
    if method == "saliency":
        values = Saliency(score).attribute(x.requires_grad_())
    elif method == "gradcam":
        values = _gradcam(network, score, x)
        settings["relu"] = False
    elif method == "occlusion":
        pixel_size_um = question.pixel_size_um or card.pixel_size_um
        side = question.window.network_px(pixel_size_um, card.preprocessing.downscale)
        values = occlusion(score, x, empty, side, report)
        settings |= {"window_px": side * card.preprocessing.downscale, "baseline": "background"}
    else:
        values, gap = _integrated(score, x, empty, report)
        settings |= {"steps": STEPS, "baseline": "background", "completeness_gap": gap}
    attribution = values.detach()[0].float().cpu().numpy()
    if not np.isfinite(attribution).all():
        raise LeighError(
            f"{method} of {question.record_id} is not a number.",
            "The model is damaged; train again.",
        )
    at_size = at_full_size(card.preprocessing, attribution, raw.shape)
    return Attribution(method, card.name, question.record_id, source, target, at_size, settings)


def score_of(network: Any, card: ModelCard, source: str, target: str = "") -> Score:
    """The explained score (N,) of network input (N, C, Y, X) without padding.

    Raises LeighError for an unknown condition, and where source and target are the same.
    """
    if source == target:
        raise LeighError(
            f"The image is {source} already.", "Choose another condition to explain it against."
        )
    own, count = condition_index(card, source), len(card.conditions)
    weights = torch.zeros(count)
    if target:
        weights[condition_index(card, target)] = 1.0
        weights[own] = -1.0
    else:
        weights -= 1 / max(1, count - 1)
        weights[own] = 1.0
    return Score(network, weights.to(next(network.parameters()).device))


def score_words(source: str, target: str) -> str:
    """The explained score as text."""
    if target:
        return f"logit {target} - logit {source}"
    return f"logit {source} - mean logit of the others"


def network_input(network: nn.Module, card: ModelCard, raw: FloatArray) -> tuple[Tensor, Tensor]:
    """The field as network input (1, C, Y', X'), and a field of background (1, C, 1, 1)."""
    device = next(network.parameters()).device
    low, side = np.array(card.preprocessing.low), card.preprocessing.downscale
    low = np.broadcast_to(low[:, None, None], (len(low), side, side))
    x, empty = (
        torch.from_numpy(to_network(card.preprocessing, v))[None].to(device) for v in (raw, low)
    )
    return x, empty


def last_layer(network: Any) -> nn.Module:
    """The layer for Grad-CAM: `last_stage`, or the coarsest block of the i-ResNet's encoder."""
    if isinstance(network, IResNet):
        return network.velocity.encode2[-1]
    layer = getattr(network, "last_stage", None)
    if not isinstance(layer, nn.Module):
        raise LeighError(
            f"Grad-CAM needs a last stage; {type(network).__name__} names none.",
            "Use another method.",
        )
    return layer


def _gradcam(network: nn.Module, score: Score, x: Tensor) -> Tensor:
    """(1, 1, Y, X), without the paper's ReLU, because both signs of a score have a meaning."""
    coarse: Tensor = LayerGradCam(score, last_layer(network)).attribute(x, relu_attributions=False)
    padded = pad_field(x)[0].shape[-2:]
    fine = functional.interpolate(coarse, size=padded, mode="bilinear", align_corners=False)
    return fine[..., : x.shape[-2], : x.shape[-1]]


def _integrated(score: Score, x: Tensor, empty: Tensor, report: Report) -> tuple[Tensor, float]:
    """(1, C, Y, X) from the background to the image, and the error of the sum as a share."""
    start = empty.expand_as(x)
    most = BATCH * BATCH_SIDE**2 // (x.shape[-2] * x.shape[-1])  # gradients need memory
    batch = max(1, min(most, STEPS // 4))  # several batches, so that progress is reported
    done = 0

    def score_and_report(fields: Tensor) -> Tensor:
        nonlocal done
        report(Progress(min(done, STEPS), STEPS, "Following the path from background"))
        done += len(fields)
        return score(fields)

    values: Tensor = IntegratedGradients(score_and_report).attribute(
        x, start, n_steps=STEPS, internal_batch_size=batch
    )
    with torch.no_grad():
        wanted = float(score(x) - score(start))
    return values, abs(float(values.sum()) - wanted) / max(abs(wanted), 1e-6)
