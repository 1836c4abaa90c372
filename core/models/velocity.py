"""The small U-Net that says in which direction an image moves: the velocity v(y, t, condition).

Convolutional, normalised over channels and never over space, so a crop, a whole field and a tile
give the same answer in their middle. The encoder sees the image and the time only; the condition
enters in the decoder. Hence one encoder pass serves the velocities of all conditions, and its
pooled bottleneck can be classified without knowing the answer. Channels can be held: the network
then sees them clean, knows that they are, and does not move them.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

TIME_FEATURES = 32
MULTIPLE = 4  # sides of the squeezed image must be multiples of this


class ResBlock(nn.Module):
    """x + conv(silu(scale * conv(silu(norm(x))) + shift)); scale and shift come from the context
    vector.

    The norm is over the channels of each pixel alone: without it the same loss took half as many
    steps again.
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
        out: Tensor = x + self.second(functional.silu(hidden))
        return out


class Velocity(nn.Module):
    """v(y, t, condition) on squeezed images (N, C, H, W) with C = 4 x stains; H, W
    multiples of 4.
    """

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

    def context(self, t: Tensor, held: Tensor | None = None) -> Tensor:
        """Sinusoidal features of logit(t), (N,) -> (N, context); `held` (N, stains) is 1 where a
        stain is held.
        """
        logit = torch.log(t / (1 - t))[:, None]
        steps = torch.arange(TIME_FEATURES // 2, device=t.device, dtype=t.dtype)
        waves = logit * (2.0 ** (steps * 0.35 - 2.0))[None]
        out: Tensor = self.time(torch.cat([waves.sin(), waves.cos()], dim=1))
        return out if held is None else out + self.holding(held)

    def encoder(self, y: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The three scales of the image, finest first; no condition enters."""
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
        middle = self.up1(
            torch.cat([functional.interpolate(coarse, scale_factor=2.0), middle], dim=1)
        )
        middle = self.decode1(middle, context)
        fine = self.up0(torch.cat([functional.interpolate(middle, scale_factor=2.0), fine], dim=1))
        out: Tensor = self.leave(functional.silu(self.decode0(fine, context)))
        return out

    def forward(
        self, y: Tensor, t: Tensor, condition: Tensor, held: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Velocity (N, C, H, W) under `condition` (N,) class indices, and the pooled features (N,
        F).
        """
        context = self.context(t, held)
        scales = self.encoder(y, context)
        return self.decoder(scales, context + self.condition(condition)), pool(scales)

    def of_every_condition(self, y: Tensor, t: float) -> Tensor:
        """Velocities (K, C, H, W) of one squeezed image (1, C, H, W) under each condition: one
        encoder pass.
        """
        context = self.context(torch.full((1,), t, device=y.device, dtype=y.dtype))
        scales = self.encoder(y, context)
        fine, middle, coarse = (s.expand(self.conditions, -1, -1, -1) for s in scales)
        return self.decoder((fine, middle, coarse), context + self.condition.weight)

    def mixed(self, y: Tensor, t: float, mixture: Tensor, held: Tensor | None = None) -> Tensor:
        """sum_k mixture[:, k] v_k(y, t): one encoder pass, one decoder pass per condition in use.

        mixture (N, K) sums to one per row; weights may be negative or above one (exaggeration).
        Held stains, `held` (N, stains), have velocity exactly zero.
        """
        moved = self._mixed(
            y, self.context(torch.full((len(y),), t, device=y.device, dtype=y.dtype), held), mixture
        )
        return moved if held is None else moved * free_planes(held)

    def toward(
        self,
        y: Tensor,
        t: float,
        own: Tensor,
        target: Tensor,
        share: Tensor,
        held: Tensor | None = None,
    ) -> Tensor:
        """v_own + share (v_target - v_own), where `target` (N, K) blends conditions before the
        decoder, not after it.

        So it costs two decoder passes for any number of conditions, and is `mixed` where each is
        one alone.
        """
        context = self.context(torch.full((len(y),), t, device=y.device, dtype=y.dtype), held)
        fine, middle, coarse = (torch.cat([s, s]) for s in self.encoder(y, context))
        reported = torch.cat(
            [context + own @ self.condition.weight, context + target @ self.condition.weight]
        )
        at_home, there = self.decoder((fine, middle, coarse), reported).chunk(2)
        moved = at_home + share[:, None, None, None] * (there - at_home)
        return moved if held is None else moved * free_planes(held)

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
        return torch.zeros_like(y).index_add_(
            0, rows, mixture[rows, used][:, None, None, None] * parts
        )

    def features(self, y: Tensor, t: float) -> Tensor:
        """Pooled features (N, F) of images y at time t, for the classifier."""
        context = self.context(torch.full((len(y),), t, device=y.device, dtype=y.dtype))
        return pool(self.encoder(y, context))


def free_planes(held: Tensor) -> Tensor:
    """(N, stains) -> (N, 4 x stains, 1, 1): 0 for every Haar plane of a held stain, 1 for the
    others.
    """
    return (1 - held).repeat_interleave(4, dim=1)[..., None, None]


def pool(scales: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Mean and root mean square over the field of the two coarser scales, (N, F)."""
    pooled = []
    for scale in scales[1:]:
        active = functional.silu(scale).float()
        pooled += [active.mean(dim=(2, 3)), (active.square().mean(dim=(2, 3)) + 1e-6).sqrt()]
    return torch.cat(pooled, dim=1)
