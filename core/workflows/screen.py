"""Rank the treatments of a project: images to wells, wells to a ranking with everything that speaks
against it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.assay_quality import separation
from core.data.batches import Reader
from core.data.preprocessing import fit_recipe
from core.domain import (
    BoolArray,
    Dataset,
    FloatArray,
    ImageRecord,
    ModelCard,
    Project,
    Recipe,
    Role,
    Split,
)
from core.domain.screen import DoseCurve, Finding, Ranked, Screen, Unrepaired, WellScore
from core.errors import LeighError
from core.io.models import load_card
from core.io.project import model_folder
from core.io.well_names import guess_plate_shape
from core.progress import Progress, Report, silent
from core.workflows.baselines import trained_networks
from core.workflows.export import some_records
from core.workflows.steps import RECIPE_FIELDS, load_model, reader, with_dataset

if TYPE_CHECKING:
    from core.screening.design import Design
    from core.screening.discriminant import Across
    from core.screening.ranking import Estimates, Rules
    from core.screening.wells import WellTable

MOST_BACKGROUND = 400  # images of the controls whose background is read


@dataclass(frozen=True)
class Measured:
    """What was measured of N images."""

    records: tuple[ImageRecord, ...]
    readouts: FloatArray  # (N, R)
    nuclei: FloatArray  # (N,) nan where no channel shows them
    intensity: FloatArray  # (N, C)
    background: FloatArray  # (N, 5 C) nan where not asked or nothing but cells
    features: FloatArray | None  # (N, F) of the network
    empty: BoolArray  # (N,) nothing but noise: neither nucleus nor cell


def screen(
    project_folder: Path,
    *,
    space: str = "auto",
    normalise: str = "auto",
    b_score: bool = False,
    level: float = 0.9,
    explain: bool = True,
    seed: int = 0,
    device: str = "auto",
    report: Report = silent,
) -> Screen:
    """Place every well between diseased and healthy and rank the treatments; nothing is written.

    `space`: "latents" measures rescue in the features of the network, "readouts" in hand-made
    readouts; "auto" takes the latents where the network learned from the controls only. What else
    changes is always measured in readouts, as a network is blind to what it was not asked to tell
    apart. `explain`: also move some images of every treatment that the network knows to healthy, to
    see what is not repaired. Raises LeighError where roles or controls lack.
    """
    from core.screening.ranking import Rules
    from core.screening.wells import well_table

    project, dataset = with_dataset(project_folder)
    _needs_controls(dataset)
    card = load_card(model_folder(project, project.model)) if project.model else None
    space, notes = _space(space, card, dataset)
    measured = _measure(project, dataset, card, device, report)
    measured, empty = _with_cells(measured)
    features = measured.features if space == "latents" else measured.readouts
    assert features is not None
    seen = np.array([card is not None and card.part_of(r) != Split.TEST for r in measured.records])
    rest = (measured.readouts, measured.nuclei, measured.intensity, seen)
    table = well_table(measured.records, features, *rest)
    found = _score(table, dataset, normalise, b_score, replace(Rules(), level=level), seed, report)
    finding = _background(measured, found.design, seed)
    notes = (
        *notes,
        *empty,
        *found.notes,
        *_shared_groups(table),
        *_nuclei_told(found),
        *_more_controls(found.design),
        *_overfit(found, card),
        *_cautions(card, dataset, b_score),
    )
    quality = (
        *_quality(found, space, seed),
        *_other_quality(measured, space, found, seed),
        *_networks(project),
    )
    left = (
        _unrepaired(project_folder, dataset, card, measured, found, seed, device, report)
        if explain
        else ()
    )
    return Screen(
        ranked=found.ranked,
        wells=_wells(found),
        channels=tuple(c.name for c in dataset.channels),
        plate_shapes=_plate_shapes(table),
        healthy=found.design.conditions[found.design.healthy].name,
        diseased=found.design.conditions[found.design.diseased].name,
        level=level,
        space=space,
        normalised=found.normalised,
        quality=quality,
        audit=(*found.audit, finding),
        doses=found.doses,
        unrepaired=left,
        notes=notes,
        settings={
            **found.rules.__dict__,
            "off_axis_limit": found.rules.off_axis_limit(found.space.length),
            "seed": seed,
            "b_score": b_score,
            "images": len(measured.records),
        },
        dataset_digest=dataset.digest,
        model_digest=card.digest if card else "",
    )


def _needs_controls(dataset: Dataset) -> None:
    roles = {c.role for c in dataset.conditions}
    for role in (Role.HEALTHY, Role.DISEASED):
        if role not in roles:
            raise LeighError(
                f"No condition is marked as {role.value}, so there is no way from diseased to"
                " healthy.",
                "Give the roles on the Data page, or in a column role of the plate map.",
            )


def _space(space: str, card: ModelCard | None, dataset: Dataset) -> tuple[str, tuple[str, ...]]:
    """Where rescue is measured, and why."""
    if space == "latents" and card is None:
        raise LeighError(
            "This project has no trained network, so there are no latents.",
            "Train, or use readouts.",
        )
    roles = {c.name: c.role for c in dataset.conditions}
    trained = (
        [n for n in card.condition_names if roles.get(n) not in (Role.HEALTHY, Role.DISEASED)]
        if card
        else []
    )
    if space == "latents" and trained:
        why = (
            f"The network was trained to tell {len(trained)} treatments apart, which bends the way"
            " from diseased to "
        )
        return space, (why + "healthy in its latents: rescue is in order but not to scale.",)
    if space != "auto":
        return space, ()
    if card is None:
        return "readouts", ("No network is trained: rescue is measured in hand-made readouts.",)
    if trained:
        why = (
            "Rescue is measured in hand-made readouts: the network was trained on the treatments"
            " too, which bends the "
        )
        return "readouts", (
            why + "way from diseased to healthy. To rank by latents, train on the controls only.",
        )
    return "latents", ()


def _measure(
    project: Project, dataset: Dataset, card: ModelCard | None, device: str, report: Report
) -> Measured:
    """Read every image once; then let the network read them, where there is one."""
    from core.attribution.sanity_checks import cell_mask
    from core.counterfactual.features import read_features
    from core.data.nuclei import nuclear_channel
    from core.data.preprocessing import shrink
    from core.data.readouts import readout_names, readout_values
    from core.evidence.reference import fit_nuclei
    from core.screening.background import background_readouts

    read, records = reader(dataset), dataset.records
    recipe = card.recipe if card else _recipe(dataset, read)
    nuclear, nuclei = (
        nuclear_channel(dataset.channels),
        fit_nuclei(dataset.channels, records, recipe, read),
    )
    asked = _background_records(dataset)
    names = readout_names()
    mean, dark = names.index("mean"), names.index("p5")
    rows = []
    for i, record in enumerate(records):
        raw = read(record).astype(np.float32)
        values = readout_values(raw, recipe.downscale)
        per_channel = values.reshape(len(dataset.channels), len(names))
        count = np.nan
        if nuclear is not None and nuclei is not None:
            plane = shrink(raw[nuclear : nuclear + 1].astype(np.float64), recipe.downscale)[0]
            count = float(len(np.unique(nuclei.labels(plane))) - 1)
        between = np.full(5 * len(raw), np.nan)
        cells = (
            cell_mask(raw, recipe, dataset.pixel_size_um)
            if record.id in asked or not count > 0
            else None
        )
        if cells is not None and record.id in asked:
            between = background_readouts(raw, cells)
        nothing = cells is not None and not count > 0 and not cells.any()
        rows.append((values, count, per_channel[:, mean] - per_channel[:, dark], between, nothing))
        report(Progress(i + 1, len(records), "Measuring images"))
    readouts, counts, intensity, background, empty = (
        np.array(column, np.float64) for column in zip(*rows)
    )
    features = None
    if card is not None:
        card, model = load_model(project, dataset, device)
        raw_features = read_features(model, records, card.recipe, read, report)
        features = (
            raw_features - model.feature_mean.cpu().numpy()
        ) / model.feature_scale.cpu().numpy()
    return Measured(records, readouts, counts, intensity, background, features, empty > 0)


def _with_cells(measured: Measured) -> tuple[Measured, tuple[str, ...]]:
    """Without the wells whose images hold nothing but noise, which have no place; and a word on
    them.
    """
    keys = [(r.plate, r.well or r.group) for r in measured.records]
    alive = {key for key, empty in zip(keys, measured.empty) if not empty}
    gone = {key: r.condition for key, r in zip(keys, measured.records) if key not in alive}
    if not gone:
        return measured, ()
    kept = np.array([key in alive for key in keys])
    names = ", ".join(f"{name} {count}" for name, count in Counter(gone.values()).most_common(6))
    where = ", ".join(" ".join(filter(None, key)) for key in list(gone)[:5]) + (
        "…" if len(gone) > 5 else ""
    )
    columns = (measured.readouts, measured.nuclei, measured.intensity, measured.background)
    readouts, nuclei, intensity, background = (v[kept] for v in columns)
    features = None if measured.features is None else measured.features[kept]
    records = tuple(r for r, k in zip(measured.records, kept) if k)
    left = Measured(
        records, readouts, nuclei, intensity, background, features, measured.empty[kept]
    )
    return left, (
        (
            f"{len(gone)} wells without any cell were left out, as they have no place ({names}):"
            f" {where}"
        ),
    )


def _nuclei_told(found: Scored) -> tuple[str, ...]:
    """A word where nuclei were counted and yet no shares can be given."""
    if not np.isfinite(found.table.nuclei).all() or any(
        r.cell_count is not None for r in found.ranked
    ):
        return ()
    return ("The diseased wells of a plate show no nuclei, so losses of cells cannot be told.",)


def _shared_groups(table: WellTable) -> tuple[str, ...]:
    """A word where wells share a group (culture, donor, copies of one picture): they are no
    independent witnesses.
    """
    groups = len(set(table.groups))
    if groups >= len(table.groups):
        return ()
    return (
        (
            f"{len(table.groups)} wells belong to {groups} groups: wells of one group are counted"
            " as independent, so the intervals may be too narrow."
        ),
    )


def _recipe(dataset: Dataset, read: Reader) -> Recipe:
    step = max(1, len(dataset.records) // RECIPE_FIELDS)
    return fit_recipe([read(r).astype(np.float32) for r in dataset.records[::step]], 64)


def _background_records(dataset: Dataset) -> set[str]:
    """Images of the controls, evenly over their wells."""
    roles = {c.name: c.role for c in dataset.conditions}
    own = [r for r in dataset.records if roles[r.condition] in (Role.HEALTHY, Role.DISEASED)]
    return {r.id for r in own[:: max(1, len(own) // MOST_BACKGROUND)]}


@dataclass(frozen=True)
class Scored:
    """A well table placed and ranked."""

    table: WellTable
    design: Design
    rules: Rules
    scores: FloatArray
    space: Across
    estimates: Estimates
    ranked: tuple[Ranked, ...]
    audit: tuple[Finding, ...]
    doses: tuple[DoseCurve, ...]
    normalised: str
    notes: tuple[str, ...]


def _score(
    table: WellTable,
    dataset: Dataset,
    normalise: str,
    b_score: bool,
    rules: Rules,
    seed: int,
    report: Report,
) -> Scored:
    from core.screening.audit import audit
    from core.screening.design import control_of
    from core.screening.dose import dose_curves
    from core.screening.ranking import rank
    from core.screening.score_wells import placed
    from core.screening.wells import FEWEST_CONTROLS

    diseased = dataset.conditions[control_of(table, dataset.conditions, Role.DISEASED)].name
    plates = Counter(table.plates)
    controls = Counter(p for p, c in zip(table.plates, table.conditions) if c == diseased)
    fewest = min(controls[p] for p in plates)
    notes: tuple[str, ...] = ()
    if normalise == "auto":
        normalise = "median" if len(plates) > 1 and fewest >= FEWEST_CONTROLS else "none"
        if len(plates) > 1 and normalise == "none":
            notes = (
                (
                    f"Plates were not made comparable: one has {fewest} diseased wells,"
                    f" {FEWEST_CONTROLS} are needed."
                ),
            )
    report(Progress(0, 2, "Ranking treatments"))
    found = placed(table, dataset.conditions, normalise, rules, b_score=b_score, seed=seed)
    design, scores, space, estimates = found.design, found.scores, found.space, found.estimates
    ranked = rank(estimates, space, table, design, rules)
    draws = {
        design.conditions[k].name: estimates.rescue_draws[:, k]
        for k in range(len(design.conditions))
    }
    curves = dose_curves(ranked, draws, rules.level)
    report(Progress(1, 2, "Asking plate, position and cell count"))
    findings = audit(table, design, scores, seed)
    report(Progress(2, 2, "Asking plate, position and cell count"))
    words = {
        "none": "plates taken as they are",
        "median": "median of the diseased wells of each plate taken off",
        "median-mad": (
            "median of the diseased wells of each plate taken off, divided by their 1.4826 MAD"
        ),
    }[normalise] + ("; B-scores" if b_score else "")
    return Scored(
        table, design, rules, scores, space, estimates, ranked, findings, curves, words, notes
    )


def _wells(found: Scored) -> tuple[WellScore, ...]:
    """Every well with its own place; unlike: further across than 99 of 100 control wells and
    than a healthy well departs by itself plus the share of the way that counts as a side effect.
    """
    table, design = found.table, found.design
    from core.screening.discriminant import from_diseased

    along = from_diseased(found.scores[:, None], design.home, design.condition == design.diseased)[
        :, 0
    ]
    gap = along[design.condition == design.healthy].mean()
    off = np.linalg.norm(found.space.off(), axis=1) / found.space.spread
    controls = (design.condition == design.healthy) | (design.condition == design.diseased)
    limit = max(
        float(np.percentile(off[controls], 99)), 1 + found.rules.off_axis_share * found.space.length
    )
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


def _more_controls(design: Design) -> tuple[str, ...]:
    """A word where several conditions are healthy or diseased: of each, that with most wells makes
    the way.
    """
    notes = []
    for first, role in ((design.healthy, Role.HEALTHY), (design.diseased, Role.DISEASED)):
        others = [c.name for k, c in enumerate(design.conditions) if c.role == role and k != first]
        if others:
            name = design.conditions[first].name
            notes.append(
                f"{name} is taken for {role.value}; {', '.join(others)} too is {role.value}:"
                " placed, not ranked."
            )
    return tuple(notes)


def _cautions(card: ModelCard | None, dataset: Dataset, b_score: bool) -> tuple[str, ...]:
    """What the reader of this screen must bear in mind."""
    notes = []
    if b_score:
        notes.append(
            "B-scores take part of an effect for one of position where many wells of a row or"
            " column are active."
        )
    if card is not None and set(card.condition_names) < set(dataset.condition_names):
        known = ", ".join(card.condition_names)
        notes.append(
            f"The network knows {known} only, so what is not repaired by the others was not"
            " measured: train one on all conditions, in a second project of the same folder."
        )
    return tuple(notes)


def _overfit(found: Scored, card: ModelCard | None) -> tuple[str, ...]:
    """A word where the controls that the network learned from lie further apart than those it never
    saw.
    """
    seen, design = found.table.seen, found.design
    sides = [design.condition == k for k in (design.healthy, design.diseased)]
    if card is None or any(min((s & seen).sum(), (s & ~seen).sum()) < 2 for s in sides):
        return ()
    gaps = [
        float(found.scores[sides[0] & part].mean() - found.scores[sides[1] & part].mean())
        for part in (seen, ~seen)
    ]
    if gaps[0] <= 1.1 * gaps[1]:
        return ()
    share = gaps[0] / gaps[1]
    return (
        (
            f"Controls that the network learned from lie {share:.2f} times as far apart as those it"
            " never saw."
        ),
    )


def _quality(found: Scored, space: str, seed: int) -> tuple[dict[str, Any], ...]:
    """How far healthy and diseased wells lie apart: all plates together, and each."""
    score, design = f"position along {space}, cross-fitted", found.design
    rows = [_quality_row(score, "all", found.scores, design.condition, design, seed)]
    plates = np.array(found.table.plates)
    for p in dict.fromkeys(found.table.plates):
        on = plates == p
        if len(set(found.table.plates)) > 1:
            rows.append(
                _quality_row(score, p, found.scores[on], design.condition[on], design, seed)
            )
    return tuple(rows)


def _quality_row(
    score: str, plate: str, scores: FloatArray, condition: Any, design: Design, seed: int
) -> dict[str, Any]:
    found = separation(
        scores[condition == design.healthy], scores[condition == design.diseased], seed=seed
    )
    wells = found.pop("wells")
    return {
        "score": score,
        "unit": "well medians",
        "plate": plate,
        "wells": f"{wells[0]} + {wells[1]}",
        **found,
    }


def _other_quality(
    measured: Measured, space: str, found: Scored, seed: int
) -> tuple[dict[str, Any], ...]:
    """The same of the space in which the ranking was not made, where there is one."""
    from core.screening.discriminant import position_along
    from core.screening.wells import well_table

    other = measured.readouts if space == "latents" else measured.features
    if other is None:
        return ()
    design, name = found.design, "readouts" if space == "latents" else "latents"
    seen = np.zeros(len(measured.records), bool)
    table = well_table(measured.records, other, other, measured.nuclei, measured.intensity, seen)
    who = (design.condition, design.home, design.healthy, design.diseased)
    scores = position_along(table.features, *who, seed=seed)
    return (
        _quality_row(
            f"position along {name}, cross-fitted", "all", scores, design.condition, design, seed
        ),
    )


def _networks(project: Project) -> tuple[dict[str, Any], ...]:
    """Z' of every trained network on its logits, of held-out wells, as its evaluation found."""
    rows = []
    for card in trained_networks(project):
        told = (card.accuracy.get("z_prime") or {}).get("logits")
        if told:
            wells = " + ".join(str(w) for w in told.get("wells", ()))
            rest = {k: v for k, v in told.items() if k not in ("unit", "wells")}
            row = {
                "score": f"logits of {card.name}",
                "unit": told["unit"],
                "plate": "all",
                "wells": wells,
            }
            rows.append({**row, **rest})
    return tuple(rows)


