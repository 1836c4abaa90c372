"""The inverse projection: from a map position to logit coordinates.

A small network is fitted to the records and is smooth everywhere. It needs a few matrix products,
so a map of 65,000 pixels takes a fraction of a second. Kernel regression serves until the network
is fitted. UMAP's own inverse is slow, and its regions are often wrong.
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
AT_ONCE = 4_000_000  # numbers that the kernel regression holds in memory


@dataclass(frozen=True)
class Surface:
    """The fitted network: positions (M, 2) -> logit coordinates (M, K-1), without torch."""

    centre: FloatArray  # (2,)
    scale: float
    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]
    mean: FloatArray  # (K-1,)
    spread: FloatArray  # (K-1,)

    def __call__(self, places: FloatArray) -> FloatArray:
        """Logit coordinates (M, K-1) at map positions (M, 2)."""
        h = ((places - self.centre) / self.scale).astype(np.float32)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1]):
            h = np.tanh(h @ weight + bias)
        standardised = h @ self.weights[-1] + self.biases[-1]
        coordinates: FloatArray = standardised * self.spread + self.mean
        return coordinates


@dataclass(frozen=True)
class Kernel:
    """Kernel regression: the mean of the nearest records, in which closer records weigh more."""

    tree: cKDTree  # of the positions (N, 2)
    coordinates: FloatArray  # (N, K-1)
    width: float

    def __call__(self, places: FloatArray) -> FloatArray:
        """Logit coordinates (M, K-1) at map positions (M, 2)."""
        parts = -(-len(places) * KERNEL_NEIGHBOURS * self.coordinates.shape[1] // AT_ONCE) or 1
        return np.concatenate([self._smoothed(part) for part in np.array_split(places, parts)])

    def _smoothed(self, places: FloatArray) -> FloatArray:
        count = min(KERNEL_NEIGHBOURS, len(self.coordinates))
        distance, rows = self.tree.query(places, k=[*range(1, count + 1)])
        nearer = (distance / self.width) ** 2 / 2
        weight = np.exp(nearer[:, :1] - nearer)[..., None]  # the nearest always has weight 1
        mean: FloatArray = (weight * self.coordinates[rows]).sum(axis=1) / weight.sum(axis=1)
        return mean


def fit_kernel(xy: FloatArray, u: FloatArray) -> Kernel:
    """Fit to positions (N, 2) and coordinates (N, K-1), as wide as neighbours usually are apart."""
    tree = cKDTree(xy)
    count = min(WIDTH_NEIGHBOURS + 1, len(xy))
    reach = tree.query(xy, k=[count])[0]
    return Kernel(tree, u.astype(np.float32), float(np.median(reach)) + 1e-9)


def fit_inverse_projection(xy: FloatArray, u: FloatArray, seed: int) -> Surface:
    """Fit to positions (N, 2) and coordinates (N, K-1); the same seed gives the same result.

    The loss is the squared error plus the Kullback-Leibler divergence of the posteriors.
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
            predicted = layers[-1](h)
            logits = (predicted * torch.from_numpy(spread) + torch.from_numpy(mean)) @ basis
            loss = functional.mse_loss(predicted, wanted[rows])
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
    """Use one thread: on a busy machine, more threads took 100 s instead of 5 s."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
