"""The catalogue of faults is complete: every fault has its tests or a reason."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from fault_catalogue import CATALOGUE, KINDS, SECTIONS, Row

ROOT = Path(__file__).parents[1]
COUNTS = {"proved": 63, "missing: ": 33, "not yet: ": 6, "not applicable: ": 7}


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of all tests of a file, which is parsed and not imported."""
    tree = ast.parse((ROOT / file).read_bytes())
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def kind(row: Row) -> str:
    """How a row begins its reason; "proved" without a reason."""
    reason = row[3]
    return next((k for k in KINDS if reason.startswith(k)), "?") if reason else "proved"


def test_every_fault_is_there_once_and_in_order() -> None:
    wanted = [f"{letter}{n}" for letter, last in SECTIONS.items() for n in range(1, last + 1)]
    assert [row[0] for row in CATALOGUE] == wanted and len(wanted) == 109
    assert all(row[1] for row in CATALOGUE)


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row[0])
def test_every_named_test_exists(row: Row) -> None:
    for node in row[2]:
        file, _, name = node.partition("::")
        assert name in names_in(file), f"{row[0]}: {node} does not exist"
    assert len(set(row[2])) == len(row[2])


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row[0])
def test_a_fault_has_tests_or_a_reason_that_is_a_sentence(row: Row) -> None:
    name, _, tests, reason = row
    has_tests = kind(row) in ("proved", "missing: ")
    assert bool(tests) == has_tests and kind(row) != "?", name
    if reason:
        words = reason.removeprefix(kind(row))
        assert words.endswith(".") and 5 <= len(words.split()) <= 30 and ". " not in words, name


def test_the_number_of_each_kind_is_known() -> None:
    """A test that is taken away, or a reason that is not needed any more, changes these numbers."""
    assert Counter(map(kind, CATALOGUE)) == COUNTS
