"""Make the map of a project, or place new images on it."""

import logging
from dataclasses import replace

from core.domain import DecisionMap, LatentTable, Project, Projection
from core.errors import BadProject
from core.io.lock import ProjectLock
from core.io.models import check_fits, load_card
from core.io.project import maps_folder, model_folder, stored_latents, stored_map
from core.io.results import load_results
from core.io.tables import MAP_FILE, load_latents, load_map, save_map
from core.progress import Progress, Report, Stage, silent
from core.workflows.project import images_of, model_of

log = logging.getLogger(__name__)


def make_map(
    project: Project, *, seed: int | None = None, refit: bool = False, report: Report = silent
) -> tuple[Projection, DecisionMap, int]:
    """Make the frozen map and its regions; also returns how many images kept their position.

    A map of the same model keeps its positions, and new records are placed on this map. `refit`
    or another `seed` fits the map again; the new map is then turned to look like the old map.
    Raises BadProject where the latents are missing or belong to other images.
    """
    with ProjectLock(project.folder):
        return _make_map(project, seed, refit, report)


def _make_map(
    project: Project, seed: int | None, refit: bool, report: Report
) -> tuple[Projection, DecisionMap, int]:
    from core.latent_map.decision_regions import fit_decision
    from core.latent_map.projection import (
        aligned,
        extended,
        find_out_of_distribution,
        fit_projection,
    )

    latents = _latents(project)
    former = _former_map(project)
    seed = seed if seed is not None else former.seed if former else 0
    keep = former is not None and former.seed == seed and not refit
    projection = extended(latents, former) if former and keep else None
    kept = 0
    if former and projection:
        kept = len(projection.record_ids) - _placed(projection) + _placed(former)
    if projection is None:
        projection = fit_projection(latents, seed=seed, report=report)
        projection = aligned(projection, former) if former else projection
    projection = replace(projection, out_of_distribution=find_out_of_distribution(latents))
    if not kept:  # if the rest is stopped, the project has at least a rough map
        quick = fit_decision(latents, projection, at_once=True)
        save_map(maps_folder(project), projection, quick)
        report(Progress(2, 3, "Refining the regions", stage=Stage.REFINING_MAP))
    decision = fit_decision(latents, projection)
    save_map(maps_folder(project), projection, decision)
    report(Progress(3, 3, "Map saved"))
    return projection, decision, kept


def _latents(project: Project) -> LatentTable:
    dataset = images_of(project)
    model_of(project)
    results = load_results(project)
    if results.card is not None:
        check_fits(results.card, dataset)
    if results.stale:
        raise BadProject(
            "The latents were made with another model or other images.", "Run `leigh encode` again."
        )
    if results.latents is None:
        # Damaged: names the file; missing: says how to make it.
        load_card(model_folder(project, project.model))
        if not stored_latents(project).exists():
            raise BadProject(f"{project.folder} has no latents yet.", "Run `leigh encode` first.")
        return load_latents(stored_latents(project))
    return results.latents


def _former_map(project: Project) -> Projection | None:
    """The map of the project; None without one, and with a word where it is damaged."""
    folder = stored_map(project)
    if not (folder / MAP_FILE).exists():
        return None
    try:
        return load_map(folder)[0]
    except BadProject as fault:
        if isinstance(fault.__cause__, OSError) and fault.__cause__.errno:
            raise  # the map may be whole: the disk or share does not give it
        log.warning("%s The map is fitted again: positions may change.", fault.message)
        return None


def _placed(projection: Projection) -> int:
    """How many images were placed on this map after it was fitted."""
    return int(projection.settings.get("placed", 0))
