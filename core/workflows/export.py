"""What leaves the program: counterfactuals as TIFFs with their evidence, and figure panels."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from core import __version__
from core.domain import (
    AUTOENCODER,
    METHODS,
    Attribution,
    Counterfactual,
    Dataset,
    Evidence,
    ImageRecord,
    LatentTable,
    ModelCard,
    PanelSpec,
)
from core.domain.screen import Screen
from core.errors import BadProject, LeighError
from core.io.screens import REMEDY, load_screen
from core.io.tables import safe_name, write_csv
from core.io.tiff import write_tiff
from core.io.validation import first_fault
from core.progress import Progress, Report, silent
from core.workflows.steps import with_dataset

Row = dict[str, Any]
PATH_FRAMES = 11  # as in the window
_PANELS = TypeAdapter(tuple[PanelSpec, ...], config=ConfigDict(strict=True, extra="forbid"))
MAX_STRENGTH = 5.0
SCREEN_FOLDER = Path("exports", "screen")  # of a project


def counterfactuals(
    project_folder: Path,
    out: Path,
    *,
    to: str,
    source: str | None = None,
    record_ids: Sequence[str] = (),
    split: str | None = None,
    limit: int | None = None,
    strength: float = 1.0,
    hold: Sequence[str] | None = None,
    model: str = "iresnet",
    device: str = "auto",
    report: Report = silent,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Move records toward `to`; per record two TIFFs and a row of evidence.csv. One bad record
    never stops the rest.

    `limit` moves so many of the records only, evenly over conditions and wells as they are listed.
    `hold` names the channels that must not move; None holds those in which no readout tells source
    from target. `model` is "iresnet", the project's own, or the name of one of its autoencoders,
    see core.counterfactual.autoencoder. Returns the rows of evidence.csv, and per source condition
    those of directions.csv (all its records together).
    """
    from core.counterfactual.autoencoder import Shifter
    from core.counterfactual.encode_decode import condition_index, held_mask
    from core.counterfactual.engine import Session

    _, dataset = with_dataset(project_folder)
    session = (
        Session(project_folder, device)
        if model == "iresnet"
        else Shifter(project_folder, model, device)
    )
    card = session.card
    condition_index(card, to)
    if hold and model != "iresnet":
        raise LeighError(
            "An autoencoder draws all channels from one latent: none can be held.",
            "Leave out --hold.",
        )
    held_mask(card, hold or ())
    keep_off_images(project_folder, out)
    check_strength(strength)
    chosen = some_records(choose_records(dataset, card, to, source, record_ids, split), limit)
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    moved: dict[str, list[Any]] = {}
    directions: list[Row] = []
    try:
        for i, record in enumerate(chosen):
            row, measured = _moved(session, dataset, record, to, strength, hold, out)
            rows.append(row)
            if measured is not None:
                moved.setdefault(record.condition, []).append(measured)
            report(Progress(i + 1, len(chosen), f"Moving images to {to}"))
    finally:  # what was moved before a stop keeps its evidence
        add_rows(out / "evidence.csv", rows, ("record", "to"))
        for origin, items in moved.items():
            judged = session.direction(origin, to).judge(items)
            directions.append({"from": origin, "to": to, **_checked(judged)})
        add_rows(out / "directions.csv", directions, ("from", "to"))
    if not any(row["valid"] for row in rows):
        raise LeighError(
            f"None of the {len(rows)} images could be moved: {rows[0]['reason']}",
            f"All are in {out / 'evidence.csv'}.",
        )
    return rows, directions


def check_strength(strength: float) -> None:
    """Raises LeighError for a strength that no image is moved by."""
    if not 0 <= strength <= MAX_STRENGTH:
        raise LeighError(
            f"The strength {strength:g} is not between 0 and {MAX_STRENGTH:g}.", "1 is the target."
        )


