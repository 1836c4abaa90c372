"""What tests of whole folders share: one scan of the images that a test wrote."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core.cli.main import main

Scanned = Callable[..., dict[str, Any]]


@pytest.fixture
def scanned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scanned:
    """Scans `tmp_path`/images with answers and a plate map, and returns the JSON."""

    def call(*answers: str, table: str = "") -> dict[str, Any]:
        words = [word for answer in answers for word in ("--answer", answer)]
        if table:
            (tmp_path / "map.csv").write_text(table, encoding="utf-8")
            words += ["--plate-map", str(tmp_path / "map.csv")]
        project = str(tmp_path / "project")
        main(["scan", str(tmp_path / "images"), "--project", project, "--json", *words])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return call


@pytest.fixture
def scan(tmp_path: Path, scanned: Scanned) -> Scanned:
    """Writes one random image for each name, scans them, and returns the JSON."""
    rng = np.random.default_rng(17)

    def call(names: Sequence[str], *answers: str, table: str = "") -> dict[str, Any]:
        for name in names:
            path = tmp_path / "images" / f"{name}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, rng.integers(100, 900, (16, 16)).astype(np.uint16))
        return scanned(*answers, table=table)

    return call
