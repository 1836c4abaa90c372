import numpy as np
import pytest

from core.data.batches import FieldStore, balanced_indices
from core.data.preprocessing import fit_preprocessing
from core.data.readouts import readouts
from core.domain import FloatArray, ImageRecord, Preprocessing, Project
from core.synthetic.cells import DISEASED, HEALTHY, render
from core.workflows.project import reader


class Disk:
    """Reads a project's records and counts how often."""

    def __init__(self, project: Project) -> None:
        assert project.dataset is not None
        self.records, self._read, self.reads = project.dataset.records, reader(project.dataset), 0

    def __call__(self, record: ImageRecord) -> FloatArray:
        self.reads += 1
        return self._read(record)

    def preprocessing(self, crop: int = 16) -> Preprocessing:
        return fit_preprocessing([self._read(r).astype(np.float32) for r in self.records[:6]], crop)


@pytest.fixture
def disk(scanned_project: Project) -> Disk:
    """The small plate."""
    return Disk(scanned_project)


def test_a_store_within_its_budget_reads_every_field_once(disk: Disk) -> None:
    store = FieldStore(disk.records, disk.preprocessing(), disk)
    first = [store.field(n).copy() for n in range(4)]
    assert disk.reads == 4
    assert all(np.array_equal(store.field(n), first[n]) for n in range(4))
    assert disk.reads == 4


def test_a_store_over_its_budget_reads_again_and_gives_the_same(disk: Disk) -> None:
    room_for_two = 2 * 3 * 48 * 48 * 4
    store = FieldStore(disk.records, disk.preprocessing(), disk, budget_bytes=room_for_two)
    first = [store.field(n).copy() for n in range(4)]
    again = [store.field(n) for n in range(4)]
    assert disk.reads == 4 + 2  # two stayed in memory
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_crops_are_the_same_for_the_same_random_numbers_and_come_from_the_field(disk: Disk) -> None:
    store = FieldStore(disk.records, disk.preprocessing(16), disk)
    index = np.array([3, 3, 7])
    crops = store.crops(index, np.random.default_rng(5))
    assert crops.shape == (3, 3, 16, 16) and crops.dtype == np.float32
    assert np.array_equal(crops, store.crops(index, np.random.default_rng(5)))
    assert not np.array_equal(crops, store.crops(index, np.random.default_rng(6)))
    assert not np.array_equal(crops[0], crops[1])
    windows = np.lib.stride_tricks.sliding_window_view(store.field(7), (16, 16), axis=(1, 2))
    sums = windows.sum(axis=(0, 3, 4))  # of every window, whichever way it is flipped
    assert np.abs(sums - crops[2].sum()).min() < 1e-2


def test_a_crop_as_large_as_the_field_is_the_field(disk: Disk) -> None:
    store = FieldStore(disk.records, disk.preprocessing(48), disk)
    crop = store.crops(np.array([0]), np.random.default_rng(0))[0]
    assert np.allclose(np.sort(crop, axis=None), np.sort(store.field(0), axis=None))


def test_every_condition_is_drawn_equally_often_whatever_its_size() -> None:
    labels = np.array([0] * 90 + [1] * 9 + [2])
    drawn = balanced_indices(labels, 30, np.random.default_rng(0))
    assert np.bincount(labels[drawn]).tolist() == [10, 10, 10]
    uneven = np.bincount(labels[balanced_indices(labels, 8, np.random.default_rng(0))])
    assert sorted(uneven) == [2, 3, 3]
    assert np.array_equal(drawn, balanced_indices(labels, 30, np.random.default_rng(0)))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((3, 40, 40)),
        np.full((3, 40, 40), 65535),
        np.eye(40)[None].repeat(3, axis=0),
        np.ones((3, 8, 8)),
    ],
    ids=["empty", "saturated", "thin", "small"],
)
def test_readouts_have_the_same_names_for_every_image_and_are_finite(image: FloatArray) -> None:
    usual, odd = readouts(render(0, HEALTHY, 64)), readouts(image.astype(np.uint16))
    assert list(odd) == list(usual)
    assert np.isfinite(list(odd.values())).all()


def test_readouts_of_a_single_bright_pixel_are_finite() -> None:
    image = np.full((1, 32, 32), 100, np.uint16)
    image[0, 5, 5] = 4000
    assert np.isfinite(list(readouts(image).values())).all()


def test_readouts_see_that_diseased_mitochondria_are_dimmer_and_gathered() -> None:
    for seed in range(3):
        healthy, diseased = (
            readouts(render(seed, HEALTHY, 96)),
            readouts(render(seed, DISEASED, 96)),
        )
        assert diseased["channel3_mean"] < healthy["channel3_mean"]
        assert diseased["channel3_covered"] < healthy["channel3_covered"]
        assert diseased["channel1_mean"] == healthy["channel1_mean"]
