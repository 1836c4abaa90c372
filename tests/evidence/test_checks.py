from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from reference_stand_in import DIMENSIONS, IMAGES, READOUTS, SHIFT, WELLS, moved

from core.data.readouts import ABOVE_BACKGROUND
from core.domain import CHECKS, FloatArray
from core.domain.accuracy import cannot_draw
from core.evidence.checks import Direction
from core.evidence.contrast import CounterfactualMeasurements
from core.evidence.known_pictures import known_pictures
from core.evidence.reference import ReferenceSet


@pytest.fixture
def direction(real: ReferenceSet) -> Direction:
    return Direction(real, "WT", "DS")


def test_only_what_differs_over_wells_counts_as_a_difference(direction: Direction) -> None:
    assert np.array_equal(direction.differs, SHIFT != 0)
    assert direction.quiet_channels == [0] and direction.lockable == ("Nuclei",)


def test_nothing_is_held_where_nothing_differs(real: ReferenceSet) -> None:
    same = replace(real, readouts=np.random.default_rng(1).normal(size=real.readouts.shape))
    assert not Direction(same, "WT", "DS").differs.any()
    assert Direction(same, "WT", "DS").lockable == ()


def test_readouts_come_their_share_of_the_way(direction: Direction) -> None:
    for share in (0.0, 0.5, 1.0):
        items = moved(share, 1)[0]
        came = direction.came(items.before.readouts, items.after.readouts)
        assert len(came) == direction.differs.sum() and np.median(came) == pytest.approx(
            share, abs=0.15
        )


def test_the_truth_is_green_and_doing_nothing_is_red(direction: Direction) -> None:
    truth, nothing = direction.assess(moved(1.0)), direction.assess(moved(0.0))
    assert [c.name for c in truth.checks] == list(CHECKS)
    assert truth.light == "green", truth.checks
    assert nothing.light == "red"
    assert truth.values["distance"] < 0.3 < 0.7 < nothing.values["distance"]


def test_flipping_model_and_judges_without_the_readouts_is_not_green(direction: Direction) -> None:
    whole, nothing = moved(1.0), moved(0.0)
    fooled = [
        replace(
            n,
            probabilities=w.probabilities,
            after=replace(n.after, oracle_probabilities=w.after.oracle_probabilities),
        )
        for w, n in zip(whole, nothing)
    ]
    found = {c.name: c.light for c in direction.assess(fooled).checks}
    assert found["model"] == found["judges"] == "green"
    assert found["distance"] == found["readouts"] == "red"


@pytest.mark.parametrize("says", [[1.0, 0.0], [0.0, 1.0]])
def test_a_classifier_that_sees_the_same_everywhere_has_no_say(
    real: ReferenceSet, says: list[float]
) -> None:
    """One that always says WT once vetoed the truth; one that always says DS confirmed nothing."""
    blind = real.oracle_probabilities.copy()
    blind[:, 0] = says
    for count, light in ((1, "green"), (3, "amber")):
        blind[:, :count] = says
        direction = Direction(replace(real, oracle_probabilities=blind), "WT", "DS")
        for images in (1, 30):
            truth = moved(1.0, images)
            for m in truth:
                m.after.oracle_probabilities[:count] = says
            evidence = direction.assess(truth)
            assert {c.name: c.light for c in evidence.checks}["judges"] == light
            assert [evidence.values[f"judge{j}_counts"] for j in (1, 3)] == [False, count < 3]


def test_no_card_of_a_network_that_cannot_draw_the_difference_is_green(real: ReferenceSet) -> None:
    report = {"generative": {"accuracy": 0.46, "chance": 0.5, "above_chance": False}}
    doubt = cannot_draw(report)
    evidence = Direction(real, "WT", "DS", doubt).assess(moved(1.0))
    assert evidence.light == "amber" and "not draw the difference" in evidence.checks[0].words
    for other in (True, None):
        assert not cannot_draw({"generative": {**report["generative"], "above_chance": other}})


def test_a_side_effect_in_a_stain_that_should_not_change_is_named(direction: Direction) -> None:
    spoiled = []
    for item in moved(1.0):
        readouts = item.after.readouts.copy()
        readouts[0:3] += 2
        spoiled.append(
            replace(
                item, after=replace(item.after, readouts=readouts), difference=np.array([1.0, 1.0])
            )
        )
    evidence = direction.assess(spoiled)
    rest = next(c for c in evidence.checks if c.name == "rest")
    assert evidence.light == rest.light == "red" and "stain1 readout" in rest.words
    assert evidence.values["off_channel"] == pytest.approx(0.5)


