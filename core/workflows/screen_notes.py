"""Notes for the reader of a screen: its limits, assay quality, and all networks compared."""

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


def uncounted_nuclei(scored: Scored) -> tuple[str, ...]:
    """A note where nuclei were counted but a share of lost cells cannot be given."""
    has_count = any(r.cell_count is not None for r in scored.ranked)
    if has_count or not np.isfinite(scored.table.nuclei).all():
        return ()
    return ("The diseased wells of a plate show no nuclei, so cell loss cannot be measured.",)


def shared_groups(table: WellTable) -> tuple[str, ...]:
    """A note where wells share a group (culture, donor, copied image) and are not independent."""
    groups = len(set(table.groups))
    if groups >= len(table.groups):
        return ()
    note = (
        f"{len(table.groups)} wells belong to {groups} groups: wells of one group are counted"
        " as independent, so the intervals may be too narrow."
    )
    return (note,)


def several_controls(design: Design) -> tuple[str, ...]:
    """A note where several conditions are healthy or diseased; the largest is the control."""
    notes = []
    for first, role in ((design.healthy, Role.HEALTHY), (design.diseased, Role.DISEASED)):
        others = [c.name for k, c in enumerate(design.conditions) if c.role == role and k != first]
        if others:
            name = design.conditions[first].name
            notes.append(
                f"{name} is the {role.value} control. Also {role.value}, and therefore scored but"
                f" not ranked: {', '.join(others)}."
            )
    return tuple(notes)


def cautions(card: ModelCard | None, dataset: Dataset, b_score: bool) -> tuple[str, ...]:
    """Notes on confounders, on B-scores, and on treatments that the network does not know."""
    notes = [f"{p.sentence} {p.remedy}" for p in dataset.confounders]
    if b_score:
        notes.append(
            "B-scores remove part of a real effect where many wells of a row or column are active."
        )
    if card is not None and set(card.condition_names) < set(dataset.condition_names):
        known = ", ".join(card.condition_names)
        notes.append(
            f"The network knows only {known}. The residual of the other treatments was not"
            " measured: train a network on all conditions, in a second project of the same folder."
        )
    return tuple(notes)


def overfit_controls(scored: Scored, card: ModelCard | None) -> tuple[str, ...]:
    """A note where controls used in training lie further apart than held-out controls."""
    seen, design = scored.table.seen, scored.design
    sides = [design.condition == k for k in (design.healthy, design.diseased)]
    if card is None or any(min((s & seen).sum(), (s & ~seen).sum()) < 2 for s in sides):
        return ()
    is_healthy, is_diseased = sides
    gaps = [
        float(scored.scores[is_healthy & part].mean() - scored.scores[is_diseased & part].mean())
        for part in (seen, ~seen)
    ]
    if gaps[0] <= 1.1 * gaps[1]:
        return ()
    note = (
        f"Controls that the network learned from lie {gaps[0] / gaps[1]:.2f} times as far apart as"
        " held-out controls."
    )
    return (note,)


def assay_quality(scored: Scored, space: str, seed: int) -> tuple[dict[str, Any], ...]:
    """How well healthy and diseased wells are separated: on all plates, and on each plate."""
    score, design = f"position along {space}, cross-fitted", scored.design
    rows = [_quality_row(score, "all", scored.scores, design.condition, design, seed)]
    plates = np.array(scored.table.plates)
    for plate in dict.fromkeys(scored.table.plates):
        on = plates == plate
        if len(set(scored.table.plates)) > 1:
            rows.append(
                _quality_row(score, plate, scored.scores[on], design.condition[on], design, seed)
            )
    return tuple(rows)


def _quality_row(
    score: str, plate: str, scores: FloatArray, condition: Any, design: Design, seed: int
) -> dict[str, Any]:
    quality = separation(
        scores[condition == design.healthy], scores[condition == design.diseased], seed=seed
    )
    wells = quality.pop("wells")
    return {
        "score": score,
        "unit": "well medians",
        "plate": plate,
        "wells": f"{wells[0]} + {wells[1]}",
        **quality,
    }


def quality_of_the_other_space(
    measured: ScreenImages, space: str, scored: Scored, seed: int
) -> tuple[dict[str, Any], ...]:
    """The assay quality in the space that is not used for the ranking, if it was measured."""
    from core.screening.discriminant import position_along
    from core.screening.wells import well_table

    other = measured.readouts if space == "latents" else measured.features
    if other is None:
        return ()
    design, name = scored.design, "readouts" if space == "latents" else "latents"
    seen = np.zeros(len(measured.records), bool)
    table = well_table(measured.records, other, other, measured.nuclei, measured.intensity, seen)
    controls = (design.condition, design.home, design.healthy, design.diseased)
    scores = position_along(table.features, *controls, seed=seed)
    score = f"position along {name}, cross-fitted"
    return (_quality_row(score, "all", scores, design.condition, design, seed),)


def quality_of_networks(project: Project) -> tuple[dict[str, Any], ...]:
    """Z' of the logits of every trained network on held-out wells, from its evaluation."""
    rows = []
    for card in list_cards(project):
        reported = (card.accuracy.get("z_prime") or {}).get("logits")
        if reported:
            wells = " + ".join(str(w) for w in reported.get("wells", ()))
            rest = {k: v for k, v in reported.items() if k not in ("unit", "wells")}
            row = {
                "score": f"logits of {card.name}",
                "unit": reported.get("unit", ""),
                "plate": "all",
                "wells": wells,
            }
            rows.append({**row, **rest})
    return tuple(rows)
