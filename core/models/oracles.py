"""Three independent classifiers (oracles) that check counterfactuals.

A counterfactual that convinces only its own network proves nothing. The oracles work differently: a
small convolutional network, a network on fixed wavelet statistics, and a random forest on hand-made
readouts.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn import functional

from core.data.preprocessing import to_network
from core.data.readouts import readout_values
from core.domain import FloatArray, IntArray, ModelCard, Preprocessing
from core.errors import BadModel
from core.io.atomic import atomic_write_bytes, atomic_write_text
from core.io.digest import digest_bytes
from core.io.disk_errors import unreadable
from core.io.models import names_here, stored_names
from core.io.strict_json import read_object
from core.io.validation import first_fault

ORACLES_FILE, ORACLES_WEIGHTS_FILE = "judges.json", "judges.safetensors"
FORMAT_VERSION = 1
REMEDY = "Train the model again, or copy its folder again from the original."
WIDTHS = (24, 48, 96)
EMBEDDING = 48
SCALES = 5  # wavelet bands of 1 to 16 pixels
HIDDEN = 48
TREES = 200


class ConvOracle(nn.Module):
    """A plain convolutional classifier of network input (N, C, Y, X), any Y and X."""

    def __init__(self, channels: int, conditions: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((channels, *WIDTHS), WIDTHS):
            layers += [_convolution(before, after, stride=2), _convolution(after, after, stride=1)]
        self.layers = nn.Sequential(*layers)
        self.embed = nn.Linear(2 * WIDTHS[-1], EMBEDDING)
        self.last = nn.Linear(EMBEDDING, conditions)

    def embedding(self, x: Tensor) -> Tensor:
        """(N, C, Y, X) -> (N, EMBEDDING), from mean and root mean square over the field."""
        maps = self.layers(x)
        root_mean_square = (maps.square().mean(dim=(2, 3)) + 1e-6).sqrt()
        pooled = torch.cat([maps.mean(dim=(2, 3)), root_mean_square], dim=1)
        return functional.silu(self.embed(pooled))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, Y, X) -> logits (N, K)."""
        logits: Tensor = self.last(self.embedding(x))
        return logits


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    side = 5 if stride > 1 and before < WIDTHS[0] else 3
    convolution = nn.Conv2d(before, after, side, stride, padding=side // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.SiLU())


class WaveletOracle(nn.Module):
    """A small network on fixed wavelet statistics of network input (N, C, Y, X), any Y and X.

    The statistics are computed in starlet bands: differences of B3-spline smoothings at 1, 2, 4 ...
    pixels (Starck, Fadili & Murtagh 2007, IEEE TIP 16:297).
    """

    def __init__(self, channels: int, conditions: int) -> None:
        super().__init__()
        count = channels + (SCALES + 1) * (3 * channels + channels * (channels - 1) // 2)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        self.hidden = nn.Sequential(nn.Linear(count, HIDDEN), nn.SiLU(), nn.Dropout(0.2))
        self.last = nn.Linear(HIDDEN, conditions)

    @staticmethod
    def features(x: Tensor) -> Tensor:
        """(N, F) features: channel means and statistics of the bands.

        Per band: log spread, skewness, log kurtosis, and correlations between channels.
        """
        channels = x.shape[1]
        bands = torch.stack([band.flatten(2) for band in _starlet(x)], dim=1)  # (N, S + 1, C, Y X)
        bands = bands - bands.mean(dim=3, keepdim=True)
        spread = (bands.square().mean(dim=3) + 1e-8).sqrt()
        unit = bands / spread[..., None]
        skewness = unit.pow(3).mean(dim=3)
        correlation = unit @ unit.transpose(2, 3) / unit.shape[3]
        first, second = torch.triu_indices(channels, channels, 1)
        parts = [
            x.mean(dim=(2, 3)),
            spread.log(),
            skewness.sign() * skewness.abs().log1p(),
            unit.pow(4).mean(dim=3).log1p(),
            correlation[..., first, second],
        ]
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def classify(self, features: Tensor) -> Tensor:
        """Raw features (N, F) -> logits (N, K)."""
        logits: Tensor = self.last(self.hidden((features - self.mean) / self.scale))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, Y, X) -> logits (N, K)."""
        return self.classify(self.features(x))


def _starlet(x: Tensor) -> Iterator[Tensor]:
    """The bands of x, finest first, and the remainder; their sum is x."""
    for level in range(SCALES):
        smooth = _smooth(_smooth(x, 2, 2**level), 3, 2**level)
        yield x - smooth
        x = smooth
    yield x


def _smooth(x: Tensor, axis: int, step: int) -> Tensor:
    """B3 spline along one axis (2 or 3), with five taps that are `step` pixels apart."""
    margin, side = 2 * step, x.shape[axis]
    margins = (0, 0, margin, margin) if axis == 2 else (margin, margin, 0, 0)
    padded = functional.pad(x, margins, mode="replicate")
    taps = [w / 16 * padded.narrow(axis, k * step, side) for k, w in enumerate((1, 4, 6, 4, 1))]
    return torch.stack(taps).sum(dim=0)


def forest_readouts(raw: FloatArray, preprocessing: Preprocessing) -> FloatArray:
    """(R,) input of the forest for raw grey values (C, Y, X), see `with_ratios`.

    The readouts are measured at the resolution of the network.
    """
    return with_ratios(readout_values(raw, preprocessing.downscale), len(raw))


def with_ratios(values: FloatArray, channels: int) -> FloatArray:
    """(R,) readouts of all channels, and differences of logarithms between each two channels.

    A ratio such as the brightness of mitochondria to that of nuclei does not depend on the number
    of cells.
    """
    table = values.reshape(channels, -1)
    logged = np.sign(table) * np.log1p(np.abs(table))
    first, second = np.triu_indices(channels, 1)
    ratios = (logged[first] - logged[second]).ravel()
    return np.concatenate([table.ravel(), ratios]).astype(np.float32)


@dataclass(frozen=True)
class Oracles:
    """Three independent classifiers of the same conditions.

    `accuracy` is by name, on held-out groups; None without held-out groups. The forest is stored as
    its training table, because no pickle is read from disk. With the same seed, the same forest
    grows again.
    """

    names: ClassVar[tuple[str, ...]] = (
        "convolutional network",
        "wavelet network",
        "readout forest",
    )

    conditions: tuple[str, ...]  # class order, K names
    preprocessing: Preprocessing
    convolutional: ConvOracle
    wavelet: WaveletOracle
    table: FloatArray  # (N, R) float32, the forest_readouts of training images
    labels: IntArray  # (N,) index into conditions
    seed: int
    accuracy: dict[str, float | None]

    def probabilities(self, raw: FloatArray, values: FloatArray | None = None) -> FloatArray:
        """(3, K) probabilities in the order of `names`, for one image (C, Y, X) at file size.

        `values` are its readouts at the resolution of the network, if already measured.
        """
        with torch.inference_mode():
            x = self._input(raw)
            logits = torch.cat([self.convolutional(x), self.wavelet(x)]).numpy()
        networks = softmax(logits.astype(np.float64), axis=1)
        if values is None:
            readouts = forest_readouts(raw, self.preprocessing)
        else:
            readouts = with_ratios(values, len(raw))
        all_three: FloatArray = np.concatenate([networks, self._forest(readouts[None])])
        return all_three

    def predictions(self, raw: FloatArray) -> tuple[str, ...]:
        """The condition that each classifier names for one image (C, Y, X) in raw grey values."""
        return tuple(self.conditions[k] for k in self.probabilities(raw).argmax(axis=1))

    def embedding(self, raw: FloatArray) -> FloatArray:
        """(EMBEDDING,) last features of the convolutional network, for distances between images."""
        with torch.inference_mode():
            embedding: FloatArray = self.convolutional.embedding(self._input(raw))[0].numpy()
        return embedding

    def _input(self, raw: FloatArray) -> Tensor:
        return torch.from_numpy(to_network(self.preprocessing, raw))[None]

    @cached_property
    def _forest(self) -> Callable[[FloatArray], FloatArray]:
        """A function from readouts (N, R) to probabilities (N, K)."""
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            n_estimators=TREES, min_samples_leaf=2, class_weight="balanced", random_state=self.seed
        )
        vote: Callable[[FloatArray], FloatArray] = forest.fit(self.table, self.labels).predict_proba
        return vote


@dataclass(frozen=True)
class _Stored:
    """The content of judges.json."""

    conditions: tuple[str, ...]
    preprocessing: Preprocessing
    seed: int
    accuracy: dict[str, float | None]
    sizes: dict[str, tuple[int, ...]]  # tensor -> shape
    digest: str  # of the weights file


def save_oracles(folder: Path, oracles: Oracles) -> None:
    """Write judges.safetensors, then judges.json with its digest.

    Raises BadModel for weights that are not finite.
    """
    folder = Path(folder)
    tensors = _tensors(oracles)
    if bad := _not_finite(tensors):
        raise BadModel(
            f"{bad!r} of the independent classifiers for {folder} holds values that are not"
            " numbers.",
            REMEDY,
        )
    data = save(tensors)
    sizes = {name: tensor.shape for name, tensor in tensors.items()}
    stored = _Stored(
        oracles.conditions,
        oracles.preprocessing,
        oracles.seed,
        oracles.accuracy,
        sizes,
        digest_bytes(data),
    )
    atomic_write_bytes(folder / ORACLES_WEIGHTS_FILE, data)
    text = json.dumps(
        {"format_version": FORMAT_VERSION, **stored_names(asdict(stored))},
        indent=1,
        ensure_ascii=False,
    )
    atomic_write_text(folder / ORACLES_FILE, text)


def load_oracles(folder: Path, card: ModelCard) -> Oracles:
    """Load the independent classifiers that are stored next to a model.

    Raises BadModel where they are missing, damaged, or trained for other images than the card.
    """
    stored, tensors = _read(Path(folder))
    path = Path(folder) / ORACLES_FILE
    if len(stored.preprocessing.offset) != len(card.channels):
        trained = f"{len(stored.preprocessing.offset)} channels, the model for {len(card.channels)}"
        raise BadModel(f"The classifiers in {path} were trained for {trained}.", REMEDY)
    if stored.conditions != card.condition_names:
        trained = f"{', '.join(stored.conditions)}, the model for {', '.join(card.condition_names)}"
        raise BadModel(f"The classifiers in {path} were trained for {trained}.", REMEDY)
    if stored.preprocessing != card.preprocessing:
        raise BadModel(
            f"The classifiers in {path} have another preprocessing than the model.", REMEDY
        )
    channels, conditions = len(card.channels), len(card.conditions)
    networks = ConvOracle(channels, conditions), WaveletOracle(channels, conditions)
    table, labels = (tensors.pop(f"forest.{name}", np.zeros(0)) for name in ("table", "labels"))
    if not _is_table(table, labels, stored.preprocessing, conditions):
        raise BadModel(
            f"{path.with_name(ORACLES_WEIGHTS_FILE)} is damaged (the forest's table).", REMEDY
        )
    for prefix, network in zip(("convolutional.", "wavelet."), networks):
        own = {
            k.removeprefix(prefix): torch.from_numpy(v)
            for k, v in tensors.items()
            if k.startswith(prefix)
        }
        try:
            network.load_state_dict(own)
        except RuntimeError as error:
            weights = path.with_name(ORACLES_WEIGHTS_FILE)
            raise BadModel(
                f"{weights} does not fit this program's {prefix[:-1]} classifier ({error}).", REMEDY
            ) from error
        network.eval()
    return Oracles(
        stored.conditions,
        stored.preprocessing,
        *networks,
        table,
        labels,
        stored.seed,
        stored.accuracy,
    )


def _tensors(oracles: Oracles) -> dict[str, Any]:
    networks = {"convolutional": oracles.convolutional, "wavelet": oracles.wavelet}
    weights = {
        f"{name}.{k}": v.numpy() for name, n in networks.items() for k, v in n.state_dict().items()
    }
    tensors = weights | {"forest.table": oracles.table, "forest.labels": oracles.labels}
    return {name: np.require(tensor, requirements="C") for name, tensor in tensors.items()}


def _read(folder: Path) -> tuple[_Stored, dict[str, Any]]:
    """Both files, each checked without the model."""
    path, weights = folder / ORACLES_FILE, folder / ORACLES_WEIGHTS_FILE
    try:
        read = read_object(path)
        version = read.pop("format_version", 0)
        if version != FORMAT_VERSION:
            raise BadModel(
                f"{path} has format {version}, this program reads {FORMAT_VERSION}.", REMEDY
            )
        stored = TypeAdapter(_Stored).validate_python(names_here(read))
        data = weights.read_bytes()
        tensors: dict[str, Any] = load(data)
    except FileNotFoundError as error:
        raise BadModel(
            f"{folder} has no independent classifiers ({Path(error.filename).name} is missing).",
            REMEDY,
        ) from error
    except ValidationError as error:
        raise BadModel(f"{path} is damaged ({first_fault(error)}).", REMEDY) from error
    except (
        OSError,
        SafetensorError,
        ValueError,
        RecursionError,
        AttributeError,
        KeyError,
        TypeError,
    ) as error:
        place = f"The file of the independent classifiers in {folder}"
        raise BadModel(*unreadable(place, error, REMEDY)) from error
    digest = digest_bytes(data)
    if digest != stored.digest:
        raise BadModel(
            f"{weights} ({digest[:8]}) is not what {path.name} names ({stored.digest[:8]}).", REMEDY
        )
    if stored.sizes != {name: tensor.shape for name, tensor in tensors.items()}:
        raise BadModel(f"{path} is damaged (sizes: not those of {weights.name}).", REMEDY)
    if set(stored.accuracy) != set(Oracles.names):
        raise BadModel(
            f"{path} is damaged (accuracy: not that of {', '.join(Oracles.names)}).", REMEDY
        )
    if bad := _not_finite(tensors):
        raise BadModel(f"{weights} is damaged ({bad!r} holds values that are not numbers).", REMEDY)
    return stored, tensors


def _not_finite(tensors: dict[str, Any]) -> str:
    """Name of the first tensor with a value that is not a number; "" where all are numbers."""
    floats = {name: tensor for name, tensor in tensors.items() if tensor.dtype.kind == "f"}
    return next((name for name, tensor in floats.items() if not np.isfinite(tensor).all()), "")


def _is_table(
    table: FloatArray, labels: IntArray, preprocessing: Preprocessing, conditions: int
) -> bool:
    """Whether a forest for this program's readouts and all conditions can grow from the table."""
    side = 16 * preprocessing.downscale
    image = np.zeros((len(preprocessing.offset), side, side))
    columns = forest_readouts(image, preprocessing).shape
    fits = table.ndim == 2 and table.shape[1:] == columns and labels.shape == table.shape[:1]
    return fits and labels.dtype == np.int64 and set(labels.tolist()) == set(range(conditions))
