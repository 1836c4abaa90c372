"""What a screen shows while dragging, and what it becomes when it is solved on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.counterfactual.encode_decode import (
    SCREEN_ERROR,
    SourceImage,
    counterfactual,
    decode,
    encode,
    encode_for_display,
    picture_error,
    refine,
)
from core.counterfactual.engine import Engine
from core.domain import ORIGINAL, Counterfactual, Mix, Move, Precision
from core.domain.limits import EXACT_TO
from core.io.project import open_project
from core.io.read_field import read_record
from core.io.resources import resource

DEMO = Path(resource("demo"))


def moved(record_id: str, target: str, strength: float, precision: Precision) -> Move:
    return Move(record_id, Mix({target: 1.0}, strength), precision=precision)


@pytest.fixture(scope="module")
def session() -> Engine:
    """The demo's trained model."""
    torch.set_num_threads(1)
    return Engine(DEMO, "cpu")


@pytest.mark.parametrize("held", [(), (True, False, False)])
def test_a_glance_costs_less_and_solved_on_it_is_the_exact_one(
    session: Engine, held: tuple[bool, ...]
) -> None:
    dataset = open_project(DEMO).dataset
    assert dataset is not None
    record = next(r for r in dataset.records if r.condition == "DS")
    raw = read_record(dataset.root, record)
    arguments = (session.model, session.card, SourceImage(record.id, "DS", raw, held))
    quick, exact = encode_for_display(*arguments), encode(*arguments)
    assert not quick.failure and quick.roundtrip_error <= SCREEN_ERROR
    assert quick.evaluations < 0.85 * exact.evaluations
    polished = refine(session.model, session.card, quick)
    assert polished.roundtrip_error < 1e-5 and polished.precision == Precision.EXACT
    assert max(polished.contraction) >= max(quick.contraction)
    pictures = [
        counterfactual(session.model, session.card, e, Mix({"WT": 1.0}, 1.0)).image
        for e in (quick, exact, polished)
    ]
    span = np.array(session.card.preprocessing.span)[:, None, None]
    assert np.abs((pictures[0] - pictures[1]) / span).max() < EXACT_TO
    assert np.abs((pictures[2] - pictures[1]) / span).max() < 1e-4
    assert refine(session.model, session.card, polished) is polished


def test_where_errors_grow_along_the_way_a_glance_is_solved_tighter(session: Engine) -> None:
    dataset = open_project(DEMO).dataset
    assert dataset is not None and session.card.inverse is not None
    record = next(r for r in dataset.records if r.condition == "DS")
    raw = read_record(dataset.root, record)[:, :64, :64]
    for growth in (2.0, 200.0):
        card = replace(session.card, inverse=replace(session.card.inverse, growth=growth))
        quick = encode_for_display(session.model, card, SourceImage(record.id, "DS", raw))
        assert picture_error(card, quick, 1.0) == pytest.approx(growth * quick.roundtrip_error)
        assert picture_error(card, quick, 1.0) <= SCREEN_ERROR
        assert picture_error(card, quick, 0.0) == quick.roundtrip_error