def _background(measured: Measured, design: Design, seed: int) -> Finding:
    from core.screening.audit import background

    known = np.array([np.isfinite(row).all() for row in measured.background], bool)
    if not known.any():
        return Finding("background", None, "balanced accuracy without cells", 0.5, None, "")
    names = [c.name for c in design.conditions]
    chosen = [r for r, k in zip(measured.records, known) if k]
    condition = np.array([names.index(r.condition) for r in chosen])
    groups = [r.group for r in chosen]
    return background(
        measured.background[known], condition, groups, design.healthy, design.diseased, seed
    )


def _unrepaired(
    project_folder: Path,
    dataset: Dataset,
    card: ModelCard | None,
    measured: Measured,
    found: Scored,
    seed: int,
    device: str,
    report: Report,
) -> tuple[Unrepaired, ...]:
    """Of the treatments that the network knows: held-out images where there are any."""
    healthy, diseased = (
        found.design.conditions[k].name for k in (found.design.healthy, found.design.diseased)
    )
    if (
        card is None
        or card.kind != "iresnet"
        or not {healthy, diseased} <= set(card.condition_names)
    ):
        return ()
    from core.counterfactual.engine import Session
    from core.data.readouts import readout_values
    from core.screening.residual import IMAGES, unrepaired

    treated = [r.condition for r in found.ranked if r.tie and r.condition in card.condition_names]
    if not treated:
        return ()
    chosen = {}
    for name in (diseased, *treated):
        own = [r for r in dataset.records if r.condition == name]
        held = [r for r in own if card.part_of(r) == Split.TEST]
        enough = len({r.group for r in held}) > 1
        chosen[name] = some_records(held if enough else own, IMAGES)
    session = Session(project_folder, device)

    # What the way from diseased to healthy holds still is held for all, so that all may change the
    # same.
    still = session.holding(diseased, healthy)
    of_healthy = [m for r, m in zip(measured.records, measured.readouts) if r.condition == healthy]
    spread = np.maximum(np.std(np.array(of_healthy), axis=0), 1e-9)

    def move(record: ImageRecord) -> FloatArray | None:
        moved = session.move(record.id, {healthy: 1.0}, 1.0, still)
        if not moved.valid:
            return None
        before, after = (
            readout_values(x, card.recipe.downscale) for x in (moved.original, moved.image)
        )
        change: FloatArray = ((after - before) / spread).reshape(len(dataset.channels), -1)
        return change

    names = [c.name for c in dataset.channels]
    return unrepaired(
        chosen, diseased, names, move, level=found.rules.level, seed=seed, report=report
    )


def _plate_shapes(table: WellTable) -> dict[str, tuple[int, int]]:
    """Rows and columns of the smallest usual plate that holds the wells of each plate."""
    out: dict[str, tuple[int, int]] = {}
    for p in dict.fromkeys(table.plates):
        wells = [w for w, q in zip(table.wells, table.plates) if q == p and w]
        shape = guess_plate_shape(wells)
        if shape is not None:
            out[p] = shape
    return out
