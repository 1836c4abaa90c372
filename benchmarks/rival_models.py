"""Networks and transports for comparison with the program's network, trained for a given time.

Likelihood i-ResNet after Behrmann et al. 2019 (arXiv 1811.00995), coupling flow after Kingma and
Dhariwal 2018 (arXiv 1807.03039), both from parts of FrEIA where these are correct. Transports move
a latent from one class Gaussian to another by shifting each channel, or by shifting and scaling.
"""

# ruff: noqa: TID253 - networks are classes of torch; the window never imports this module

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from FrEIA.framework import SequenceINN
from FrEIA.modules import ActNorm, AllInOneBlock, HaarDownsampling, IResNetLayer
from torch import Tensor, nn
from torch.nn import functional

from core.data.batches import FieldStore, balanced_indices
from core.domain import IntArray
from core.errors import LeighError
from core.models.inverse import solve
from core.models.iresnet import IResNet, one_hot
from core.progress import Cancelled, Progress, Report, silent
from core.training.half_precision import half_precision
from core.training.objectives import FlowMatching, Labelled
from core.training.presets import Preset
from core.training.trainer import Run
from core.training.trainer import train as fit

LEARNING_RATE = 1e-3  # of the likelihood models
# Share of a training with a constant rate, before the rate falls to zero; as in
# core.training.presets.
STEADY_SHARE = 0.4
MANY_STEPS = 10**6
# Spectral norm of each of a block's three convolutions; the residual of the block then stays below
# 0.86.
CAP = 0.95
LOG_DET_TERMS = 6
PATCH_PX = 24  # side of the image on which power iteration measures the norm of a convolution
LEVELS = 4  # of the Haar pyramid


@dataclass(frozen=True)
class Training:
    """Time, steps and final loss of a training."""

    seconds: float
    steps: int
    loss: float  # mean of the last steps
    parameters: int


class CappedLayer(IResNetLayer):
    """FrEIA's residual layer y = x + g(x) with three parts replaced.

    FrEIA's log-determinant has no gradient, so maximum likelihood would ignore it. FrEIA's power
    iteration ignores padding and is not normalised. FrEIA's inverse does not check whether it
    converged.
    """

    def __init__(
        self, dims_in: list[tuple[int, ...]], dims_c: Sequence[tuple[int, ...]] = (), *, width: int
    ) -> None:
        super().__init__(dims_in, dims_c, internal_size=width, spectral_norm_max=CAP)
        for i, layer in enumerate(self.layers):
            self.register_buffer(
                f"vector{i}", torch.randn(1, layer.in_channels, PATCH_PX, PATCH_PX)
            )

    def forward(
        self, x: Iterable[Tensor], c: Iterable[Tensor] = (), rev: bool = False, jac: bool = True
    ) -> tuple[tuple[Tensor], Tensor]:
        """Map one tensor (N, C, H, W); the log-determinant (N,) is computed only forward."""
        (value,) = x
        zeros = value.new_zeros(len(value))
        if rev:
            inverse = solve(lambda x, _: self.residual(x), value, name="a likelihood block")
            return (inverse.x,), zeros
        if not jac:
            return (value + self.residual(value),), zeros
        value = value if value.requires_grad else value.detach().requires_grad_()
        with half_precision(value.device):
            moved = self.residual(value)
        return (value + moved.float(),), self._log_det(value, moved)

    def _log_det(self, value: Tensor, moved: Tensor) -> Tensor:
        """log det(I + J) = sum_k (-1)^(k+1) / k tr(J^k), with traces from one random vector v.

        Behrmann et al. 2019, eq. 4. The gradient is that of w' J v with w' = v' (I + J)^-1 kept
        constant (Chen et al. 2019, arXiv 1906.02735), so that only one product is differentiated
        twice.
        """
        probe = torch.randn_like(value).sign()
        vector, inverse, log_det = probe, probe, value.new_zeros(len(value))
        for k in range(1, LOG_DET_TERMS + 1):
            (vector,) = torch.autograd.grad(
                moved, value, vector.to(moved.dtype), retain_graph=True
            )  # J' vector
            log_det = log_det - (-1) ** k / k * (vector * probe).flatten(1).sum(dim=1)
            inverse = inverse + (-1) ** k * vector
        (image,) = torch.autograd.grad(moved, value, inverse.to(moved.dtype), create_graph=True)
        differentiable = (image * probe).flatten(1).sum(dim=1)
        return log_det + differentiable - differentiable.detach()

    @torch.no_grad()
    def lipschitz_correction(self, iterations: int = 1) -> None:
        """Scale every convolution down to CAP; the vectors of the power iteration are kept."""
        for i, layer in enumerate(self.layers):
            vector, norm = self.get_buffer(f"vector{i}"), torch.tensor(0.0)
            for _ in range(iterations):
                vector /= vector.norm()
                image = functional.conv2d(vector, layer.weight, padding=1)
                norm = image.norm()
                vector.copy_(functional.conv_transpose2d(image, layer.weight, padding=1))
            layer.weight *= (CAP / norm).clamp(max=1.0)

    @torch.no_grad()
    def certify(self) -> None:
        """Scale every convolution by its Fourier symbol, which bounds images of any size."""
        for layer in self.layers:
            transformed = torch.fft.rfft2(layer.weight, s=(PATCH_PX, PATCH_PX))
            symbol = transformed.permute(2, 3, 0, 1)  # (24, 13, out, in)
            layer.weight *= (CAP / torch.linalg.matrix_norm(symbol, ord=2).max()).clamp(max=1.0)


