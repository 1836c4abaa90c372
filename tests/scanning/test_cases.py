"""The folders of every kind that labs have: none is read wrongly without a word."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[3] / "shared" / "cases" / "check.py"


@pytest.mark.slow
@pytest.mark.skipif(not CHECK.is_file(), reason="the cases lie in ../shared, which is not here")
def test_the_cases_of_labs_are_read_or_asked() -> None:
    command = [sys.executable, str(CHECK), "--leigh", f"{sys.executable} -m core.cli"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0, done.stdout
