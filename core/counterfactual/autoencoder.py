"""Moves an image through an autoencoder: z + strength (mean of the target - mean of the source),
drawn again.

The means are per plane of the latent, over training images. What comes out is drawn from little, so
it is blurred; the difference to the original counts that blur, for whoever compares it with an
exact inverse.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor
from torch.nn import functional

from core.counterfactual.encode_decode import (
    condition_index,
    relative_error,
    share_outside,
    weight_vector,
)
from core.counterfactual.engine import measured
from core.data.logit_coordinates import coordinates_of
from core.data.preprocessing import change_at_full_size, to_network
from core.domain import Counterfactual, FloatArray, ModelCard
from core.errors import BadProject, LeighError
from core.evidence.checks import Direction, Moved
from core.evidence.reference import Measured, Panel, Real, load_panel
from core.io.models import load_card
from core.io.project import model_folder, open_project
from core.io.read_verified import read_unchanged
from core.models.autoencoder import SHRINKS, Autoencoder
from core.models.load import choose_device, open_network


@torch.no_grad()
def draw(model: Autoencoder, x: FloatArray, shift: Tensor | float = 0.0) -> FloatArray:
    """Network image (C, Y, X) drawn again from its latent, moved by `shift` (L, 1, 1).

    Sides are padded to the grid.
    """
    batch = torch.from_numpy(np.ascontiguousarray(x))[None].to(next(model.parameters()).device)
    down, right = (-side % SHRINKS for side in x.shape[1:])
    z = model.encode(functional.pad(batch, (0, right, 0, down), mode="replicate"))
    out: FloatArray = model.decode(z + shift)[0].cpu().numpy()
    return out[:, : x.shape[1], : x.shape[2]]


def shifted(
    model: Autoencoder,
    card: ModelCard,
    record_id: str,
    source: str,
    raw: FloatArray,
    weights: dict[str, float],
    strength: float,
) -> Counterfactual:
    """The image (C, Y, X) of a record at `strength` toward `weights`; 0 is its reconstruction, not
    the original.

    Between 0 and 1 is the interpolation between conditions. `roundtrip_error` is the error of that
    reconstruction. `image` is what was drawn; where the field was averaged down for the network,
    detail finer than its pixels stays, as for the i-ResNet.
    """
    original, x = raw.astype(np.float32), to_network(card.recipe, raw)
    toward = torch.from_numpy(weight_vector(card, weights)).to(model.latent_means)
    way = toward @ model.latent_means - model.latent_means[condition_index(card, source)]
    back = draw(model, x)
    image = draw(model, x, strength * way[:, None, None])
    failure = (
        ""
        if np.isfinite(image).all()
        else "The image is not a number: the strength is outside the model's range."
    )
    difference = (
        np.zeros_like(original)
        if failure
        else change_at_full_size(card.recipe, x, image, original.shape)
    )
    with torch.no_grad():
        seen = torch.from_numpy(x if failure else np.ascontiguousarray(image))[None].to(
            model.latent_means.device
        )
        logits = model.logits(seen)[0].cpu().numpy()
    return Counterfactual(
        record_id=record_id,
        source=source,
        weights=weights,
        strength=strength,
        original=original,
        image=original + difference,
        difference=difference,
        probabilities=softmax(logits).astype(np.float32),
        coordinates=coordinates_of(logits),
        roundtrip_error=relative_error(card, x, back),
        valid=not failure,
        reason=failure,
        clipped=share_outside(original + difference, raw.dtype),
        picture_error=relative_error(card, x, back),
    )


class Shifter:
    """An open project with one of its autoencoders, asked as a Session is where counterfactuals
    leave the program.

    Evidence is that of the project's i-ResNet, whose judges and readouts know nothing of either
    network; without one, or where it knows other conditions or prepares images otherwise, there is
    none.
    """

    def __init__(self, folder: Path, name: str, device: str = "auto") -> None:
        self.project = open_project(folder)
        if self.project.dataset is None:
            raise BadProject(
                f"{folder} has no images yet.", "Run `leigh scan FOLDER --project DIR` first."
            )
        folder_of_network = model_folder(self.project, name)
        self.card, network = open_network(
            folder_of_network, self.project.dataset, choose_device(device)
        )
        if not isinstance(network, Autoencoder):
            raise LeighError(
                f"Model {name} is a {self.card.kind}: it makes no images.", "Name an autoencoder."
            )
        self.model = network
        self.panel: Panel | None = None
        self.real: Real | None = None
        self.no_evidence = (
            "The project has no i-ResNet whose judges know these conditions and images."
        )
        self._before: dict[str, Measured] = {}
        self._load_panel()

    def _load_panel(self) -> None:
        if not self.project.model:
            return
        home = model_folder(self.project, self.project.model)
        try:
            theirs = load_card(home)
            alike = replace(theirs.recipe, crop=self.card.recipe.crop) == self.card.recipe
            if theirs.condition_names == self.card.condition_names and alike:
                self.panel, self.real = load_panel(home, theirs)
        except LeighError as missing:
            self.no_evidence = missing.message

    def holding(self, source: str, target: str) -> tuple[str, ...]:
        """No channel: all are drawn from one latent."""
        return ()

    def move(
        self, record_id: str, weights: dict[str, float], strength: float, hold: tuple[str, ...]
    ) -> Counterfactual:
        """See `shifted`. Raises LeighError for channels to hold."""
        if hold:
            raise LeighError(
                "An autoencoder draws all channels from one latent: none can be held.",
                "Leave out --hold.",
            )
        dataset = self.project.dataset
        assert dataset is not None
        record = dataset.record(record_id)
        raw = read_unchanged(dataset.root, record)
        return shifted(self.model, self.card, record_id, record.condition, raw, weights, strength)

    def direction(self, source: str, target: str) -> Direction:
        """What real images say of the way from one condition to another.

        Raises LeighError without measurements.
        """
        if self.real is None:
            raise LeighError(self.no_evidence, "Train the i-ResNet, or run `leigh evaluate`.")
        return Direction(self.real, source, target)

    def measure(self, result: Counterfactual) -> Moved:
        """What judges and readouts see of a counterfactual. Raises LeighError without judges."""
        if self.panel is None:
            raise LeighError(self.no_evidence, "Train the i-ResNet, or run `leigh evaluate`.")
        if result.record_id not in self._before:
            self._before[result.record_id] = self.panel.measure(result.original)
        return measured(self.panel, self.card, self._before[result.record_id], result)
