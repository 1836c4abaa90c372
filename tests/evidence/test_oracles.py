from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.preprocessing import fit_recipe
from core.domain import Channel, Condition, FloatArray, ImageRecord, ModelCard, Split
from core.errors import BadModel, LeighError
from core.evidence.fit_oracles import _three_quarters, fit_judges, judge_accuracy
from core.evidence.oracles import (
    EMBEDDING,
    JUDGES_FILE,
    JUDGES_WEIGHTS_FILE,
    ConvJudge,
    Judges,
    WaveletJudge,
    load_judges,
    save_judges,
)
from core.io.digest import digest_bytes
from core.synthetic.cells import CHANNELS, DISEASED, HEALTHY, render

PHENOTYPES = {"WT": HEALTHY, "DS": DISEASED}
WELLS, TEST_WELLS, FIELDS, SIZE, STEPS = 12, 4, 3, 64, 60

Images = dict[str, FloatArray]


def record(name: str, well: int, field: int = 0) -> ImageRecord:
    return ImageRecord(f"{name}-{well}-{field}", (), (), name, f"{name}{well}")


def fit(records: Sequence[ImageRecord], images: Images) -> Judges:
    split = {
        r.group: str(Split.TEST if int(r.group[2:]) < TEST_WELLS else Split.TRAIN) for r in records
    }
    recipe = fit_recipe([images[r.id] for r in records if split[r.group] == Split.TRAIN], crop=48)
    return fit_judges(
        records, split, recipe, lambda r: images[r.id], tuple(PHENOTYPES), steps=STEPS, seed=1
    )


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
def judges(plate: tuple[list[ImageRecord], Images]) -> Judges:
    torch.set_num_threads(1)
    return fit(*plate)


@pytest.fixture(scope="module")
def card(judges: Judges) -> ModelCard:
    conditions = tuple(Condition(name) for name in PHENOTYPES)
    return ModelCard(
        "iresnet", "iresnet", CHANNELS, conditions, judges.recipe, {}, "quick", 0, "", {}
    )


@pytest.fixture
def saved(judges: Judges, tmp_path: Path) -> Path:
    save_judges(tmp_path, judges)
    return tmp_path


def test_all_three_judges_know_wells_they_never_saw(judges: Judges) -> None:
    assert set(judges.accuracy) == set(Judges.names)
    assert all(a is not None and a > 0.9 for a in judges.accuracy.values()), judges.accuracy


def test_judges_answer_for_any_size_with_probabilities_and_features(judges: Judges) -> None:
    for size in (40, 64, 97):
        raw = render(7000 + size, DISEASED, size).astype(np.float32)
        told = judges.probabilities(raw)
        assert told.shape == (3, 2)
        assert np.allclose(told.sum(axis=1), 1)
        assert judges.predictions(raw) == tuple(judges.conditions[k] for k in told.argmax(axis=1))
        assert judges.embedding(raw).shape == (EMBEDDING,)


def test_the_networks_keep_their_verdict_under_a_little_noise(judges: Judges) -> None:
    noise = (
        0.01
        * np.array(judges.recipe.span)[:, None, None]
        * np.random.default_rng(0).normal(size=(3, SIZE, SIZE))
    )
    for name, phenotype in PHENOTYPES.items():
        for seed in range(9000, 9004):
            assert judges.predictions(render(seed, phenotype, SIZE) + noise)[:2] == (name, name)


def test_images_of_test_wells_are_never_learned_from(
    plate: tuple[list[ImageRecord], Images], judges: Judges
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
        (judges.convolutional, other.convolutional),
        (judges.wavelet, other.wavelet),
    ):
        for name, value in mine.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name
    assert np.array_equal(judges.table, other.table) and np.array_equal(judges.labels, other.labels)
    assert other.accuracy != judges.accuracy


def test_judges_come_back_as_they_were(judges: Judges, saved: Path, card: ModelCard) -> None:
    again = load_judges(saved, card)
    assert (again.conditions, again.recipe, again.accuracy) == (
        judges.conditions,
        judges.recipe,
        judges.accuracy,
    )
    for seed, phenotype in enumerate(PHENOTYPES.values()):
        raw = render(8000 + seed, phenotype, SIZE).astype(np.float32)
        assert np.array_equal(again.probabilities(raw), judges.probabilities(raw))
        assert np.array_equal(again.embedding(raw), judges.embedding(raw))


def cut_weights(folder: Path) -> None:
    path = folder / JUDGES_WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / JUDGES_WEIGHTS_FILE).read_bytes())
    data[-5] ^= 1
    (folder / JUDGES_WEIGHTS_FILE).write_bytes(data)


def rewrite(before: str, after: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        text = (folder / JUDGES_FILE).read_text(encoding="utf-8")
        assert before in text
        (folder / JUDGES_FILE).write_text(text.replace(before, after, 1), encoding="utf-8")

    return damage


def sign_other_tensors(folder: Path) -> None:
    from safetensors.numpy import load, save

    path = folder / JUDGES_WEIGHTS_FILE
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
        (lambda folder: (folder / JUDGES_WEIGHTS_FILE).unlink(), "judges.safetensors is missing"),
        (lambda folder: (folder / JUDGES_FILE).unlink(), "judges.json is missing"),
        (lambda folder: (folder / JUDGES_FILE).write_text("[]"), "damaged"),
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
        load_judges(saved, card)
    assert refused.value.hint


def test_judges_of_other_images_are_refused(saved: Path, card: ModelCard) -> None:
    with pytest.raises(BadModel, match="3 channels, the model for 4"):
        load_judges(saved, replace(card, channels=(*CHANNELS, Channel("Lysosomes"))))
    with pytest.raises(BadModel, match="WT, DS, the model for DS, WT"):
        load_judges(saved, replace(card, conditions=card.conditions[::-1]))
    with pytest.raises(BadModel, match="prepare images otherwise"):
        load_judges(saved, replace(card, recipe=replace(card.recipe, gain=(1.0, 1.0, 1.0))))


def test_weights_that_are_not_numbers_are_not_written(judges: Judges, tmp_path: Path) -> None:
    table = judges.table.copy()
    table[0, 0] = np.inf
    with pytest.raises(BadModel, match=r"forest\.table"):
        save_judges(tmp_path, replace(judges, table=table))
    assert not list(tmp_path.iterdir())


def test_no_accuracy_is_claimed_for_a_single_condition(
    plate: tuple[list[ImageRecord], Images], judges: Judges
) -> None:
    records, images = plate
    assert judge_accuracy(judges, records[:2], lambda r: images[r.id]) == dict.fromkeys(
        Judges.names
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
    for judge in (ConvJudge(channels, 3), WaveletJudge(channels, 3)):
        out = judge.eval()(torch.zeros(2, channels, 16, 23))
        assert out.shape == (2, 3)
        assert torch.isfinite(out).all()


def test_wavelet_features_do_not_know_orientation_and_are_measured_per_unit_of_area() -> None:
    x = torch.randn(1, 2, 48, 40)
    features = WaveletJudge.features(x)
    assert torch.allclose(features, WaveletJudge.features(x.flip(2).transpose(2, 3)), atol=1e-4)
    large = torch.from_numpy(
        np.random.default_rng(0).normal(size=(1, 2, 256, 256)).astype(np.float32)
    )
    fine = slice(2, 4)  # log spread of the finest band
    assert torch.allclose(
        WaveletJudge.features(large)[:, fine],
        WaveletJudge.features(large[..., :128])[:, fine],
        atol=0.02,
    )
