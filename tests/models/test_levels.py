"""Brightness is split off exactly, and a change of brightness changes nothing else."""

import numpy as np
import pytest
import torch
from torch import Tensor

from core.data.preprocessing import fit_preprocessing, from_network, to_network
from core.domain import FloatArray, Preprocessing
from core.models.iresnet import Architecture, IResNet
from core.models.levels import FAINTEST, BrightnessLevels


@pytest.fixture
def fields() -> list[FloatArray]:
    """Six images of two channels: spots of light over a dark background."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(6):
        light = rng.gamma(0.3, 900.0, (2, 48, 48)) * (rng.random((2, 48, 48)) < 0.4)
        images.append((200 + rng.normal(0, 3, light.shape) + light).astype(np.float32))
    return images


@pytest.fixture
def preprocessing(fields: list[FloatArray]) -> Preprocessing:
    return fit_preprocessing(fields, 32)


def levels_for(preprocessing: Preprocessing, fields: list[FloatArray]) -> BrightnessLevels:
    levels = BrightnessLevels(2)
    levels.set_curve(preprocessing)
    levels.set_typical(levels.moments(batch(preprocessing, fields)))
    return levels


def batch(preprocessing: Preprocessing, fields: list[FloatArray]) -> Tensor:
    return torch.from_numpy(np.stack([to_network(preprocessing, f) for f in fields]))


def test_joining_gives_back_the_image(
    fields: list[FloatArray], preprocessing: Preprocessing
) -> None:
    levels, x = levels_for(preprocessing, fields), batch(preprocessing, fields)
    pattern, split = levels.split(x)
    assert (levels.join(pattern, split) - x).abs().max() < 1e-5
    assert pattern.shape == x.shape and split.shape == (6, 2, 2)
    assert split[:, 1].median(dim=0).values.abs().max() < 0.2  # a typical image has the gain 1


def test_a_change_of_brightness_changes_the_levels_alone(
    fields: list[FloatArray], preprocessing: Preprocessing
) -> None:
    levels = levels_for(preprocessing, fields)
    low = [np.percentile(f[1], 1, method="lower") for f in fields]
    changed = [f.copy() for f in fields]
    for image, background in zip(changed, low):
        image[1] = background + 60 + 0.5 * (image[1] - background)
    before, of_before = levels.split(batch(preprocessing, fields))
    after, of_after = levels.split(batch(preprocessing, changed))
    assert (before[:, 0] - after[:, 0]).abs().max() < 1e-5
    shift = of_after - of_before
    assert shift[:, :, 0].abs().max() < 1e-5
    assert torch.allclose(shift[:, 0, 1] * preprocessing.scale[1], torch.tensor(60.0), atol=0.1)
    assert (shift[:, 1, 1].exp() - 0.5).abs().max() < FAINTEST / 2
    moved = levels.join(before, of_after)
    grey = from_network(preprocessing, moved[0].numpy())
    # the image's own gain has a floor; the pattern differs by as much, and no more
    assert np.abs(grey[1] - changed[0][1]).max() < FAINTEST * (changed[0][1].max() - low[0])


def test_an_empty_channel_is_not_amplified(
    fields: list[FloatArray], preprocessing: Preprocessing
) -> None:
    levels = levels_for(preprocessing, fields)
    empty = np.full_like(fields[0], 200) + np.random.default_rng(1).normal(0, 3, (2, 48, 48))
    pattern, _ = levels.split(batch(preprocessing, [empty.astype(np.float32)]))
    assert pattern.std() < batch(preprocessing, fields).std()


def test_a_network_reads_levels_and_pattern(
    fields: list[FloatArray], preprocessing: Preprocessing
) -> None:
    torch.manual_seed(0)
    with_levels = IResNet(Architecture(2, 2, (8, 12, 16), 6, levels=True)).eval()
    without = IResNet(Architecture(2, 2, (8, 12, 16), 6)).eval()
    assert with_levels.feature_count == without.feature_count + 4
    assert with_levels.levels is not None
    with_levels.levels.set_curve(preprocessing)
    x = batch(preprocessing, fields)
    with torch.no_grad():
        _, split = with_levels.split(x)
        assert torch.equal(with_levels.raw_features(x)[:, -4:], split.flatten(1))
        assert torch.equal(without.split(x)[0], x) and torch.equal(without.join(x, split), x)
        pooled = with_levels.raw_features(x)[:, :-4]
        assert with_levels.classify_pattern(pooled).shape == (6, 2)
        assert with_levels.logits(x).shape == (6, 2)


def test_a_pattern_gets_back_its_levels_and_keeps_its_shape(
    fields: list[FloatArray], preprocessing: Preprocessing
) -> None:
    levels = levels_for(preprocessing, fields)
    former, _ = levels.split(batch(preprocessing, fields))
    grey = levels._to_grey(former)
    dimmed = levels._from_grey(0.3 + 0.6 * grey)
    drawn = torch.cat([former[:, :1], dimmed[:, 1:]], dim=1)  # only the second channel moved
    restored = levels.restore(drawn, former)
    assert torch.equal(restored[:, 0], former[:, 0])
    assert (restored - former).abs().max() < 0.02 < 0.1 < (drawn - former).abs().max()


def test_haze_that_blocks_drew_into_empty_ground_is_taken_back(
    fields: list[FloatArray], preprocessing: Preprocessing
) -> None:
    """Haze makes the ground less empty: the signal above it was then measured as too dim."""
    levels = levels_for(preprocessing, fields)
    former, _ = levels.split(batch(preprocessing, fields))
    grey = levels._to_grey(former)
    low = grey.amin(dim=(2, 3), keepdim=True)
    faint = (grey - low).sqrt()  # what is faint gets brighter, the ground most of all
    light = (grey - low).mean(dim=(2, 3), keepdim=True)
    drawn = levels._from_grey(low + faint * light / faint.mean(dim=(2, 3), keepdim=True))
    restored = levels.restore(drawn, former)
    before, hazy, restored = (
        levels.levels(levels.moments(x))[:, 1] for x in (former, drawn, restored)
    )
    assert (hazy - before).abs().max() > 0.1
    assert (restored - before).abs().max() < 0.02
