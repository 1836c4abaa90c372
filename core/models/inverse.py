"""Solves y = x + g(x) for x: the direction of an i-ResNet block that is not explicit.

Fixed-point iteration x <- y - g(x) (Behrmann et al. 2019, arXiv 1811.00995, algorithm 1),
accelerated by Anderson mixing (Walker and Ni 2011, doi 10.1137/10078356X) with safeguards. It
reports its own quality. The mixing is local: g sees a neighbourhood, and what slows the iteration
in a cell is not what slows it next to it. So the weights are fitted in a window around every pixel,
which took a tenth fewer evaluations than one fit per image.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.errors import NotInvertible

TOLERANCE = 1e-6  # largest residual; there and back is to stay below 1e-5 of the range
WINDOW = 5  # pixels a side; the mean over it is taken twice
RIDGE = 1e-3  # of the normalised Gram matrix: a window holds few pixels
STALLED = 3  # evaluations without a better residual
FLOOR = 50.0  # tolerances: a residual that stalls below is at the floor of single precision
MEANINGFUL = 1e-4  # a smaller step measures rounding, not the network


@dataclass(frozen=True)
class SolverSettings:
    """When the iteration stops, and how it is accelerated."""

    tolerance: float = TOLERANCE  # largest absolute residual
    max_evaluations: int = 80
    memory: int = 4  # steps that Anderson mixing remembers; 0: plain iteration


@dataclass(frozen=True)
class Inverse:
    """The solution with what is known of it, per image of the batch."""

    x: Tensor  # (N, C, H, W)
    residual: Tensor  # (N,) largest |y - x - g(x)| before the last, plain step
    contraction: Tensor  # (N,) largest measured |g(x) - g(x')| / |x - x'| along the iteration
    evaluations: Tensor  # (N,)
    step: Tensor  # (N, C, H, W) g at the last place it was evaluated

    @property
    def error(self) -> Tensor:
        """(N,) estimate of the largest |x - exact x|: what a contraction leaves after the last,
        plain step.
        """
        return self.residual * self.contraction / (1 - self.contraction).clamp_min(1e-3)


def solve(
    g: Callable[[Tensor, Tensor], Tensor],
    y: Tensor,
    *,
    start: Tensor | None = None,
    settings: SolverSettings = SolverSettings(),
    name: str = "block",
) -> Inverse:
    """Find x with x + g(x) = y to a tolerance, from a guess `start` or from y.

    `g` gets the images (n, C, H, W) that are not solved yet and their rows (n,) in the batch:
    converged images leave the batch.

    Raises NotInvertible when a residual grows or stays above 1e3 x tolerance: the block is no
    contraction there. The last step is a plain one; an accelerated last step misses tight
    tolerances.
    """
    tolerance, max_evaluations = settings.tolerance, settings.max_evaluations
    n = len(y)
    zeros = y.new_zeros(n)
    out = Inverse(torch.empty_like(y), zeros, zeros.clone(), zeros.clone(), torch.empty_like(y))
    rows = torch.arange(n, device=y.device)
    x, history = y if start is None else start, _History(settings.memory)
    best, stalled = y.new_full((n,), torch.inf), y.new_zeros(n)
    for count in range(1, max_evaluations + 1):
        step = g(x, rows)
        r = y - x - step
        size = r.abs().amax(dim=(1, 2, 3))
        if not torch.isfinite(size).all() or (count > 8 and bool((size > 1e3).any())):
            raise NotInvertible(
                f"The inverse of {name} diverged after {count} steps.",
                "Train longer or with more blocks.",
            )
        out.contraction[rows] = torch.maximum(out.contraction[rows], history.push(x, step, r))
        stalled = torch.where(size >= 0.9 * best, stalled + 1, 0)
        best = torch.minimum(best, size)
        ready = (
            (size <= tolerance)
            | ((stalled >= STALLED) & (size <= FLOOR * tolerance))
            | (count == max_evaluations)
        )
        if bool(ready.any()):
            done = rows[ready]
            out.x[done], out.residual[done], out.step[done] = (
                (x + r)[ready],
                size[ready],
                step[ready],
            )
            out.evaluations[done] = count
            going = ~ready
            if not bool(going.any()):
                break
            rows, x, y, r, best, stalled = (v[going] for v in (rows, x, y, r, best, stalled))
            history.keep(going)
        history.forget(stalled >= STALLED)  # acceleration went astray: a plain step
        stalled = torch.where(stalled >= STALLED, 0, stalled)
        x = x + history.accelerated(r)
    if bool((out.residual > 1e3 * tolerance).any()):
        worst = float(out.residual.max())
        raise NotInvertible(
            f"The inverse of {name} did not converge: residual {worst:.1e} after {max_evaluations}"
            " evaluations.",
            "The block is no contraction here; train longer, with more blocks or a smaller step.",
        )
    return out


class _History:
    """The last steps of an iteration and what they did to the residual: the memory of Anderson
    mixing.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self._last: tuple[Tensor, Tensor, Tensor] | None = None  # x, g(x), residual
        self._moves: list[Tensor] = []  # differences of x
        self._effects: list[Tensor] = []  # by how much they made the residual smaller

    def push(self, x: Tensor, step: Tensor, r: Tensor) -> Tensor:
        """Remember an evaluation; (n,) the contraction it shows, 0 where the move was too small to
        tell.
        """
        last, self._last = self._last, (x, step, r)
        if last is None:
            return x.new_zeros(len(x))
        move = x - last[0]
        if self.memory:
            self._moves = [*self._moves, move][-self.memory :]
            self._effects = [*self._effects, last[2] - r][-self.memory :]
        ratio = (step - last[1]).flatten(1).norm(dim=1) / move.flatten(1).norm(dim=1).clamp_min(
            1e-20
        )
        return torch.where(move.abs().amax(dim=(1, 2, 3)) > MEANINGFUL, ratio, 0)

    def keep(self, going: Tensor) -> None:
        """Go on with these images of the batch, (n,) bool."""
        assert self._last is not None
        x, step, r = self._last
        self._last = x[going], step[going], r[going]
        self._moves, self._effects = (
            [v[going] for v in self._moves],
            [v[going] for v in self._effects],
        )

    def forget(self, images: Tensor) -> None:
        """Leave these images, (n,) bool, without memory."""
        if bool(images.any()):
            kept = (~images)[:, None, None, None]
            self._moves, self._effects = (
                [v * kept for v in self._moves],
                [v * kept for v in self._effects],
            )

    def accelerated(self, r: Tensor) -> Tensor:
        """r + sum_i gamma_i (move_i - effect_i), gamma = argmin |r - sum_i gamma_i effect_i| around
        every pixel.
        """
        if not self._moves:
            return r
        moves, effects = torch.stack(self._moves), torch.stack(self._effects)  # (m, n, C, H, W)
        gram = _around(torch.einsum("ancyx,bncyx->nabyx", effects, effects)).permute(0, 3, 4, 1, 2)
        right = _around(torch.einsum("ancyx,ncyx->nayx", effects, r)).permute(0, 2, 3, 1)
        norms = gram.diagonal(dim1=-2, dim2=-1).clamp_min(1e-30).sqrt()  # (n, H, W, m)
        unit = gram / norms[..., :, None] / norms[..., None, :]
        ridge = RIDGE * torch.eye(len(moves), device=r.device, dtype=unit.dtype)
        gamma = torch.linalg.solve(unit + ridge, right / norms) / norms
        out: Tensor = r + torch.einsum("nyxa,ancyx->ncyx", gamma.to(r.dtype), moves - effects)
        return out


def _around(values: Tensor) -> Tensor:
    """(n, ..., H, W) in float64, every pixel the mean of those around it."""
    flat = values.flatten(1, -3).double()
    for _ in range(2):
        flat = functional.avg_pool2d(flat, WINDOW, 1, WINDOW // 2, count_include_pad=False)
    return flat.reshape(values.shape)
