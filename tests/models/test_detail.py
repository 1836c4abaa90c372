"""Fine detail of pictures: measured, moved exactly, and what a blur does to it."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from core.domain.model import BANDS
from core.models.detail import BLURS_PX, detail, with_detail


@pytest.fixture
def picture() -> Tensor:
    """(1, 2, 64, 64) grey values with structures of several sizes."""
    rng = np.random.default_rng(0)
    planes = [
        sum(gaussian_filter(rng.normal(size=(64, 64)), s) * s for s in (0.5, 1, 2, 4)) + 5
        for _ in range(2)
    ]
    return torch.from_numpy(np.stack(planes)[None]).float()


def blurred(picture: Tensor) -> Tensor:
    """The first channel blurred, the second as it is."""
    first = gaussian_filter(picture[0, 0].numpy(), 1.0)
    return torch.stack([torch.from_numpy(first), picture[0, 1]])[None]


def test_every_band_has_a_blur() -> None:
    assert len(BLURS_PX) == BANDS and list(BLURS_PX) == sorted(BLURS_PX)


def test_no_shift_is_the_same_picture(picture: Tensor) -> None:
    assert with_detail(picture, picture, torch.zeros(BANDS, 2)) is picture


def test_a_blur_weakens_fine_bands_most(picture: Tensor) -> None:
    shift = (detail(blurred(picture)) - detail(picture))[0]
    assert shift[0, 0] < shift[1, 0] < shift[2, 0] < 0
    assert not shift[:, 1].any()


@pytest.mark.parametrize("way", ["blur", "sharpen"])
def test_moving_the_detail_comes_near_a_real_blur_and_back(picture: Tensor, way: str) -> None:
    start, end = picture, blurred(picture)
    if way == "sharpen":
        start, end = end, start
    moved = with_detail(start, start, (detail(end) - detail(start))[0])
    change, truth = moved - start, end - start
    assert not change[0, 1].any()
    share = float((change * truth).sum() / truth.square().sum())
    assert share > 0.6 and np.corrcoef(change[0, 0].ravel(), truth[0, 0].ravel())[0, 1] > 0.7


def test_detail_of_the_former_counts_not_that_of_the_picture(picture: Tensor) -> None:
    shift = torch.zeros(BANDS, 2)
    shift[0, 0] = -0.5
    louder = with_detail(picture, picture, -shift)
    once, again = (with_detail(p, picture, shift) for p in (picture, louder))
    apart = [float((detail(p)[0, 0, 0] - detail(once)[0, 0, 0]).abs()) for p in (louder, again)]
    assert apart[0] > 0.7 and apart[1] < 0.15


def test_an_empty_channel_stays_empty(picture: Tensor) -> None:
    flat = torch.full_like(picture, 3.0)
    shift = torch.full((BANDS, 2), 1.0)
    assert torch.allclose(with_detail(flat, flat, shift), flat, atol=1e-4)
