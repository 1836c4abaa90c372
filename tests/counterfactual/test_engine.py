import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import encode, make_map
from core.counterfactual.encodings import REMEMBERED as KEPT
from core.counterfactual.engine import Engine
from core.data.logit_coordinates import coordinates_of, probabilities_of
from core.domain import ORIGINAL, MapPosition, Mix, Move, PathRequest, Project
from core.errors import BadProject, LeighError, NotInvertible
from core.io.models import load_tensors, save_model
from core.io.project import latents_path, maps_folder, model_folder, save_project
from core.io.resources import resource
from core.io.tables import load_latents

Copy = Callable[[Project], Project]


@pytest.fixture(scope="module")
def session(trained_project: Project) -> Engine:
    """One open session."""
    torch.set_num_threads(1)
    return Engine(trained_project.folder, "cpu")


@pytest.fixture
def diseased(trained_project: Project) -> str:
    """Id of a diseased record that the model calls diseased."""
    latents = load_latents(latents_path(trained_project))
    right = np.flatnonzero((latents.truth == 1) & (latents.predicted == 1))
    return latents.record_ids[right[0]]


def drag(record_id: str, xy: Sequence[float], plane: tuple[str, ...] = ()) -> Move:
    return Move(record_id, MapPosition((float(xy[0]), float(xy[1])), plane))


def test_a_selected_record_is_itself_at_its_own_place_with_its_own_probabilities(
    session: Engine, diseased: str
) -> None:
    shown = session.move(Move(diseased, ORIGINAL))
    assert shown.valid and shown.strength == 0 and not shown.difference.any()
    row = session.map.latents.row(diseased)
    assert shown.xy == pytest.approx(tuple(session.map.projection.xy[row]))
    assert np.allclose(shown.probabilities, session.map.latents.probabilities[row], atol=1e-4)


def test_moving_changes_the_image_and_its_place(session: Engine, diseased: str) -> None:
    start, moved = (
        session.move(Move(diseased, ORIGINAL)),
        session.move(Move(diseased, Mix({"WT": 1.0}, 1.0))),
    )
    assert np.abs(moved.difference).max() > 1
    spread = session.map.latents.coordinates.std()
    assert np.abs(moved.coordinates - start.coordinates).max() > 0.1 * spread
    x0, x1, y0, y1 = session.map.decision.extent
    assert moved.xy is not None and x0 <= moved.xy[0] <= x1 and y0 <= moved.xy[1] <= y1
    again = session.move(Move(diseased, Mix({"WT": 1.0}, 1.0)))
    assert np.array_equal(again.image, moved.image)


def test_diseased_records_move_toward_the_healthy_ones(session: Engine) -> None:
    records = [r.id for r in session.project.dataset.records if r.condition == "DS"]
    before = np.stack([session.move(Move(r, ORIGINAL)).coordinates for r in records])
    after = np.stack([session.move(Move(r, Mix({"WT": 1.0}, 1.0))).coordinates for r in records])
    centres = [
        session.map.latents.coordinates[session.map.latents.truth == k].mean(axis=0) for k in (0, 1)
    ]
    assert ((after - before) @ (centres[0] - centres[1])).mean() > 0


def test_a_drag_ends_where_the_handle_asks_and_back_at_the_start_is_the_original(
    session: Engine, diseased: str
) -> None:
    anchor = session.map.decision.anchors[0]
    dragged = session.move(drag(diseased, anchor))
    assert dragged.strength > 0.3 and sum(dragged.weights.values()) == pytest.approx(1)
    assert np.allclose(
        session.move(Move(diseased, Mix(dragged.weights, dragged.strength))).image, dragged.image
    )
    home = session.move(Move(diseased, ORIGINAL)).xy
    back = session.move(drag(diseased, home))
    assert back.strength == 0 and np.array_equal(back.image, back.original) and back.xy == home


def test_a_path_starts_at_the_original_and_its_crossing_is_where_the_class_changes(
    session: Engine, diseased: str
) -> None:
    frames = session.path(PathRequest(diseased, Mix({"WT": 1.0}), frames=5, exact=False))
    assert [p.strength for p in frames.points] == [0, 0.25, 0.5, 0.75, 1] and not frames.changes
    path = session.path(PathRequest(diseased, Mix({"WT": 1.0}), frames=5))
    assert np.allclose(
        path.points[0].probabilities,
        session.move(Move(diseased, ORIGINAL)).probabilities,
        atol=1e-6,
    )
    assert np.allclose(
        path.points[-1].probabilities,
        session.move(Move(diseased, Mix({"WT": 1.0}, 1.0))).probabilities,
        atol=1e-4,
    )
    assert path.target == "WT" and path.points[0].distance > 0