def test_a_glance_that_fails_when_it_is_solved_on_is_encoded_anew_as_an_export_would_be(
    session: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_project(DEMO).dataset
    assert dataset is not None
    record = next(r for r in dataset.records if r.condition == "DS")
    arguments = (
        session.model,
        session.card,
        SourceImage(record.id, "DS", read_record(dataset.root, record)[:, :64, :64]),
    )
    quick = encode_for_display(*arguments)
    limit = max(refine(session.model, session.card, quick).contraction) * 0.97
    monkeypatch.setattr("core.counterfactual.encode_decode.LARGEST_CONTRACTION", limit)
    polished, exact = refine(session.model, session.card, quick), encode(*arguments)
    assert torch.equal(polished.z, exact.z)
    assert (polished.failure, polished.times) == (exact.failure, exact.times)


def test_the_window_glances_until_the_handle_is_let_go(session: Engine) -> None:
    window = Engine(DEMO, "cpu")
    record = next(r.id for r in session.project.dataset.records if r.condition == "DS")
    shown = window.move(Move(record, ORIGINAL, precision=Precision.DISPLAY))
    assert 1e-5 < shown.picture_error <= SCREEN_ERROR
    dragged, let_go = (
        window.move(moved(record, "WT", 1.0, p)) for p in (Precision.DISPLAY, Precision.EXACT)
    )
    assert dragged.roundtrip_error == shown.roundtrip_error and dragged.evidence is None
    assert let_go.roundtrip_error < 1e-5 and let_go.evidence is not None
    again = window.move(moved(record, "WT", 0.5, Precision.DISPLAY))
    assert again.roundtrip_error == let_go.roundtrip_error
    assert session.move(Move(record, ORIGINAL)).roundtrip_error < 1e-5


@pytest.mark.parametrize(("target", "strength"), [("WT", 1.0), ("WT", 0.5), ("Drug A", 1.0)])
def test_a_draft_is_near_the_exact_change_and_no_change_without_a_move(
    session: Engine, target: str, strength: float
) -> None:
    record = next(r for r in session.project.dataset.records if r.condition == "DS")
    raw = read_record(session.project.dataset.root, record)[:, :62, :64]  # padded to 64
    encoded = encode_for_display(session.model, session.card, SourceImage(record.id, "DS", raw))
    exact, draft = (
        decode(session.model, session.card, encoded, Mix({target: 1.0}, strength), precision=p)
        - encoded.back
        for p in (Precision.DISPLAY, Precision.PREVIEW)
    )
    assert draft.shape == exact.shape
    assert np.linalg.norm(draft - exact) < 0.35 * np.linalg.norm(exact)
    unmoved = decode(
        session.model,
        session.card,
        encoded,
        Mix({target: 1.0}, strength),
        gain=0.0,
        precision=Precision.PREVIEW,
    )
    assert np.abs(unmoved - encoded.back).max() < 0.05 * np.abs(exact).max()


def test_drafts_come_where_pictures_take_long_and_are_marked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Engine(DEMO, "cpu")
    monkeypatch.setattr("core.counterfactual.engine.PREVIEW_ABOVE_S", 0.0)
    record = next(r.id for r in session.project.dataset.records if r.condition == "DS")

    def preview(target: str, strength: float = 1.0) -> Counterfactual:
        return session.move(moved(record, target, strength, Precision.PREVIEW))

    session.move(Move(record, ORIGINAL, precision=Precision.DISPLAY))
    encoded = session.encodings.keys()
    draft = preview("Drug A")
    assert draft.precision == Precision.PREVIEW and draft.evidence is None
    assert session.encodings.keys() == encoded  # of channels locked otherwise, too
    assert preview("WT", 0.0).precision > Precision.PREVIEW
    exact = session.move(moved(record, "WT", 1.0, Precision.DISPLAY))
    assert exact.precision > Precision.PREVIEW and preview("WT").precision == Precision.PREVIEW
    monkeypatch.setattr("core.counterfactual.engine.PREVIEW_ABOVE_S", 60.0)
    again = preview("WT")
    assert again.precision > Precision.PREVIEW and np.array_equal(again.image, exact.image)


def test_in_idle_moments_the_selected_image_is_encoded_for_other_choices_of_what_is_held(
    session: Engine,
) -> None:
    window = Engine(DEMO, "cpu")
    record = next(r.id for r in session.project.dataset.records if r.condition == "DS")
    window.move(Move(record, ORIGINAL, precision=Precision.DISPLAY))
    wanted = {
        window.automatic_locks("DS", c.name) for c in window.card.conditions if c.name != "DS"
    }
    before = len(window.encodings)
    while window.prepare():
        pass
    assert before == 1 < len(wanted) == len(window.encodings)
    assert not window.prepare() and len(window.encodings) == len(wanted)
