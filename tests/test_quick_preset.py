"""The promise of the quick preset, kept on the demo plate with the real preset in a process of its
own.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.io.resources import resource


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_quick_preset_learns_the_demo_plate_and_stays_invertible(tmp_path: Path) -> None:
    def leigh(*words: object) -> dict:
        command = [sys.executable, "-m", "core.cli.main", *map(str, words), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2800, check=True)
        return json.loads(done.stdout.strip().splitlines()[-1])

    leigh("scan", resource("demo", "images"), "--project", tmp_path / "project")
    report = leigh(
        "train", "--project", tmp_path / "project", "--preset", "quick", "--device", "cpu"
    )
    names = [n for n in report["conditions"] if n in ("WT", "DS", "TT")]
    right = sum(
        report["conditions"][n]["recall"] * report["conditions"][n]["support"] for n in names
    )
    tested = sum(report["conditions"][n]["support"] for n in names)
    assert len(names) == 3 and tested >= 24
    assert right / tested >= 0.85
    assert (
        report["roundtrip_records"] == 16 < report["test_records"]
    )  # MEASURED_PIXELS of fields of 128
    assert report["roundtrip_error"] < 1 / 1020
    assert report["roundtrip_failed"] == []
    assert report["training"]["peak_memory_bytes"] < 4e9
