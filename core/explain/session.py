"""One open project with its model, answering what the Explore page asks. Lives in the inference worker process."""

from collections import OrderedDict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.special import softmax

from core.domain import Counterfactual, CounterfactualPath, DecisionMap, FloatArray, LatentTable, PathPoint, Projection
from core.errors import BadProject, LeighError, NotInvertible
from core.explain.counterfactual import Encoded, counterfactual, decode, encode, read_logits
from core.explain.decision import weights_and_strength
from core.explain.projection import blended, map_features, place
from core.io.models import load_card, load_tensors
from core.io.project import latents_path, maps_folder, model_folder, open_project
from core.io.tables import load_latents, load_map
from core.io.unchanged import read_unchanged
from core.models.heads import coordinates_of
from core.models.load import build, choose_device
from core.progress import Progress, Report, silent

KEPT = 16  # encoded records remembered


class Session:
    """Loads project, model, latents and map; keeps the encoded records so that a drag costs one explicit pass."""

    def __init__(self, folder: Path, device: str = "auto") -> None:
        self.project = open_project(folder)
        if self.project.dataset is None or not self.project.model:
            raise BadProject(f"{folder} has no trained model.", "Train one on the Train page.")
        model_path = model_folder(self.project, self.project.model)
        self.card = load_card(model_path)
        self.device = choose_device(device)
        self.model = build(self.card, load_tensors(model_path), self.device)
        self.latents: LatentTable | None = None
        self.projection: Projection | None = None
        self.decision: DecisionMap | None = None
        self._features: FloatArray | None = None
        self._encoded: OrderedDict[str, Encoded] = OrderedDict()
        self._load_map()

    def _load_map(self) -> None:
        """The map is optional: without it one can still move images by target and strength."""
        try:
            self.latents = load_latents(latents_path(self.project))
            self.projection, self.decision = load_map(maps_folder(self.project))
        except LeighError:
            return
        digests = {self.latents.model_digest, self.projection.model_digest}
        dataset = self.project.dataset
        same = self.latents.record_ids == self.projection.record_ids
        if digests != {self.card.digest} or not same or dataset is None or not self.latents.describes(dataset):
            self.latents = self.projection = self.decision = None  # of another model or of other images
            return
        self._features = map_features(self.latents)

    def select(self, record_id: str) -> Counterfactual:
        """The record as it is, with its probabilities; pays for the inverse once."""
        encoded = self._encode(record_id)
        others = [n for n in self.card.condition_names if n != encoded.source]
        return self._placed(counterfactual(self.model, self.card, encoded, {others[0]: 1.0}, 0.0))

    def move(self, record_id: str, weights: dict[str, float], strength: float) -> Counterfactual:
        """The record at `strength` toward `weights`."""
        return self._placed(counterfactual(self.model, self.card, self._encode(record_id), weights, strength))

    def drag(self, record_id: str, x: float, y: float) -> Counterfactual:
        """The record for a handle held at map place (x, y); weights and strength are in the result."""
        if self.decision is None or self.projection is None:
            raise BadProject("This project has no map.", "Make it on the Train page, or with `leigh map`.")
        encoded = self._encode(record_id)
        start = self._home(record_id)
        weights, strength = weights_and_strength(self.decision, encoded.source, start, (x, y))
        return self._placed(counterfactual(self.model, self.card, encoded, weights, strength))

    def path(
        self, record_id: str, weights: dict[str, float], frames: int = 21, report: Report = silent
    ) -> CounterfactualPath:
        """Probabilities along the way from the original to strength 1, and where the class changes."""
        encoded = self._encode(record_id)
        if encoded.failure:
            raise NotInvertible(f"{record_id} cannot be followed: {encoded.failure}", "Choose another record.")
        points = []
        for i, strength in enumerate(np.linspace(0, 1, frames)):
            x = decode(self.model, self.card, encoded, weights, float(strength)) if i else encoded.x
            logits = read_logits(self.model, x)
            probabilities = softmax(logits).astype(np.float32)
            where = self._place(coordinates_of(logits), probabilities)
            points.append(PathPoint(float(strength), probabilities, where))
            report(Progress(i + 1, frames, "Following the path"))
        target = max(weights, key=lambda n: weights[n])
        return CounterfactualPath(record_id, target, tuple(points), crossing_of(points))

    def _encode(self, record_id: str) -> Encoded:
        if record_id in self._encoded:
            self._encoded.move_to_end(record_id)
            return self._encoded[record_id]
        dataset = self.project.dataset
        assert dataset is not None
        try:
            record = dataset.record(record_id)
        except KeyError:
            raise LeighError(f"There is no record {record_id}.", "Scan the folder again.") from None
        encoded = encode(self.model, self.card, record_id, record.condition, read_unchanged(dataset.root, record))
        self._encoded[record_id] = encoded
        while len(self._encoded) > KEPT:
            self._encoded.popitem(last=False)
        return encoded

    def _home(self, record_id: str) -> tuple[float, float]:
        assert self.projection is not None
        if record_id not in self.projection.record_ids:
            raise LeighError(f"{record_id} is not on the map.", "Make it anew with `leigh encode` and `leigh map`.")
        x, y = self.projection.xy[self.projection.record_ids.index(record_id)]
        return float(x), float(y)

    def _placed(self, result: Counterfactual) -> Counterfactual:
        if result.strength == 0 and self.projection is not None and result.record_id in self.projection.record_ids:
            return replace(result, xy=self._home(result.record_id))
        return replace(result, xy=self._place(result.coordinates, result.probabilities))

    def _place(self, coordinates: FloatArray, probabilities: FloatArray) -> tuple[float, float] | None:
        """Where an image with these semantic coordinates lies on the frozen map."""
        if self.latents is None or self.projection is None or self._features is None:
            return None
        features = blended(self.latents, coordinates[None], probabilities[None])
        x, y = place(self._features, self.projection.xy, features)[0]
        return float(x), float(y)


def crossing_of(points: list[PathPoint]) -> float | None:
    """Strength at which the most probable condition first changes, interpolated; None if it never does."""
    first = int(points[0].probabilities.argmax())
    for before, after in pairwise(points):
        now = int(after.probabilities.argmax())
        if now == first:
            continue
        gap_before = float(before.probabilities[first] - before.probabilities[now])
        gap_after = float(after.probabilities[now] - after.probabilities[first])
        share = gap_before / max(gap_before + gap_after, 1e-12)
        return before.strength + share * (after.strength - before.strength)
    return None
