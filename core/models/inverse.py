"""Solves y = x + g(x) for x: the direction of an i-ResNet block that is not explicit.

Fixed-point iteration x <- y - g(x) (Behrmann et al. 2019, arXiv 1811.00995, algorithm 1), accelerated by
Anderson mixing (Walker and Ni 2011, doi 10.1137/10078356X) per image, with safeguards. It reports its own quality.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import NotInvertible

TOLERANCE = 2e-6  # largest residual; round trips are to stay below 1e-5


@dataclass(frozen=True)
class Inverse:
    """The solution with what is known of it, per image of the batch."""

    x: Tensor  # (N, C, H, W)
    residual: Tensor  # (N,) largest |y - x - g(x)| before the last, plain step
    contraction: Tensor  # (N,) largest measured |g(x) - g(x')| / |x - x'| along the iteration
    evaluations: int
    step: Tensor  # (N, C, H, W) g at the last place it was evaluated


def solve(
    g: Callable[[Tensor], Tensor],
    y: Tensor,
    *,
    start: Tensor | None = None,
    tolerance: float = TOLERANCE,
    max_evaluations: int = 80,
    memory: int = 4,
    name: str = "block",
) -> Inverse:
    """Find x with x + g(x) = y to `tolerance` (largest absolute residual), from a guess `start` or from y.

    Without `memory` it is plain iteration.

    Raises NotInvertible when the residual grows or stays above 1e3 x tolerance: the block is no contraction there.
    The last step is a plain one; an accelerated last step misses tight tolerances.
    """
    n = len(y)
    x, old_x, old_f = y if start is None else start, None, None
    d_x: list[Tensor] = []
    d_f: list[Tensor] = []
    best = torch.full((n,), torch.inf, device=y.device)
    contraction = torch.zeros(n, device=y.device)
    stalled = 0
    for count in range(1, max_evaluations + 1):
        f = x + g(x)
        r = y - f
        size = r.abs().amax(dim=(1, 2, 3))
        if not torch.isfinite(size).all() or (count > 8 and bool((size > 1e3).any())):
            raise NotInvertible(
                f"The inverse of {name} diverged after {count} steps.", "Train longer or with more blocks."
            )
        if old_x is not None and old_f is not None:
            step_x, step_f = x - old_x, f - old_f
            norm = step_x.flatten(1).norm(dim=1).clamp_min(1e-20)
            ratio = (step_f - step_x).flatten(1).norm(dim=1) / norm
            # Below this step size the ratio measures rounding, not the network.
            meaningful = step_x.abs().amax(dim=(1, 2, 3)) > 1e-4
            contraction = torch.maximum(contraction, torch.where(meaningful, ratio, contraction))
            if memory:
                d_x, d_f = [*d_x, step_x][-memory:], [*d_f, step_f][-memory:]
        old_x, old_f = x, f
        if bool((size <= tolerance).all()):
            return Inverse(x + r, size, contraction, count, f - x)
        stalled = stalled + 1 if bool((size >= 0.9 * best).all()) else 0
        if stalled >= 3 and bool((size <= 50 * tolerance).all()):
            return Inverse(x + r, size, contraction, count, f - x)  # the floor of single precision
        if stalled >= 3:
            d_x, d_f, stalled = [], [], 0  # acceleration went astray: forget and take a plain step
        best = torch.minimum(best, size)
        x = _anderson_step(x, r, d_x, d_f)
    if bool((size > 1e3 * tolerance).any()):
        worst = float(size.max())
        raise NotInvertible(
            f"The inverse of {name} did not converge: residual {worst:.1e} after {max_evaluations} evaluations.",
            "The block is no contraction here; train longer, with more blocks or a smaller step.",
        )
    return Inverse(x + r, size, contraction, max_evaluations, f - x)


def _anderson_step(x: Tensor, r: Tensor, d_x: list[Tensor], d_f: list[Tensor]) -> Tensor:
    """x + r + sum_i gamma_i (dX_i - dF_i) with gamma = argmin |r - dF gamma| per image, in float64."""
    if not d_x:
        return x + r
    columns = torch.stack([f.flatten(1) for f in d_f], dim=2).double()  # (N, P, m)
    norms = columns.norm(dim=1, keepdim=True).clamp_min(1e-30)
    unit = columns / norms
    gram = unit.transpose(1, 2) @ unit  # (N, m, m)
    gram = gram + 1e-8 * torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    right = unit.transpose(1, 2) @ r.flatten(1).double()[..., None]  # (N, m, 1)
    gamma = torch.linalg.solve(gram, right) / norms.transpose(1, 2)
    out = x + r
    for i, (step_x, step_f) in enumerate(zip(d_x, d_f, strict=True)):
        out = out + gamma[:, i, :, None, None].to(x.dtype) * (step_x - step_f)
    return out
