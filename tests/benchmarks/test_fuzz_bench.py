"""`leigh bench fuzz` in small: damage is excluded or named, and what is not is noticed."""

import random

import numpy as np
import pytest

from benchmarks import fuzz
from benchmarks.damage import FLAVOURS, PNG, WRITERS, damaged, flavours_of, healthy

pytestmark = pytest.mark.slow


def test_no_damaged_image_comes_in_without_a_word() -> None:
    found = fuzz.bench_fuzz(fuzz.SMALL)
    assert found["silently_wrong"] == 0, found["named"]
    assert found["healthy_files_lost"] == found["errors_without_words"] == 0, found["named"]
    assert sum(sum(counts.values()) for counts in found["flavours"].values()) == found["files"]
    assert len(found["flavours"]) == len(FLAVOURS) >= 15


def test_every_flavour_changes_the_file() -> None:
    for kind in (*WRITERS, PNG):
        file = healthy(kind, 1)
        for flavour in flavours_of(kind):
            tries = [damaged(file, flavour, random.Random(n)) for n in range(5)]
            assert any(data != file.data for data in tries), (kind, flavour)


def test_a_reader_that_is_wrong_without_a_word_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "read_record", lambda root, record: np.zeros((2, 48, 48)))
    found = fuzz.bench_fuzz(fuzz.Settings(files=60, batch=60, siblings=2))
    assert found["silently_wrong"] > 0