def _moved(
    session: Any,
    dataset: Dataset,
    record: ImageRecord,
    to: str,
    strength: float,
    hold: Sequence[str] | None,
    out: Path,
) -> tuple[Row, Any]:
    """Move one record and write its files; its row of evidence.csv, and what was measured of it
    (None: nothing).
    """
    card, measured = session.card, None
    row: Row = {"record": record.id, "condition": record.condition, "group": record.group}
    row |= {"split": card.part_of(record), "to": to, "strength": strength}
    if record.condition == to:
        return row | {"valid": False, "reason": f"It is an image of {to} already."}, None
    try:
        held = tuple(hold) if hold is not None else session.holding(record.condition, to)
        before = session.move(record.id, {to: 1.0}, 0.0, held)
        after = session.move(record.id, {to: 1.0}, strength, held)
        if after.valid and strength > 0 and session.panel is not None:
            measured = session.measure(after)
            after = replace(
                after, evidence=session.direction(record.condition, to).judge([measured])
            )
        file = (
            {"file": _write_pair(out, after, np.dtype(record.dtype), dataset)}
            if after.valid
            else {}
        )
        return row | _evidence(card, before, after) | file, measured
    except (LeighError, OSError) as failure:
        return row | {"valid": False, "reason": str(failure)}, None


def add_rows(path: Path, rows: Sequence[Row], keys: tuple[str, ...]) -> None:
    """Write a table; rows of former calls that are about something else stay."""
    fresh = {tuple(str(row[k]) for k in keys) for row in rows}
    former: list[Row] = []
    if path.exists():
        with path.open(encoding="utf-8-sig", newline="") as stream:
            former = [
                row
                for row in csv.DictReader(stream)
                if tuple(row.get(k) for k in keys) not in fresh
            ]
    write_csv(path, [*former, *rows])


def keep_off_images(project_folder: Path, out: Path) -> None:
    """Nothing is ever written among the user's images. Raises LeighError."""
    project, dataset = with_dataset(project_folder)
    place, root = out.resolve(), dataset.root.resolve()
    if place.is_relative_to(root) and not place.is_relative_to(
        project.folder.resolve() / "exports"
    ):
        raise LeighError(
            f"{out} lies among the images of this project.", "Choose a folder outside of them."
        )


def latents_for_scanpy(project_folder: Path, latents: LatentTable, path: Path) -> Path:
    """X the latents, obs the records (and their well's place, where a screen was made), obsm map
    and probabilities.
    """
    from core.io.h5ad import write_h5ad
    from core.io.project import maps_folder
    from core.io.tables import load_map

    project, dataset = with_dataset(project_folder)
    records = [dataset.record(i) for i in latents.record_ids]
    obs: dict[str, list[Any]] = {"record": list(latents.record_ids)}
    obs |= {
        name: [getattr(r, name) for r in records]
        for name in ("condition", "plate", "well", "group")
    }
    obs |= {
        "split": list(latents.split),
        "predicted": [latents.conditions[k] for k in latents.predicted],
    }
    obsm = {"coordinates": latents.coordinates, "probabilities": latents.probabilities}
    try:
        projection, _ = load_map(maps_folder(project))
        if projection.belongs_to(latents):
            obsm["X_map"] = projection.xy
    except LeighError:  # there is none
        pass
    try:
        found = load_screen(project.folder / SCREEN_FOLDER)
        if found.dataset_digest == dataset.digest:
            of = {i: w for w in found.wells for i in w.record_ids}
            for name in ("rescue", "off_axis", "nuclei"):
                obs[f"well_{name}"] = [
                    getattr(of[i], name) if i in of else None for i in latents.record_ids
                ]
    except LeighError:
        pass
    return write_h5ad(
        path, latents.features, obs, obsm, {"model": latents.model_digest, "data": dataset.digest}
    )