def test_a_crossing_is_the_first_percent_of_strength_that_is_read_otherwise(
    trained_project: Project, session: Engine, diseased: str
) -> None:
    latents = load_latents(latents_path(trained_project))
    right = np.flatnonzero(latents.predicted == latents.truth)
    moves = [(latents.record_ids[i], k) for i in right for k in range(3) if latents.truth[i] != k]
    found = 0
    for record, k in moves[:: max(len(moves) // 12, 1)]:
        mix = Mix({latents.conditions[k]: 1.0})
        path = session.path(PathRequest(record, mix, frames=5))
        for change in path.changes:
            found += 1
            before, after = (
                session.move(Move(record, replace(mix, strength=round(s, 2)))).probabilities
                for s in (change.strength - 0.01, change.strength)
            )
            assert after.argmax() == change.read != before.argmax()
        if path.changes:
            assert path.crossing == path.changes[0].strength
    assert found


def test_frames_that_are_known_are_not_followed_again(session: Engine, diseased: str) -> None:
    request = PathRequest(diseased, Mix({"WT": 1.0}), frames=3, exact=False)
    frames = session.path(request)
    steps: list[str] = []
    whole = session.path(replace(request, exact=True), lambda p: steps.append(p.what))
    assert "Following the path" not in steps
    assert {p.strength for p in frames.points} <= {p.strength for p in whole.points}
    assert whole.points[0] is frames.points[0]


def test_records_are_forgotten_oldest_first(trained_project: Project) -> None:
    session = Engine(trained_project.folder, "cpu")
    ids = [r.id for r in session.project.dataset.records][: KEPT + 2]
    for record_id in ids:
        session.move(Move(record_id, ORIGINAL))
    session.move(Move(ids[2], ORIGINAL))
    assert len(session.encodings) == KEPT
    kept = [record_id for record_id, _ in session.encodings.keys()]  # noqa: SIM118 - not a dict
    assert ids[0] not in kept and kept[-1] == ids[2]


def test_unknown_records_are_named(session: Engine) -> None:
    with pytest.raises(LeighError, match="no record Z99"):
        session.move(Move("Z99", ORIGINAL))


def test_a_project_without_a_model_is_refused(scanned_project: Project) -> None:
    with pytest.raises(BadProject, match="no trained model"):
        Engine(scanned_project.folder)


def test_without_a_map_images_still_move_but_a_drag_says_what_to_do(
    trained_project: Project, copy_of: Copy, diseased: str
) -> None:
    project = copy_of(trained_project)
    shutil.rmtree(maps_folder(project))
    session = Engine(project.folder, "cpu")
    assert session.move(Move(diseased, Mix({"WT": 1.0}, 0.5))).xy is None
    with pytest.raises(BadProject, match="no map"):
        session.move(drag(diseased, (0.0, 0.0)))
    plane = ("WT", "DS", "TT")  # needs none
    _, decision, exact = session.map.view(plane)
    assert (
        exact is not None
        and session.move(drag(diseased, session.map.position_of(diseased, plane), plane)).strength
        == 0
    )
    toward = session.move(drag(diseased, decision.anchors[0], plane))
    assert toward.strength > 0 and max(toward.weights, key=lambda n: toward.weights[n]) == "WT"


def test_a_map_of_other_images_is_not_used(trained_project: Project, copy_of: Copy) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    kept = replace(project.dataset, records=project.dataset.records[2:])
    save_project(replace(project, dataset=kept))
    encode(project.folder, device="cpu")  # the latents are new, the map is still the old one
    session = Engine(project.folder, "cpu")
    assert (
        session.map.decision is None
        and session.map.projection is None
        and session.map.latents is not None
    )
    make_map(project.folder)
    assert Engine(project.folder, "cpu").map.decision is not None


def test_a_picture_lies_among_images_that_are_read_as_it_is() -> None:
    session = Engine(resource("demo"), "cpu")
    latents, projection = session.map.latents, session.map.projection
    assert latents is not None and projection is not None
    read = latents.predicted
    for k in range(3):  # torn between two conditions
        other = (k + 1) % 3
        logits = np.full(len(latents.conditions), -3.0, np.float32)
        logits[[k, other]] = 2.1, 2.0
        logits -= logits.mean()
        xy = session.map.landing(coordinates_of(logits), probabilities_of(coordinates_of(logits)))
        assert xy is not None
        assert read[np.linalg.norm(projection.xy - xy, axis=1).argmin()] == k


def test_a_record_that_came_after_the_map_cannot_be_dragged_but_says_why(
    trained_project: Project, copy_of: Copy
) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    new = replace(project.dataset.records[0], id="new")
    save_project(
        replace(project, dataset=replace(project.dataset, records=(*project.dataset.records, new)))
    )
    session = Engine(project.folder, "cpu")
    assert session.move(Move("new", ORIGINAL)).xy is not None
    for plane in ((), ("WT", "DS", "TT")):
        with pytest.raises(LeighError, match="new is not on the map"):
            session.move(drag("new", (0.0, 0.0), plane))


def test_a_record_that_cannot_be_inverted_has_no_path(
    trained_project: Project, copy_of: Copy, diseased: str
) -> None:
    project = copy_of(trained_project)
    folder = model_folder(project, project.model)
    tensors = {
        k: v * 60 if k.endswith("leave.weight") else v for k, v in load_tensors(folder).items()
    }
    session = Engine(project.folder, "cpu")
    save_model(folder, session.card, tensors)
    session = Engine(project.folder, "cpu")
    assert session.map.decision is None  # it was made with other weights
    shown = session.move(Move(diseased, ORIGINAL))
    assert not shown.valid and "block" in shown.reason
    with pytest.raises(NotInvertible, match="cannot be followed"):
        session.path(PathRequest(diseased, Mix({"WT": 1.0})))
