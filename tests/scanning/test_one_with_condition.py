"""What goes together with the condition is named: a network would learn it instead of the cells."""

from pathlib import Path

import numpy as np
import pytest

from core.domain import ProblemKind
from core.io.tiff import write_tiff
from core.scanning.scan import scan_folder


def folder(root: Path, offset: int = 0, factor: int = 1, dtype: str = "uint16") -> Path:
    """Eight images of WT and eight of DS, the latter changed; all of one kind of cells."""
    rng = np.random.default_rng(0)
    for name in ("WT", "DS"):
        (root / name).mkdir(parents=True)
        for n in range(8):
            image = rng.normal(100, 3, (1, 64, 64))
            y, x = rng.integers(10, 54, 2)
            image[0, y - 8 : y + 8, x - 8 : x + 8] += rng.uniform(50, 100)
            if name == "DS":
                image = image * factor + offset
            kind = dtype if name == "DS" else "uint16"
            write_tiff(
                root / name / f"{name}_{n}.tif",
                image.astype(kind),
                channel_names=["Nuclei"],
                pixel_size_um=0.65,
            )
    return root


@pytest.mark.parametrize(
    ("change", "kinds", "words"),
    [
        ({}, [], ""),
        ({"offset": 100}, [ProblemKind.SCALE_IS_CONDITION], "background of all images of DS"),
        ({"factor": 16}, [ProblemKind.SCALE_IS_CONDITION], "times as bright"),
        ({"dtype": "uint8"}, [ProblemKind.DEPTH_IS_CONDITION], "bit depth"),
    ],
)
def test_a_confounder_is_named(
    tmp_path: Path, change: dict[str, int], kinds: list[ProblemKind], words: str
) -> None:
    dataset = scan_folder(folder(tmp_path / "images", **change))  # type: ignore[arg-type]
    assert set(kinds) == {p.kind for p in dataset.confounders}
    assert words in " ".join(p.reason for p in dataset.confounders)


def test_the_ranking_says_so_again(tmp_path: Path) -> None:
    from core.workflows.screen_notes import cautions

    dataset = scan_folder(folder(tmp_path / "images", offset=100))
    (note,) = cautions(None, dataset, b_score=False)
    assert note.startswith("The background of all images of DS is") and "Export all" in note