def test_lost_cells_turn_the_card_red(direction: Direction) -> None:
    poorer = [replace(m, cells=(10, 2, 0)) for m in moved(1.0)]
    evidence = direction.assess(poorer)
    assert evidence.light == "red" and evidence.values["cells_lost"] == 60


def test_one_image_is_judged_by_the_same_checks(direction: Direction) -> None:
    assert {c.name for c in direction.assess(moved(1.0, 1)).checks} == set(CHECKS)
    assert direction.assess(moved(0.0, 1)).light == "red"


def with_a_second_wild_type(real: ReferenceSet) -> ReferenceSet:
    """The same with DMSO: images as those of WT, which the judges call WT or DMSO by the toss of a
    coin.
    """
    rng = np.random.default_rng(5)
    rows = np.flatnonzero(real.truth == 0)
    oracle_probabilities = np.concatenate(
        [real.oracle_probabilities, np.zeros((*real.oracle_probabilities.shape[:2], 1))], axis=2
    )
    oracle_probabilities = np.concatenate([oracle_probabilities, oracle_probabilities[rows]])
    wild = np.flatnonzero(np.concatenate([real.truth, np.zeros(len(rows), int)]) == 0)
    swapped = wild[rng.random(len(wild)) < 0.5]
    oracle_probabilities[swapped] = oracle_probabilities[swapped][..., [2, 1, 0]]
    return replace(
        real,
        conditions=(*real.conditions, "DMSO"),
        truth=np.concatenate([real.truth, np.full(len(rows), 2)]),
        groups=(*real.groups, *(f"2{real.groups[i][1:]}" for i in rows)),
        held_out=np.concatenate([real.held_out, real.held_out[rows]]),
        readouts=np.concatenate([real.readouts, rng.normal(size=(len(rows), READOUTS))]),
        embedding=np.concatenate([real.embedding, rng.normal(size=(len(rows), DIMENSIONS))]),
        oracle_probabilities=oracle_probabilities,
    )


def test_who_reaches_a_condition_that_nothing_tells_from_the_target_has_reached_the_target(
    real: ReferenceSet,
) -> None:
    both = with_a_second_wild_type(real)
    assert Direction(both, "WT", "DMSO").alike and not Direction(both, "WT", "DS").alike
    dmso = np.array([0.1, 0.1, 0.8])
    back = [
        CounterfactualMeasurements(
            m.after,
            replace(m.before, oracle_probabilities=np.eye(3)[[2, 2, 0]]),
            dmso,
            m.difference,
            m.cells,
        )
        for m in moved(1.0)
    ]
    evidence = Direction(both, "DS", "WT").assess(back)
    assert evidence.values["flip"] == 1 and evidence.values["alike"] == "DMSO"
    assert {c.name: c.light for c in evidence.checks}["judges"] == "green"
    assert "WT or DMSO" in evidence.checks[0].words
    nothing = Direction(both, "WT", "DMSO").assess([replace(m, after=m.before) for m in back])
    assert "nothing to explain" in {c.name: c.words for c in nothing.checks}["readouts"]


def test_with_few_wells_nothing_is_said_to_be_the_same(real: ReferenceSet) -> None:
    few = np.flatnonzero(np.isin([g[1:] for g in real.groups], ["0", "1", "2", "3", "4", "5"]))
    fewer = replace(
        real,
        truth=real.truth[few],
        groups=tuple(real.groups[i] for i in few),
        held_out=real.held_out[few],
        readouts=real.readouts[few],
        embedding=real.embedding[few],
        oracle_probabilities=real.oracle_probabilities[few],
    )
    direction = Direction(fewer, "WT", "DS")
    assert (
        direction.quiet_channels == []
        and direction.lockable == ()
        and not direction.nothing_differs
    )


BRIGHTNESS, FLOOR = (*ABOVE_BACKGROUND, "p5", "std"), np.array([100.0] * 6 + [0.0])
LIGHT = np.array([50.0, 40.0, 150.0, 400.0, 200.0, 0.0, 80.0])


def of_brightness(change: Callable[[FloatArray], FloatArray]) -> Direction:
    """From WT to DS, which is WT with a change of brightness; one stain, many wells."""
    rng = np.random.default_rng(3)
    plain = [FLOOR + LIGHT * rng.lognormal(0, 0.1) for _ in range(80)]
    rows = [(k, f"{k}{w}", change(v) if k else v) for w, v in enumerate(plain) for k in (w % 2,)]
    truth, groups, readouts = zip(*rows)
    real = ReferenceSet(
        names=tuple(f"Mitochondria {n}" for n in BRIGHTNESS),
        channels=("Mitochondria",),
        channel=np.zeros(7, int),
        conditions=("WT", "DS"),
        truth=np.array(truth),
        groups=groups,
        held_out=np.zeros(80, bool),
        readouts=np.stack(readouts),
        embedding=np.zeros((80, 1)),
        oracle_probabilities=np.zeros((80, 3, 2)),
    )
    return Direction(real, "WT", "DS")


