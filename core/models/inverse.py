"""Invert one block of the i-ResNet: solve y = x + g(x) for x, and measure the error.

Fixed-point iteration x <- y - g(x) (Behrmann et al. 2019, arXiv 1811.00995, algorithm 1),
accelerated by Anderson mixing (Walker and Ni 2011, doi 10.1137/10078356X) with safeguards. The
weights of the mixing are fitted in a window around every pixel, because g sees only a neighbourhood
and converges differently inside and outside of cells. This took a tenth fewer evaluations than one
fit per image.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.errors import NotInvertible

TOLERANCE = 1e-6  # largest residual; the round-trip error then stays below 1e-5 of the range
WINDOW = 5  # pixels a side; the mean over the window is taken twice
RIDGE = 1e-3  # of the normalised Gram matrix, because a window has few pixels
STALLED = 3  # evaluations without a better residual
# Multiples of the tolerance: a residual that stalls below is as small as single precision allows.
FLOOR = 50.0
MEANINGFUL = 1e-4  # a smaller step measures rounding errors, not the network


@dataclass(frozen=True)
class SolverSettings:
    """When the iteration stops, and how it is accelerated."""

    tolerance: float = TOLERANCE  # largest absolute residual
    max_evaluations: int = 80
    memory: int = 4  # steps that Anderson mixing remembers; 0: plain iteration


@dataclass(frozen=True)
class Inverse:
    """The solution and its quality, per image of the batch."""

    x: Tensor  # (N, C, H, W)
    residual: Tensor  # (N,) largest |y - x - g(x)| before the last step
    contraction: Tensor  # (N,) largest measured |g(x) - g(x')| / |x - x'| along the iteration
    evaluations: Tensor  # (N,)
    step: Tensor  # (N, C, H, W) the last value of g

    @property
    def error(self) -> Tensor:
        """(N,) estimate of the largest |x - exact x| after the last step."""
        return self.residual * self.contraction / (1 - self.contraction).clamp_min(1e-3)


def solve(
    g: Callable[[Tensor, Tensor], Tensor],
    y: Tensor,
    *,
    start: Tensor | None = None,
    settings: SolverSettings = SolverSettings(),
    name: str = "block",
) -> Inverse:
    """Find x with x + g(x) = y.

    Converged images leave the batch. The last step is not accelerated, because an accelerated last
    step misses tight tolerances.

    Parameters
    ----------
    g
        Gets the images (n, C, H, W) that are not solved yet, and their rows (n,) in the batch.
    y
        (N, C, H, W).
    start
        First guess of x; None: y.
    settings
        Tolerance, largest number of evaluations, and memory.
    name
        Of the block, for messages.

    Raises
    ------
    NotInvertible
        When a residual grows or stays above 1e3 x tolerance: the block does not contract there.
    """
    tolerance, max_evaluations = settings.tolerance, settings.max_evaluations
    n = len(y)
    zeros = y.new_zeros(n)
    inverse = Inverse(torch.empty_like(y), zeros, zeros.clone(), zeros.clone(), torch.empty_like(y))
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
        contraction = history.push(x, step, r)
        inverse.contraction[rows] = torch.maximum(inverse.contraction[rows], contraction)
        stalled = torch.where(size >= 0.9 * best, stalled + 1, 0)
        best = torch.minimum(best, size)
        at_floor = (stalled >= STALLED) & (size <= FLOOR * tolerance)
        solved = (size <= tolerance) | at_floor | (count == max_evaluations)
        if bool(solved.any()):
            done = rows[solved]
            inverse.x[done] = (x + r)[solved]
            inverse.residual[done] = size[solved]
            inverse.step[done] = step[solved]
            inverse.evaluations[done] = count
            unsolved = ~solved
            if not bool(unsolved.any()):
                break
            rows, x, y, r, best, stalled = (v[unsolved] for v in (rows, x, y, r, best, stalled))
            history.keep(unsolved)
        history.forget(stalled >= STALLED)  # the acceleration does not help: a plain step is next
        stalled = torch.where(stalled >= STALLED, 0, stalled)
        x = x + history.accelerated(r)
    if bool((inverse.residual > 1e3 * tolerance).any()):
        worst = float(inverse.residual.max())
        raise NotInvertible(
            f"The inverse of {name} did not converge: residual {worst:.1e} after {max_evaluations}"
            " evaluations.",
            "The block does not contract here; train longer, with more blocks or a smaller step.",
        )
    return inverse


class _History:
    """The memory of Anderson mixing: the last steps, and how they changed the residual."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self._last: tuple[Tensor, Tensor, Tensor] | None = None  # x, g(x), residual
        self._moves: list[Tensor] = []  # differences of x
        self._effects: list[Tensor] = []  # decreases of the residual

    def push(self, x: Tensor, step: Tensor, r: Tensor) -> Tensor:
        """Remember an evaluation; returns its contraction (n,), 0 after a very small step."""
        last, self._last = self._last, (x, step, r)
        if last is None:
            return x.new_zeros(len(x))
        move = x - last[0]
        if self.memory:
            self._moves = [*self._moves, move][-self.memory :]
            self._effects = [*self._effects, last[2] - r][-self.memory :]
        change = (step - last[1]).flatten(1).norm(dim=1)
        ratio = change / move.flatten(1).norm(dim=1).clamp_min(1e-20)
        return torch.where(move.abs().amax(dim=(1, 2, 3)) > MEANINGFUL, ratio, 0)

    def keep(self, images: Tensor) -> None:
        """Go on with these images of the batch, (n,) bool."""
        assert self._last is not None
        x, step, r = self._last
        self._last = x[images], step[images], r[images]
        self._moves = [v[images] for v in self._moves]
        self._effects = [v[images] for v in self._effects]

    def forget(self, images: Tensor) -> None:
        """Clear the memory of these images, (n,) bool."""
        if bool(images.any()):
            others = (~images)[:, None, None, None]
            self._moves = [v * others for v in self._moves]
            self._effects = [v * others for v in self._effects]

    def accelerated(self, r: Tensor) -> Tensor:
        """r + sum_i gamma_i (move_i - effect_i), with gamma fitted around every pixel.

        gamma = argmin |r - sum_i gamma_i effect_i|.
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
        step: Tensor = r + torch.einsum("nyxa,ancyx->ncyx", gamma.to(r.dtype), moves - effects)
        return step


def _around(values: Tensor) -> Tensor:
    """(n, ..., H, W) in float64, where every pixel is the mean of its neighbourhood."""
    flat = values.flatten(1, -3).double()
    for _ in range(2):
        flat = functional.avg_pool2d(flat, WINDOW, 1, WINDOW // 2, count_include_pad=False)
    return flat.reshape(values.shape)
