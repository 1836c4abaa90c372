"""Load the results of a project, and decide whether they belong together."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from core.domain import DecisionMap, LatentTable, ModelCard, Project, Projection
from core.domain.screen import Screen
from core.errors import BadProject, LeighError
from core.io.models import load_card, scale_warning
from core.io.project import model_folder, stored_latents, stored_map
from core.io.screens import REMEDY, SCREEN_FOLDER, load_screen
from core.io.tables import MAP_FILE, load_latents, load_map


class Stale(StrEnum):
    """Why latents and map of a project are not used."""

    OTHER_MODEL = "other-model"
    OTHER_IMAGES = "other-images"


@dataclass(frozen=True)
class Results:
    """Model card, latents and map of a project, as far as they exist and belong together.

    The map belongs to the latents, and the latents belong to the model and the images. A damaged
    part does not hide the other parts.
    """

    card: ModelCard | None = None
    latents: LatentTable | None = None
    projection: Projection | None = None
    decision: DecisionMap | None = None
    stale: Stale | None = None
    damaged: tuple[str, ...] = ()  # one sentence per part that cannot be read
    doubt: str = ""  # why the model may not fit the images


def load_results(project: Project) -> Results:
    """Read model card, latents and map; parts that do not belong together are left out."""
    folder = model_folder(project, project.model) if project.model else None
    if folder is None or not _exists(folder):
        return Results()
    try:
        card = load_card(folder)
    except LeighError as fault:
        return Results(damaged=(str(fault),))
    doubt = scale_warning(card, project.dataset) if project.dataset is not None else ""
    results = Results(card, doubt=doubt)
    path = stored_latents(project)
    if _exists(path):
        try:
            latents = load_latents(path)
        except LeighError as fault:
            results = replace(results, damaged=(str(fault),))
        else:
            stale = _stale(project, card, latents)
            if stale:
                return replace(results, stale=stale)
            results = replace(results, latents=latents)
    return _with_map(project, results)


def screen_of(project: Project) -> Screen:
    """The last screen of a project.

    Raises BadProject without a screen, and where images or conditions have changed since.
    """
    screen = load_screen(project.folder / SCREEN_FOLDER)
    dataset = project.dataset
    if screen.dataset_digest and dataset is not None and screen.dataset_digest != dataset.digest:
        raise BadProject("The screen was computed from other images or conditions.", REMEDY)
    return screen


def _stale(project: Project, card: ModelCard, latents: LatentTable) -> Stale | None:
    if latents.model_digest != card.digest:
        return Stale.OTHER_MODEL
    if project.dataset is not None and not latents.describes(project.dataset):
        return Stale.OTHER_IMAGES
    return None


def _with_map(project: Project, results: Results) -> Results:
    """The results with the map, if the map belongs to the latents or latents are missing."""
    folder = stored_map(project)
    if not (folder / MAP_FILE).exists():
        return results
    try:
        projection, decision = load_map(folder)
    except LeighError as fault:
        return replace(results, damaged=(*results.damaged, str(fault)))
    if results.latents is not None and not projection.belongs_to(results.latents):
        return results
    return replace(results, projection=projection, decision=decision)


def _exists(path: Path) -> bool:
    """Whether a file exists, or a folder that is not empty."""
    return any(path.iterdir()) if path.is_dir() else path.exists()
