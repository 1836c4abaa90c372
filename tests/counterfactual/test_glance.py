"""What a screen shows while dragging, and what it becomes when it is solved on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.counterfactual.encode_decode import (
    QUARTER_GREY_LEVEL,
    SCREEN_ERROR,
    counterfactual,
    decode,
    encode,
    glance,
    picture_error,
    polish,
)
from core.counterfactual.engine import Session
from core.io.project import open_project
from core.io.resources import resource
from core.io.tiff import read_record

DEMO = Path(resource("demo"))


@pytest.fixture(scope="module")
def session() -> Session:
    """The demo's trained model."""
    torch.set_num_threads(1)
    return Session(DEMO, "cpu")


@pytest.mark.parametrize("held", [(), (True, False, False)])
def test_a_glance_costs_less_and_solved_on_it_is_the_exact_one(
    session: Session, held: tuple[bool, ...]
) -> None:
    dataset = open_project(DEMO).dataset
    assert dataset is not None
    record = next(r for r in dataset.records if r.condition == "DS")
    raw = read_record(dataset.root, record)
    arguments = (session.model, session.card, record.id, "DS", raw, held)
    quick, exact = glance(*arguments), encode(*arguments)
    assert not quick.failure and quick.roundtrip_error <= SCREEN_ERROR
    assert quick.evaluations < 0.85 * exact.evaluations
    polished = polish(session.model, session.card, quick)
    assert polished.roundtrip_error < 1e-5 and not polished.rough
    assert max(polished.contraction) >= max(quick.contraction)
    pictures = [
        counterfactual(session.model, session.card, e, {"WT": 1.0}, 1.0).image
        for e in (quick, exact, polished)
    ]
    span = np.array(session.card.recipe.span)[:, None, None]
    assert np.abs((pictures[0] - pictures[1]) / span).max() < QUARTER_GREY_LEVEL
    assert np.abs((pictures[2] - pictures[1]) / span).max() < 1e-4
    assert polish(session.model, session.card, polished) is polished


def test_where_errors_grow_along_the_way_a_glance_is_solved_tighter(session: Session) -> None:
    dataset = open_project(DEMO).dataset
    assert dataset is not None and session.card.inverse is not None
    record = next(r for r in dataset.records if r.condition == "DS")
    raw = read_record(dataset.root, record)[:, :64, :64]
    for growth in (2.0, 200.0):
        card = replace(session.card, inverse=replace(session.card.inverse, growth=growth))
        quick = glance(session.model, card, record.id, "DS", raw)
        assert picture_error(card, quick, 1.0) == pytest.approx(growth * quick.roundtrip_error)
        assert picture_error(card, quick, 1.0) <= SCREEN_ERROR
        assert picture_error(card, quick, 0.0) == quick.roundtrip_error


def test_a_glance_that_fails_when_it_is_solved_on_is_encoded_anew_as_an_export_would_be(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_project(DEMO).dataset
    assert dataset is not None
    record = next(r for r in dataset.records if r.condition == "DS")
    arguments = (
        session.model,
        session.card,
        record.id,
        "DS",
        read_record(dataset.root, record)[:, :64, :64],
    )
    quick = glance(*arguments)
    limit = max(polish(session.model, session.card, quick).contraction) * 0.97
    monkeypatch.setattr("core.counterfactual.encode_decode.LARGEST_CONTRACTION", limit)
    polished, exact = polish(session.model, session.card, quick), encode(*arguments)
    assert torch.equal(polished.z, exact.z)
    assert (polished.failure, polished.times) == (exact.failure, exact.times)


def test_the_window_glances_until_the_handle_is_let_go(session: Session) -> None:
    window = Session(DEMO, "cpu", glances=True)
    record = next(r.id for r in session.project.dataset.records if r.condition == "DS")
    shown = window.select(record)
    assert 1e-5 < shown.picture_error <= SCREEN_ERROR
    dragged, let_go = (window.move(record, {"WT": 1.0}, 1.0, exact=e) for e in (False, True))
    assert dragged.roundtrip_error == shown.roundtrip_error and dragged.evidence is None
    assert let_go.roundtrip_error < 1e-5 and let_go.evidence is not None
    assert window.move(record, {"WT": 1.0}, 0.5).roundtrip_error == let_go.roundtrip_error
    assert session.select(record).roundtrip_error < 1e-5


@pytest.mark.parametrize(("target", "strength"), [("WT", 1.0), ("WT", 0.5), ("Drug A", 1.0)])
def test_a_draft_is_near_the_exact_change_and_no_change_without_a_move(
    session: Session, target: str, strength: float
) -> None:
    record = next(r for r in session.project.dataset.records if r.condition == "DS")
    raw = read_record(session.project.dataset.root, record)[:, :62, :64]  # padded to 64
    encoded = glance(session.model, session.card, record.id, "DS", raw)
    exact, draft = (
        decode(session.model, session.card, encoded, {target: 1.0}, strength, draft=d)
        - encoded.back
        for d in (False, True)
    )
    assert draft.shape == exact.shape
    assert np.linalg.norm(draft - exact) < 0.35 * np.linalg.norm(exact)
    unmoved = decode(
        session.model, session.card, encoded, {target: 1.0}, strength, gain=0.0, draft=True
    )
    assert np.abs(unmoved - encoded.back).max() < 0.05 * np.abs(exact).max()


def test_drafts_come_where_pictures_take_long_and_are_marked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Session(DEMO, "cpu", glances=True)
    monkeypatch.setattr("core.counterfactual.engine.DRAFT_ABOVE_S", 0.0)
    record = next(r.id for r in session.project.dataset.records if r.condition == "DS")
    session.select(record)
    encoded = dict(session._encoded)
    draft = session.move(record, {"Drug A": 1.0}, 1.0, draft=True)
    assert (
        draft.draft and draft.evidence is None and session._encoded == encoded
    )  # of channels held otherwise, too
    assert not session.move(record, {"WT": 1.0}, 0.0, draft=True).draft
    exact = session.move(record, {"WT": 1.0}, 1.0)
    assert not exact.draft and session.move(record, {"WT": 1.0}, 1.0, draft=True).draft
    monkeypatch.setattr("core.counterfactual.engine.DRAFT_ABOVE_S", 60.0)
    again = session.move(record, {"WT": 1.0}, 1.0, draft=True)
    assert not again.draft and np.array_equal(again.image, exact.image)


def test_in_idle_moments_the_selected_image_is_encoded_for_other_choices_of_what_is_held(
    session: Session,
) -> None:
    window = Session(DEMO, "cpu", glances=True)
    record = next(r.id for r in session.project.dataset.records if r.condition == "DS")
    window.select(record)
    wanted = {window.holding("DS", c.name) for c in window.card.conditions if c.name != "DS"}
    before = len(window._encoded)
    while window.prepare():
        pass
    assert before == 1 < len(wanted) == len(window._encoded)
    assert not window.prepare() and len(window._encoded) == len(wanted)
