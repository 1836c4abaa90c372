"""What every verb needs from an open project: images, model and a reader of raw grey values."""

import os
from typing import Any

from core.data.batches import Reader
from core.domain import Dataset, ModelCard, Project
from core.errors import BadProject
from core.io.models import check_fits, load_card, load_tensors
from core.io.project import model_folder
from core.io.read_verified import read_verified


def images_of(project: Project) -> Dataset:
    """The images of a project. Raises BadProject where no images were scanned."""
    if project.dataset is None:
        raise BadProject(
            f"{project.folder} has no images yet.", "Run `leigh scan FOLDER --project DIR` first."
        )
    return project.dataset


def model_of(project: Project) -> str:
    """The name of the project's model. Raises BadProject where no model is trained."""
    if not project.model:
        raise BadProject(
            f"{project.folder} has no trained model.", "Run `leigh train --project DIR` first."
        )
    return project.model


def load_model(project: Project, device: str = "auto") -> tuple[ModelCard, Any]:
    """The project's model, checked against its images.

    Raises BadModel when channels or conditions differ.
    """
    from core.models.load import build, choose_device

    dataset, folder = images_of(project), model_folder(project, model_of(project))
    card = load_card(folder)
    check_fits(card, dataset)
    return card, build(card, load_tensors(folder), choose_device(device))


def reader(dataset: Dataset) -> Reader:
    """A function that reads a record (C Y X) and refuses files that changed since the scan."""
    return lambda record: read_verified(dataset.root, record)


def peak_memory_bytes() -> int:
    """Peak resident memory of this process, in bytes."""
    if os.name == "posix":
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak if sys.platform == "darwin" else peak * 1024)
    import psutil

    return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
