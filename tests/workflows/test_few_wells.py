"""A scan says what follows from few wells and from conditions of very unequal size."""

from pathlib import Path

import numpy as np
import tifffile

from core.domain import Problem
from core.io.project import open_project
from core.workflows.scan import scan

RNG = np.random.default_rng(4)


def wells(folder: Path, condition: str, names: list[str], fields: int) -> None:
    (folder / condition).mkdir(parents=True)
    for well in names:
        for site in range(fields):
            image = RNG.integers(100, 900, (24, 24)).astype(np.uint16)
            tifffile.imwrite(folder / condition / f"P1_{well}_s{site}.tif", image)


def problems(tmp_path: Path) -> dict[str, list[Problem]]:
    project = scan(tmp_path / "images", tmp_path / "project")
    dataset = open_project(project.folder).dataset
    assert dataset is not None
    kinds = ("few-wells", "imbalanced", "untestable")
    return {kind: [p for p in dataset.problems if p.kind == kind] for kind in kinds}


def test_few_wells_are_named_with_what_they_are_used_for(tmp_path: Path) -> None:
    wells(tmp_path / "images", "WT", ["A01", "A02", "A03", "A04", "A05", "A06"], 2)
    wells(tmp_path / "images", "DS", ["B01", "B02", "B03"], 2)
    found = problems(tmp_path)
    [few] = found["few-wells"]
    assert few.item == "DS" and few.severity == "warning"
    assert "only 3 wells or groups: 2 for training, 0 to validate, 1 to test" in few.reason
    assert not found["imbalanced"] and not found["untestable"]


def test_a_condition_with_far_fewer_images_is_named(tmp_path: Path) -> None:
    wells(tmp_path / "images", "WT", ["A01", "A02", "A03", "A04"], 4)
    wells(tmp_path / "images", "DS", ["B01", "B02", "B03", "B04"], 1)
    found = problems(tmp_path)
    [few] = found["imbalanced"]
    assert few.item == "DS" and "4 images against 16 of WT" in few.reason
    assert "balanced accuracy" in few.reason and not found["few-wells"]
