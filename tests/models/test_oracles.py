from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.preprocessing import fit_preprocessing
from core.domain import Channel, Condition, FloatArray, ImageRecord, ModelCard, Split
from core.errors import BadModel, LeighError
from core.io.digest import digest_bytes
from core.models.oracles import (
    EMBEDDING,
    ORACLES_FILE,
    ORACLES_WEIGHTS_FILE,
    ConvOracle,
    Oracles,
    WaveletOracle,
    load_oracles,
    save_oracles,
)
from core.synthetic.cells import CHANNELS, DISEASED, HEALTHY, render
from core.training.fit_oracles import LabelledRecords, _three_quarters, fit_oracles, oracle_accuracy

PHENOTYPES = {"WT": HEALTHY, "DS": DISEASED}
WELLS, TEST_WELLS, FIELDS, SIZE, STEPS = 12, 4, 3, 64, 60

Images = dict[str, FloatArray]


def record(name: str, well: int, field: int = 0) -> ImageRecord:
    return ImageRecord(f"{name}-{well}-{field}", (), (), name, f"{name}{well}")


def fit(records: Sequence[ImageRecord], images: Images) -> Oracles:
    split = {
        r.group: str(Split.TEST if int(r.group[2:]) < TEST_WELLS else Split.TRAIN) for r in records
    }
    preprocessing = fit_preprocessing(
        [images[r.id] for r in records if split[r.group] == Split.TRAIN], crop=48
    )
    labelled = LabelledRecords(
        records, split, preprocessing, lambda r: images[r.id], tuple(PHENOTYPES)
    )
    return fit_oracles(labelled, steps=STEPS, seed=1)


@pytest.fixture(scope="module")
def plate() -> tuple[list[ImageRecord], Images]:
    records = [
        record(name, well, f) for name in PHENOTYPES for well in range(WELLS) for f in range(FIELDS)
    ]
    images = {
        r.id: render(n, PHENOTYPES[r.condition], SIZE).astype(np.float32)
        for n, r in enumerate(records)
    }
    return records, images


@pytest.fixture(scope="module")
def oracles(plate: tuple[list[ImageRecord], Images]) -> Oracles:
    torch.set_num_threads(1)
    return fit(*plate)


@pytest.fixture(scope="module")
def card(oracles: Oracles) -> ModelCard:
    conditions = tuple(Condition(name) for name in PHENOTYPES)
    return ModelCard(
        "iresnet", "iresnet", CHANNELS, conditions, oracles.preprocessing, {}, "quick", 0, "", {}
    )


@pytest.fixture
def saved(oracles: Oracles, tmp_path: Path) -> Path:
    save_oracles(tmp_path, oracles)
    return tmp_path


def test_all_three_judges_know_wells_they_never_saw(oracles: Oracles) -> None:
    assert set(oracles.accuracy) == set(Oracles.names)
    assert all(a is not None and a > 0.9 for a in oracles.accuracy.values()), oracles.accuracy


def test_judges_answer_for_any_size_with_probabilities_and_features(oracles: Oracles) -> None:
    for size in (40, 64, 97):
        raw = render(7000 + size, DISEASED, size).astype(np.float32)
        reported = oracles.probabilities(raw)
        assert reported.shape == (3, 2)
        assert np.allclose(reported.sum(axis=1), 1)
        assert oracles.predictions(raw) == tuple(
            oracles.conditions[k] for k in reported.argmax(axis=1)
        )
        assert oracles.embedding(raw).shape == (EMBEDDING,)


def test_the_networks_keep_their_verdict_under_a_little_noise(oracles: Oracles) -> None:
    noise = (
        0.01
        * np.array(oracles.preprocessing.span)[:, None, None]
        * np.random.default_rng(0).normal(size=(3, SIZE, SIZE))
    )
    for name, phenotype in PHENOTYPES.items():
        for seed in range(9000, 9004):
            assert oracles.predictions(render(seed, phenotype, SIZE) + noise)[:2] == (name, name)


def test_images_of_test_wells_are_never_learned_from(
    plate: tuple[list[ImageRecord], Images], oracles: Oracles
) -> None:
    records, images = plate
    swapped = {"WT": "DS", "DS": "WT"}
    poisoned, poison = [], dict(images)
    for r in records:
        if int(r.group[2:]) < TEST_WELLS:
            poison[r.id] = images[r.id][::-1] * 3
            r = replace(r, condition=swapped[r.condition])
        poisoned.append(r)
    other = fit(poisoned, poison)
    for mine, theirs in (
        (oracles.convolutional, other.convolutional),
        (oracles.wavelet, other.wavelet),
    ):
        for name, value in mine.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name
    assert np.array_equal(oracles.table, other.table) and np.array_equal(
        oracles.labels, other.labels
    )
    assert other.accuracy != oracles.accuracy


def test_judges_come_back_as_they_were(oracles: Oracles, saved: Path, card: ModelCard) -> None:
    again = load_oracles(saved, card)
    assert (again.conditions, again.preprocessing, again.accuracy) == (
        oracles.conditions,
        oracles.preprocessing,
        oracles.accuracy,
    )
    for seed, phenotype in enumerate(PHENOTYPES.values()):
        raw = render(8000 + seed, phenotype, SIZE).astype(np.float32)
        assert np.array_equal(again.probabilities(raw), oracles.probabilities(raw))
        assert np.array_equal(again.embedding(raw), oracles.embedding(raw))


