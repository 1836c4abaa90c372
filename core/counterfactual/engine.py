"""The engine of an open project: it computes every move of an image, on the map or by a mix.

The window runs the engine in its inference process. Workflows and notebooks use it directly.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.counterfactual.attributions import Attributions
from core.counterfactual.encode_decode import Encoded, counterfactual
from core.counterfactual.encodings import Encodings, Locked
from core.counterfactual.path import follow_path
from core.counterfactual.response_curves import Curves, ResponseCurves
from core.data.logit_coordinates import probabilities_of
from core.domain import (
    ORIGINAL,
    Attribution,
    AttributionRequest,
    Counterfactual,
    CounterfactualPath,
    FloatArray,
    MapPosition,
    Mix,
    Move,
    PathPoint,
    PathRequest,
    Precision,
    Project,
    Role,
)
from core.domain.limits import LARGEST_STRENGTH
from core.errors import BadProject, LeighError
from core.evidence.source import load_evidence
from core.io.models import check_fits, load_card, load_tensors
from core.io.project import model_folder, open_project
from core.latent_map.decision_regions import weights_and_strength
from core.latent_map.drag_target import drag_target, wanted_coordinates
from core.latent_map.frozen_map import load_frozen_map, position_in
from core.models.load import build, choose_device
from core.progress import Cancelled, Report, silent

log = logging.getLogger(__name__)
PREPARED = 4  # choices of locked channels for which a selected record is encoded in idle time
PREVIEW_ABOVE_S = 0.04  # seconds; a preview comes first where an image takes longer


class Engine:
    """Loads project, model, evidence and map, and remembers encoded records.

    A drag then needs only one explicit pass. Without `with_evidence`, EXACT moves have no evidence
    card.
    """

    def __init__(
        self, project: Project | str | Path, device: str = "auto", *, with_evidence: bool = True
    ) -> None:
        opened = project if isinstance(project, Project) else open_project(Path(project))
        # A notebook may hold a project that was opened before its network was trained.
        self.project = opened if opened.model else open_project(opened.folder)
        dataset = self.project.dataset
        if dataset is None or not self.project.model:
            raise BadProject(
                f"{self.project.folder} has no trained model.",
                "Train one on the Train page, or with `leigh train`.",
            )
        folder = model_folder(self.project, self.project.model)
        self.card = load_card(folder)
        check_fits(self.card, dataset)
        self.device = choose_device(device)
        self.model = build(self.card, load_tensors(folder), self.device)
        self.evidence = load_evidence(folder, self.card)
        self.with_evidence = with_evidence
        self.map = load_frozen_map(self.project)
        self.encodings = Encodings(self.model, self.card, dataset)
        self.curves = ResponseCurves(self.encodings)
        self.attributions = Attributions(self.project, self.card, self.model, self.device)
        self._to_prepare: list[tuple[str, Locked]] = []
        self._elsewhere: Move | None = None  # whose preview landed in another region
        self._followed: tuple[PathRequest, CounterfactualPath] | None = None  # without its crossing
        self._picture_s = np.inf  # seconds of the last picture that was not a preview

    def move(self, move: Move) -> Counterfactual:
        """The counterfactual of a move.

        EXACT solves to full precision and adds the evidence. A PREVIEW may be rough where images
        take long, and may lock other channels if the record is already encoded with these. The goal
        ORIGINAL is the record itself; the record is then encoded for the likeliest move. Raises
        LeighError for unknown records, conditions and channels, and BadProject for a MapPosition
        without a map.
        """
        check_move(move)
        if isinstance(move.goal, MapPosition):
            return self._to_position(move, move.goal)
        if move.goal == ORIGINAL:
            return self._select(move)
        return self._to_mix(move, move.goal)

    def prepare(self, interrupted: Callable[[], bool] = lambda: False) -> bool:
        """Prepare for drags of the selected record: encode it, or measure a response curve.

        For idle time; stops when `interrupted` returns True. Returns False when nothing is left.
        """
        if self._to_prepare:
            record_id, locked = self._to_prepare[0]
            self.model.interrupted = interrupted
            try:
                if self.encodings.key(record_id, locked) not in self.encodings:
                    self.encodings.get(record_id, locked, Precision.DISPLAY)
                else:
                    self.curves.of(record_id, locked)
                    self._to_prepare.pop(0)
            except Cancelled:
                log.debug("The preparation was interrupted by a request.")
            finally:
                self.model.interrupted = lambda: False
        return bool(self._to_prepare)

    def path(self, request: PathRequest, report: Report = silent) -> CounterfactualPath:
        """The path from a record to strength 1 of a mix, see `follow_path`."""
        locked = self.locked(Move(request.record_id, request.mix, request.locked))
        known = replace(request, exact=False)
        frames: tuple[PathPoint, ...] = ()
        if self._followed is not None and self._followed[0] == known:
            frames = self._followed[1].points
        path = follow_path(self.encodings, request, locked, self.map, report, frames)
        if not request.exact:
            self._followed = known, path
        return path

    def explain(self, request: AttributionRequest, report: Report = silent) -> Attribution:
        """An attribution map of a network of the project, see `Attributions.explain`."""
        record = self.encodings.record(request.record_id)
        return self.attributions.explain(record, request, report)

    def automatic_locks(self, source: str, target: str) -> Locked:
        """The channels that are locked from `source` to `target` unless the user chooses."""
        return self.evidence.automatic_locks(source, target)

    def locked(self, move: Move) -> Locked:
        """The channels that a move to a mix locks."""
        if move.locked is not None:
            return move.locked
        assert isinstance(move.goal, Mix)
        return self.automatic_locks(self._source(move.record_id), move.goal.target)

    def _source(self, record_id: str) -> str:
        return self.encodings.record(record_id).condition

    def _select(self, move: Move) -> Counterfactual:
        """The record as it is; also queues the preparations for its drags."""
        source = self._source(move.record_id)
        others = [c for c in self.card.conditions if c.name != source]
        likeliest = next((c.name for c in others if c.role == Role.HEALTHY), others[0].name)
        result = self._to_mix(move, Mix({likeliest: 1.0}, 0.0))
        chosen = move.locked
        locks = dict.fromkeys(
            self.automatic_locks(source, c.name) if chosen is None else chosen for c in others
        )
        self._to_prepare = [(move.record_id, locked) for locked in list(locks)[:PREPARED]]
        return result

    def _to_mix(self, move: Move, mix: Mix) -> Counterfactual:
        move = replace(move, goal=mix)
        encoded, precision = self._encoded_for(move)
        began = time.perf_counter()
        result = counterfactual(self.model, self.card, encoded, mix, precision=precision)
        result = replace(result, xy=self._landing(result))
        if mix.strength > 0 and precision > Precision.PREVIEW:
            self._picture_s = time.perf_counter() - began
        if encoded.locked != self.encodings.key(move.record_id, self.locked(move))[1]:
            result = replace(result, precision=Precision.PREVIEW)
        if precision == Precision.EXACT and self.with_evidence:
            result = replace(result, evidence=self.evidence.assess(result))
        return result

    def _encoded_for(self, move: Move) -> tuple[Encoded, Precision]:
        """The encoded record of a move to a mix, and the precision of the decoding."""
        locked = self.locked(move)
        if move.precision == Precision.PREVIEW and self._picture_s > PREVIEW_ABOVE_S:
            at_hand = self.encodings.at_hand(move.record_id, locked)
            if at_hand is not None and move.locked is None:
                return at_hand, Precision.PREVIEW
            encoded = self.encodings.get(move.record_id, locked, Precision.DISPLAY)
            return encoded, Precision.PREVIEW
        precision = max(move.precision, Precision.DISPLAY)
        return self.encodings.get(move.record_id, locked, precision), precision

    def _landing(self, result: Counterfactual) -> tuple[float, float] | None:
        projection = self.map.projection
        is_on_map = projection is not None and result.record_id in projection.record_ids
        if result.strength == 0 and projection is not None and is_on_map:
            return position_in(projection, result.record_id)
        return self.map.landing(result.coordinates, result.probabilities)

    def _to_position(self, move: Move, position: MapPosition) -> Counterfactual:
        """The record dragged to a position; weights and strength are in the result.

        The nearest mixture of conditions is tried first. If it lands in another region, the
        condition of the region alone is tried next, except in a preview.
        """
        decision = self.map.view(position.plane)[1]
        start = self.map.position_of(move.record_id, position.plane)
        source = self._source(move.record_id)
        mix = Mix(*weights_and_strength(decision, source, start, position.xy))
        curves: Curves = {}
        if mix.strength > 0:
            locked = self.locked(replace(move, goal=mix))
            curves = self.curves.of(move.record_id, locked, move.precision)
        if not curves:
            return self._to_mix(move, mix)
        own, wanted, curves = self._aim(move.record_id, position, curves)
        region = decision.conditions[int(probabilities_of(wanted).argmax())]
        alone = {region: curves[region]} if region in curves else curves
        first = replace(move, precision=min(move.precision, Precision.DISPLAY))
        preview_strayed = replace(move, precision=Precision.PREVIEW) == self._elsewhere
        choices = alone if preview_strayed and move.precision < Precision.EXACT else curves
        result = self._to_mix(first, Mix(*drag_target(own, choices, wanted, region)))
        is_elsewhere = self._read_as(result) != region
        retry_alone = is_elsewhere and region in curves and len(result.weights) > 1
        if result.precision == Precision.PREVIEW:
            self._elsewhere = replace(move, precision=Precision.PREVIEW) if retry_alone else None
            return result
        if retry_alone:
            other = self._to_mix(first, Mix(*drag_target(own, alone, wanted)))
            result = other if self._read_as(other) == region else result
        if move.precision < Precision.EXACT:
            return result
        return self._to_mix(move, Mix(result.weights, result.strength))

    def _aim(
        self, record_id: str, position: MapPosition, curves: Curves
    ) -> tuple[FloatArray, FloatArray, Curves]:
        """A record's own logit coordinates, the wanted ones, and its response curves.

        On a ternary plane, all three are among its three conditions.
        """
        _, decision, plane = self.map.view(position.plane)
        latents = self.map.latents
        assert latents is not None
        own: FloatArray = latents.coordinates[latents.row(record_id)]
        if plane is None:
            start = self.map.position_of(record_id)
            return own, wanted_coordinates(decision, start, own, position.xy), curves
        among = {
            name: [plane.among(u) for u in curve]
            for name, curve in curves.items()
            if name in position.plane
        }
        return plane.among(own), plane.back(np.array(position.xy)), among

    def _read_as(self, result: Counterfactual) -> str:
        return self.card.condition_names[int(result.probabilities.argmax())]


def check_move(move: Move) -> None:
    """Raises LeighError for a question that no image answers, in words for notebooks."""
    example = 'Write Move("P1_B09_s1", Mix({"WT": 1.0}, strength=1.0)).'
    if not isinstance(move, Move) or not isinstance(move.goal, Mix | MapPosition):
        raise LeighError("A move needs a Move with a Mix or a MapPosition as its goal.", example)
    if isinstance(move.locked, str):
        raise LeighError("Locked channels are a tuple of names.", f"Write ({move.locked!r},).")
    if not isinstance(move.goal, Mix) or move.goal == ORIGINAL:
        return
    weights = [weight for _, weight in move.goal.weights]
    numbers = (*weights, move.goal.strength)
    if not all(isinstance(n, int | float | np.number) and np.isfinite(n) for n in numbers):
        raise LeighError("Weights and strength of a Mix are finite numbers.", example)
    if not weights or sum(weights) <= 0:
        raise LeighError("A Mix needs at least one condition with a weight above 0.", example)
    if not 0 <= move.goal.strength <= LARGEST_STRENGTH:
        raise LeighError(
            f"The strength {move.goal.strength:g} is not between 0 and {LARGEST_STRENGTH:g}.",
            "1 is the target.",
        )
