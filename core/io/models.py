"""Store a trained model: weights as safetensors, the card as JSON, both without program code."""

import json
import logging
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.domain import Dataset, ModelCard, Preprocessing, Project
from core.errors import BadModel, LeighError
from core.io.atomic import atomic_write_bytes, atomic_write_text, make_folder
from core.io.digest import digest_bytes
from core.io.disk_errors import unreadable
from core.io.model_reports import report_fault
from core.io.strict_json import read_object
from core.io.tables import plain, safe_name
from core.io.validation import first_fault

CARD_FILE, WEIGHTS_FILE = "model.json", "model.safetensors"
FORMAT_VERSION = 2  # 1: without locked channels
SMALLEST_CROP = 8
SAME_SCALE = 0.02  # relative difference of two pixel sizes that are the same
REMEDY = "Train the model again, or copy its folder again from where it came."
Tensors = dict[str, NDArray[Any]]
log = logging.getLogger(__name__)


def save_model(folder: Path, card: ModelCard, tensors: Tensors) -> ModelCard:
    """Write weights, then the card with the digest of the weights; returns this card.

    The model that the folder holds stays complete until the card is replaced. Raises BadModel for
    weights that are not finite.
    """
    folder = Path(folder)
    _check_finite(tensors, folder)
    data = save({name: np.require(tensor, requirements="C") for name, tensor in tensors.items()})
    signed = replace(card, digest=digest_bytes(data))
    make_folder(folder)
    former = set(folder.glob("model*.safetensors"))
    path = folder / WEIGHTS_FILE
    if path in former and (folder / CARD_FILE).exists():
        path = folder / f"model-{signed.digest[:8]}.safetensors"
    atomic_write_bytes(path, data)
    save_card(folder, signed)
    for weights in former - {path}:
        weights.unlink(missing_ok=True)
    return signed


def weights_path(folder: Path, card: ModelCard) -> Path:
    """The file with the weights of this card."""
    own = Path(folder) / f"model-{card.digest[:8]}.safetensors"
    return own if own.exists() else Path(folder) / WEIGHTS_FILE


def save_card(folder: Path, card: ModelCard) -> None:
    """Write only the card, for example after an evaluation; its digest must match the weights."""
    stored = {"format_version": FORMAT_VERSION, **stored_names(asdict(card))}
    text = json.dumps(stored, default=plain, indent=1, ensure_ascii=False)
    atomic_write_text(make_folder(folder) / CARD_FILE, text)


def load_card(folder: Path) -> ModelCard:
    """The card of a model folder; its architecture is checked when the network is built.

    Raises BadModel when the card is missing, damaged or of another version.
    """
    path = Path(folder) / CARD_FILE
    try:
        stored = read_object(path)
        version = stored.pop("format_version", 0)
    except FileNotFoundError as error:
        raise BadModel(
            f"{folder} has no model ({CARD_FILE} is missing).", "Train a model first."
        ) from error
    except (OSError, ValueError) as error:
        raise BadModel(*unreadable(path, error, REMEDY)) from error
    if version != FORMAT_VERSION:
        raise BadModel(
            f"{path} has format {version}, this program reads {FORMAT_VERSION}.",
            "Open it with the program that wrote it, or update this program.",
        )
    try:
        card = TypeAdapter(ModelCard).validate_python(names_here(stored))
    except ValidationError as error:
        raise BadModel(f"{path} is damaged ({first_fault(error)}).", REMEDY) from error
    fault = _preprocessing_fault(card.preprocessing, len(card.channels)) or report_fault(card)
    if fault:
        raise BadModel(f"{path} is damaged ({fault}).", REMEDY)
    return card


def list_cards(project: Project) -> list[ModelCard]:
    """The cards of all trained networks of a project, the current model first.

    Damaged cards are left out. Only JSON files are read.
    """
    cards = []
    for path in sorted((project.folder / "models").glob(f"*/{CARD_FILE}")):
        try:
            cards.append(replace(load_card(path.parent), name=path.parent.name))
        except LeighError:
            continue
    current = safe_name(project.model or " ")
    return sorted(cards, key=lambda card: card.name != current)


def stored_names(values: dict[str, Any]) -> dict[str, Any]:
    """A dictionary with the keys of the files, which call the preprocessing `recipe`."""
    return {("recipe" if name == "preprocessing" else name): v for name, v in values.items()}


def names_here(stored: dict[str, Any]) -> dict[str, Any]:
    """The reverse of `stored_names`."""
    return {("preprocessing" if name == "recipe" else name): v for name, v in stored.items()}


