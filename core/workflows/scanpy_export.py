"""Latents, records and well scores for scanpy."""

from pathlib import Path
from typing import Any

from core.domain import (
    LatentTable,
    Project,
)
from core.errors import LeighError
from core.io.screens import SCREEN_FOLDER, load_screen
from core.workflows.project import images_of


def latents_for_scanpy(project: Project, latents: LatentTable, path: Path) -> Path:
    """X the latents, obs the records (and their well's place, where a screen was made), obsm map
    and probabilities.
    """
    from core.io.h5ad import write_h5ad
    from core.io.project import maps_folder
    from core.io.tables import load_map

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
    try:
        projection, _ = load_map(maps_folder(project))
        if projection.belongs_to(latents):
            obsm["X_map"] = projection.xy
    except LeighError:  # there is none
        pass
    try:
        found = load_screen(project.folder / SCREEN_FOLDER)
        if found.dataset_digest == dataset.digest:
            of = {i: w for w in found.wells for i in w.record_ids}
            for name in ("rescue", "off_axis", "nuclei"):
                obs[f"well_{name}"] = [
                    getattr(of[i], name) if i in of else None for i in latents.record_ids
                ]
    except LeighError:
        pass
    return write_h5ad(
        path, latents.features, obs, obsm, {"model": latents.model_digest, "data": dataset.digest}
    )