class LikelihoodIResNet(nn.Module):
    """Image (N, C, H, W) <-> latent (N, 16C, H/4, W/4), with one Gaussian per class and channel."""

    def __init__(self, channels: int, conditions: int, crop: int, blocks: int = 4) -> None:
        super().__init__()
        self.flow = SequenceINN(channels, crop, crop)
        for width in (32, 64):
            self.flow.append(HaarDownsampling)
            for _ in range(blocks):
                self.flow.append(ActNorm)
                self.flow.append(CappedLayer, width=width)
        self.flow.append(ActNorm)
        self.mean = nn.Parameter(torch.zeros(conditions, 16 * channels, 1, 1))
        self.log_std = nn.Parameter(torch.zeros(conditions, 16 * channels, 1, 1))
        for layer in self._layers:
            layer.lipschitz_correction(20)

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        """-log p(x | c) in nats per dimension; x (N, C, crop, crop), c (N,)."""
        z, log_det = self.flow(x)
        residual = (z - self.mean[c]) * torch.exp(-self.log_std[c])
        pixels = z.shape[2] * z.shape[3]
        return _nats(residual, log_det - pixels * self.log_std[c].sum(dim=(1, 2, 3)))

    def after_step(self) -> None:
        """Keep the residual of every block contractive."""
        for layer in self._layers:
            layer.lipschitz_correction()

    def finish(self) -> None:
        """Enforce the bound for all image sizes, and leave training mode."""
        for layer in self._layers:
            layer.certify()
        self.eval()

    @property
    def _layers(self) -> list[CappedLayer]:
        return [m for m in self.flow if isinstance(m, CappedLayer)]

    def encode(self, x: Tensor) -> Tensor:
        """Image to latent, in one explicit pass."""
        z: Tensor = self.flow(x, jac=False)[0]
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Latent to image, by solving every block. Raises NotInvertible."""
        x: Tensor = self.flow(z, rev=True, jac=False)[0]
        return x


class Subnet(nn.Sequential):
    """The three convolutions of a coupling block, (N, inputs, H, W) -> (N, outputs, H, W).

    The output is zero before the training.
    """

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        sizes = [(inputs, width), (width, width), (width, outputs)]
        a, b, c = (nn.Conv2d(i, o, 3, padding=1) for i, o in sizes)
        nn.init.zeros_(c.weight)
        nn.init.zeros_(c.bias)
        super().__init__(a, nn.ReLU(), b, nn.ReLU(), c)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the convolutions; in training with half precision, as the program's network."""
        if not self.training:
            return super().forward(x)
        with half_precision(x.device):
            return super().forward(x).float()


