"""Where the networks of a project look in one record, for comparison with counterfactuals."""

import time
from dataclasses import replace

import numpy as np
import torch

from core.counterfactual.autoencoder import AutoencoderEngine
from core.domain import (
    AUTOENCODER,
    Attribution,
    AttributionRequest,
    ImageRecord,
    Mix,
    ModelCard,
    Move,
    Precision,
    Project,
)
from core.domain.limits import OCCLUSION_WINDOW_UM
from core.errors import LeighError
from core.io.project import model_folder
from core.io.read_verified import read_verified
from core.models.iresnet import IResNet
from core.models.load import AnyNetwork, open_network
from core.progress import Report, silent


class Attributions:
    """Attribution maps by the networks of a project; every network is loaded once."""

    def __init__(
        self, project: Project, card: ModelCard, model: IResNet, device: torch.device
    ) -> None:
        self.project, self.device = project, device
        self._explored = replace(card, name=project.model), model
        self._networks: dict[str, tuple[ModelCard, AnyNetwork]] = {}
        self._autoencoders: dict[str, AutoencoderEngine] = {}

    def explain(
        self, record: ImageRecord, request: AttributionRequest, report: Report = silent
    ) -> Attribution:
        """One attribution map; its `settings` add the seconds and the share outside of cells.

        The method AUTOENCODER shows the change that an autoencoder draws, as a share of each
        channel's range. This change includes the blur of the autoencoder. Raises LeighError, see
        core.attribution.methods.attribute.
        """
        from core.attribution.methods import Question, Window, attribute
        from core.attribution.sanity_checks import empty_shares

        dataset, began = self.project.dataset, time.perf_counter()
        assert dataset is not None
        raw = read_verified(dataset.root, record)
        if request.method == AUTOENCODER:
            found = self._redrawn(record, request.target, request.network)
        else:
            card, network = self.network(request.network)
            side_um = OCCLUSION_WINDOW_UM if request.window_um is None else request.window_um
            question = Question(
                request.method,
                record.condition,
                request.target,
                record_id=record.id,
                window=Window(side_um, request.window_px),
                pixel_size_um=dataset.pixel_size_um,
            )
            found = attribute(network, card, raw, question, report)
        preprocessing = self._explored[0].preprocessing
        shares = empty_shares(found.values, raw, preprocessing, dataset.pixel_size_um)
        seconds = time.perf_counter() - began
        return replace(found, settings={**found.settings, **shares, "seconds": seconds})

    def network(self, name: str) -> tuple[ModelCard, AnyNetwork]:
        """A network of the project by its name ("": the project's model), loaded once."""
        if name in ("", self.project.model):
            return self._explored
        if name not in self._networks:
            assert self.project.dataset is not None
            self._networks[name] = open_network(
                model_folder(self.project, name), self.project.dataset, self.device
            )
        return self._networks[name]

    def _redrawn(self, record: ImageRecord, target: str, name: str) -> Attribution:
        if name not in self._autoencoders:
            self._autoencoders[name] = AutoencoderEngine(self.project, name, self.device.type)
        engine = self._autoencoders[name]
        move = Move(record.id, Mix({target: 1.0}), precision=Precision.DISPLAY)
        moved = engine.move(move)
        if not moved.valid:
            raise LeighError(
                f"{record.id} has no change by {name}: {moved.reason}", "Train it again."
            )
        span = np.array(engine.card.preprocessing.span, np.float32)[:, None, None]
        values = (moved.difference / span).astype(np.float32)
        return Attribution(AUTOENCODER, name, record.id, record.condition, target, values)