def halved(readouts: FloatArray) -> FloatArray:
    return FLOOR + (readouts - FLOOR) / 2


def lifted(readouts: FloatArray) -> FloatArray:
    return readouts + np.array([60.0] * 6 + [0.0])


@pytest.mark.parametrize("own", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("change", [halved, lifted])
def test_a_change_of_brightness_is_the_whole_way_in_a_bright_image_as_in_a_dim_one(
    own: float, change: Callable[[FloatArray], FloatArray]
) -> None:
    image = FLOOR + own * LIGHT
    came = of_brightness(change).came(image, change(image))
    assert len(came) >= 3 and np.median(came) == pytest.approx(1, abs=0.1)


def test_the_model_need_not_see_more_than_in_real_images_of_the_target(real: ReferenceSet) -> None:
    read = np.where(real.truth[:, None] == 0, [0.9, 0.1], [0.1, 0.9])
    missed = np.flatnonzero(real.truth == 1)[::3]
    read[missed] = [0.6, 0.4]
    seen = [replace(m, probabilities=np.array([0.1, 0.9])) for m in moved(1.0)]
    seen[::3] = [replace(m, probabilities=np.array([0.6, 0.4])) for m in seen[::3]]
    lights = [
        Direction(replace(real, read=of), "WT", "DS").assess(seen).checks[0].light
        for of in (read, None)
    ]
    assert lights == ["green", "amber"]


def test_a_model_that_sees_the_target_nowhere_is_not_excused(real: ReferenceSet) -> None:
    blind = np.tile([0.9, 0.1], (len(real.truth), 1))
    nothing = [replace(m, probabilities=np.array([0.9, 0.1])) for m in moved(1.0)]
    card = Direction(replace(real, read=blind), "WT", "DS").assess(nothing)
    assert card.checks[0].light == "red"


def some_of(real: ReferenceSet, wells: int, held: int) -> ReferenceSet:
    """The first `wells` known wells of each condition and `held` images of its held-out wells."""
    rows: list[int] = []
    for k in (0, 1):
        mine = np.flatnonzero(real.truth == k)
        known = [i for i in mine if not real.held_out[i] and int(real.groups[i][1:]) < 3 + wells]
        rows += [*known, *[i for i in mine if real.held_out[i]][:held]]
    parts = {
        name: getattr(real, name)[rows]
        for name in ("truth", "held_out", "readouts", "embedding", "oracle_probabilities")
    }
    return replace(real, groups=tuple(real.groups[i] for i in rows), **parts)


def test_two_wells_a_side_show_only_what_is_far_apart(real: ReferenceSet) -> None:
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=real.readouts.shape) + rng.normal(
            size=(WELLS * 2, READOUTS)
        ).repeat(IMAGES, axis=0)
        found.append(
            Direction(some_of(replace(real, readouts=noise), 2, 6), "WT", "DS").differs.mean()
        )
    assert np.mean(found) < 0.02


@pytest.mark.parametrize("held", [1, 3])
def test_few_held_out_images_are_compared_by_their_mean(real: ReferenceSet, held: int) -> None:
    reported = Direction(some_of(real, 6, held), "WT", "DS").assess(moved(1.0))
    assert reported.checks[2].light == "green" and "lie together" not in reported.checks[2].words


def test_nuclei_may_change_in_number_where_real_conditions_do(real: ReferenceSet) -> None:
    counted = replace(real, names=("Nuclei objects", *real.names[1:]))
    lost = [replace(m, cells=(10, 3, 0)) for m in moved(1.0)]
    assert Direction(counted, "WT", "DS").assess(lost).checks[4].light == "red"
    fewer = counted.readouts - 5 * np.outer(counted.truth, np.eye(READOUTS)[0])
    said = Direction(replace(counted, readouts=fewer), "WT", "DS").assess(lost).checks[4]
    assert "differ in their number" in said.words and "lost 90" in said.words
    assert said.light == "green"


def test_a_lift_of_the_background_has_no_wrong_place() -> None:
    start = np.random.default_rng(0).uniform(100, 900, (2, 32, 32))
    lift, cells = np.array([1.0, 0.0])[:, None, None], start > 700
    offset = np.full(2, 100.0)
    assert "wrong place" not in known_pictures(
        start, np.minimum(start + 80 * lift, 930), offset, [0]
    )
    assert "wrong place" in known_pictures(start, start + 80 * lift * cells, offset, [0])