class CouplingFlow(nn.Module):
    """Image (N, C, H, W) <-> standard normal latent (N, 16C, H/4, W/4).

    The class is an input of every block.
    """

    def __init__(self, channels: int, conditions: int, crop: int, blocks: int = 6) -> None:
        super().__init__()
        self.conditions = conditions
        self.flow = SequenceINN(channels, crop, crop)
        for level, width in enumerate((48, 64)):
            self.flow.append(HaarDownsampling)
            # Spreads of bands differ by a factor of 100, and AllInOneBlock does not adapt to data.
            self.flow.append(ActNorm)
            side = crop // 2 ** (level + 1)
            for _ in range(blocks):
                self.flow.append(
                    AllInOneBlock,
                    cond=level,
                    cond_shape=(conditions, side, side),
                    subnet_constructor=lambda i, o, width=width: Subnet(i, o, width),
                    permute_soft=True,
                )

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        """-log p(x | c) in nats per dimension; x (N, C, crop, crop), c (N,)."""
        z, log_det = self.flow(x, self._planes(c, x.shape[-2:]))
        return _nats(z, log_det)

    def after_step(self) -> None:
        """Do nothing: couplings are invertible for all weights."""

    def finish(self) -> None:
        """Leave training mode."""
        self.eval()

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        """Image to latent under the classes c (N,)."""
        z: Tensor = self.flow(x, self._planes(c, x.shape[-2:]))[0]
        return z

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        """Latent to image under the classes c (N,)."""
        height, width = z.shape[-2:]
        x: Tensor = self.flow(z, self._planes(c, (4 * height, 4 * width)), rev=True)[0]
        return x

    def _planes(self, c: Tensor, sides: tuple[int, ...]) -> list[Tensor]:
        """The class as constant planes (N, K, H/2, W/2) and (N, K, H/4, W/4)."""
        mixture = one_hot(c, self.conditions)[..., None, None]
        return [mixture.expand(-1, -1, sides[0] // f, sides[1] // f) for f in (2, 4)]


def _nats(residual: Tensor, log_det: Tensor) -> Tensor:
    """Mean of -log N(residual; 0, 1) - log_det, per dimension."""
    size = residual[0].numel()
    energy = 0.5 * residual.square().flatten(1).sum(dim=1) - log_det
    return energy.mean() / size + 0.5 * math.log(2 * math.pi)


def fit_likelihood(
    model: LikelihoodIResNet | CouplingFlow,
    store: FieldStore,
    labels: IntArray,
    *,
    budget_s: float,
    batch: int,
    seed: int,
) -> Training:
    """Train by maximum likelihood for a given time, with the program's crops and schedule.

    Parameters
    ----------
    model
        Trained in place.
    store
        The training fields.
    labels
        (N,) class indices.
    budget_s
        Seconds of training.
    batch
        Crops per step.
    seed
        Of the crops.

    Raises
    ------
    LeighError
        When the likelihood is not a number.
    """
    optimiser = torch.optim.Adam(
        [p for p in model.parameters() if p.requires_grad], lr=LEARNING_RATE
    )
    losses: list[float] = []
    began = time.monotonic()
    while not losses or time.monotonic() - began < budget_s:
        step, share = len(losses), min(1.0, (time.monotonic() - began) / budget_s)
        late = max(0.0, share - STEADY_SHARE) / (1 - STEADY_SHARE)
        fall = 0.5 * (1 + math.cos(math.pi * late))
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 50) * fall
        rng = np.random.default_rng([seed, step])
        index = balanced_indices(labels, batch, rng)
        loss = model.loss(
            torch.from_numpy(store.crops(index, rng)), torch.from_numpy(labels[index])
        )
        if not bool(torch.isfinite(loss)):
            raise LeighError(f"The likelihood was not a number at step {step + 1}.")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        model.after_step()
        losses.append(loss.item())
    seconds = time.monotonic() - began
    model.finish()
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Training(seconds, len(losses), float(np.mean(losses[-50:])), count)


def fit_flow(
    model: IResNet,
    store: FieldStore,
    labels: IntArray,
    preset: Preset,
    *,
    budget_s: float,
    seed: int,
) -> Training:
    """Train the program's network for a given time.

    The rate is constant at first. This part is stopped by the clock, and its pace determines the
    number of all steps.

    Parameters
    ----------
    model
        Trained in place.
    store
        The training fields.
    labels
        (N,) class indices.
    preset
        Batch and schedule.
    budget_s
        Seconds of training.
    seed
        Of the training.
    """
    began, done = time.monotonic(), 0

    def stop_by_the_clock(progress: Progress) -> None:
        nonlocal done
        done = progress.done
        if time.monotonic() - began > STEADY_SHARE * budget_s:
            raise Cancelled

    with TemporaryDirectory() as folder:

        def train(steps: int, *, resume: bool = False, report: Report = silent) -> dict[str, Any]:
            timed = replace(preset, steps=steps)
            objective = FlowMatching(Labelled(store, labels), timed.batch)
            run = Run(seed, Path(folder), "designs", resume)
            return fit(model, objective, timed.schedule, run, report=report)

        with suppress(Cancelled):
            train(MANY_STEPS, report=stop_by_the_clock)
        pace = done / (time.monotonic() - began)
        facts = train(max(done + 1, round(pace * budget_s)), resume=True)
    count = sum(p.numel() for p in model.parameters())
    return Training(time.monotonic() - began, facts["steps"], facts["loss"], count)


Latent = list[Tensor]  # one or more tensors (N, C, H, W); each channel has its own statistics
Statistics = list[tuple[Tensor, Tensor]]  # mean and standard deviation (1, C, 1, 1) of each
Transport = Callable[[Latent, Statistics, Statistics], Latent]  # latent, source, target


def pyramid(x: Tensor, levels: int = LEVELS) -> Latent:
    """Orthonormal Haar pyramid: details (N, 3C, H/2, W/2) of every level, then the rest."""
    bands = []
    for _ in range(levels):
        a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
        bands.append(torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], dim=1) / 2)
        x = (a + b + c + d) / 2
    return [*bands, x]


