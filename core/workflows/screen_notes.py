"""What the reader of a screen must know: notes, assay quality, networks next to one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.assay_quality import separation
from core.domain import (
    Dataset,
    FloatArray,
    ModelCard,
    Project,
    Role,
)
from core.io.models import list_cards
from core.workflows.screen_images import ScreenImages
from core.workflows.screen_scored import Scored

if TYPE_CHECKING:
    from core.screening.design import Design
    from core.screening.wells import WellTable


def uncounted_nuclei(found: Scored) -> tuple[str, ...]:
    """A word where nuclei were counted and yet no shares can be given."""
    if not np.isfinite(found.table.nuclei).all() or any(
        r.cell_count is not None for r in found.ranked
    ):
        return ()
    return ("The diseased wells of a plate show no nuclei, so losses of cells cannot be told.",)


def shared_groups(table: WellTable) -> tuple[str, ...]:
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


def several_controls(design: Design) -> tuple[str, ...]:
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


def cautions(card: ModelCard | None, dataset: Dataset, b_score: bool) -> tuple[str, ...]:
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


def overfit_controls(found: Scored, card: ModelCard | None) -> tuple[str, ...]:
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


def assay_quality(found: Scored, space: str, seed: int) -> tuple[dict[str, Any], ...]:
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


def quality_of_the_other_space(
    measured: ScreenImages, space: str, found: Scored, seed: int
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


def quality_of_networks(project: Project) -> tuple[dict[str, Any], ...]:
    """Z' of every trained network on its logits, of held-out wells, as its evaluation found."""
    rows = []
    for card in list_cards(project):
        reported = (card.accuracy.get("z_prime") or {}).get("logits")
        if reported:
            wells = " + ".join(str(w) for w in reported.get("wells", ()))
            rest = {k: v for k, v in reported.items() if k not in ("unit", "wells")}
            row = {
                "score": f"logits of {card.name}",
                "unit": reported["unit"],
                "plate": "all",
                "wells": wells,
            }
            rows.append({**row, **rest})
    return tuple(rows)
