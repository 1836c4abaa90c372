"""The multi-class i-ResNet: Haar squeeze and residual blocks that are Euler steps of a learned
velocity.

i-ResNet in form (Behrmann et al. 2019, arXiv 1811.00995), trained by conditional flow matching
(Lipman et al. 2022, arXiv 2210.02747). FrEIA's "forward" is image -> latent; here that is the
direction that is solved, and "reverse", latent -> image, is one plain pass: that is what a drag
needs.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from FrEIA.framework import SequenceINN
from FrEIA.modules import HaarDownsampling, InvertibleModule
from torch import Tensor, nn
from torch.nn import functional

from core.models.inverse import TOLERANCE, Inverse, SolverSettings, solve
from core.models.velocity import MULTIPLE, Velocity
from core.progress import Cancelled

FIELD_MULTIPLE = 2 * MULTIPLE  # sides of an image are padded to multiples of this
GRAIN_PX = 256  # the grain repeats after so many pixels, more than a velocity sees at once
LEAST_BLOCKS, MOST_BLOCKS = 6, 24
CONTRACTION_AIM = (
    0.4  # of every block; at 0.55 the plain iteration no longer converged on every image
)
TOLERANCE_AT = 0.1  # time of a block that is solved to the tolerance itself
# latent end where nothing can be held: of moves between six shapes of real nuclei 62 % were
NOISE_OF_ONE_STAIN = 0.97
# read as their target, at 0.84 29 % (strength 1.5, 90 moves)
PREVIEW_STEPS = 4  # of a picture while the handle moves fast


@dataclass(frozen=True)
class Architecture:
    """Everything needed to build the network again; stored in model.json."""

    channels: int
    conditions: int
    widths: tuple[int, int, int] = (40, 64, 96)
    blocks: int = 12  # where no times are set
    t_image: float = 0.025  # time of the image end
    t_noise: float = 0.84  # time of the latent end
    t_noise_held: float = (
        0.98  # the same where stains are held: they keep cells in place, so more may be drawn again
    )
    times: tuple[float, ...] = ()  # block edges, image end first; empty: uniform in logit(t)
    times_held: tuple[float, ...] = ()


@dataclass(frozen=True)
class Blend:
    """The mixture source + share (target - source) of a batch."""

    source: Tensor  # (N, K)
    target: Tensor  # (N, K)
    share: Tensor  # (N,)


class EulerBlock(InvertibleModule):  # type: ignore[misc]
    """One residual block. Reverse (explicit): y + h v(y, t, c). Forward: its inverse, solved.

    All share one velocity, so a block is no more than its place; one whose step is 0 rests and
    costs nothing.
    """

    def __init__(
        self, dims_in: list[tuple[int, ...]], dims_c: list[tuple[int, ...]], velocity: Velocity
    ) -> None:
        super().__init__(dims_in, dims_c)
        self._velocity = (velocity,)  # in a tuple: only the network owns its weights
        self.t, self.h = 0.5, 0.0

    def residual(self, y: Tensor, condition: Tensor) -> Tensor:
        """g(y) = h sum_k mixture_k v_k(y, t); `condition` is the mixture (N, K), and which stains
        are held (N, C).
        """
        velocity = self._velocity[0]
        mixture, held = condition[:, : velocity.conditions], condition[:, velocity.conditions :]
        return self.h * velocity.mixed(y, self.t, mixture, held if held.shape[1] else None)

    def forward(
        self,
        x_or_z: Iterable[Tensor],
        c: Iterable[Tensor] = (),
        rev: bool = False,
        jac: bool = True,
    ) -> tuple[tuple[Tensor], Tensor]:
        """FrEIA's interface: c = [mixture and held (N, K + C)]; the log-determinant is a Hutchinson
        estimate.
        """
        (value,), (mixture,) = tuple(x_or_z), tuple(c)
        if not self.h:
            return (value,), value.new_zeros(len(value))
        if rev:
            result = value + self.residual(value, mixture)
            return (result,), (
                self._log_det(value, mixture) if jac else value.new_zeros(len(value))
            )
        x = self.invert(value, mixture).x
        return (x,), (-self._log_det(x, mixture) if jac else value.new_zeros(len(value)))

    def invert(
        self,
        y: Tensor,
        condition: Tensor,
        start: Tensor | None = None,
        tolerance: float = TOLERANCE,
    ) -> Inverse:
        """The x that this block takes to y, solved from the guess `start`."""
        name = f"block at t = {self.t:.2f}"
        return solve(
            lambda x, rows: self.residual(x, condition[rows]),
            y,
            start=start,
            settings=SolverSettings(tolerance),
            name=name,
        )

    def _log_det(self, y: Tensor, mixture: Tensor, terms: int = 10) -> Tensor:
        """log det(I + dg/dy) = sum_k (-1)^(k+1) / k tr(J^k), traces by one random vector (Behrmann
        2019, eq. 4).
        """
        with torch.enable_grad():
            start = y.detach().requires_grad_()
            g = self.residual(start, mixture)
            probe = torch.randn_like(start)
            vector, total = probe, y.new_zeros(len(y))
            for k in range(1, terms + 1):
                (vector,) = torch.autograd.grad(g, start, vector, retain_graph=True)
                total = total + (-1) ** (k + 1) / k * (vector * probe).flatten(1).sum(dim=1)
        return total.detach()

    def output_dims(self, input_dims: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """A residual block keeps the shape."""
        return input_dims


class IResNet(nn.Module):
    """Image (N, C, H, W) <-> latent (N, 4C, H/2, W/2) under a mixture of conditions; and a
    classifier of the image.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.interrupted: Callable[[], bool] = lambda: (
            False
        )  # asked between blocks: a newer question may come first
        a = architecture
        self.velocity = Velocity(4 * a.channels, a.conditions, a.widths)
        self.flow = SequenceINN(a.channels, FIELD_MULTIPLE, FIELD_MULTIPLE)
        self.flow.append(HaarDownsampling)
        for _ in range(MOST_BLOCKS):
            self.flow.append(
                EulerBlock, cond=0, cond_shape=(a.conditions + a.channels,), velocity=self.velocity
            )
        self._place(step_times(a))
        grain = np.random.default_rng(0).standard_normal(
            (a.channels, GRAIN_PX, GRAIN_PX), dtype=np.float32
        )
        self._grain: Tensor
        self.register_buffer("_grain", torch.from_numpy(grain), persistent=False)
        # Linear read-out of the pooled features; set by core.models.heads.fit_head after training.
        self.feature_mean: Tensor
        self.feature_scale: Tensor
        self.register_buffer("feature_mean", torch.zeros(self.velocity.feature_count))
        self.register_buffer("feature_scale", torch.ones(self.velocity.feature_count))
        self.head = nn.Linear(self.velocity.feature_count, a.conditions)

    def set_times(self, times: tuple[float, ...], held: bool = False) -> None:
        """Put the blocks between these edges, image end first; `held`: those used where stains are
        held.
        """
        a = self.architecture
        self.architecture = replace(a, times_held=times) if held else replace(a, times=times)

    def _place(self, steps: Sequence[tuple[float, float]]) -> None:
        """The first blocks take these (t, h); the others rest."""
        for i, block in enumerate(self._all_blocks()):
            block.t, block.h = steps[i] if i < len(steps) else (0.5, 0.0)

    def _condition(
        self, mixture: Tensor, held: Tensor | None, times: tuple[float, ...]
    ) -> tuple[Tensor, Tensor]:
        """Condition of the blocks (N, K + C), and `held` (N, C); the blocks take their places."""
        held = mixture.new_zeros(len(mixture), self.architecture.channels) if held is None else held
        self._place(pairs_of(times) if times else step_times(self.architecture, bool(held.any())))
        return torch.cat([mixture, held], 1), held

    def _all_blocks(self) -> list[EulerBlock]:
        return [m for m in self.flow if isinstance(m, EulerBlock)]

    @property
    def blocks(self) -> list[EulerBlock]:
        """The residual blocks in use since they last took their places, image end first."""
        return [block for block in self._all_blocks() if block.h]

    def squeeze(self, x: Tensor) -> Tensor:
        """Haar transform (N, C, H, W) -> (N, 4C, H/2, W/2); orthonormal."""
        out: Tensor = self.flow[0]((x,), jac=False)[0][0]
        return out

    def encode(
        self,
        x: Tensor,
        mixture: Tensor,
        held: Tensor | None = None,
        times: tuple[float, ...] = (),
        tolerance: float = TOLERANCE,
        starts: Sequence[Tensor] = (),
    ) -> tuple[Tensor, list[Inverse]]:
        """Image to latent under `mixture` (N, K), with the quality of every block's solve.

        Stains that are held, `held` (N, C) of 0 and 1, are context: they stay what they are.
        `times` are other block edges than the network's own; the latent must then be decoded with
        the same. `starts` are what the blocks were solved to before, at a larger tolerance. It is
        that of a block at t = TOLERANCE_AT and goes with sqrt(t): what a block at the image end
        leaves is amplified by all that are solved after it (on the demo 80 times as much in the
        picture). So the worst picture is .4 times as far off for as much work, and the round trip
        says by how much.
        """
        y, condition = self.enter(x, mixture, held, times)
        quality: list[Inverse] = []
        done: list[tuple[float, Tensor]] = []  # logit of a block's time, its velocity
        for i, block in enumerate(self.blocks):
            if self.interrupted():
                raise Cancelled
            start = (
                starts[i]
                if starts
                else y - block.h * _ahead(done, _logit(block.t))
                if done
                else None
            )
            quality.append(
                block.invert(y, condition, start, tolerance * math.sqrt(block.t / TOLERANCE_AT))
            )
            done.append((_logit(block.t), quality[-1].step / block.h))
            y = quality[-1].x
        return y, quality

    def enter(
        self, x: Tensor, mixture: Tensor, held: Tensor | None = None, times: tuple[float, ...] = ()
    ) -> tuple[Tensor, Tensor]:
        """What the first block gets of an image, (N, 4C, H/2, W/2), and the condition of all
        blocks, (N, K + C).
        """
        condition, held = self._condition(mixture, held, times)
        return self.squeeze(x * self._scales(held) + self._grains(x, held)), condition

    def decode(
        self, z: Tensor, mixture: Tensor, held: Tensor | None = None, times: tuple[float, ...] = ()
    ) -> Tensor:
        """Latent to image under `mixture` (N, K): one explicit pass."""
        condition, held = self._condition(mixture, held, times)
        # FrEIA's Haar reverse works in place on its input; the blocks before it always make a new
        # tensor.
        x, _ = self.flow(z, [condition], rev=True, jac=False)
        out: Tensor = (x - self._grains(x, held)) / self._scales(held)
        return out

    def preview_change(
        self,
        trajectory: Sequence[Tensor],
        blend: Blend,
        held: Tensor | None = None,
        times: tuple[float, ...] = (),
        steps: int = PREVIEW_STEPS,
    ) -> Tensor:
        """Change of an image (N, C, H, W), roughly: a few long steps instead of one per block.

        It is what `decode` gives under `blend`, less the image. `trajectory` are the values at all
        block edges under the image's own condition, image end first. Only the difference to it is
        integrated (Adams-Bashforth, second order), so the rest of the image cannot blur, and at
        share 0 nothing changes. On the demo it came within .12 of the exact change where nuclei are
        locked, and within .3 where nothing is (root mean square, share of the change).
        """
        if self.interrupted():
            raise Cancelled
        own, target, share = blend.source, blend.target, blend.share
        _, stays = self._condition(own, held, times)
        blocks = self.blocks
        off, before, h_before = torch.zeros_like(trajectory[0]), None, 1.0
        nodes = np.linspace(len(blocks), 0, min(steps, len(blocks)) + 1).round().astype(int)
        for last, first in pairwise(nodes):
            block, h = blocks[last - 1], sum(b.h for b in blocks[first:last])
            still = (trajectory[last - 1] - trajectory[last]) / block.h
            value = trajectory[last] + off
            now = self.velocity.toward(value, block.t, own, target, share, held) - still
            ahead = now if before is None else now + h / (2 * h_before) * (now - before)
            off, before, h_before = off + h * ahead, now, h
        out: Tensor = self.flow[0]((off,), rev=True, jac=False)[0][0] / self._scales(stays)
        return out

    def _scales(self, held: Tensor) -> Tensor:
        """(N, C, 1, 1): a free stain at the image end is (1 - t_image) of itself, as in training; a
        held one whole.
        """
        return (held + (1 - held) * self._scale)[..., None, None]

    def _grains(self, x: Tensor, held: Tensor) -> Tensor:
        """The noise (N, C, H, W) an image has at time t_image, as in training: always the same, so
        it can be taken off.

        Without it images are cleaner than any the network knows at any time; their latents then
        spread by .3 to .6 instead of 1, and what is decoded from them under another condition is
        blurred.
        """
        rows, columns = (-(-side // GRAIN_PX) for side in x.shape[-2:])
        grain = self._grain.repeat(1, rows, columns)[:, : x.shape[-2], : x.shape[-1]]
        return self.architecture.t_image * (1 - held)[..., None, None] * grain

    @property
    def _scale(self) -> float:
        """An image at time t is (1 - t) of itself, as in training."""
        return 1 - self.architecture.t_image

    def features(self, x: Tensor) -> Tensor:
        """Standardised pooled features (N, F) of images."""
        raw = self.velocity.features(self._scale * self.squeeze(x), self.architecture.t_image)
        return (raw - self.feature_mean) / self.feature_scale

    def logits(self, x: Tensor) -> Tensor:
        """Calibrated logits (N, K) of images."""
        out: Tensor = self.head(self.features(x))
        return out


def _ahead(done: Sequence[tuple[float, Tensor]], place: float) -> Tensor:
    """The velocity at logit(t) = `place` by those before: along the flow it changes little, and
    evenly.
    """
    place_1, v_1 = done[-1]
    if len(done) == 1:
        return v_1
    place_0, v_0 = done[-2]
    return v_1 + (place - place_1) / (place_1 - place_0) * (v_1 - v_0)


def step_times(a: Architecture, held: bool = False) -> list[tuple[float, float]]:
    """(t, h) per block, image end first.

    Decoding goes from t_noise to t_image: y(t_k) = y(t_k+1) - (t_k+1 - t_k) v(y(t_k+1), t_k+1),
    hence h < 0.
    """
    return pairs_of((a.times_held if held else a.times) or block_edges(a, (), held))


def pairs_of(edges: Sequence[float]) -> list[tuple[float, float]]:
    """(t, h) per block between these edges."""
    return [(after, before - after) for before, after in pairwise(edges)]


def block_edges(
    a: Architecture, contraction: Sequence[float], held: bool = False, times: Sequence[float] = ()
) -> tuple[float, ...]:
    """Edges of as few blocks as are expected to contract by CONTRACTION_AIM, by what was measured
    of present ones.

    A block's contraction grows with its step, so steps are short where the velocity is steep (at
    the noise end for images with strong contrast). Equal measurements give times uniform in
    logit(t); so does none.
    """
    low, high = _logit(a.t_image), _logit(a.t_noise_held if held else a.t_noise)
    if not len(contraction):
        return tuple(_logistic(v) for v in np.linspace(low, high, a.blocks + 1))
    present = [
        _logit(t) for t in times or (a.times_held if held else a.times) or block_edges(a, (), held)
    ]
    reached = np.concatenate([[0.0], np.cumsum(contraction)])
    blocks = int(np.clip(math.ceil(reached[-1] / CONTRACTION_AIM), LEAST_BLOCKS, MOST_BLOCKS))
    return tuple(
        _logistic(v) for v in np.interp(np.linspace(0, reached[-1], blocks + 1), reached, present)
    )


def _logit(t: float) -> float:
    return math.log(t / (1 - t))


def _logistic(v: float) -> float:
    return float(1 / (1 + np.exp(-v)))


def one_hot(indices: Tensor, conditions: int) -> Tensor:
    """(N,) class indices -> (N, K) mixture that is that condition alone."""
    return functional.one_hot(indices, conditions).float()


def blend(source: Tensor, weights: Tensor, strength: Tensor) -> Tensor:
    """(N, K) mixture of v_s + g sum_k w_k (v_k - v_s): (1 - g) source + g weights; exactly `source`
    at g = 0.
    """
    g = strength[:, None]
    return (1 - g) * source + g * weights


def pad_field(x: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Mirror the right and lower edge up to multiples of 8; returns the padded batch and the former
    sides.
    """
    height, width = x.shape[-2:]
    down, right = -height % FIELD_MULTIPLE, -width % FIELD_MULTIPLE
    return functional.pad(x, (0, right, 0, down), mode="reflect"), (height, width)
