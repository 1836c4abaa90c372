"""The folders of every kind that labs have: none is read wrongly without a word."""

import importlib.util
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import main

CASES = Path(__file__).parents[3] / "shared" / "cases"


def scan(leigh: object, folder: Path, project: Path, arguments: list[str]) -> tuple[int, Any]:
    """Exit code and JSON of `leigh scan` in this process, which is far faster than a new one."""
    named = [str(folder / a) if a[0] != "-" and (folder / a).is_file() else a for a in arguments]
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(io.StringIO()):
        code = main(["scan", str(folder / "images"), "--project", str(project), "--json", *named])
    last = said.getvalue().strip().rpartition("\n")[2]
    return code, json.loads(last) if last.startswith("{") else {}


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases lie in ../shared, which is not here")
def test_the_cases_of_labs_are_read_or_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("check", CASES / "check.py")
    assert spec is not None and spec.loader is not None
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    monkeypatch.setattr(check, "scan", scan)
    expected = json.loads((CASES / "expected.json").read_text("utf-8"))
    wrong = {}
    for name, case in expected.items():
        code, seen = check.run("", CASES / name, case)
        holds = any(
            all(check.true(key, wanted, code, seen) for key, wanted in outcome.items())
            for outcome in case["accept"]
        )
        if not holds:
            wrong[name] = code, seen
    assert not wrong
