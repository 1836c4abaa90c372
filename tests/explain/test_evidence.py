from dataclasses import replace

import numpy as np
import pytest

from core.domain import CHECKS, FloatArray
from core.explain.evidence import Direction, Moved
from core.explain.panel import Measured, Real

WELLS, IMAGES, READOUTS, DIMENSIONS = 12, 6, 12, 8  # per condition; per well; six readouts of each of two stains
SHIFT = np.array([0.0] * 6 + [2.0, 2.0, 2.0, -2.0, 0.0, 0.0])  # from WT to DS, in the second stain alone


def measured(k: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Readouts, embedding and the verdict of three judges for an image the share k of the way from WT to DS."""
    sure = 0.1 + 0.8 * k
    away = np.zeros(DIMENSIONS)
    away[0] = 4 * k
    judged = np.tile([1 - sure, sure], (3, 1))
    return rng.normal(size=READOUTS) + k * SHIFT, rng.normal(size=DIMENSIONS) + away, judged


@pytest.fixture(scope="module")
def real() -> Real:
    rng = np.random.default_rng(0)
    rows = [(k, f"{k}{w}", *measured(k, rng)) for k in (0, 1) for w in range(WELLS) for _ in range(IMAGES)]
    truth, groups, readouts, embedding, judged = zip(*rows)
    return Real(
        names=tuple(f"stain{i // 6 + 1} readout{i}" for i in range(READOUTS)),
        channels=("Nuclei", "Mitochondria"),
        channel=np.arange(READOUTS) // 6,
        conditions=("WT", "DS"),
        truth=np.array(truth),
        groups=groups,
        held_out=np.array([int(g[1:]) < 3 for g in groups]),
        readouts=np.stack(readouts),
        embedding=np.stack(embedding),
        judged=np.stack(judged),
    )


@pytest.fixture
def direction(real: Real) -> Direction:
    return Direction(real, "WT", "DS")


def moved(share: float, count: int = 30) -> list[Moved]:
    """Images of WT brought the share of the way to DS; what does not differ stays as it was."""
    made = []
    for i in range(count):
        before, after = (measured(k, np.random.default_rng(100 + i)) for k in (0.0, share))
        sure = after[2][0]
        made.append(Moved(Measured(*before), Measured(*after), sure, np.array([0.0, share**2]), (10, 0, 0)))
    return made


def test_only_what_differs_over_wells_counts_as_a_difference(direction: Direction) -> None:
    assert np.array_equal(direction.differs, SHIFT != 0)
    assert direction.quiet_channels == [0] and direction.holdable == ("Nuclei",)


def test_nothing_is_held_where_nothing_differs(real: Real) -> None:
    same = replace(real, readouts=np.random.default_rng(1).normal(size=real.readouts.shape))
    assert not Direction(same, "WT", "DS").differs.any()
    assert Direction(same, "WT", "DS").holdable == ()


def test_progress_is_the_share_of_the_way(direction: Direction) -> None:
    for share in (0.0, 0.5, 1.0):
        items = moved(share, 1)[0]
        assert direction.progress(items.before.readouts, items.after.readouts) == pytest.approx(share, abs=0.15)


def test_the_truth_is_green_and_doing_nothing_is_red(direction: Direction) -> None:
    truth, nothing = direction.judge(moved(1.0)), direction.judge(moved(0.0))
    assert [c.name for c in truth.checks] == list(CHECKS)
    assert truth.light == "green", truth.checks
    assert nothing.light == "red"
    assert truth.values["distance"] < 0.3 < 0.7 < nothing.values["distance"]


def test_flipping_model_and_judges_without_the_readouts_is_not_green(direction: Direction) -> None:
    whole, nothing = moved(1.0), moved(0.0)
    fooled = [replace(n, probabilities=w.probabilities, after=replace(n.after, judged=w.after.judged))
              for w, n in zip(whole, nothing)]  # fmt: skip
    found = {c.name: c.light for c in direction.judge(fooled).checks}
    assert found["model"] == found["judges"] == "green"
    assert found["distance"] == found["readouts"] == "red"


def test_a_side_effect_in_a_stain_that_should_not_change_is_named(direction: Direction) -> None:
    spoiled = []
    for item in moved(1.0):
        readouts = item.after.readouts.copy()
        readouts[0:3] += 2
        spoiled.append(replace(item, after=replace(item.after, readouts=readouts), difference=np.array([1.0, 1.0])))
    evidence = direction.judge(spoiled)
    rest = next(c for c in evidence.checks if c.name == "rest")
    assert evidence.light == rest.light == "red" and "stain1 readout" in rest.words
    assert evidence.values["off_channel"] == pytest.approx(0.5)


def test_lost_cells_turn_the_card_red(direction: Direction) -> None:
    poorer = [replace(m, cells=(10, 2, 0)) for m in moved(1.0)]
    evidence = direction.judge(poorer)
    assert evidence.light == "red" and evidence.values["cells_lost"] == 60


def test_one_image_is_judged_by_the_same_checks(direction: Direction) -> None:
    assert {c.name for c in direction.judge(moved(1.0, 1)).checks} == set(CHECKS)
    assert direction.judge(moved(0.0, 1)).light == "red"
