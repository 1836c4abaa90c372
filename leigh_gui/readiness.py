"""Whether the images of a project can be trained on, and what must be known before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.domain import Dataset, Problem
    from leigh_gui.state import AppState

ANSWER_FIRST = "Answer the questions on the Data page first."
FAR_FEWER = 3  # a condition has far fewer groups than others: a third of their median


def why_not_train(state: AppState) -> str:
    """Why the open project cannot be trained on yet; empty when it can."""
    project = state.project
    if project is None or project.dataset is None:
        return "Open a folder of images first."
    if project.untouched.images:
        return "The images lie on another computer and were not opened."
    if state.opened is not None and state.opened.gone:
        return "The images are not in their folder. Press “Locate images…” on the Data page."
    if state.asked is not None and state.asked.open and state.asked.concerns(project.folder):
        return ANSWER_FIRST
    filled = [name for name, number in project.dataset.counts().items() if number]
    if len(filled) < 2:
        return (
            "Training needs at least two conditions. Give a plate map, or choose where the"
            " condition is written."
        )
    return ""


def with_condition(dataset: Dataset) -> tuple[Problem, ...]:
    """What goes together with the condition: a network may learn this instead of the cells."""
    return tuple(problem for problem in dataset.problems if problem.with_condition)


def must_be_known(dataset: Dataset) -> tuple[str, ...]:
    """What must be read before training, in the words under which the project remembers it."""
    return tuple(f"{p.kind}: {p.reason}" for p in with_condition(dataset))


def with_known(dataset: Dataset, findings: tuple[str, ...], known: bool = True) -> Dataset:
    """The dataset, with these findings known to the user or not known any more."""
    others = [finding for finding in dataset.known if finding not in set(findings)]
    return replace(dataset, known=(*others, *findings) if known else tuple(others))


def far_fewer(groups: dict[str, int]) -> dict[str, float]:
    """Condition -> median of the other conditions, where it has at most a third of their groups."""
    few = {}
    for name, number in groups.items():
        others = sorted(n for other, n in groups.items() if other != name)
        if not others:
            continue
        middle = (others[(len(others) - 1) // 2] + others[len(others) // 2]) / 2
        if number * FAR_FEWER <= middle:
            few[name] = middle
    return few
