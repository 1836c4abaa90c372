from dataclasses import replace

import numpy as np
import pytest
from reference_stand_in import moved
from scipy.ndimage import gaussian_filter

from core.domain import FloatArray
from core.evidence.checks import Direction
from core.evidence.empty_ground import change_in_ground
from core.evidence.reference import ReferenceSet
from core.synthetic.cells import DISEASED, HEALTHY, render

SPAN = np.full(3, 500.0)


def culture(seed: int, diseased: bool) -> FloatArray:
    return render(seed, DISEASED if diseased else HEALTHY, 96).astype(np.float32)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_change_of_cells_leaves_the_ground_and_haze_does_not(seed: int) -> None:
    before, after = culture(seed, True), culture(seed, False)
    assert change_in_ground(before, after, SPAN) < 0.2
    noise = np.random.default_rng(seed).normal(size=before.shape)
    haze = 400 * gaussian_filter(noise, (0, 8, 8))
    for wrong in (before + 30, before + 20 * noise, before + haze):
        assert change_in_ground(before, wrong, SPAN) > 0.4


def test_nothing_changed_is_no_change_in_the_ground() -> None:
    image = culture(4, False)
    assert change_in_ground(image, image, SPAN) == 0


def test_a_picture_that_lights_up_empty_ground_is_red(real: ReferenceSet) -> None:
    direction = Direction(real, "WT", "DS")
    for ground, light in ((0.1, "green"), (0.6, "amber"), (1.0, "red")):
        rest = direction.assess([replace(m, ground=ground) for m in moved(1.0)]).checks[4]
        assert rest.light == light and ("empty ground" in rest.words) == (light != "green")


def test_the_ground_may_change_where_the_backgrounds_differ(real: ReferenceSet) -> None:
    names = (*real.names[:6], "stain2 p5", *real.names[7:])  # this feature differs
    direction = Direction(replace(real, names=names), "WT", "DS")
    rest = direction.assess([replace(m, ground=1.0) for m in moved(1.0)]).checks[4]
    assert rest.light == "green"
