"""The invertible network (i-ResNet): blocks are Euler steps of a learned velocity.

An i-ResNet (Behrmann et al. 2019, arXiv 1811.00995) after a Haar transform, trained by conditional
flow matching (Lipman et al. 2022, arXiv 2210.02747). FrEIA's "forward" is image -> latent; here
this direction is solved. "Reverse", latent -> image, is one explicit pass, as a drag needs it.
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

from core.domain import FloatArray
from core.models.inverse import TOLERANCE, Inverse, SolverSettings, solve
from core.models.levels import LEAST_BACKGROUND, LEAST_LOG_GAIN, BrightnessLevels
from core.models.velocity import MULTIPLE, Velocity
from core.progress import Cancelled

FIELD_MULTIPLE = 2 * MULTIPLE  # sides of an image are padded to multiples of this
DITHER_PX = 256  # period of the dither noise in pixels, larger than the network's field of view
LEAST_BLOCKS, MOST_BLOCKS = 6, 24
CONTRACTION_AIM = 0.4  # of every block; at 0.55 the plain iteration failed on some images
TOLERANCE_AT = 0.1  # a block at this time is solved to the tolerance itself
# Latent end for a single channel, which cannot be locked. In 90 moves between six shapes of real
# nuclei (strength 1.5), the model read 62 % as their target; with 0.84 it read 29 %.
NOISE_OF_ONE_STAIN = 0.97
PREVIEW_STEPS = 4  # of an image while the handle moves fast


@dataclass(frozen=True)
class Architecture:
    """The settings that build the network; stored in model.json."""

    channels: int
    conditions: int
    widths: tuple[int, int, int] = (40, 64, 96)
    blocks: int = 12  # number of blocks where no times are set
    t_image: float = 0.025  # time of the image end
    t_noise: float = 0.84  # time of the latent end
    t_noise_held: float = (
        0.98  # the same where stains are held: they keep cells in place, so more may be drawn again
    )
    times: tuple[float, ...] = ()  # block edges, image end first; empty: uniform in logit(t)
    times_held: tuple[float, ...] = ()
    levels: bool = False  # brightness is split off; the blocks move only the pattern


@dataclass(frozen=True)
class Blend:
    """The mixture source + share (target - source) of a batch."""

    source: Tensor  # (N, K)
    target: Tensor  # (N, K)
    share: Tensor  # (N,)


class EulerBlock(InvertibleModule):  # type: ignore[misc]
    """One residual block. Reverse (explicit): y + h v(y, t, c). Forward: its inverse, solved.

    All blocks share one velocity, so a block has only a time t and a step h. A block with h = 0 is
    not used.
    """

    def __init__(
        self, dims_in: list[tuple[int, ...]], dims_c: list[tuple[int, ...]], velocity: Velocity
    ) -> None:
        super().__init__(dims_in, dims_c)
        self._velocity = (velocity,)  # in a tuple, so that only the network owns the weights
        self.t, self.h = 0.5, 0.0

    def residual(self, y: Tensor, condition: Tensor) -> Tensor:
        """g(y) = h sum_k mixture_k v_k(y, t).

        `condition` (N, K + C) is the mixture (N, K) and the locked channels (N, C).
        """
        velocity = self._velocity[0]
        mixture, locked = condition[:, : velocity.conditions], condition[:, velocity.conditions :]
        return self.h * velocity.mixed(y, self.t, mixture, locked if locked.shape[1] else None)

    def forward(
        self,
        x_or_z: Iterable[Tensor],
        c: Iterable[Tensor] = (),
        rev: bool = False,
        jac: bool = True,
    ) -> tuple[tuple[Tensor], Tensor]:
        """FrEIA's interface; the log-determinant is a Hutchinson estimate.

        `c` has one tensor (N, K + C), see `residual`.
        """
        (value,), (condition,) = tuple(x_or_z), tuple(c)
        zeros = value.new_zeros(len(value))
        if not self.h:
            return (value,), zeros
        if rev:
            result = value + self.residual(value, condition)
            return (result,), (self._log_det(value, condition) if jac else zeros)
        x = self.invert(value, condition).x
        return (x,), (-self._log_det(x, condition) if jac else zeros)

    def invert(
        self,
        y: Tensor,
        condition: Tensor,
        start: Tensor | None = None,
        tolerance: float = TOLERANCE,
    ) -> Inverse:
        """The x that this block maps to y, solved from the first guess `start`."""
        name = f"block at t = {self.t:.2f}"
        return solve(
            lambda x, rows: self.residual(x, condition[rows]),
            y,
            start=start,
            settings=SolverSettings(tolerance),
            name=name,
        )

    def _log_det(self, y: Tensor, mixture: Tensor, terms: int = 10) -> Tensor:
        """log det(I + dg/dy) = sum_k (-1)^(k+1) / k tr(J^k), with traces from one random vector.

        Behrmann et al. 2019, eq. 4.
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
    """Pattern (N, C, H, W) <-> latent (N, 4C, H/2, W/2) under a mixture of conditions.

    `split` makes patterns of images, and `join` images of patterns. The same network classifies
    images.
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
        self._set_steps(step_times(a))
        self.levels = BrightnessLevels(a.channels) if a.levels else None
        shape = (a.channels, DITHER_PX, DITHER_PX)
        dither = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        self._dither: Tensor
        self.register_buffer("_dither", torch.from_numpy(dither), persistent=False)
        # Linear read-out of the pooled features; set by core.models.heads.fit_head after training.
        self.feature_mean: Tensor
        self.feature_scale: Tensor
        self.register_buffer("feature_mean", torch.zeros(self.feature_count))
        self.register_buffer("feature_scale", torch.ones(self.feature_count))
        self.head = nn.Linear(self.feature_count, a.conditions)

    @property
    def feature_count(self) -> int:
        """Length of the feature vector: pooled features of the pattern, then the levels."""
        levels = 2 * self.architecture.channels if self.architecture.levels else 0
        return self.velocity.feature_count + levels

    @property
    def least_spread(self) -> Tensor:
        """(F,) spread below which a feature says nothing: of the levels, about a grey level."""
        least = torch.zeros(self.feature_count)
        if self.levels is not None:
            channels = self.architecture.channels
            least[-2 * channels : -channels] = LEAST_BACKGROUND
            least[-channels:] = LEAST_LOG_GAIN
        return least

    def set_times(self, times: tuple[float, ...], locked: bool = False) -> None:
        """Set the block times, image end first; `locked`: the times for locked channels."""
        a = self.architecture
        self.architecture = replace(a, times_held=times) if locked else replace(a, times=times)

    def _set_steps(self, steps: Sequence[tuple[float, float]]) -> None:
        """Give (t, h) to the first blocks; the other blocks are not used."""
        for i, block in enumerate(self._all_blocks()):
            block.t, block.h = steps[i] if i < len(steps) else (0.5, 0.0)

    def _condition(
        self, mixture: Tensor, locked: Tensor | None, times: tuple[float, ...]
    ) -> tuple[Tensor, Tensor]:
        """Condition of the blocks (N, K + C), and `locked` (N, C); the blocks take their places."""
        if locked is None:
            locked = mixture.new_zeros(len(mixture), self.architecture.channels)
        self._set_steps(
            pairs_of(times) if times else step_times(self.architecture, bool(locked.any()))
        )
        return torch.cat([mixture, locked], 1), locked

    def _all_blocks(self) -> list[EulerBlock]:
        return [m for m in self.flow if isinstance(m, EulerBlock)]

    @property
    def blocks(self) -> list[EulerBlock]:
        """The residual blocks that are in use, image end first."""
        return [block for block in self._all_blocks() if block.h]

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pattern (N, C, H, W) and levels (N, 2, C) of network images.

        The pattern is the image where the network has no levels.
        """
        if self.levels is None:
            return x, x.new_zeros(len(x), 2, x.shape[1])
        return self.levels.split(x)

    def join(self, pattern: Tensor, levels: Tensor) -> Tensor:
        """Network images (N, C, H, W) from patterns and levels; the reverse of `split`."""
        return pattern if self.levels is None else self.levels.join(pattern, levels)

    def restore(self, pattern: Tensor, former: Tensor) -> Tensor:
        """`pattern` without what it changed of the brightness of `former`, both (N, C, H, W)."""
        return pattern if self.levels is None else self.levels.restore(pattern, former)

    def squeeze(self, x: Tensor) -> Tensor:
        """Haar transform (N, C, H, W) -> (N, 4C, H/2, W/2); orthonormal."""
        squeezed: Tensor = self.flow[0]((x,), jac=False)[0][0]
        return squeezed

    def encode(
        self,
        x: Tensor,
        mixture: Tensor,
        locked: Tensor | None = None,
        times: tuple[float, ...] = (),
        tolerance: float = TOLERANCE,
        starts: Sequence[Tensor] = (),
    ) -> tuple[Tensor, list[Inverse]]:
        """Pattern to latent; also returns the quality of every block's solution.

        The tolerance of a block grows with sqrt(t), because errors at the image end are amplified
        by all blocks that are solved later (80 times on the demo). For the same work, the largest
        error of an image is then 0.4 times as large.

        Parameters
        ----------
        x
            (N, C, H, W) patterns.
        mixture
            (N, K) weights of conditions, sum 1.
        locked
            (N, C) of 0 and 1; locked channels stay as they are.
        times
            Block times other than the network's own; the latent must be decoded with the same.
        tolerance
            Largest residual of a block at t = TOLERANCE_AT.
        starts
            First guesses for all blocks: solutions with a larger tolerance.
        """
        y, condition = self.enter(x, mixture, locked, times)
        quality: list[Inverse] = []
        done: list[tuple[float, Tensor]] = []  # logit of a block's time, its velocity
        for i, block in enumerate(self.blocks):
            if self.interrupted():
                raise Cancelled
            start = None
            if starts:
                start = starts[i]
            elif done:
                start = y - block.h * _ahead(done, _logit(block.t))
            tolerance_here = tolerance * math.sqrt(block.t / TOLERANCE_AT)
            quality.append(block.invert(y, condition, start, tolerance_here))
            done.append((_logit(block.t), quality[-1].step / block.h))
            y = quality[-1].x
        return y, quality

    def enter(
        self,
        x: Tensor,
        mixture: Tensor,
        locked: Tensor | None = None,
        times: tuple[float, ...] = (),
    ) -> tuple[Tensor, Tensor]:
        """What the first block gets of a pattern, (N, 4C, H/2, W/2), and the condition of all
        blocks, (N, K + C).
        """
        condition, locked = self._condition(mixture, locked, times)
        return self.squeeze(x * self._scales(locked) + self._dithers(x, locked)), condition

    def decode(
        self,
        z: Tensor,
        mixture: Tensor,
        locked: Tensor | None = None,
        times: tuple[float, ...] = (),
    ) -> Tensor:
        """Latent to pattern under `mixture` (N, K), in one explicit pass."""
        condition, locked = self._condition(mixture, locked, times)
        # FrEIA's Haar reverse overwrites its input; the blocks before it always make a new tensor.
        x, _ = self.flow(z, [condition], rev=True, jac=False)
        image: Tensor = (x - self._dithers(x, locked)) / self._scales(locked)
        return image

    def preview_change(
        self,
        trajectory: Sequence[Tensor],
        blend: Blend,
        locked: Tensor | None = None,
        times: tuple[float, ...] = (),
        steps: int = PREVIEW_STEPS,
    ) -> Tensor:
        """The rough change (N, C, H, W) of a pattern: a few long steps instead of one per block.

        Only the difference to the image's own trajectory is integrated (Adams-Bashforth, second
        order). So the rest of the image cannot blur, and nothing changes at share 0. On the demo
        the error is 0.12 of the exact change with locked nuclei, and 0.3 without locked channels
        (root mean square).

        Parameters
        ----------
        trajectory
            (N, 4C, H/2, W/2) at all block times under the image's own condition, image end first.
        blend
            The mixture of conditions.
        locked
            (N, C) of 0 and 1.
        times
            Block times other than the network's own.
        steps
            Number of long steps.
        """
        if self.interrupted():
            raise Cancelled
        own, target, share = blend.source, blend.target, blend.share
        _, mask = self._condition(own, locked, times)
        blocks = self.blocks
        change, before, h_before = torch.zeros_like(trajectory[0]), None, 1.0
        nodes = np.linspace(len(blocks), 0, min(steps, len(blocks)) + 1).round().astype(int)
        for last, first in pairwise(nodes):
            block, h = blocks[last - 1], sum(b.h for b in blocks[first:last])
            own_velocity = (trajectory[last - 1] - trajectory[last]) / block.h
            value = trajectory[last] + change
            velocity = self.velocity.toward(value, block.t, own, target, share, locked)
            now = velocity - own_velocity
            ahead = now if before is None else now + h / (2 * h_before) * (now - before)
            change, before, h_before = change + h * ahead, now, h
        image: Tensor = self.flow[0]((change,), rev=True, jac=False)[0][0] / self._scales(mask)
        return image

    def _scales(self, locked: Tensor) -> Tensor:
        """(N, C, 1, 1) factors at the image end: 1 - t_image as in training, 1 if locked."""
        return (locked + (1 - locked) * self._scale)[..., None, None]

    def _dithers(self, x: Tensor, locked: Tensor) -> Tensor:
        """The fixed dither noise (N, C, H, W) of images at time t_image, as in training.

        The noise is always the same, so it can be subtracted again. Without it, images are cleaner
        than in training; their latents spread by 0.3 to 0.6 instead of 1, and counterfactuals are
        blurred.
        """
        rows, columns = (-(-side // DITHER_PX) for side in x.shape[-2:])
        dither = self._dither.repeat(1, rows, columns)[:, : x.shape[-2], : x.shape[-1]]
        return self.architecture.t_image * (1 - locked)[..., None, None] * dither

    @property
    def _scale(self) -> float:
        """The factor 1 - t of an image at time t_image, as in training."""
        return 1 - self.architecture.t_image

    def raw_features(self, x: Tensor) -> Tensor:
        """Features (N, F) of images: those of the pattern, pooled, and the levels."""
        pattern, levels = self.split(x)
        pooled = self.velocity.features(
            self._scale * self.squeeze(pattern), self.architecture.t_image
        )
        return pooled if self.levels is None else torch.cat([pooled, levels.flatten(1)], dim=1)

    def features(self, x: Tensor) -> Tensor:
        """Standardised features (N, F) of images."""
        return (self.raw_features(x) - self.feature_mean) / self.feature_scale

    def classify_pattern(self, pooled: Tensor) -> Tensor:
        """Logits (N, K) of the pooled features of patterns alone, during training."""
        return functional.linear(pooled, self.head.weight[:, : pooled.shape[1]], self.head.bias)

    def logits(self, x: Tensor) -> Tensor:
        """Calibrated logits (N, K) of images."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _ahead(done: Sequence[tuple[float, Tensor]], logit: float) -> Tensor:
    """The velocity at a logit(t), extrapolated linearly from the last two blocks."""
    logit_1, v_1 = done[-1]
    if len(done) == 1:
        return v_1
    logit_0, v_0 = done[-2]
    return v_1 + (logit - logit_1) / (logit_1 - logit_0) * (v_1 - v_0)


def step_times(a: Architecture, locked: bool = False) -> list[tuple[float, float]]:
    """(t, h) per block, image end first.

    Decoding goes from t_noise to t_image: y(t_k) = y(t_k+1) - (t_k+1 - t_k) v(y(t_k+1), t_k+1).
    So h is negative.
    """
    return pairs_of((a.times_held if locked else a.times) or block_edges(a, (), locked))


def pairs_of(edges: Sequence[float]) -> list[tuple[float, float]]:
    """(t, h) per block between these block times."""
    return [(after, before - after) for before, after in pairwise(edges)]


def block_edges(
    a: Architecture,
    contraction: Sequence[float],
    locked: bool = False,
    times: Sequence[float] = (),
) -> tuple[float, ...]:
    """Times of the fewest blocks that are expected to contract by CONTRACTION_AIM.

    `contraction` are the Lipschitz estimates of the present blocks, which stand at `times`. A
    block's estimate grows with its step. So steps are short where the velocity is steep, for
    example at the noise end for images with strong contrast. Equal estimates, or none, give times
    that are uniform in logit(t).
    """
    low, high = _logit(a.t_image), _logit(a.t_noise_held if locked else a.t_noise)
    if not len(contraction):
        return tuple(_logistic(v) for v in np.linspace(low, high, a.blocks + 1))
    times = times or (a.times_held if locked else a.times) or block_edges(a, (), locked)
    present = [_logit(t) for t in times]
    summed = np.concatenate([[0.0], np.cumsum(contraction)])
    blocks = int(np.clip(math.ceil(summed[-1] / CONTRACTION_AIM), LEAST_BLOCKS, MOST_BLOCKS))
    wanted = np.interp(np.linspace(0, summed[-1], blocks + 1), summed, present)
    return tuple(_logistic(v) for v in wanted)


def _logit(t: float) -> float:
    return math.log(t / (1 - t))


def _logistic(v: float) -> float:
    return float(1 / (1 + np.exp(-v)))


def one_hot(indices: Tensor, conditions: int) -> Tensor:
    """(N,) class indices -> (N, K) mixtures with the whole weight on one condition."""
    return functional.one_hot(indices, conditions).float()


def blend(source: Tensor, weights: Tensor, strength: Tensor) -> Tensor:
    """(N, K) mixture (1 - g) source + g weights, with the strength g; exactly `source` at g = 0."""
    g = strength[:, None]
    return (1 - g) * source + g * weights


@torch.no_grad()
def split_image(model: IResNet, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pattern (C, Y, X) and levels (2, C) of one network image, see `IResNet.split`."""
    device = next(model.parameters()).device
    pattern, levels = model.split(torch.from_numpy(x)[None].to(device))
    return pattern[0].cpu().numpy(), levels[0].cpu().numpy()


def pad_field(x: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Mirror the right and lower edges up to multiples of 8; also returns the old sides."""
    height, width = x.shape[-2:]
    down, right = -height % FIELD_MULTIPLE, -width % FIELD_MULTIPLE
    return functional.pad(x, (0, right, 0, down), mode="reflect"), (height, width)
