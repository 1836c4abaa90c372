"""Work in the background: an import that meets half a module is tried once more."""

import pytest

from leigh_gui.services.background import once_more


def failing(message: str, times: int):
    """Work that fails to import `times` times, and how often it was called."""
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise ImportError(message)
        return "done"

    return work, calls


HALF = "cannot import name 'a' from partially initialized module 'b' (most likely due to a cycle)"


def test_half_a_module_is_imported_once_more() -> None:
    work, calls = failing(HALF, 1)
    assert once_more(work) == "done" and len(calls) == 2


@pytest.mark.parametrize(("message", "times", "tries"), [(HALF, 2, 2), ("no module named c", 1, 1)])
def test_what_stays_wrong_is_raised(message: str, times: int, tries: int) -> None:
    work, calls = failing(message, times)
    with pytest.raises(ImportError, match="module"):
        once_more(work)
    assert len(calls) == tries
