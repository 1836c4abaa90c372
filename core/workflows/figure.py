"""Compute figure panels and write them as one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from core.domain import (
    AUTOENCODER,
    METHODS,
    PANELS,
    Attribution,
    AttributionRequest,
    Counterfactual,
    Mix,
    Move,
    PanelSpec,
    PathRequest,
    Project,
)
from core.domain.limits import PATH_FRAMES
from core.domain.screen import Screen
from core.errors import LeighError
from core.io.atomic import make_folder
from core.io.disk_errors import unreadable
from core.io.results import screen_of
from core.io.validation import first_fault
from core.progress import Progress, Report, silent
from core.version import __version__
from core.workflows.project import images_of
from core.workflows.records import check_strength, keep_off_images

if TYPE_CHECKING:
    from core.figures.panels import Panel

_PANELS = TypeAdapter(tuple[PanelSpec, ...], config=ConfigDict(strict=True, extra="forbid"))


def figure(
    project: Project,
    specs: Sequence[PanelSpec],
    out: Path,
    *,
    device: str = "auto",
    report: Report = silent,
) -> Path:
    """Compute every panel from its spec and write all panels as one sheet.

    Parameters
    ----------
    project
        The open project.
    specs
        The panels, in reading order.
    out
        The file (.pdf, .svg, .png or .tif), outside the image folder.
    device
        "auto", "cpu", "cuda" or "mps".
    report
        Receives the progress.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    LeighError
        For an unknown format or kind, no panels, or a panel that cannot be computed.
    """
    from core.figures.export import check_format, save_sheet

    check_format(out)
    keep_off_images(project, out)
    if not specs:
        raise LeighError(
            "No panel was chosen.",
            "Choose one with --panel, or collect panels on the Figure page.",
        )
    if unknown := [spec.kind for spec in specs if spec.kind not in PANELS]:
        raise LeighError(
            f"{unknown[0]} is not a kind of panel.", f"Choose one of {', '.join(PANELS)}."
        )
    panels = []
    maker = _PanelMaker(project, device)
    for i, spec in enumerate(specs):
        panels.append(maker.make(spec))
        report(Progress(i + 1, len(specs) + 1, "Computing panels"))
    make_folder(out.parent, project.folder)
    save_sheet(panels, out, maker.provenance(specs))
    report(Progress(len(specs) + 1, len(specs) + 1, "Figure saved"))
    return out


class _PanelMaker:
    """Turns specs into panels; loads the model once, and only when a panel needs the model."""

    def __init__(self, project: Project, device: str) -> None:
        self.project, self.device = project, device
        self.dataset = images_of(project)
        self._ids = {r.id for r in self.dataset.records}
        self._session: Any = None
        self._screen: Screen | None = None

    @property
    def session(self) -> Any:
        """The engine of this project, opened when first used."""
        if self._session is None:
            from core.counterfactual.engine import Engine

            self._session = Engine(self.project, self.device)
        return self._session

    @property
    def screen(self) -> Screen:
        """The last screen of this project.

        Raises BadProject where the project has no screen, or a screen of other images.
        """
        if self._screen is None:
            self._screen = screen_of(self.project)
        return self._screen

    def make(self, spec: PanelSpec) -> Panel:
        """Make one panel.

        Raises LeighError for missing records and counterfactuals that failed.
        """
        from core.figures.comparison_panel import ComparisonPanel
        from core.figures.confusion_panel import ConfusionPanel
        from core.figures.counterfactual_panel import CounterfactualPanel
        from core.figures.path_panel import PathPanel

        if spec.kind == "ranking":
            from core.figures.ranking_panel import RankingPanel

            return RankingPanel(spec.title, self.screen)
        if spec.kind == "confusion":
            card = self.session.card
            if "confusion" not in card.accuracy:
                raise LeighError(
                    "The model has no confusion table.",
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
            path = self.session.path(_path_request(spec))
            return PathPanel(spec.title, self.session.card.conditions, path)
        if spec.kind == "residual":
            return self._residual(spec, source)
        result = self._moved(spec)
        images = (spec.title, self.dataset.channels, self.session.card, result)
        if spec.kind == "counterfactual":
            return CounterfactualPanel(*images, self.dataset.pixel_size_um)
        explanations = self._explanations(spec, result.target)
        return ComparisonPanel(*images, explanations, self.dataset.pixel_size_um)

    def _moved(self, spec: PanelSpec) -> Counterfactual:
        """The counterfactual of a spec. Raises LeighError where the move failed."""
        move = Move(spec.record_id, Mix(spec.weights, spec.strength), spec.hold)
        result: Counterfactual = self.session.move(move)
        if not result.valid:
            raise LeighError(
                f"{spec.record_id} has no counterfactual: {result.reason}", "Choose another record."
            )
        return result

    def _map(self, spec: PanelSpec) -> Panel:
        """The map of all conditions or a ternary plane, with the trajectory of a record."""
        from core.figures.map_panel import MapPanel

        projection, decision, plane = self.session.map.view(spec.plane)
        moved = self._moved_image(spec, plane) if spec.record_id else None
        return MapPanel(
            spec.title,
            self.session.card.conditions,
            self.session.map.latents,
            projection,
            decision,
            moved,
        )

    def _moved_image(self, spec: PanelSpec, plane: Any) -> Any:
        """The record of a spec on the map: start, trajectory, crossing and landing point."""
        from core.figures.map_panel import MovedImage
        from core.figures.words import blend_words
        from core.latent_map.trajectory import position_on, trajectory_of

        result, card = self._moved(spec), self.session.card
        start = self.session.map.position_of(spec.record_id, spec.plane)
        path = self.session.path(_path_request(spec))
        decision = self.session.map.view(spec.plane)[1]
        names = card.condition_names
        trajectory = trajectory_of(path, start, plane, decision, names).until(spec.strength)
        changes = [c for c in path.changes if c.strength <= spec.strength]
        read = card.conditions[int(result.probabilities.argmax())]
        goal = f"{blend_words(spec.weights)}, strength {spec.strength:g}".replace("\n", " ")
        goal += " (exaggerated)" if spec.strength > 1 else ""
        words = (
            f"Ring: {spec.record_id} ({result.source}). Cross: moved to {goal}, read as"
            f" {read.name}."
        )
        if changes:
            read_as = ", ".join(f"{names[c.read]} from {c.strength:.0%}" for c in changes)
            words += f" Diamonds, where the class changes: {read_as}."
        if spec.plane and not {result.source, read.name} <= set(spec.plane):
            words += " What is none of the three lies where the model sees it among them."
        landing = position_on(plane, result.xy, result.coordinates) or start
        colours = {c.name: c.colour for c in card.conditions}
        crossings = tuple((c.place, colours[c.condition]) for c in trajectory.crossings)
        marks = (trajectory.lines, trajectory.ticks, crossings)
        return MovedImage(start, *marks, landing, read.colour, words)

    def _residual(self, spec: PanelSpec, source: str) -> Panel:
        """The record next to a diseased record, held out where possible, moved the same way."""
        from core.domain import Role, Split
        from core.figures.residual_panel import ResidualPanel

        card = self.session.card
        diseased = [
            c.name for c in self.dataset.conditions if c.role == Role.DISEASED and c.name != source
        ]
        neighbour = [
            r
            for r in self.dataset.records
            if r.condition in diseased[:1] and r.condition in card.condition_names
        ]
        if not neighbour:
            raise LeighError(
                "No diseased image that the model knows can stand next to this one.",
                "Give the roles on the Data page.",
            )
        neighbour.sort(key=lambda r: card.part_of(r) != Split.TEST)
        target = max(spec.weights, key=lambda name: spec.weights[name])
        locked = spec.hold
        if locked is None:
            locked = self.session.automatic_locks(diseased[0], target)
        ids = (neighbour[0].id, spec.record_id)
        before, after = (
            self.session.move(Move(i, Mix(spec.weights, spec.strength), locked)) for i in ids
        )
        if bad := next((m for m in (before, after) if not m.valid), None):
            raise LeighError(
                f"{bad.record_id} has no counterfactual: {bad.reason}", "Choose another record."
            )
        images = (spec.title, self.dataset.channels, card, before, after)
        return ResidualPanel(*images, self._left(source), self.dataset.pixel_size_um)

    def _left(self, condition: str) -> str:
        """How much of the change is restored, where the project has a screen of these images."""
        try:
            rows = [u for u in self.screen.unrepaired if u.condition == condition]
        except LeighError:
            return ""
        parts = []
        for row in rows:
            interval = f" [{row.low:.0%} to {row.high:.0%}]" if row.low is not None else ""
            parts.append(f"{row.restored:.0%}{interval} of {row.channel}")
        return f"Restored by {condition}, over wells: {', '.join(parts)}" if parts else ""

    def _explanations(self, spec: PanelSpec, target: str) -> tuple[Attribution, ...]:
        """The redrawing of an autoencoder, if there is one, and every attribution of the spec."""
        from core.io.models import list_cards

        drawn = next((c.name for c in list_cards(self.project) if AUTOENCODER in c.kind), "")
        asked = [(AUTOENCODER, drawn)] if drawn else []
        asked += [(method, spec.network) for method in METHODS]
        window = (spec.window_um, spec.window_px)
        return tuple(
            self.session.explain(AttributionRequest(spec.record_id, method, target, name, *window))
            for method, name in asked
        )

    def provenance(self, specs: Sequence[PanelSpec]) -> dict[str, Any]:
        """Project, model and panels of the figure; written inside the file."""
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
        """Model and data of the panels; a ranking stores both and needs no model."""
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


def _path_request(spec: PanelSpec) -> PathRequest:
    return PathRequest(spec.record_id, Mix(spec.weights), spec.hold, PATH_FRAMES)


def panel_specs(
    path: Path | None,
    kind: str | None,
    record: str | None,
    to: str | None,
    strength: float,
    plane: Sequence[str] = (),
) -> list[PanelSpec]:
    """Specs from a JSON file that the window saved, or one spec from command-line options.

    Parameters
    ----------
    path
        The JSON file; None: the other arguments make one panel.
    kind
        One of core.domain.PANELS; None: no panel.
    record
        Id of the record, where the panel shows one.
    to
        The target condition.
    strength
        1 is as far as the target condition typically is.
    plane
        Three conditions: the map is drawn as their ternary plane.

    Raises
    ------
    LeighError
        For options that do not go together and for a file that cannot be read.
    """
    if path is None:
        if plane and kind != "map":
            raise LeighError("--plane goes with --panel map.", "Leave it out.")
        if not kind:
            return []
        weights = {to: 1.0} if to else {}
        return [PanelSpec(kind, record or "", weights, strength, plane=tuple(plane))]
    if kind or record or to or plane:
        raise LeighError(
            "--specs describes all of its panels.",
            "Leave out --panel, --record, --to and --plane.",
        )
    remedy = "Save the panels again on the Figure page."
    try:
        return list(_PANELS.validate_json(path.read_bytes()))
    except ValidationError as fault:
        raise LeighError(f"{path} holds no panel list ({first_fault(fault)}).", remedy) from fault
    except OSError as fault:
        raise LeighError(*unreadable(path, fault, remedy)) from fault