def condition_index(card: ModelCard, name: str) -> int:
    """Class index of a condition; raises LeighError for a condition that is not in the card."""
    if name not in card.condition_names:
        names = ", ".join(card.condition_names)
        raise LeighError(f"The model does not know the condition {name}.", f"It knows {names}.")
    return card.condition_names.index(name)


def scale_warning(card: ModelCard, dataset: Dataset) -> str:
    """One sentence where model and images have other pixel sizes; "" where both are alike."""
    of_model, of_images = card.pixel_size_um, dataset.pixel_size_um
    if not of_model or not of_images or math.isclose(of_model, of_images, rel_tol=SAME_SCALE):
        return ""
    return (
        f"Model {card.name} was trained on pixels of {of_model:g} µm, and the images have pixels of"
        f" {of_images:g} µm: cells look larger or smaller to it than they are."
    )


def check_fits(card: ModelCard, dataset: Dataset) -> None:
    """Raises BadModel where channels or conditions of model and images differ.

    Warns of another pixel size.
    """
    if warning := scale_warning(card, dataset):
        log.warning(warning)
    if len(card.channels) != len(dataset.channels):
        names = ", ".join(c.name for c in card.channels)
        raise BadModel(
            f"The images have {len(dataset.channels)} channels, "
            f"model {card.name} was trained on {len(card.channels)} ({names}).",
            "Open the images it was trained for, or train a new model.",
        )
    of_images = [c.name.casefold() for c in dataset.channels]
    of_model = [c.name.casefold() for c in card.channels]
    reordered = any(
        name in of_model and of_model.index(name) != c for c, name in enumerate(of_images)
    )
    # Other names are accepted for the same images, but not another order.
    if of_images != of_model and (
        reordered or dataset.of(card.condition_names).digest != card.dataset_digest
    ):
        raise BadModel(
            f"The images have the channels {', '.join(c.name for c in dataset.channels)}, "
            f"model {card.name} was trained on {', '.join(c.name for c in card.channels)}.",
            "Name the channels on the Data page as the model knows them, in that order, or train a"
            " new model.",
        )
    if not set(card.condition_names) & set(dataset.condition_names):
        raise BadModel(
            f"Model {card.name} knows {', '.join(card.condition_names)}; "
            f"the images are {', '.join(dataset.condition_names)}.",
            "Open the images it was trained for, or train a new model.",
        )


def _preprocessing_fault(preprocessing: Preprocessing, channels: int) -> str:
    """The first setting that cannot be used, and why; "" for a good preprocessing."""
    for key in ("offset", "scale", "mean", "gain", "low", "high"):
        values = getattr(preprocessing, key)
        if len(values) != channels:
            return f"recipe.{key}: {len(values)} values for {channels} channels"
        if not all(math.isfinite(v) for v in values):
            return f"recipe.{key}: not a finite number"
        if key in ("scale", "gain") and min(values, default=1.0) <= 0:
            return f"recipe.{key}: not above zero"
    if min(preprocessing.span, default=1.0) <= 0:
        return "recipe.high: not above recipe.low"
    if preprocessing.curve not in ("linear", "asinh"):
        return f"recipe.curve: {preprocessing.curve!r} is not known"
    if preprocessing.downscale < 1:
        return f"recipe.downscale: {preprocessing.downscale} is below 1"
    if preprocessing.crop < SMALLEST_CROP:
        return f"recipe.crop: {preprocessing.crop} is below {SMALLEST_CROP}"
    return ""


def load_tensors(folder: Path) -> Tensors:
    """The weights of a model.

    Raises BadModel for weights that are missing, damaged, not finite, or of another card.
    """
    card = load_card(folder)
    path = weights_path(folder, card)
    try:
        data = path.read_bytes()
        tensors: Tensors = load(data)
    except FileNotFoundError as error:
        raise BadModel(
            f"The weights of model {card.name!r} are missing ({path}).", REMEDY
        ) from error
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise BadModel(*unreadable(path, error, REMEDY)) from error
    digest = digest_bytes(data)
    if digest != card.digest:
        raise BadModel(
            f"The weights in {path} ({digest[:8]}) are not those of the card ({card.digest[:8]}).",
            REMEDY,
        )
    _check_finite(tensors, Path(folder))
    return tensors


def _check_finite(tensors: Tensors, folder: Path) -> None:
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            bad = int(tensor.size - np.count_nonzero(np.isfinite(tensor)))
            raise BadModel(
                f"{bad} weights of {name!r} in {folder} are not numbers.",
                "Train again with a lower rate.",
            )
