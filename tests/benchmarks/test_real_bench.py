"""The known changes of `leigh bench real`, and the answers that need no network."""

from pathlib import Path

import pytest

from benchmarks import real
from benchmarks.measures import change_measures
from benchmarks.real_changes import KINDS, to_type
from core.io.project import open_project


@pytest.fixture(scope="module")
def tiles(shared: Path) -> real.Tiles:
    return real.nf1_tiles()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_change_changes_its_channels_alone(tiles: real.Tiles, kind) -> None:
    raw = tiles.raw[2]
    changed = to_type(kind.change(raw, tiles.background, tiles.span), raw.dtype)
    differs = [bool((changed[c] != raw[c]).any()) for c in range(len(raw))]
    assert differs == [c in kind.channels for c in range(len(raw))]


def test_a_project_deals_every_well_to_both_conditions(tiles: real.Tiles, tmp_path: Path) -> None:
    dimmer = KINDS[0]
    real.make_project(tmp_path / "p", tiles, dimmer, seed=0)
    dataset = open_project(tmp_path / "p").dataset
    assert dataset is not None and len(dataset.records) == len(tiles.raw)
    wells = {(r.group, r.condition) for r in dataset.records}
    assert len(wells) == 2 * len(set(tiles.wells))
    test = sorted(set(tiles.wells))[3:]
    answers = real.simple_answers(dataset, tiles, test)
    raw = tiles.raw[tiles.wells.index(test[0])]
    truth = to_type(dimmer.change(raw, tiles.background, tiles.span), raw.dtype) - raw.astype(float)
    figures = {
        name: change_measures(
            answer(raw, (real.BEFORE, real.AFTER)), truth, tiles.span, dimmer.channels
        )
        for name, answer in answers.items()
    }
    assert figures["nothing"]["effectiveness"] == 0
    assert 0.7 < figures["ratio of class means"]["effectiveness"] < 1.3
    assert figures["nearest real"]["amplification"] > 1
    assert len(real._some(dataset, test)) >= 2 * real.MEASURED


def test_without_the_images_it_says_where_they_belong(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(real, "DATA", tmp_path)
    with pytest.raises(real.LeighError, match=r"labels\.csv is not at hand"):
        real.nf1_tiles()
