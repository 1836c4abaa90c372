"""`leigh bench faults` in small: nothing is lost, and the benchmark notices what is."""

import os
from pathlib import Path

import pytest

from benchmarks import faults
from benchmarks.fault_verbs import Verb
from benchmarks.mutations import FLAVOURS, mutated

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmark forks processes"),
]


def test_nothing_is_lost_by_kills_failures_damage_and_races() -> None:
    found = faults.bench_faults(faults.SMALL)
    assert found["kills_total"] == faults.SMALL.kills and found["work_lost_by_kills"] == 0, found
    assert found["failures_total"] > 15 and found["wrong_after_failures"] == 0, found
    assert found["races"] == faults.SMALL.races and found["wrong_races"] == 0, found
    assert found["training_resumed_identically"]
    assert found["mutated"]["refused"] > 20, found
    assert not found["mutated"].get("without_words"), found["mutated_named"]
    assert not found["mutated"].get("silent"), found["mutated_named"]


def test_a_verb_that_writes_in_place_is_noticed(tmp_path: Path) -> None:
    """The yardstick: a save as many programs do it loses the project."""

    def in_place(project: Path) -> None:
        path = project / "project.json"
        text = path.read_text(encoding="utf-8")
        with path.open("w", encoding="utf-8") as stream:
            stream.write(text[: len(text) // 2])
            stream.flush()
            os.fsync(stream.fileno())
            stream.write(text[len(text) // 2 :])

    project = faults.make_project(tmp_path / "made")
    verb = Verb("in place", in_place)
    operations = faults.operations_of(verb, project, tmp_path)
    assert operations == "rww"
    before = faults.readable(project)
    assert "model iresnet" in before  # also once another model is in use
    said = [faults.attempt(verb, k, 0, project, tmp_path, before) for k in (1, 2, 3)]
    assert said[:2] == ["", ""] and "lost" in said[2] and "project.json" in said[2]


def test_every_flavour_of_damage_changes_a_file() -> None:
    import random

    data = b'{"a": {"b": [1, 2, 3]}, "c": "text"}'
    for flavour in FLAVOURS:
        changed = [mutated(data, flavour, random.Random(seed)) for seed in range(20)]
        assert any(new != data for new in changed), flavour