def from_pyramid(bands: Latent) -> Tensor:
    """The image (N, C, H, W) of a pyramid."""
    x = bands[-1]
    for details in reversed(bands[:-1]):
        across, down, both = details.chunk(3, dim=1)
        parts = [
            x + across + down + both,
            x - across + down - both,
            x + across - down - both,
            x - across - down + both,
        ]
        finer = torch.stack(parts, dim=2).flatten(1, 2) / 2  # (N, 4C, H, W)
        x = functional.pixel_shuffle(finer, 2)
    return x


@torch.no_grad()
def class_statistics(
    encode: Callable[[Tensor], Latent], store: FieldStore, labels: IntArray, conditions: int
) -> list[Statistics]:
    """Mean and spread of each latent channel over the training fields, per condition."""
    statistics = []
    for k in range(conditions):
        fields = [torch.from_numpy(store.field(int(i)))[None] for i in np.flatnonzero(labels == k)]
        latents = [encode(field) for field in fields]
        joined = [torch.cat(parts) for parts in zip(*latents, strict=True)]
        statistics.append(
            [(z.mean((0, 2, 3), keepdim=True), z.std((0, 2, 3), keepdim=True)) for z in joined]
        )
    return statistics


def shifted(latent: Latent, source: Statistics, target: Statistics) -> Latent:
    """z + m_t - m_s per channel."""
    return [z - m_s + m_t for z, (m_s, _), (m_t, _) in zip(latent, source, target, strict=True)]


def transported(latent: Latent, source: Statistics, target: Statistics) -> Latent:
    """(z - m_s) sd_t / sd_s + m_t per channel: the optimal transport between the two Gaussians."""
    pairs = zip(latent, source, target, strict=True)
    return [(z - m_s) * (s_t / s_s.clamp_min(1e-6)) + m_t for z, (m_s, s_s), (m_t, s_t) in pairs]
