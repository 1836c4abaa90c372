"""The map backwards: from a place on it to the semantic coordinates of what would lie there.

A small network, fitted to the records that are known, with a smooth answer everywhere; a few matrix
products, so a map of 65,000 pixels takes a fraction of a second. Until it is fitted, a kernel
answers. UMAP's own inverse is slow, and its regions are often wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from core.domain import FloatArray

WIDTHS = (128, 256, 256)
STEPS = 600
BATCH = 512
RATE = 3e-3
KERNEL_NEIGHBOURS, WIDTH_NEIGHBOURS = 48, 12
AT_ONCE = 4_000_000  # numbers that the kernel holds


@dataclass(frozen=True)
class Surface:
    """Places (M, 2) -> semantic coordinates (M, K-1). Plain arrays: asking it needs no torch."""

    centre: FloatArray  # (2,)
    scale: float
    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]
    mean: FloatArray  # (K-1,)
    spread: FloatArray  # (K-1,)

    def __call__(self, places: FloatArray) -> FloatArray:
        """Semantic coordinates (M, K-1) at map places (M, 2)."""
        h = ((places - self.centre) / self.scale).astype(np.float32)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1]):
            h = np.tanh(h @ weight + bias)
        out: FloatArray = (h @ self.weights[-1] + self.biases[-1]) * self.spread + self.mean
        return out


@dataclass(frozen=True)
class Kernel:
    """The same at once, and rougher: the mean of the nearest known records, closer
    ones weigh more.
    """

    tree: cKDTree  # of the places (N, 2)
    coordinates: FloatArray  # (N, K-1)
    width: float

    def __call__(self, places: FloatArray) -> FloatArray:
        """Semantic coordinates (M, K-1) at map places (M, 2)."""
        parts = -(-len(places) * KERNEL_NEIGHBOURS * self.coordinates.shape[1] // AT_ONCE) or 1
        return np.concatenate([self._smoothed(part) for part in np.array_split(places, parts)])

    def _smoothed(self, places: FloatArray) -> FloatArray:
        count = min(KERNEL_NEIGHBOURS, len(self.coordinates))
        distance, rows = self.tree.query(places, k=[*range(1, count + 1)])
        nearer = (distance / self.width) ** 2 / 2
        weight = np.exp(nearer[:, :1] - nearer)[..., None]  # of the nearest: 1, however far it is
        out: FloatArray = (weight * self.coordinates[rows]).sum(axis=1) / weight.sum(axis=1)
        return out


def fit_kernel(xy: FloatArray, u: FloatArray) -> Kernel:
    """Known places (N, 2) and coordinates (N, K-1), smoothed as wide as the neighbours of a place
    usually reach.
    """
    tree = cKDTree(xy)
    count = min(WIDTH_NEIGHBOURS + 1, len(xy))
    reach = tree.query(xy, k=[count])[0]
    return Kernel(tree, u.astype(np.float32), float(np.median(reach)) + 1e-9)


def fit_inverse_projection(xy: FloatArray, u: FloatArray, seed: int) -> Surface:
    """Fit to known places (N, 2) and coordinates (N, K-1): squared error, and KL of the posteriors.

    Deterministic.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    from core.data.logit_coordinates import logits_of, probabilities_of

    centre, scale = xy.mean(axis=0), float(xy.std()) + 1e-9
    mean, spread = u.mean(axis=0), u.std(axis=0) + 1e-6
    x = torch.from_numpy(((xy - centre) / scale).astype(np.float32))
    wanted = torch.from_numpy(((u - mean) / spread).astype(np.float32))
    posterior = torch.from_numpy(probabilities_of(u))
    basis = torch.from_numpy(logits_of(np.eye(u.shape[1], dtype=np.float32)))
    with torch.random.fork_rng(devices=[]), _one_thread():
        torch.default_generator.manual_seed(seed)
        sides = (2, *WIDTHS, u.shape[1])
        layers = [nn.Linear(a, b) for a, b in pairwise(sides)]
        optimiser = torch.optim.Adam([p for layer in layers for p in layer.parameters()], RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
        for _ in range(STEPS):
            rows = torch.randperm(len(x))[:BATCH]
            h = x[rows]
            for layer in layers[:-1]:
                h = layer(h).tanh()
            found = layers[-1](h)
            logits = (found * torch.from_numpy(spread) + torch.from_numpy(mean)) @ basis
            loss = functional.mse_loss(found, wanted[rows])
            loss = loss + functional.kl_div(
                logits.log_softmax(1), posterior[rows], reduction="batchmean"
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    arrays = [
        (layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy())
        for layer in layers
    ]
    return Surface(
        centre.astype(np.float32),
        scale,
        tuple(w for w, _ in arrays),
        tuple(b for _, b in arrays),
        mean.astype(np.float32),
        spread.astype(np.float32),
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """So small a network gains nothing from more; on a busy machine they waited for each other, 100
    s instead of 5.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
