"""The losses of all trainings, in the letters of the papers.

x is a clean image, n normal noise, t the time (0 image, 1 noise), v the velocity, c the condition.
All images are N C H W; `free` is 0 for locked planes and 1 for all others.
"""

import torch
from torch import Tensor
from torch.nn import functional


def interpolate(x: Tensor, n: Tensor, t: Tensor, free: Tensor) -> Tensor:
    """x_t = (1 - t) x + t n (Lipman 2022, arXiv 2210.02747, eq. 22); locked planes stay x."""
    weight = t[:, None, None, None] * free
    return (1 - weight) * x + weight * n


def flow_matching(v: Tensor, x: Tensor, n: Tensor, free: Tensor) -> Tensor:
    """Mean of |v - (n - x)|^2 over free planes.

    Lipman et al. 2022, arXiv 2210.02747, eq. 23; Liu et al. 2022, arXiv 2209.03003, eq. 1.
    """
    return ((v - (n - x)).square() * free).mean()


def cross_entropy_of_noisy(logits: Tensor, c: Tensor, t: Tensor) -> Tensor:
    """Cross-entropy weighted by (1 - t)^3: noisy images carry little information about c."""
    clarity = (1 - t) ** 3
    per_image = functional.cross_entropy(logits, c, reduction="none")
    return (per_image * clarity).sum() / clarity.sum()


def cross_entropy(logits: Tensor, c: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy with smoothed labels (Szegedy et al. 2016, arXiv 1512.00567, section 7)."""
    return functional.cross_entropy(logits, c, label_smoothing=smoothing)


def squared_error(x: Tensor, drawn: Tensor) -> Tensor:
    """Mean squared error of a reconstruction."""
    return (drawn - x).square().mean()


def divergence_from_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of N(mean, variance) from N(0, 1), summed over all elements.

    Kingma and Welling 2014, arXiv 1312.6114, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()


def accuracy(logits: Tensor, c: Tensor) -> Tensor:
    """Share of images whose largest logit belongs to their condition; not a loss."""
    return (logits.argmax(dim=1) == c).to(torch.float32).mean()
