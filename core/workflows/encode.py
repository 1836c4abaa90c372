"""Encode all images of a project: latents and logits."""

from core.domain import LatentTable, Project
from core.io.lock import ProjectLock
from core.io.project import latents_path
from core.io.tables import save_latents
from core.progress import Report, silent
from core.workflows.project import images_of, load_model, reader


def encode(project: Project, *, device: str = "auto", report: Report = silent) -> LatentTable:
    """Latents and logits of all records, written to the project."""
    from core.counterfactual.features import encode_records

    dataset = images_of(project)
    with ProjectLock(project.folder):
        card, model = load_model(project, device)
        latents = encode_records(model, card, dataset.records, reader(dataset), report)
        save_latents(latents_path(project), latents)
    return latents
