"""Rank the treatments of a project: images to wells, wells to a ranking, and its audit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.domain import (
    Dataset,
    ModelCard,
    Project,
    Role,
    Split,
)
from core.domain.screen import Finding, ResidualChange, Screen, WellScore
from core.errors import LeighError
from core.io.atomic import make_folder, replacing_together
from core.io.models import load_card
from core.io.project import model_folder
from core.io.screens import SCREEN_FILE, SCREEN_FOLDER, save_screen
from core.io.well_names import guess_plate_shape
from core.progress import Progress, Report, silent
from core.workflows.project import images_of
from core.workflows.records import keep_off_images
from core.workflows.screen_images import ScreenImages, measure_images, with_cells
from core.workflows.screen_notes import (
    assay_quality,
    cautions,
    overfit_controls,
    quality_of_networks,
    quality_of_the_other_space,
    several_controls,
    shared_groups,
    uncounted_nuclei,
)
from core.workflows.screen_residual import residual_changes
from core.workflows.screen_scored import Scored, ScreenOptions

if TYPE_CHECKING:
    from core.screening.design import Design
    from core.screening.wells import WellTable


DEFAULTS = ScreenOptions()


def write_screen(
    project: Project, out: Path, options: ScreenOptions = DEFAULTS, *, report: Report = silent
) -> Screen:
    """Rank the treatments; write tables and report to `out`, and the result into the project.

    All files are replaced together at the end, or none of them.
    """
    from core.figures.screen_report import write_report

    keep_off_images(project, out)
    _check_level(options.level)
    folders = list(dict.fromkeys([out.resolve(), (project.folder / SCREEN_FOLDER).resolve()]))
    for folder in folders:  # before the long work, so that a bad folder fails at once
        make_folder(folder, project.folder)
    result = screen(project, options, report=report)
    with replacing_together(*folders, last=SCREEN_FILE) as staged:
        write_report(result, staged[0], report)
        for folder in staged:  # window and figures read the copy in the project
            save_screen(folder, result)
    return result


def screen(
    project: Project, options: ScreenOptions = DEFAULTS, *, report: Report = silent
) -> Screen:
    """Score every well between diseased and healthy and rank the treatments; writes nothing.

    Raises LeighError where roles or controls are missing, and for a level outside 0.5 to 1.
    """
    _check_level(options.level)
    dataset = images_of(project)
    _needs_controls(dataset)
    card = load_card(model_folder(project, project.model)) if project.model else None
    space, notes = _space(options.space, card, dataset)
    measured = measure_images(project, card, options.device, report)
    measured, empty = with_cells(measured)
    table = _well_table(measured, space, card)
    scored = _score(table, dataset, options, report)
    background = _background(measured, scored.design, options.seed)
    notes = (
        *notes,
        *empty,
        *scored.notes,
        *shared_groups(table),
        *uncounted_nuclei(scored),
        *several_controls(scored.design),
        *overfit_controls(scored, card),
        *cautions(card, dataset, options.b_score),
    )
    quality = (
        *assay_quality(scored, space, options.seed),
        *quality_of_the_other_space(measured, space, scored, options.seed),
        *quality_of_networks(project),
    )
    residual: tuple[ResidualChange, ...] = ()
    if options.explain:
        residual = residual_changes(project, card, (measured, scored), options, report)
    design = scored.design
    return Screen(
        ranked=scored.ranked,
        wells=_wells(scored),
        channels=tuple(c.name for c in dataset.channels),
        plate_shapes=_plate_shapes(table),
        healthy=design.conditions[design.healthy].name,
        diseased=design.conditions[design.diseased].name,
        level=options.level,
        space=space,
        normalised=scored.normalised,
        quality=quality,
        audit=(*scored.audit, background),
        doses=scored.doses,
        unrepaired=residual,
        notes=notes,
        settings=_settings(scored, options, len(measured.records)),
        dataset_digest=dataset.digest,
        model_digest=card.digest if card else "",
    )


def _check_level(level: float) -> None:
    if not 0.5 <= level < 1:
        raise LeighError(
            f"The level {level:g} of the intervals is not between 0.5 and 1.",
            "For 90 % write 0.9.",
        )


def _well_table(measured: ScreenImages, space: str, card: ModelCard | None) -> WellTable:
    from core.screening.wells import well_table

    features = measured.features if space == "latents" else measured.readouts
    assert features is not None
    seen = np.array([card is not None and card.part_of(r) != Split.TEST for r in measured.records])
    rest = (measured.readouts, measured.nuclei, measured.intensity, seen)
    return well_table(measured.records, features, *rest)


def _settings(scored: Scored, options: ScreenOptions, images: int) -> dict[str, Any]:
    return {
        **scored.rules.__dict__,
        "off_axis_limit": scored.rules.off_axis_limit(scored.space.length),
        "seed": options.seed,
        "b_score": options.b_score,
        "images": images,
    }


def _needs_controls(dataset: Dataset) -> None:
    roles = {c.role for c in dataset.conditions}
    for role in (Role.HEALTHY, Role.DISEASED):
        if role not in roles:
            raise LeighError(
                f"No condition is marked as {role.value}, so the disease axis is not defined.",
                "Give the roles on the Data page, or in a column role of the plate map.",
            )


def _space(space: str, card: ModelCard | None, dataset: Dataset) -> tuple[str, tuple[str, ...]]:
    """The space in which rescue is measured, and notes that say why."""
    if space == "latents" and card is None:
        raise LeighError(
            "This project has no trained network and therefore no latents.",
            "Train, or use readouts.",
        )
    roles = {c.name: c.role for c in dataset.conditions}
    names = card.condition_names if card else ()
    trained = [n for n in names if roles.get(n) not in (Role.HEALTHY, Role.DISEASED)]
    if space == "latents" and trained:
        note = (
            f"The network was trained to tell {len(trained)} treatments apart. This bends the"
            " disease axis in its latents: rescue is in order but not to scale."
        )
        return space, (note,)
    if space != "auto":
        return space, ()
    if card is None:
        return "readouts", ("No network is trained: rescue is measured in hand-made readouts.",)
    if trained:
        note = (
            "Rescue is measured in hand-made readouts: the network was also trained on the"
            " treatments, which bends the disease axis in its latents. To rank by latents, train"
            " on the controls only."
        )
        return "readouts", (note,)
    return "latents", ()


def _score(table: WellTable, dataset: Dataset, options: ScreenOptions, report: Report) -> Scored:
    """Make plates comparable, score the wells, rank the treatments and audit the ranking."""
    from core.screening.audit import audit
    from core.screening.dose import dose_curves
    from core.screening.ranking import Rules, rank
    from core.screening.score_wells import placed

    rules = replace(Rules(), level=options.level)
    normalise, notes = _normalisation(table, dataset, options.normalise)
    report(Progress(0, 2, "Ranking treatments"))
    wells = placed(
        table, dataset.conditions, normalise, rules, b_score=options.b_score, seed=options.seed
    )
    design, estimates = wells.design, wells.estimates
    ranked = rank(estimates, wells.space, table, design, rules)
    draws = {c.name: estimates.rescue_draws[:, k] for k, c in enumerate(design.conditions)}
    curves = dose_curves(ranked, draws, rules.level)
    report(Progress(1, 2, "Asking plate, position and cell count"))
    findings = audit(table, design, wells.scores, options.seed)
    report(Progress(2, 2, "Asking plate, position and cell count"))
    return Scored(
        table=table,
        design=design,
        rules=rules,
        scores=wells.scores,
        space=wells.space,
        estimates=estimates,
        ranked=ranked,
        audit=findings,
        doses=curves,
        normalised=NORMALISED[normalise] + ("; B-scores" if options.b_score else ""),
        notes=notes,
    )


NORMALISED = {
    "none": "plates taken as they are",
    "median": "median of the diseased wells of each plate taken off",
    "median-mad": (
        "median of the diseased wells of each plate taken off, divided by their 1.4826 MAD"
    ),
}


def _normalisation(
    table: WellTable, dataset: Dataset, normalise: str
) -> tuple[str, tuple[str, ...]]:
    """How plates are made comparable, and a note where they cannot be."""
    from core.screening.design import control_of
    from core.screening.wells import FEWEST_CONTROLS

    diseased = dataset.conditions[control_of(table, dataset.conditions, Role.DISEASED)].name
    plates = Counter(table.plates)
    controls = Counter(p for p, c in zip(table.plates, table.conditions) if c == diseased)
    fewest = min(controls[p] for p in plates)
    if normalise != "auto":
        return normalise, ()
    if len(plates) > 1 and fewest >= FEWEST_CONTROLS:
        return "median", ()
    if len(plates) == 1:
        return "none", ()
    note = (
        f"Plates were not made comparable: one has {fewest} diseased wells, {FEWEST_CONTROLS} are"
        " needed."
    )
    return "none", (note,)


def _wells(scored: Scored) -> tuple[WellScore, ...]:
    """Rescue, off-axis distance and cell count of every well.

    `unlike` wells are further off-axis than 99 % of the control wells. They are also further than
    the spread of healthy wells plus the share of the disease axis that counts as a side effect.
    """
    from core.screening.discriminant import from_diseased

    table, design = scored.table, scored.design
    is_healthy = design.condition == design.healthy
    is_diseased = design.condition == design.diseased
    along = from_diseased(scored.scores[:, None], design.home, is_diseased)[:, 0]
    gap = along[is_healthy].mean()
    off = np.linalg.norm(scored.space.off(), axis=1) / scored.space.spread
    of_controls = float(np.percentile(off[is_healthy | is_diseased], 99))
    limit = max(of_controls, 1 + scored.rules.off_axis_share * scored.space.length)
    return tuple(
        WellScore(
            plate=table.plates[i],
            well=table.wells[i],
            group=table.groups[i],
            condition=table.conditions[i],
            record_ids=table.record_ids[i],
            rescue=float(along[i] / gap),
            off_axis=float(off[i]),
            nuclei=float(table.nuclei[i]) if np.isfinite(table.nuclei[i]) else None,
            intensity=tuple(float(v) for v in table.intensity[i]),
            unlike=bool(off[i] > limit),
        )
        for i in range(len(table.plates))
    )


def _background(measured: ScreenImages, design: Design, seed: int) -> Finding:
    from core.screening.audit import background

    is_measured = np.array([np.isfinite(row).all() for row in measured.background], bool)
    if not is_measured.any():
        return Finding("background", None, "balanced accuracy without cells", 0.5, None, "")
    names = [c.name for c in design.conditions]
    chosen = [r for r, k in zip(measured.records, is_measured) if k]
    condition = np.array([names.index(r.condition) for r in chosen])
    groups = [r.group for r in chosen]
    return background(
        measured.background[is_measured], condition, groups, design.healthy, design.diseased, seed
    )


def _plate_shapes(table: WellTable) -> dict[str, tuple[int, int]]:
    """Rows and columns of the smallest usual format that holds the wells of each plate."""
    shapes: dict[str, tuple[int, int]] = {}
    for plate in dict.fromkeys(table.plates):
        wells = [w for w, p in zip(table.wells, table.plates) if p == plate and w]
        shape = guess_plate_shape(wells)
        if shape is not None:
            shapes[plate] = shape
    return shapes
