"""Use a model that was trained elsewhere: copy it into the project once it fits the images."""

import shutil
from dataclasses import replace
from pathlib import Path

from core.domain import ModelCard, Project
from core.io.atomic import replacing
from core.io.models import CARD_FILE, WEIGHTS_FILE, check_fits, load_card, load_tensors, save_card
from core.io.project import model_folder, save_project
from core.io.tables import safe_name
from core.workflows.project import images_of

LONGEST_NAME = 100


def adopt_model(project: Project, model: Path) -> Project:
    """Make the model in this folder (or of this model.json) the project's model.

    A model from elsewhere is copied under a name that is free; the project's own models stay.
    Raises BadModel where card or weights are damaged, or channels or conditions do not fit.
    """
    folder = model.parent if model.name == CARD_FILE else model
    card = load_card(folder)
    load_tensors(folder)
    check_fits(card, images_of(project))
    own = model_folder(project, folder.name).resolve() == folder.resolve()
    name = folder.name if own else _copy(folder, card, project)
    adopted = replace(project, model=name)
    save_project(adopted)
    return adopted


def _copy(folder: Path, card: ModelCard, project: Project) -> str:
    """Copy weights and card under a name that no model of the project has; returns the name."""
    first = safe_name(card.name[:LONGEST_NAME])
    name, number = first, 1
    while model_folder(project, name).exists():
        number += 1
        name = f"{first}-{number}"
    target = model_folder(project, name)
    with replacing(target / WEIGHTS_FILE) as temporary:
        shutil.copyfile(folder / WEIGHTS_FILE, temporary)
    save_card(target, replace(card, name=name))
    return name
