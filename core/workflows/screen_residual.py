"""Measure the residual: what the treatments do not repair, in features of moved images."""

from __future__ import annotations

import numpy as np

from core.domain import (
    FloatArray,
    ImageRecord,
    Mix,
    ModelCard,
    Move,
    Project,
    Split,
)
from core.domain.screen import ResidualChange
from core.progress import Report
from core.workflows.project import images_of
from core.workflows.records import some_records
from core.workflows.screen_images import ScreenImages
from core.workflows.screen_scored import Scored, ScreenOptions


def residual_changes(
    project: Project,
    card: ModelCard | None,
    measured_and_scored: tuple[ScreenImages, Scored],
    options: ScreenOptions,
    report: Report,
) -> tuple[ResidualChange, ...]:
    """The residual of the best treatments that the network knows, from held-out images if any.

    Parameters
    ----------
    project
        The open project.
    card
        The model card; without an i-ResNet nothing is measured.
    measured_and_scored
        The measurements of all images, and the ranking.
    options
        Seed and device.
    report
        Receives the progress.

    Returns
    -------
    tuple
        One ResidualChange per treatment and channel; empty where the network cannot measure it.
    """
    measured, scored = measured_and_scored
    design, dataset = scored.design, images_of(project)
    healthy, diseased = (design.conditions[k].name for k in (design.healthy, design.diseased))
    if card is None or card.kind != "iresnet":
        return ()
    if not {healthy, diseased} <= set(card.condition_names):
        return ()
    treated = [r.condition for r in scored.ranked if r.tie and r.condition in card.condition_names]
    if not treated:
        return ()
    from core.counterfactual.engine import Engine
    from core.screening.residual import IMAGES, Intervals, unrepaired

    chosen = {}
    for name in (diseased, *treated):
        own = [r for r in dataset.records if r.condition == name]
        test = [r for r in own if card.part_of(r) == Split.TEST]
        is_enough = len({r.group for r in test}) > 1
        chosen[name] = some_records(test if is_enough else own, IMAGES)
    engine = Engine(project, options.device, with_evidence=False)
    # The same channels are locked for all treatments, so that all changes are comparable.
    locked = engine.automatic_locks(diseased, healthy)
    readouts = [m for r, m in zip(measured.records, measured.readouts) if r.condition == healthy]
    spread = np.maximum(np.std(np.array(readouts), axis=0), 1e-9)

    def move(record: ImageRecord) -> FloatArray | None:
        from core.data.readouts import readout_values

        moved = engine.move(Move(record.id, Mix({healthy: 1.0}), locked))
        if not moved.valid:
            return None
        images = (moved.original, moved.image)
        before, after = (readout_values(x, card.preprocessing.downscale) for x in images)
        change: FloatArray = ((after - before) / spread).reshape(len(dataset.channels), -1)
        return change

    names = [c.name for c in dataset.channels]
    intervals = Intervals(scored.rules.level, options.seed)
    return unrepaired(chosen, diseased, names, move, intervals=intervals, report=report)
