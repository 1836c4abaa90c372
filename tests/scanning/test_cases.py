"""The folders of every kind that labs have: none is read wrongly without a word."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[3] / "shared" / "cases" / "check.py"
# What is not read yet is refused, never read wrongly.
REFUSED = {"ome_channels_as_time"}


@pytest.mark.slow
@pytest.mark.skipif(not CHECK.is_file(), reason="the cases lie in ../shared, which is not here")
def test_the_cases_of_labs_are_read_or_asked() -> None:
    command = [sys.executable, str(CHECK), "--leigh", f"{sys.executable} -m core.cli"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    lines = done.stdout.splitlines()
    failed = {line.split(" (", 1)[0] for line in lines[:-1]}
    assert failed <= REFUSED, done.stdout
    for line in lines[:-1]:
        assert "exit 2" in line and '"records": 0' in line
