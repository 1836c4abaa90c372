from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from reference_stand_in import READOUTS, SHIFT, moved

from core.data.preprocessing import fit_preprocessing
from core.data.readouts import readout_names, readout_values
from core.domain import FloatArray, ImageRecord
from core.evidence.checks import Direction
from core.evidence.contrast import CounterfactualMeasurements
from core.evidence.jitter import feature_jitter
from core.evidence.reference import ReferenceSet
from core.synthetic.cells import HEALTHY, render

AGREES = SHIFT == 0


def with_jitter(reference: ReferenceSet, jitter: FloatArray) -> ReferenceSet:
    """The reference set of test_checks, where nothing is known to be quiet, with this jitter."""
    return replace(reference, channel=np.ones(READOUTS, int), jitter=jitter)


def shaken(image: CounterfactualMeasurements, by: FloatArray) -> CounterfactualMeasurements:
    readouts = image.after.readouts + by
    return replace(image, after=replace(image.after, readouts=readouts))


def test_shapes_of_objects_jitter_and_mean_brightness_hardly_does() -> None:
    images = [render(seed, HEALTHY, 96).astype(np.float32) for seed in range(12)]
    names = readout_names()
    preprocessing = fit_preprocessing(images, 96)
    records = [ImageRecord(str(i), (f"{i}.tif",), (0, 1, 2), "WT", str(i)) for i in range(12)]
    known = {str(i): readout_values(x, preprocessing.downscale) for i, x in enumerate(images)}
    read: Callable[[ImageRecord], FloatArray] = lambda record: images[int(record.id)]  # noqa: E731
    jitter = feature_jitter(records, preprocessing, read, known)
    spread = np.std(list(known.values()), axis=0) + 1e-9
    relative = dict(zip(names, (jitter / spread)[2 * len(names) :]))  # of the mitochondria
    assert 2 * relative["mean"] < relative["largest_eccentricity"]
    assert np.array_equal(jitter, feature_jitter(records, preprocessing, read, known))


def test_a_feature_that_jumps_by_chance_does_not_spoil_one_right_picture(
    real: ReferenceSet,
) -> None:
    jitter = np.where(AGREES, 1.0, 0.1)
    shake = np.where(AGREES, 1.8, 0.0)
    picture = [shaken(moved(1.0, 1)[0], shake)]
    assert Direction(with_jitter(real, 0 * jitter), "WT", "DS").assess(picture).light == "red"
    assert Direction(with_jitter(real, jitter), "WT", "DS").assess(picture).light == "green"
    beyond = [shaken(moved(1.0, 1)[0], 2 * shake)]
    assert Direction(with_jitter(real, jitter), "WT", "DS").assess(beyond).light == "red"


def test_in_many_images_a_jump_of_the_mean_is_no_chance(real: ReferenceSet) -> None:
    jitter = np.where(AGREES, 1.0, 0.1)
    shake = np.where(AGREES, 1.8, 0.0)
    pictures = [shaken(m, shake) for m in moved(1.0, 30)]
    assert Direction(with_jitter(real, jitter), "WT", "DS").assess(pictures).light == "red"


def test_a_channel_that_must_not_change_has_no_excuse(real: ReferenceSet) -> None:
    quiet = replace(real, jitter=np.ones(READOUTS))  # the first stain does not differ
    spoiled = [shaken(moved(1.0, 1)[0], np.array([1.5] * 6 + [0.0] * 6))]
    rest = Direction(quiet, "WT", "DS").assess(spoiled).checks[4]
    assert rest.light == "red" and "stain1" in rest.words


@pytest.mark.parametrize(("share", "green"), [(0.5, False), (1.0, True), (1.5, False)])
def test_steady_features_tell_the_amount_in_one_image(
    real: ReferenceSet,
    share: float,
    green: bool,
) -> None:
    """Half of the features that differ jitter so much that they say nothing."""
    jitter = np.full(READOUTS, 0.1)
    jitter[9] = 3.0
    direction = Direction(with_jitter(real, jitter), "WT", "DS")
    wild = np.where(np.arange(READOUTS) == 9, 4.0, 0.0)
    check = direction.assess([shaken(moved(share, 1)[0], wild)]).checks[3]
    assert (check.light == "green") is green, check.words


def test_a_card_without_steady_features_is_amber(real: ReferenceSet) -> None:
    direction = Direction(with_jitter(real, np.full(READOUTS, 5.0)), "WT", "DS")
    check = direction.assess(moved(1.0, 1)).checks[3]
    assert check.light == "amber" and "can be read in one image" in check.words
    assert direction.assess(moved(1.0, 900)).checks[3].light == "green"
