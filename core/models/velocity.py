"""The velocity network: a small U-Net that says in which direction an image moves.

The network is convolutional and normalises over channels, never over space. So a crop, a whole
field and a tile have the same velocity in their middle. The encoder gets only the image and the
time; the condition enters in the decoder. So one encoder pass serves all conditions, and its pooled
bottleneck can be classified. Channels can be locked: the network gets these channels without noise,
and does not move them.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

TIME_FEATURES = 32
MULTIPLE = 4  # sides of the squeezed image must be multiples of this


class ResBlock(nn.Module):
    """x + conv(silu(scale * conv(silu(norm(x))) + shift)), with scale and shift from the context.

    The norm is over the channels of each pixel. Without the norm, the same loss took 50 % more
    steps.
    """

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(context, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        nn.init.normal_(self.second.weight, std=0.1 / math.sqrt(9 * width))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x (N, W, H, W'), context (N, context)."""
        scale, shift = self.modulation(context)[..., None, None].chunk(2, dim=1)
        normed = functional.rms_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2)
        hidden = self.first(functional.silu(normed)) * (1 + scale) + shift
        result: Tensor = x + self.second(functional.silu(hidden))
        return result


class Velocity(nn.Module):
    """v(y, t, condition) of squeezed images (N, 4 x stains, H, W); H and W are multiples of 4."""

    def __init__(
        self, channels: int, conditions: int, widths: tuple[int, int, int] = (40, 64, 96)
    ) -> None:
        super().__init__()
        self.channels, self.conditions, self.widths = channels, conditions, widths
        w0, w1, w2 = widths
        context = 64
        self.time = nn.Sequential(
            nn.Linear(TIME_FEATURES, context), nn.SiLU(), nn.Linear(context, context)
        )
        self.condition = nn.Embedding(conditions, context)
        self.holding = nn.Linear(channels // 4, context, bias=False)
        nn.init.zeros_(self.holding.weight)
        self.enter = nn.Conv2d(channels, w0, 3, padding=1)
        self.encode0 = ResBlock(w0, context)
        self.down1 = nn.Conv2d(w0, w1, 3, stride=2, padding=1)
        self.encode1 = ResBlock(w1, context)
        self.down2 = nn.Conv2d(w1, w2, 3, stride=2, padding=1)
        self.encode2 = nn.ModuleList([ResBlock(w2, context) for _ in range(2)])
        self.decode2 = nn.ModuleList([ResBlock(w2, context) for _ in range(2)])
        self.up1 = nn.Conv2d(w2 + w1, w1, 3, padding=1)
        self.decode1 = ResBlock(w1, context)
        self.up0 = nn.Conv2d(w1 + w0, w0, 3, padding=1)
        self.decode0 = ResBlock(w0, context)
        self.leave = nn.Conv2d(w0, channels, 3, padding=1)
        nn.init.zeros_(self.leave.weight)

    @property
    def feature_count(self) -> int:
        """Length of the pooled feature vector of `features`."""
        return 2 * (self.widths[1] + self.widths[2])

    def context(self, t: Tensor, locked: Tensor | None = None) -> Tensor:
        """The context (N, context) from times (N,) and `locked` (N, stains) of 0 and 1."""
        logit = torch.log(t / (1 - t))[:, None]
        steps = torch.arange(TIME_FEATURES // 2, device=t.device, dtype=t.dtype)
        waves = logit * (2.0 ** (steps * 0.35 - 2.0))[None]
        context: Tensor = self.time(torch.cat([waves.sin(), waves.cos()], dim=1))
        return context if locked is None else context + self.holding(locked)

    def encoder(self, y: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The image at three scales, finest first, without any condition."""
        fine = self.encode0(self.enter(y), context)
        middle = self.encode1(self.down1(functional.silu(fine)), context)
        coarse = self.down2(functional.silu(middle))
        for block in self.encode2:
            coarse = block(coarse, context)
        return fine, middle, coarse

    def decoder(self, scales: tuple[Tensor, Tensor, Tensor], context: Tensor) -> Tensor:
        """Velocity from the three scales; `context` carries time and condition."""
        fine, middle, coarse = scales
        for block in self.decode2:
            coarse = block(coarse, context)
        enlarged = functional.interpolate(coarse, scale_factor=2.0)
        middle = self.decode1(self.up1(torch.cat([enlarged, middle], dim=1)), context)
        enlarged = functional.interpolate(middle, scale_factor=2.0)
        fine = self.decode0(self.up0(torch.cat([enlarged, fine], dim=1)), context)
        velocity: Tensor = self.leave(functional.silu(fine))
        return velocity

    def forward(
        self, y: Tensor, t: Tensor, condition: Tensor, locked: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Velocity (N, C, H, W) under conditions (N,) of class indices; and pooled features."""
        context = self.context(t, locked)
        scales = self.encoder(y, context)
        return self.decoder(scales, context + self.condition(condition)), pool(scales)

    def of_every_condition(self, y: Tensor, t: float) -> Tensor:
        """Velocities (K, C, H, W) of one squeezed image (1, C, H, W) under each condition."""
        context = self.context(torch.full((1,), t, device=y.device, dtype=y.dtype))
        scales = self.encoder(y, context)
        fine, middle, coarse = (s.expand(self.conditions, -1, -1, -1) for s in scales)
        return self.decoder((fine, middle, coarse), context + self.condition.weight)

    def mixed(self, y: Tensor, t: float, mixture: Tensor, locked: Tensor | None = None) -> Tensor:
        """sum_k mixture[:, k] v_k(y, t): one encoder pass, one decoder pass per condition in use.

        The rows of `mixture` (N, K) sum to one; weights may be negative or above one
        (exaggeration). Locked channels, `locked` (N, stains), have velocity exactly zero.
        """
        context = self.context(torch.full((len(y),), t, device=y.device, dtype=y.dtype), locked)
        velocity = self._mixed(y, context, mixture)
        return velocity if locked is None else velocity * free_planes(locked)

    def toward(
        self,
        y: Tensor,
        t: float,
        own: Tensor,
        target: Tensor,
        share: Tensor,
        locked: Tensor | None = None,
    ) -> Tensor:
        """v_own + share (v_target - v_own), with conditions mixed before the decoder.

        This takes two decoder passes for any number of conditions. The result is the same as
        `mixed` where `own` and `target` each are a single condition.

        Parameters
        ----------
        y
            (N, C, H, W) squeezed images.
        t
            The time.
        own, target
            (N, K) mixtures of conditions.
        share
            (N,) how far from `own` to `target`.
        locked
            (N, stains) of 0 and 1.
        """
        context = self.context(torch.full((len(y),), t, device=y.device, dtype=y.dtype), locked)
        fine, middle, coarse = (torch.cat([s, s]) for s in self.encoder(y, context))
        weights = self.condition.weight
        contexts = torch.cat([context + own @ weights, context + target @ weights])
        v_own, v_target = self.decoder((fine, middle, coarse), contexts).chunk(2)
        velocity = v_own + share[:, None, None, None] * (v_target - v_own)
        return velocity if locked is None else velocity * free_planes(locked)

    def _mixed(self, y: Tensor, context: Tensor, mixture: Tensor) -> Tensor:
        scales = self.encoder(y, context)
        rows, used = torch.nonzero(mixture, as_tuple=True)
        if len(rows) == len(y) and bool((rows == torch.arange(len(y), device=y.device)).all()):
            weight = mixture[rows, used][:, None, None, None]
            return weight * self.decoder(scales, context + self.condition(used))
        picked = tuple(s[rows] for s in scales)
        parts = self.decoder(
            (picked[0], picked[1], picked[2]), context[rows] + self.condition(used)
        )
        weighted = mixture[rows, used][:, None, None, None] * parts
        return torch.zeros_like(y).index_add_(0, rows, weighted)

    def features(self, y: Tensor, t: float) -> Tensor:
        """Pooled features (N, F) of images y at time t, for the classifier."""
        context = self.context(torch.full((len(y),), t, device=y.device, dtype=y.dtype))
        return pool(self.encoder(y, context))


def free_planes(locked: Tensor) -> Tensor:
    """(N, stains) -> (N, 4 x stains, 1, 1): 0 for Haar planes of locked channels, else 1."""
    return (1 - locked).repeat_interleave(4, dim=1)[..., None, None]


def pool(scales: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Mean and root mean square over the field of the two coarser scales, (N, F)."""
    pooled = []
    for scale in scales[1:]:
        active = functional.silu(scale).float()
        pooled += [active.mean(dim=(2, 3)), (active.square().mean(dim=(2, 3)) + 1e-6).sqrt()]
    return torch.cat(pooled, dim=1)
