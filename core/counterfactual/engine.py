"""One open project with its model, answering what the Explore page asks.

Lives in the inference worker process.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from core.counterfactual.encode_decode import (
    Encoded,
    condition_index,
    counterfactual,
    decode,
    encode,
    glance,
    held_mask,
    polish,
    read_logits,
)
from core.data.logit_coordinates import coordinates_of, probabilities_of
from core.domain import (
    AUTOENCODER,
    Attribution,
    Counterfactual,
    CounterfactualPath,
    DecisionMap,
    FloatArray,
    ImageRecord,
    LatentTable,
    ModelCard,
    PathPoint,
    Projection,
    Role,
)
from core.errors import BadProject, LeighError, NotInvertible
from core.evidence.checks import Direction, Moved
from core.evidence.reference import Measured, Panel, Real, load_panel
from core.io.models import check_fits, load_card, load_tensors
from core.io.project import latents_path, maps_folder, model_folder, open_project
from core.io.read_verified import read_unchanged
from core.io.tables import load_latents, load_map
from core.latent_map.decision_regions import weights_and_strength
from core.latent_map.drag_target import STRENGTHS, aim, wanted_coordinates
from core.latent_map.projection import blended, map_features, place
from core.latent_map.ternary_plane import Plane, exact_plane
from core.models.load import Classifier, build, choose_device, open_network
from core.progress import Cancelled, Progress, Report, silent

log = logging.getLogger(__name__)
KEPT = 16  # encoded records remembered
PREPARED = 4  # choices of held channels that a selected record is encoded with in idle moments
DRAFT_ABOVE_S = 0.04  # seconds a picture may take before a draft comes first
Held = tuple[str, ...]


class Session:
    """Loads project, model, latents and map; keeps the encoded records so that a drag costs one
    explicit pass.

    With `glances`, as in the window, a record is encoded as exactly as a screen shows until more is
    asked for.
    """

    def __init__(self, folder: Path, device: str = "auto", glances: bool = False) -> None:
        self.glances = glances
        self.project = open_project(folder)
        if self.project.dataset is None or not self.project.model:
            raise BadProject(
                f"{folder} has no trained model.",
                "Train one on the Train page, or with `leigh train`.",
            )
        model_path = model_folder(self.project, self.project.model)
        self.card = load_card(model_path)
        check_fits(self.card, self.project.dataset)
        self.device = choose_device(device)
        self.model = build(self.card, load_tensors(model_path), self.device)
        self.latents: LatentTable | None = None
        self.projection: Projection | None = None
        self.decision: DecisionMap | None = None
        self._features: FloatArray | None = None
        self._encoded: OrderedDict[tuple[str, tuple[bool, ...]], Encoded] = OrderedDict()
        self._directions: dict[tuple[str, str], Direction] = {}
        self._measured: dict[str, Measured] = {}
        self._responses: OrderedDict[tuple[str, tuple[bool, ...]], dict[str, list[FloatArray]]] = (
            OrderedDict()
        )
        self._planes: dict[tuple[str, ...], tuple[Projection, DecisionMap, Plane]] = {}
        self._to_prepare: list[tuple[str, Held]] = []
        self._networks: dict[str, tuple[ModelCard, Classifier]] = {}
        self._shifters: dict[str, Any] = {}  # autoencoders, see core.counterfactual.autoencoder
        self._strayed: tuple[object, ...] | None = (
            None  # where the draft of a mixture landed in another region
        )
        self._picture_s = np.inf  # seconds of the last picture that was no draft
        self.no_evidence = ""  # why the evidence rests on the model alone, where it does
        self.panel: Panel | None = None
        self.real: Real | None = None
        try:
            self.panel, self.real = load_panel(model_path, self.card)
        except LeighError as missing:
            self.no_evidence = missing.message
        self._load_map()

    def _load_map(self) -> None:
        """Both are optional: without latents one can still move images by target and strength,
        without a map on planes.

        Of another model or of other images, they count as missing.
        """
        dataset = self.project.dataset
        try:
            latents = load_latents(latents_path(self.project))
            if (
                latents.model_digest != self.card.digest
                or dataset is None
                or not latents.describes(dataset)
            ):
                return
            self.latents = latents
            projection, decision = load_map(maps_folder(self.project))
        except LeighError:
            return
        if projection.belongs_to(latents):
            self.projection, self.decision = projection, decision
            self._features = map_features(latents)

    def select(self, record_id: str, hold: Held | None = None) -> Counterfactual:
        """The record as it is, with its probabilities; pays for the inverse of the likeliest move
        once.
        """
        source = self._source(record_id)
        others = [c for c in self.card.conditions if c.name != source]
        likeliest = next((c.name for c in others if c.role == Role.HEALTHY), others[0].name)
        shown = self.move(record_id, {likeliest: 1.0}, 0.0, hold)
        holds = dict.fromkeys(
            self.holding(source, c.name) if hold is None else hold for c in others
        )
        self._to_prepare = [(record_id, h) for h in list(holds)[:PREPARED]]
        return shown

    def prepare(self, interrupted: Callable[[], bool] = lambda: False) -> bool:
        """One thing a drag of the selected record may need: to be encoded with other channels held,
        or `_reached`.

        For idle moments; given up when `interrupted`. False when there is nothing left to do.
        """
        if self._to_prepare:
            record_id, hold = self._to_prepare[0]
            self.model.interrupted = interrupted
            try:
                if (record_id, held_mask(self.card, hold)) not in self._encoded:
                    self._encode(record_id, hold, exact=False)
                else:
                    self._reached(record_id, hold)
                    self._to_prepare.pop(0)
            except Cancelled:
                log.debug("Something newer was asked while preparing.")
            finally:
                self.model.interrupted = lambda: False
        return bool(self._to_prepare)

    def move(
        self,
        record_id: str,
        weights: dict[str, float],
        strength: float,
        hold: Held | None = None,
        exact: bool = False,
        draft: bool = False,
    ) -> Counterfactual:
        """The record at `strength` toward `weights`; `hold` names the channels that must not move.

        None holds those in which no readout tells source from target. `exact` solves to full
        accuracy and adds the evidence. Where a `draft` will do and a picture takes long here, the
        result may be one, and hold other channels: those it is encoded with already.
        """
        target = max(weights, key=lambda name: weights[name])
        chosen = hold is not None
        hold = self.holding(self._source(record_id), target) if hold is None else hold
        draft = draft and not exact and self._picture_s > DRAFT_ABOVE_S
        already = self._encoded_already(record_id, hold) if draft and not chosen else None
        encoded = already or self._encode(record_id, hold, exact)
        began = time.perf_counter()
        result = self._placed(
            counterfactual(self.model, self.card, encoded, weights, strength, draft=draft)
        )
        if strength > 0 and not draft:
            self._picture_s = time.perf_counter() - began
        if encoded.held != held_mask(self.card, hold):
            result = replace(result, draft=True)
        if not (exact and strength > 0 and result.valid and self.panel is not None):
            return result
        return replace(
            result, evidence=self.direction(result.source, target).judge([self.measure(result)])
        )

    def holding(self, source: str, target: str) -> Held:
        """The channels that are held from `source` to `target` where the user does not choose."""
        return (
            self.direction(source, target).holdable
            if self.real is not None and source != target
            else ()
        )

    def direction(self, source: str, target: str) -> Direction:
        """What real images say of the way from one condition to another.

        Raises LeighError without measurements.
        """
        if self.real is None:
            raise LeighError(self.no_evidence, "Run `leigh evaluate`.")
        for name in (source, target):
            condition_index(self.card, name)
        key = (source, target)
        if key not in self._directions:
            self._directions[key] = Direction(self.real, source, target)
        return self._directions[key]

    def measure(self, result: Counterfactual) -> Moved:
        """What judges and readouts see of a counterfactual.

        Raises LeighError where the model has none.
        """
        if self.panel is None:
            raise LeighError(self.no_evidence, "Run `leigh evaluate`.")
        if result.record_id not in self._measured:
            self._measured[result.record_id] = self.panel.measure(result.original)
        return measured(self.panel, self.card, self._measured[result.record_id], result)

    def drag(
        self,
        record_id: str,
        x: float,
        y: float,
        hold: Held | None = None,
        exact: bool = False,
        draft: bool = False,
        plane: tuple[str, ...] = (),
    ) -> Counterfactual:
        """The record for a handle held at map place (x, y), as `move`; weights and strength are in
        the result.

        The place is one of the exact `plane` of these three conditions, where they are given. Where
        the mixture that should come nearest lands in another region (and this is no draft), the
        condition of the region is taken alone, if that lands there.
        """
        _, decision, exact_view = self.map_of(plane)
        start, source = self.place_of(record_id, plane), self._source(record_id)
        weights, strength = weights_and_strength(decision, source, start, (x, y))
        reached: dict[str, list[FloatArray]] = {}
        if strength > 0:
            target = max(weights, key=lambda name: weights[name])
            held = self.holding(source, target) if hold is None else hold
            reached = self._reached(record_id, held, exact, draft)
        if not reached:
            return self.move(record_id, weights, strength, hold, exact, draft)
        assert self.latents is not None
        own: FloatArray = self.latents.coordinates[self.latents.row(record_id)]
        if exact_view is None:
            wanted = wanted_coordinates(decision, start, own, (x, y))
        else:
            own, wanted = exact_view.among(own), exact_view.back(np.array([x, y]))
            reached = {
                k: [exact_view.among(u) for u in v] for k, v in reached.items() if k in plane
            }
        asked = decision.conditions[int(probabilities_of(wanted).argmax())]
        alone = {asked: reached[asked]} if asked in reached else reached
        here = (record_id, x, y, plane, hold)
        known = alone if here == self._strayed and not exact else reached
        result = self.move(record_id, *aim(own, known, wanted, asked), hold, draft=draft)
        strays = self._read_as(result) != asked and asked in reached and len(result.weights) > 1
        if result.draft:
            self._strayed = here if strays else None
            return result
        if strays:
            other = self.move(record_id, *aim(own, alone, wanted), hold)
            result = other if self._read_as(other) == asked else result
        return (
            self.move(record_id, result.weights, result.strength, hold, exact) if exact else result
        )

    def _read_as(self, result: Counterfactual) -> str:
        return self.card.condition_names[int(result.probabilities.argmax())]

    def map_of(self, plane: tuple[str, ...]) -> tuple[Projection, DecisionMap, Plane | None]:
        """The map, or the exact plane of three conditions.

        Raises BadProject where there is none.
        """
        if self.latents is None or (
            not plane and (self.projection is None or self.decision is None)
        ):
            raise BadProject(
                "There is no map of this model and these images.",
                "Make it on the Train page, or with `leigh encode` and `leigh map`.",
            )
        if not plane:
            assert self.projection is not None and self.decision is not None
            return self.projection, self.decision, None
        if plane not in self._planes:
            self._planes[plane] = exact_plane(self.latents, plane)
        return self._planes[plane]

    def place_of(self, record_id: str, plane: tuple[str, ...] = ()) -> tuple[float, float]:
        """Where an image lies on the map, or on the plane of three conditions even if it is of a
        fourth.
        """
        projection, _, exact_view = self.map_of(plane)
        assert self.latents is not None
        if (
            exact_view is None
            or record_id in projection.record_ids
            or record_id not in self.latents.record_ids
        ):
            return _home(projection, record_id)
        x, y = exact_view.places(self.latents.coordinates[self.latents.row(record_id)])
        return float(x), float(y)

    def path(
        self,
        record_id: str,
        weights: dict[str, float],
        frames: int = 21,
        hold: Held | None = None,
        report: Report = silent,
    ) -> CounterfactualPath:
        """Probabilities along the way from the original to strength 1, and where the class changes."""
        target = max(weights, key=lambda n: weights[n])
        encoded = self._encode(
            record_id, self.holding(self._source(record_id), target) if hold is None else hold
        )
        if encoded.failure:
            raise NotInvertible(
                f"{record_id} cannot be followed: {encoded.failure}", "Choose another record."
            )
        points = []
        for i, strength in enumerate(np.linspace(0, 1, frames)):
            x = decode(self.model, self.card, encoded, weights, float(strength)) if i else encoded.x
            logits = read_logits(self.model, x)
            probabilities = softmax(logits).astype(np.float32)
            where = self._place(coordinates_of(logits), probabilities)
            points.append(PathPoint(float(strength), probabilities, where))
            report(Progress(i + 1, frames, "Following the path"))
        return CounterfactualPath(record_id, target, tuple(points), crossing_of(points))

    def explain(
        self,
        record_id: str,
        method: str,
        target: str,
        network: str = "",
        window_um: float | None = None,
        window_px: int | None = None,
        report: Report = silent,
    ) -> Attribution:
        """Where a network of the project (the explored one, where none is named) looks; see
        core.attribution.methods.

        `window_um`, or `window_px` of the file, is the side of what occlusion hides.

        `settings` also say how long it took, and how much of it lies outside of cells. What
        "autoencoder" says is what that network draws otherwise, as share of each channel's range:
        blur and all.
        """
        from core.attribution.methods import WINDOW_UM, Window, attribute
        from core.attribution.sanity_checks import empty_shares

        dataset, began = self.project.dataset, time.perf_counter()
        assert dataset is not None
        record = self._record(record_id)
        raw = read_unchanged(dataset.root, record)
        if method == AUTOENCODER:
            found = self._redrawn(record, target, network)
        else:
            card, asked = self._network(network)
            found = attribute(
                asked,
                card,
                raw,
                method,
                record_id=record_id,
                source=record.condition,
                target=target,
                window=Window(WINDOW_UM if window_um is None else window_um, window_px),
                pixel_size_um=dataset.pixel_size_um,
                report=report,
            )
        shares = empty_shares(found.values, raw, self.card.recipe, dataset.pixel_size_um)
        return replace(
            found, settings={**found.settings, **shares, "seconds": time.perf_counter() - began}
        )

    def _network(self, name: str) -> tuple[ModelCard, Classifier]:
        """A network of the project by its name, loaded once."""
        if name in ("", self.project.model):
            return replace(self.card, name=self.project.model), self.model
        if name not in self._networks:
            assert self.project.dataset is not None
            self._networks[name] = open_network(
                model_folder(self.project, name), self.project.dataset, self.device
            )
        return self._networks[name]

    def _redrawn(self, record: ImageRecord, target: str, name: str) -> Attribution:
        from core.counterfactual.autoencoder import Shifter

        if name not in self._shifters:
            self._shifters[name] = Shifter(self.project.folder, name, self.device.type)
        shifter = self._shifters[name]
        moved = shifter.move(record.id, {target: 1.0}, 1.0, ())
        if not moved.valid:
            raise LeighError(
                f"{record.id} has no change by {name}: {moved.reason}", "Train it again."
            )
        values = moved.difference / np.array(shifter.card.recipe.span, np.float32)[:, None, None]
        return Attribution(
            AUTOENCODER, name, record.id, record.condition, target, values.astype(np.float32)
        )

    def _record(self, record_id: str) -> ImageRecord:
        assert self.project.dataset is not None
        try:
            return self.project.dataset.record(record_id)
        except KeyError:
            raise LeighError(f"There is no record {record_id}.", "Scan the folder again.") from None

    def _source(self, record_id: str) -> str:
        return self._record(record_id).condition

    def _encode(self, record_id: str, hold: Held = (), exact: bool = True) -> Encoded:
        assert self.project.dataset is not None
        key = (record_id, held_mask(self.card, hold))
        if key not in self._encoded:
            record = self._record(record_id)
            raw = read_unchanged(self.project.dataset.root, record)
            solve = glance if self.glances and not exact else encode
            self._encoded[key] = solve(
                self.model, self.card, record_id, record.condition, raw, key[1]
            )
        if exact:
            self._encoded[key] = polish(self.model, self.card, self._encoded[key])
        self._encoded.move_to_end(key)
        while len(self._encoded) > KEPT:
            self._encoded.popitem(last=False)
        return self._encoded[key]

    def _reached(
        self, record_id: str, hold: Held, exact: bool = True, draft: bool = False
    ) -> dict[str, list[FloatArray]]:
        """Semantic coordinates of drafts of the record toward every condition, at each of
        STRENGTHS; measured once.

        While the handle is still held (not `exact`), what was measured with other stains held is
        near enough; for a `draft` nothing is measured.
        """
        key = (record_id, held_mask(self.card, hold))
        others = [c.name for c in self.card.conditions if c.name != self._source(record_id)]
        known = {
            k: r for k, r in self._responses.items() if k[0] == record_id and len(r) == len(others)
        }
        if key in known or draft or (known and not exact):
            return known.get(key) or next(iter(known.values()), {})
        encoded = self._encode(record_id, hold, exact=False)
        if encoded.failure:
            return {}
        found = self._responses.setdefault(key, {})
        while len(self._responses) > KEPT:
            self._responses.popitem(last=False)
        for name in others:
            if name not in found:
                images = (
                    decode(self.model, self.card, encoded, {name: 1.0}, s, draft=True)
                    for s in STRENGTHS
                )
                found[name] = [coordinates_of(read_logits(self.model, image)) for image in images]
        return found

    def _encoded_already(self, record_id: str, hold: Held) -> Encoded | None:
        """The record as it was encoded last, preferably with these channels held."""
        last = [e for (name, _), e in self._encoded.items() if name == record_id and not e.failure]
        return self._encoded.get(
            (record_id, held_mask(self.card, hold)), last[-1] if last else None
        )

    def _placed(self, result: Counterfactual) -> Counterfactual:
        if (
            result.strength == 0
            and self.projection is not None
            and result.record_id in self.projection.record_ids
        ):
            return replace(result, xy=_home(self.projection, result.record_id))
        return replace(result, xy=self._place(result.coordinates, result.probabilities))

    def _place(
        self, coordinates: FloatArray, probabilities: FloatArray
    ) -> tuple[float, float] | None:
        """Where an image with these semantic coordinates lies on the frozen map: among those that
        are read as it is.

        Neighbours of several conditions would put it between them, in the region of a condition it
        is not read as.
        """
        if self.latents is None or self.projection is None or self._features is None:
            return None
        features = blended(self.latents, coordinates[None], probabilities[None])
        alike = self.latents.predicted == int(probabilities.argmax())
        rows = alike if alike.any() else np.ones(len(alike), bool)
        x, y = place(self._features[rows], self.projection.xy[rows], features)[0]
        return float(x), float(y)


def measured(panel: Panel, card: ModelCard, before: Measured, result: Counterfactual) -> Moved:
    """A counterfactual beside its original, as the panel measures both."""
    change = (result.difference / np.array(card.recipe.span)[:, None, None]) ** 2
    return Moved(
        before=before,
        after=panel.measure(result.image),
        probabilities=result.probabilities,
        difference=change.sum(axis=(1, 2), dtype=np.float64),
        cells=panel.cells(result.original, result.image),
    )


def _home(projection: Projection, record_id: str) -> tuple[float, float]:
    if record_id not in projection.record_ids:
        raise LeighError(
            f"{record_id} is not on the map.", "Make it anew with `leigh encode` and `leigh map`."
        )
    x, y = projection.xy[projection.record_ids.index(record_id)]
    return float(x), float(y)


def crossing_of(points: list[PathPoint]) -> float | None:
    """Strength at which the most probable condition first changes, interpolated; None if it never
    does.
    """
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
