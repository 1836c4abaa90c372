"""Move an image with an autoencoder, as a baseline for the i-ResNet.

The latent moves by strength x (mean of the target - mean of the source), then it is decoded. The
means are per plane of the latent, over training images. Decoded images are blurred, and the
difference to the original includes this blur.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor
from torch.nn import functional

from core.counterfactual.encode_decode import (
    SourceImage,
    relative_error,
    share_outside,
    weight_vector,
)
from core.data.logit_coordinates import coordinates_of
from core.data.preprocessing import change_at_full_size, to_network
from core.domain import Counterfactual, FloatArray, Mix, ModelCard, Move, Precision, Project
from core.errors import BadProject, LeighError
from core.evidence.source import EvidenceSource, load_evidence
from core.io.models import condition_index, load_card
from core.io.project import model_folder, open_project
from core.io.read_verified import read_verified
from core.models.autoencoder import SHRINKS, Autoencoder
from core.models.load import choose_device, open_network


@torch.no_grad()
def draw(model: Autoencoder, x: FloatArray, shift: Tensor | float = 0.0) -> FloatArray:
    """Network image (C, Y, X) decoded from its latent, after the latent moved by `shift` (L, 1, 1).

    Sides are padded to a multiple of SHRINKS, and the padding is cut off again.
    """
    batch = torch.from_numpy(np.ascontiguousarray(x))[None].to(next(model.parameters()).device)
    down, right = (-side % SHRINKS for side in x.shape[1:])
    z = model.encode(functional.pad(batch, (0, right, 0, down), mode="replicate"))
    drawn: FloatArray = model.decode(z + shift)[0].cpu().numpy()
    return drawn[:, : x.shape[1], : x.shape[2]]


def shifted(model: Autoencoder, card: ModelCard, source: SourceImage, mix: Mix) -> Counterfactual:
    """A record moved by a mix; strength 0 is its reconstruction, not the original.

    Strengths between 0 and 1 interpolate between conditions. `roundtrip_error` is the error of the
    reconstruction. Where the field was averaged down for the network, `image` keeps the original's
    detail that is finer than the network's pixels, as for the i-ResNet.
    """
    original, x = source.raw.astype(np.float32), to_network(card.preprocessing, source.raw)
    weights = torch.from_numpy(weight_vector(card, mix)).to(model.latent_means)
    own_mean = model.latent_means[condition_index(card, source.condition)]
    step = weights @ model.latent_means - own_mean
    back = draw(model, x)
    image = draw(model, x, mix.strength * step[:, None, None])
    failure = ""
    if np.isfinite(image).all():
        difference = change_at_full_size(card.preprocessing, x, image, original.shape)
    else:
        failure = "The image is not a number: the strength is outside the model's range."
        difference = np.zeros_like(original)
    with torch.no_grad():
        seen = torch.from_numpy(x if failure else np.ascontiguousarray(image))
        logits = model.logits(seen[None].to(model.latent_means.device))[0].cpu().numpy()
    return Counterfactual(
        record_id=source.record_id,
        source=source.condition,
        weights=dict(mix.weights),
        strength=mix.strength,
        original=original,
        image=original + difference,
        difference=difference,
        probabilities=softmax(logits).astype(np.float32),
        coordinates=coordinates_of(logits),
        roundtrip_error=relative_error(card, x, back),
        valid=not failure,
        reason=failure,
        clipped=share_outside(original + difference, source.raw.dtype),
        picture_error=relative_error(card, x, back),
    )


class AutoencoderEngine:
    """One autoencoder of a project, with the same interface as `Engine` for exported images.

    The evidence models are those of the project's i-ResNet. Evidence is missing without an
    i-ResNet, or where the i-ResNet has other conditions or another preprocessing.
    """

    def __init__(self, project: Project | str | Path, name: str, device: str = "auto") -> None:
        self.project = project if isinstance(project, Project) else open_project(Path(project))
        if self.project.dataset is None:
            raise BadProject(
                f"{self.project.folder} has no images yet.",
                "Run `leigh scan FOLDER --project DIR` first.",
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
        self.evidence = self._evidence()

    def _evidence(self) -> EvidenceSource:
        if self.project.model:
            folder = model_folder(self.project, self.project.model)
            try:
                explored = load_card(folder)
            except LeighError as fault:
                return EvidenceSource(fault.message)
            own = self.card.preprocessing
            same_preprocessing = replace(explored.preprocessing, crop=own.crop) == own
            if explored.condition_names == self.card.condition_names and same_preprocessing:
                evidence = load_evidence(folder, explored)
                evidence.doubt = ""  # that is said of the i-ResNet, which draws nothing here
                return evidence
        return EvidenceSource(
            "The project has no i-ResNet with evidence models for these conditions and images."
        )

    def automatic_locks(self, source: str, target: str) -> tuple[str, ...]:
        """No channels: an autoencoder draws all channels from one latent."""
        return ()

    def move(self, move: Move) -> Counterfactual:
        """Move a record by a mix, see `shifted`; EXACT adds the evidence.

        Raises LeighError for locked channels and for positions on a map.
        """
        if move.locked:
            raise LeighError(
                "An autoencoder draws all channels from one latent: none can be held.",
                "Leave out --hold.",
            )
        if not isinstance(move.goal, Mix):
            raise LeighError("An autoencoder has no map.", "Name the condition to move to.")
        dataset = self.project.dataset
        assert dataset is not None
        record = dataset.record(move.record_id)
        raw = read_verified(dataset.root, record)
        image = SourceImage(record.id, record.condition, raw)
        result = shifted(self.model, self.card, image, move.goal)
        if move.precision < Precision.EXACT:
            return result
        return replace(result, evidence=self.evidence.assess(result))
