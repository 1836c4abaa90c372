"""`leigh bench crossings`: on the demo, and (long) on 50 moves of the demo and of real images."""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.map_crossings import bench_crossings

Leigh = Callable[[Sequence[object]], "subprocess.Popen[str]"]
RARE = ("Folded", "Interphase", "Polylobed", "OutOfFocus", "Apoptosis", "Prometaphase", "Binuclear")


def all_right(found: dict[str, Any], moves: int) -> None:
    """Every move has a mark, and every mark lies in the region of the condition that it names."""
    assert found["moves"] == found["moves_marked"] == moves
    assert found["marks_right"] == found["marks"] >= moves
    assert found["pixels_right"] >= 0.9 * found["marks"]


def test_a_mark_lies_in_the_region_that_it_names() -> None:
    all_right(bench_crossings(moves=1), 1)


@pytest.mark.long
def test_on_fifty_moves_of_the_demo_the_region_under_the_mark_is_the_condition_named() -> None:
    all_right(bench_crossings(), 50)


@pytest.mark.long
def test_on_fifty_moves_of_real_nuclei_it_is_the_condition_named(
    shared: Path, leigh: Leigh, tmp_path: Path
) -> None:
    data, project = shared / "data" / "mitocheck_phenotypes", tmp_path / "project"
    scan = ["scan", data / "images", "--plate-map", data / "labels.csv", "--group-by", "group",
            "--answer", "stain=none", "--answer", "well=none", "--exclude", *RARE]  # fmt: skip
    for words in (scan, ["train", "--preset", "quick"], ["encode"], ["map"]):
        process = leigh([*words, "--project", project, "--json"])
        out, err = process.communicate(timeout=3600)
        assert process.returncode == 0, err[-1500:]
        assert json.loads(out.strip().splitlines()[-1])
    all_right(bench_crossings(project), 50)