def figure(
    project_folder: Path,
    specs: Sequence[PanelSpec],
    out: Path,
    *,
    device: str = "auto",
    report: Report = silent,
) -> Path:
    """Compute every panel anew from its spec and write one sheet as PDF, SVG, PNG or TIFF; returns
    its path.
    """
    from core.figures.export import check_format, save_sheet

    check_format(out)
    keep_off_images(project_folder, out)
    if not specs:
        raise LeighError(
            "No panel was asked for.",
            "Choose one with --panel, or collect panels on the Figure page.",
        )
    panels = []
    maker = _PanelMaker(project_folder, device)
    for i, spec in enumerate(specs):
        panels.append(maker.make(spec))
        report(Progress(i + 1, len(specs) + 1, "Computing panels"))
    save_sheet(panels, out, maker.provenance(specs))
    report(Progress(len(specs) + 1, len(specs) + 1, "Figure saved"))
    return out


class _PanelMaker:
    """Turns specs into panels; the model is loaded once, and only when a panel needs it."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.device = folder, device
        self.project, self.dataset = with_dataset(folder)
        self._ids = {r.id for r in self.dataset.records}
        self._session: Any = None
        self._screen: Screen | None = None

    @property
    def session(self) -> Any:
        """The inference session of this project."""
        if self._session is None:
            from core.counterfactual.engine import Session

            self._session = Session(self.folder, self.device)
        return self._session

    @property
    def screen(self) -> Screen:
        """What `leigh screen` found last.

        Raises BadProject where there is none, or it is of other images.
        """
        if self._screen is None:
            found = load_screen(self.folder / SCREEN_FOLDER)
            if found.dataset_digest and found.dataset_digest != self.dataset.digest:
                raise BadProject("The screen was computed from other images or conditions.", REMEDY)
            self._screen = found
        return self._screen

    def make(self, spec: PanelSpec) -> Any:
        """One panel.

        Raises LeighError for unknown kinds, missing records and counterfactuals that failed.
        """
        from core.figures.panels import (
            ComparisonPanel,
            ConfusionPanel,
            CounterfactualPanel,
            PathPanel,
        )

        if spec.kind == "ranking":
            from core.figures.screen_panels import RankingPanel

            return RankingPanel(spec.title, self.screen)
        if spec.kind == "confusion":
            card = self.session.card
            if "confusion" not in card.accuracy:
                raise LeighError(
                    "There is no confusion table.",
                    str(card.accuracy.get("reason", "Run `leigh evaluate`.")),
                )
            return ConfusionPanel(spec.title, card.condition_names, card.accuracy)
        if spec.kind == "map" and not spec.record_id and not spec.weights:
            return self._map(spec)
        if not spec.record_id or not spec.weights:
            words = "To show a moved image, a map" if spec.kind == "map" else f"A {spec.kind} panel"
            raise LeighError(
                f"{words} needs a record and a target.", "Give --record ID and --to CONDITION."
            )
        check_strength(spec.strength)
        source = (
            self.dataset.record(spec.record_id).condition if spec.record_id in self._ids else ""
        )
        if set(spec.weights) == {source}:
            raise LeighError(
                f"{spec.record_id} is {source} already.",
                "Choose another record or another condition.",
            )
        if spec.kind == "map":
            return self._map(spec)
        if spec.kind == "path":
            path = self.session.path(spec.record_id, spec.weights, PATH_FRAMES, spec.hold)
            return PathPanel(spec.title, self.session.card.conditions, path)
        if spec.kind == "residual":
            return self._residual(spec, source)
        if spec.kind in ("counterfactual", "comparison"):
            result = self._moved(spec)
            shown = (spec.title, self.dataset.channels, self.session.card, result)
            if spec.kind == "counterfactual":
                return CounterfactualPanel(*shown, self.dataset.pixel_size_um)
            return ComparisonPanel(
                *shown, self._explanations(spec, result.target), self.dataset.pixel_size_um
            )
        raise LeighError(
            f"There is no panel kind {spec.kind}.",
            "Known are counterfactual, comparison, map, path, confusion, ranking, residual.",
        )

    def _moved(self, spec: PanelSpec) -> Counterfactual:
        """The counterfactual of a spec. Raises LeighError where it failed."""
        result: Counterfactual = self.session.move(
            spec.record_id, spec.weights, spec.strength, spec.hold, exact=True
        )
        if not result.valid:
            raise LeighError(
                f"{spec.record_id} has no counterfactual: {result.reason}", "Choose another record."
            )
        return result

    def _map(self, spec: PanelSpec) -> Any:
        """The map of all conditions or an exact plane; of a record, with the way it is moved and
        where that ends.
        """
        from core.figures.decision_map import MapPanel

        projection, decision, plane = self.session.map_of(spec.plane)
        moved = self._moved_image(spec, plane) if spec.record_id else None
        return MapPanel(
            spec.title,
            self.session.card.conditions,
            self.session.latents,
            projection,
            decision,
            moved,
        )

    def _moved_image(self, spec: PanelSpec, plane: Any) -> Any:
        """What a map shows of the record of a spec and of its counterfactual."""
        from core.figures.decision_map import MovedImage
        from core.figures.words import blend_words
        from core.latent_map.trajectory import first_read_as, place_on, way_of

        result, card = self._moved(spec), self.session.card
        start = self.session.place_of(spec.record_id, spec.plane)
        path = self.session.path(spec.record_id, spec.weights, PATH_FRAMES, spec.hold)
        way, first = way_of(path, start, plane).until(spec.strength), first_read_as(path)
        read = card.conditions[int(result.probabilities.argmax())]
        goal = f"{blend_words(spec.weights)}, strength {spec.strength:g}".replace("\n", " ")
        goal += " (exaggerated)" if spec.strength > 1 else ""
        words = (
            f"Ring: {spec.record_id} ({result.source}). Cross: moved to {goal}, read as"
            f" {read.name}."
        )
        crossing = None if way.crossing is None else way.at(way.crossing)
        if first is not None and crossing is not None:
            words += f" Diamond: first read as {card.condition_names[first]}."
        if spec.plane and not {result.source, read.name} <= set(spec.plane):
            words += " What is none of the three lies where the model sees it among them."
        landing = place_on(plane, result.xy, result.coordinates) or start
        return MovedImage(way.places, crossing, landing, read.colour, words)

    def _residual(self, spec: PanelSpec, source: str) -> Any:
        """The record and a diseased one beside it, the first held out, both moved the same way."""
        from core.domain import Role, Split
        from core.figures.panels import ResidualPanel

        card = self.session.card
        diseased = [
            c.name for c in self.dataset.conditions if c.role == Role.DISEASED and c.name != source
        ]
        beside = [
            r
            for r in self.dataset.records
            if r.condition in diseased[:1] and r.condition in card.condition_names
        ]
        if not beside:
            raise LeighError(
                "No diseased image that the model knows stands beside this one.",
                "Give the roles on the Data page.",
            )
        beside.sort(key=lambda r: card.part_of(r) != Split.TEST)
        target = max(spec.weights, key=lambda name: spec.weights[name])
        still = self.session.holding(diseased[0], target) if spec.hold is None else spec.hold
        ids = (beside[0].id, spec.record_id)
        before, after = (
            self.session.move(i, spec.weights, spec.strength, still, exact=True) for i in ids
        )
        if bad := next((m for m in (before, after) if not m.valid), None):
            raise LeighError(
                f"{bad.record_id} has no counterfactual: {bad.reason}", "Choose another record."
            )
        shown = (spec.title, self.dataset.channels, card, before, after)
        return ResidualPanel(*shown, self._left(source), self.dataset.pixel_size_um)

    def _left(self, condition: str) -> str:
        """How much of the change is restored, where a screen of these images says so."""
        try:
            rows = [u for u in self.screen.unrepaired if u.condition == condition]
        except LeighError:
            return ""
        parts = [
            f"{u.restored:.0%}"
            + (f" [{u.low:.0%} to {u.high:.0%}]" if u.low is not None else "")
            + f" of {u.channel}"
            for u in rows
        ]
        return f"Restored by {condition}, over wells: {', '.join(parts)}" if parts else ""

    def _explanations(self, spec: PanelSpec, target: str) -> tuple[Attribution, ...]:
        """What an autoencoder redraws, where the project has one, and every attribution of the
        spec's network.
        """
        from core.workflows.baselines import trained_networks

        drawn = next((c.name for c in trained_networks(self.project) if AUTOENCODER in c.kind), "")
        asked = [(AUTOENCODER, drawn)] if drawn else []
        asked += [(method, spec.network) for method in METHODS]
        side = {"window_um": spec.window_um, "window_px": spec.window_px}
        return tuple(
            self.session.explain(spec.record_id, method, target, name, **side)
            for method, name in asked
        )

    def provenance(self, specs: Sequence[PanelSpec]) -> dict[str, Any]:
        """What the figure was made from; written inside the file."""
        return {
            "program": f"Leigh Explorer {__version__}",
            "project": self.project.name,
            **self._made_with(specs),
            "panels": [
                {
                    "kind": s.kind,
                    "record": s.record_id,
                    "weights": s.weights,
                    "strength": s.strength,
                    "hold": s.hold,
                    "plane": s.plane,
                    "network": s.network,
                    "window_um": s.window_um,
                    "window_px": s.window_px,
                }
                for s in specs
            ],
        }

    def _made_with(self, specs: Sequence[PanelSpec]) -> dict[str, Any]:
        """Model and data; a ranking knows them itself, and needs no model to be drawn."""
        if all(s.kind == "ranking" for s in specs):
            screen = self.screen
            digests = {"model_digest": screen.model_digest, "dataset_digest": screen.dataset_digest}
            return {**digests, "space": screen.space, "settings": screen.settings}
        card = self.session.card
        named = {
            "model": card.name,
            "model_digest": card.digest,
            "dataset_digest": card.dataset_digest,
        }
        return {**named, "preset": card.preset, "seed": card.seed}


def panel_specs(
    path: Path | None,
    kind: str | None,
    record: str | None,
    to: str | None,
    strength: float,
    plane: Sequence[str] = (),
) -> list[PanelSpec]:
    """Specs from a JSON file the window saved, or one from command-line words."""
    if path is None:
        if plane and kind != "map":
            raise LeighError("--plane goes with --panel map.", "Leave it out.")
        return (
            [PanelSpec(kind, record or "", {to: 1.0} if to else {}, strength, plane=tuple(plane))]
            if kind
            else []
        )
    if kind or record or to or plane:
        raise LeighError(
            "--specs says all of its panels.", "Leave out --panel, --record, --to and --plane."
        )
    remedy = "Save the panels again on the Figure page."
    try:
        return list(_PANELS.validate_json(path.read_bytes()))
    except ValidationError as fault:
        raise LeighError(f"{path} holds no panel list ({first_fault(fault)}).", remedy) from fault
    except OSError as fault:
        raise LeighError(f"{path} holds no panel list: {fault}", remedy) from fault


def choose_records(
    dataset: Dataset,
    card: ModelCard,
    to: str,
    source: str | None,
    record_ids: Sequence[str],
    split: str | None,
) -> list[ImageRecord]:
    """The records asked for, none of condition `to`; raises LeighError naming what does not exist."""
    known = {r.id for r in dataset.records}
    if missing := [i for i in record_ids if i not in known]:
        raise LeighError(
            f"There is no record {missing[0]}.",
            f"Ids are for example {', '.join(sorted(known)[:3])}.",
        )
    if source is not None and source not in card.condition_names:
        condition_names = ", ".join(card.condition_names)
        raise LeighError(
            f"The model does not know the condition {source}.", f"It knows {condition_names}."
        )
    chosen = [
        r
        for r in dataset.records
        if (not record_ids or r.id in record_ids)
        and (source is None or r.condition == source)
        and (record_ids or r.condition != to)
        and (split is None or card.part_of(r) == split)
        and r.condition in card.condition_names
    ]
    if not chosen:
        where = f" in the {split} groups" if split else ""
        away = f" to move to {to}" if to else ""
        raise LeighError(
            f"No record{f' of {source}' if source else ''}{where}{away}.", "Choose others."
        )
    return chosen


def some_records(records: list[ImageRecord], limit: int | None) -> list[ImageRecord]:
    """At most `limit` records, evenly over the list; None: all.

    Raises LeighError for less than one.
    """
    if limit is None or limit >= len(records):
        return records
    if limit < 1:
        raise LeighError(f"--limit {limit} leaves no image.", "Give 1 or more.")
    return [records[i * len(records) // limit] for i in range(limit)]


def _evidence(card: ModelCard, before: Counterfactual, after: Counterfactual) -> dict[str, Any]:
    """What is known of one counterfactual; one row of evidence.csv."""
    names = card.condition_names
    target = names.index(after.target)
    shares = after.channel_shares(card.recipe.span)
    row: dict[str, Any] = {
        "valid": after.valid,
        "reason": after.reason,
        "predicted_before": names[int(before.probabilities.argmax())],
        "predicted_after": names[int(after.probabilities.argmax())],
        "target_probability_before": float(before.probabilities[target]),
        "target_probability_after": float(after.probabilities[target]),
        "flipped": bool(after.valid and after.probabilities.argmax() == target),
        "roundtrip_error": after.roundtrip_error,
        "picture_error": after.picture_error,
        "contraction": after.contraction,
        "clipped_share": after.clipped,
        "exaggerated": after.strength > 1,
        "held": " ".join(after.held),
    }
    row |= _checked(after.evidence) if after.evidence is not None else {"light": ""}
    for c, channel in enumerate(card.channels):
        row[f"change_share_{channel.name}"] = float(shares[c])
        row[f"mean_change_{channel.name}"] = float(after.difference[c].mean())
    return row


def _checked(evidence: Evidence) -> dict[str, Any]:
    """The light, that of every check with its words, and every figure behind them."""
    row: dict[str, Any] = {"light": evidence.light}
    for check in evidence.checks:
        row |= {f"{check.name}_light": check.light, f"{check.name}_says": check.words}
    return row | evidence.values


def _write_pair(out: Path, result: Counterfactual, dtype: Any, dataset: Dataset) -> str:
    """Counterfactual in the file's own grey values and type, difference as float32 (it has a sign).

    Returns the name of the counterfactual's file.
    """
    image = result.image
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        image = np.clip(np.rint(image), limits.min, limits.max)
    stem = f"{unique_name(result.record_id)}_to_{unique_name(result.target)}"
    channels = [c.name for c in dataset.channels]
    way = (
        f"{result.record_id} from {result.source} to {result.target}, strength {result.strength:g}"
    )
    note = f"Generated by Leigh Explorer: {way}"
    pairs = (
        ("counterfactual", image.astype(dtype)),
        ("difference", result.difference.astype(np.float32)),
    )
    for kind, values in pairs:
        path = out / f"{stem}_{kind}.ome.tif"
        write_tiff(
            path,
            values,
            channel_names=channels,
            pixel_size_um=dataset.pixel_size_um,
            description=note,
        )
    return f"{stem}_counterfactual.ome.tif"


def unique_name(text: str) -> str:
    """A safe file name; where it had to be changed or cut, a fingerprint keeps two of them apart."""
    safe = safe_name(text)
    return (
        safe
        if safe == text
        else f"{safe[:100]}-{blake2b(text.encode(), digest_size=4).hexdigest()}"
    )
