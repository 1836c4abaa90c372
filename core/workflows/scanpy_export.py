"""Write latents, records and well scores as a file for scanpy."""

from pathlib import Path
from typing import Any

from core.domain import (
    LatentTable,
    Project,
)
from core.errors import LeighError
from core.io.atomic import make_folder
from core.io.results import load_results, screen_of
from core.workflows.project import images_of


def latents_for_scanpy(project: Project, latents: LatentTable, path: Path) -> Path:
    """Write an .h5ad file: X latents, obs records and well scores, obsm map and probabilities."""
    from core.io.h5ad import write_h5ad

    dataset = images_of(project)
    records = [dataset.record(i) for i in latents.record_ids]
    obs: dict[str, list[Any]] = {"record": list(latents.record_ids)}
    obs |= {
        name: [getattr(r, name) for r in records]
        for name in ("condition", "plate", "well", "group")
    }
    obs |= {
        "split": list(latents.split),
        "predicted": [latents.conditions[k] for k in latents.predicted],
    }
    obsm = {"coordinates": latents.coordinates, "probabilities": latents.probabilities}
    projection = load_results(project).projection
    if projection is not None and projection.belongs_to(latents):
        obsm["X_map"] = projection.xy
    try:
        wells = {i: well for well in screen_of(project).wells for i in well.record_ids}
    except LeighError:  # the project has no screen of these images
        wells = {}
    if wells:
        for name in ("rescue", "off_axis", "nuclei"):
            values = [getattr(wells[i], name) if i in wells else None for i in latents.record_ids]
            obs[f"well_{name}"] = values
    make_folder(path.parent, project.folder)
    return write_h5ad(
        path, latents.features, obs, obsm, {"model": latents.model_digest, "data": dataset.digest}
    )