def cut_weights(folder: Path) -> None:
    path = folder / ORACLES_WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / ORACLES_WEIGHTS_FILE).read_bytes())
    data[-5] ^= 1
    (folder / ORACLES_WEIGHTS_FILE).write_bytes(data)


def rewrite(before: str, after: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        text = (folder / ORACLES_FILE).read_text(encoding="utf-8")
        assert before in text
        (folder / ORACLES_FILE).write_text(text.replace(before, after, 1), encoding="utf-8")

    return damage


def sign_other_tensors(folder: Path) -> None:
    from safetensors.numpy import load, save

    path = folder / ORACLES_WEIGHTS_FILE
    tensors = load(path.read_bytes())
    before = digest_bytes(path.read_bytes())
    tensors["wavelet.mean"] = tensors["wavelet.mean"] * np.nan
    path.write_bytes(save(tensors))
    rewrite(before, digest_bytes(path.read_bytes()))(folder)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_weights, "damaged"),
        (flip_a_bit, "is not what judges.json names"),
        (sign_other_tensors, "wavelet.mean.*not numbers"),
        (lambda folder: (folder / ORACLES_WEIGHTS_FILE).unlink(), "judges.safetensors is missing"),
        (lambda folder: (folder / ORACLES_FILE).unlink(), "judges.json is missing"),
        (lambda folder: (folder / ORACLES_FILE).write_text("[]"), "damaged"),
        (rewrite('"format_version": 1', '"format_version": 2'), "format 2"),
        (rewrite('"seed": 1', '"seed": "x"'), "damaged .seed"),
        (rewrite('"readout forest"', '"another"'), "damaged .accuracy"),
        (rewrite('"forest.table": [', '"forest.table": [1,'), "damaged .sizes"),
    ],
)
def test_damaged_judges_are_refused(
    damage: Callable[[Path], None], words: str, saved: Path, card: ModelCard
) -> None:
    damage(saved)
    with pytest.raises(BadModel, match=words) as refused:
        load_oracles(saved, card)
    assert refused.value.hint


def test_judges_of_other_images_are_refused(saved: Path, card: ModelCard) -> None:
    with pytest.raises(BadModel, match="3 channels, the model for 4"):
        load_oracles(saved, replace(card, channels=(*CHANNELS, Channel("Lysosomes"))))
    with pytest.raises(BadModel, match="WT, DS, the model for DS, WT"):
        load_oracles(saved, replace(card, conditions=card.conditions[::-1]))
    with pytest.raises(BadModel, match="another preprocessing"):
        load_oracles(
            saved, replace(card, preprocessing=replace(card.preprocessing, gain=(1.0, 1.0, 1.0)))
        )


def test_weights_that_are_not_numbers_are_not_written(oracles: Oracles, tmp_path: Path) -> None:
    table = oracles.table.copy()
    table[0, 0] = np.inf
    with pytest.raises(BadModel, match=r"forest\.table"):
        save_oracles(tmp_path, replace(oracles, table=table))
    assert not list(tmp_path.iterdir())


def test_no_accuracy_is_claimed_for_a_single_condition(
    plate: tuple[list[ImageRecord], Images], oracles: Oracles
) -> None:
    records, images = plate
    assert oracle_accuracy(oracles, records[:2], lambda r: images[r.id]) == dict.fromkeys(
        Oracles.names
    )


def test_a_condition_that_is_only_tested_cannot_be_judged(
    plate: tuple[list[ImageRecord], Images],
) -> None:
    records, images = plate
    with pytest.raises(LeighError, match="No image of DS"):
        fit([r for r in records if r.condition == "WT" or int(r.group[2:]) < TEST_WELLS], images)


def test_a_quarter_of_the_wells_of_each_condition_is_left_out_but_never_the_only_one() -> None:
    records = (
        [record("WT", w) for w in range(8)]
        + [record("DS", w) for w in range(4)]
        + [record("TT", 0)]
    )
    for seed in range(5):
        kept = _three_quarters(records, np.random.default_rng(seed))
        left = [r.condition for r, k in zip(records, kept) if not k]
        assert (left.count("WT"), left.count("DS"), left.count("TT")) == (2, 1, 0)
    donors = [
        ImageRecord(f"{name}{d}", (), (), name, f"donor{d}")
        for name in PHENOTYPES
        for d in range(4)
    ]
    kept = _three_quarters(donors, np.random.default_rng(0))
    assert len({r.group for r, k in zip(donors, kept) if not k}) == 1


@pytest.mark.parametrize("channels", [1, 4])
def test_networks_take_any_number_of_channels_and_constant_images(channels: int) -> None:
    for oracle in (ConvOracle(channels, 3), WaveletOracle(channels, 3)):
        out = oracle.eval()(torch.zeros(2, channels, 16, 23))
        assert out.shape == (2, 3)
        assert torch.isfinite(out).all()


def test_wavelet_features_do_not_know_orientation_and_are_measured_per_unit_of_area() -> None:
    x = torch.randn(1, 2, 48, 40)
    features = WaveletOracle.features(x)
    assert torch.allclose(features, WaveletOracle.features(x.flip(2).transpose(2, 3)), atol=1e-4)
    large = torch.from_numpy(
        np.random.default_rng(0).normal(size=(1, 2, 256, 256)).astype(np.float32)
    )
    fine = slice(2, 4)  # log spread of the finest band
    assert torch.allclose(
        WaveletOracle.features(large)[:, fine],
        WaveletOracle.features(large[..., :128])[:, fine],
        atol=0.02,
    )
