from dataclasses import replace

import numpy as np
import pytest

from core.cli.evaluation_text import evaluation_text
from core.data.assay_quality import z_prime
from core.data.intervals import balanced_interval, interval_over_groups
from core.data.readouts import readout_values
from core.domain import Condition, Dataset, FloatArray, LatentTable, Project, Role, headline
from core.training.evaluate import (
    calibration_error,
    evaluation_report,
    group_accuracy,
    simple_baseline,
)
from core.workflows.project import reader

CONDITIONS = (Condition("WT", Role.HEALTHY), Condition("DS", Role.DISEASED))


def measured(dataset: Dataset) -> dict[str, FloatArray]:
    """Readouts by record."""
    read = reader(dataset)
    return {r.id: readout_values(read(r), 1) for r in dataset.records}


def table(truth: list[int], predicted: list[int], split: list[str]) -> LatentTable:
    """Latents of a sure model: probability 0.9 for what it predicts."""
    probabilities = np.full((len(truth), 2), 0.1, np.float32)
    probabilities[np.arange(len(truth)), predicted] = 0.9
    return LatentTable(
        record_ids=tuple(f"r{n}" for n in range(len(truth))),
        conditions=("WT", "DS"),
        truth=np.array(truth),
        split=tuple(split),
        features=np.zeros((len(truth), 1), np.float32),
        coordinates=np.zeros((len(truth), 1), np.float32),
        logits=np.log(probabilities),
        probabilities=probabilities,
        model_digest="",
    )


def test_calibration_error_agrees_with_a_hand_value() -> None:
    # four images at 0.95, three right: |3.8 - 3|; two at 0.65, one right: |1.3 - 1|; over six
    # images
    top = np.array([0.95, 0.95, 0.95, 0.95, 0.65, 0.65])
    probabilities = np.stack([top, 1 - top], axis=1)
    truth = np.array([0, 0, 0, 1, 0, 1])
    assert calibration_error(probabilities, truth) == pytest.approx((0.8 + 0.3) / 6)
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0


def test_the_interval_of_wells_that_are_all_right_is_no_point() -> None:
    wells = [f"well {n // 5}" for n in range(60)]
    assert interval_over_groups(np.ones(60), wells) == (
        pytest.approx(0.779, abs=0.001),
        1.0,
    )
    assert interval_over_groups(np.zeros(60), wells) == (
        0.0,
        pytest.approx(0.221, abs=0.001),
    )


def test_the_interval_over_groups_is_wider_than_over_images_when_one_well_is_bad() -> None:
    right = np.array([1.0] * 30 + [0.0] * 10)
    wells = [f"w{n // 10}" for n in range(40)]
    low, high = interval_over_groups(right, wells)
    image_low, image_high = interval_over_groups(right, [str(n) for n in range(40)])
    assert None not in (low, image_low, high, image_high)
    assert low < image_low < 0.75 < image_high < high


def test_group_accuracy_lets_the_mean_of_a_well_decide() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.45, 0.55], [0.2, 0.8]])
    # well a: mean 0.65 for WT, right although one image is wrong; well b: mean 0.325, wrong
    assert group_accuracy(probabilities, np.array([0, 0, 0, 0]), ["a", "a", "b", "b"]) == 0.5
    # one group with two conditions counts as two sets
    assert group_accuracy(probabilities, np.array([0, 1, 1, 1]), ["a", "a", "a", "a"]) == 1.0


def test_the_report_counts_test_images_only_and_its_confusion_sums_to_them() -> None:
    truth, predicted = [0, 0, 1, 1, 1, 0, 1], [0, 1, 1, 1, 0, 1, 0]
    split = ["test"] * 5 + ["train", "validation"]
    groups = ["a", "a", "b", "b", "c", "d", "e"]
    report = evaluation_report(table(truth, predicted, split), groups, CONDITIONS)
    assert report["accuracy"] == pytest.approx(3 / 5)
    assert report["balanced_accuracy"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert report["confusion"] == [[1, 1], [1, 2]]
    assert np.sum(report["confusion"]) == report["test_records"] == 5
    assert (report["test_groups"], report["groups_total"]) == (3, 5)
    assert report["conditions"]["DS"]["recall"] == pytest.approx(2 / 3)
    assert report["z_prime"]["logits"]["wells"] == [1, 2]
    assert (
        report["z_prime"]["logits"]["z_prime"] is None
        and "two held-out wells" in report["z_prime"]["reason"]
    )


def test_below_three_held_out_groups_no_interval_is_claimed_and_the_report_says_so() -> None:
    predicted = [0, 1, 1, 1]
    report = evaluation_report(
        table([0, 1, 0, 1], predicted, ["test"] * 4), ["a", "a", "b", "b"], CONDITIONS
    )
    assert report["accuracy"] == 0.75 and report["accuracy_low"] is None
    assert "fewer than 3 held-out groups" in report["interval"]


def test_plates_as_groups_that_hold_every_condition_have_a_balanced_interval() -> None:
    truth = np.tile([0, 1, 2, 3], 6)
    groups = [f"plate {n // 8}" for n in range(24)]
    right = (np.arange(24) % 5 > 0).astype(float)
    low, high = balanced_interval(right, truth, groups)
    assert low is not None and high is not None and 0 < low < right.mean() < high < 1


@pytest.mark.parametrize(("wells", "images"), [(3, 8), (3, 30), (6, 8)])
@pytest.mark.parametrize("share", [0.6, 0.9])
@pytest.mark.parametrize("alike", [0.02, 0.2])
def test_intervals_over_few_wells_cover_the_truth(
    wells: int, images: int, share: float, alike: float
) -> None:
    """Wells of a share each from a beta distribution; `alike` is the correlation within a well."""
    rng = np.random.default_rng(0)
    spread = (1 - alike) / alike
    covered = []
    for _ in range(300):
        shares = rng.beta(share * spread, (1 - share) * spread, 2 * wells)
        right = (rng.random((2 * wells, images)) < shares[:, None]).astype(float).ravel()
        groups = [f"w{n // images}" for n in range(2 * wells * images)]
        half, truth = wells * images, np.repeat([0, 1], wells * images)
        for low, high in (
            interval_over_groups(right[:half], groups[:half]),
            balanced_interval(right, truth, groups),
        ):
            assert low is not None and high is not None
            covered.append(low <= share <= high)
    assert np.mean(covered[::2]) >= 0.9 and np.mean(covered[1::2]) >= 0.9


def test_no_accuracy_is_claimed_when_one_condition_only_is_held_out() -> None:
    report = evaluation_report(
        table([0, 0, 1], [0, 0, 1], ["test", "test", "train"]), ["a", "b", "c"], CONDITIONS
    )
    assert report["accuracy"] is None
    assert report["conditions_not_tested"] == ["DS"]
    assert "1 condition" in report["reason"]


def test_without_roles_there_is_no_z_prime_but_a_reason() -> None:
    latents = table([0, 0, 1, 1], [0, 0, 1, 1], ["test"] * 4)
    report = evaluation_report(latents, ["a", "b", "c", "d"], [Condition("WT"), Condition("DS")])
    assert "roles" in report["z_prime"]["reason"]


def test_z_prime_is_that_of_well_medians() -> None:
    latents = table([0] * 6 + [1] * 4, [0] * 6 + [1] * 4, ["test"] * 10)
    logits = np.zeros((10, 2), np.float32)
    logits[:, 0] = [4, 4, 99, 6, 6, 6, -4, -4, -6, -6]  # one odd image does not move its well
    groups = ["a", "a", "a", "b", "b", "b", "c", "c", "d", "d"]
    report = evaluation_report(replace(latents, logits=logits), groups, CONDITIONS)
    expected = z_prime(np.array([4.0, 6.0]), np.array([-4.0, -6.0]))
    assert report["z_prime"]["logits"]["z_prime"] == pytest.approx(expected)


def test_simple_baseline_separates_healthy_from_diseased_on_the_same_split(
    scanned_project: Project,
) -> None:
    dataset = scanned_project.dataset
    assert dataset is not None
    records = [r for r in dataset.records if r.condition in ("WT", "DS")]
    groups = {c: sorted({r.group for r in records if r.condition == c}) for c in ("WT", "DS")}
    split = {
        g: "train" if n < 3 else "test" for wells in groups.values() for n, g in enumerate(wells)
    }
    rows = measured(dataset)
    test = np.array([split[r.group] == "test" for r in records])
    found = simple_baseline(records, test, rows)
    assert found["accuracy"] >= 0.75
    assert found["readouts"] > 30

    swapped = {
        "WT": "DS",
        "DS": "WT",
    }  # labels of the test wells swapped: the score must follow the split
    lied = [
        replace(r, condition=swapped[r.condition]) if split[r.group] == "test" else r
        for r in records
    ]
    assert simple_baseline(lied, test, rows)["accuracy"] == pytest.approx(1 - found["accuracy"])


def test_wells_the_network_never_saw_do_not_train_the_baseline(scanned_project: Project) -> None:
    dataset = scanned_project.dataset
    assert dataset is not None
    assert (
        simple_baseline(dataset.records, np.ones(len(dataset.records), bool), measured(dataset))[
            "accuracy"
        ]
        is None
    )


def unequal_latents(small: int, large: int) -> tuple[LatentTable, list[str]]:
    """All images of WT are right, a third of DS; five wells each, every second one held out."""
    counts = {"WT": large, "DS": small}
    truth = np.repeat([0, 1], list(counts.values()))
    groups = [f"{name}{n % 5}" for name, total in counts.items() for n in range(total)]
    split = tuple("test" if int(g[-1]) % 2 else "train" for g in groups)
    right = np.array([k == 0 or n % 3 == 0 for n, k in enumerate(truth)])
    sure = np.where(right, truth, 1 - truth)
    probabilities = np.where(np.eye(2)[sure], 0.9, 0.1).astype(np.float32)
    table = LatentTable(
        tuple(map(str, range(len(truth)))), ("WT", "DS"), truth, split,
        np.zeros((len(truth), 2), np.float32), np.zeros((len(truth), 1), np.float32),
        np.log(probabilities), probabilities, "d",
    )  # fmt: skip
    return table, groups


def test_unequal_conditions_are_known_by_their_balanced_accuracy() -> None:
    conditions = (Condition("WT"), Condition("DS"))
    table, groups = unequal_latents(small=30, large=300)
    report = evaluation_report(table, groups, conditions)
    main = headline(report)
    assert main is not None and main.name == "balanced accuracy"
    assert main.value == report["balanced_accuracy"] < report["accuracy"] - 0.1
    assert main.low is not None and main.high is not None and main.low <= main.value <= main.high
    assert "DS was trained on 18 of 198 images, from 3 wells" in report["few"][0]
    table, groups = unequal_latents(small=150, large=300)
    report = evaluation_report(table, groups, conditions)
    assert report["few"] == [] and headline(report).name == "accuracy"


def test_reports_of_earlier_versions_are_known_by_their_accuracy() -> None:
    earlier = {"accuracy": 0.9, "accuracy_low": 0.8, "accuracy_high": 0.95}
    main = headline(earlier)
    assert main is not None and (main.name, main.value, main.low) == ("accuracy", 0.9, 0.8)
    assert headline({"accuracy": None, "reason": "x"}) is None


def test_the_printed_report_says_which_accuracy_it_is() -> None:
    table, groups = unequal_latents(small=30, large=300)
    report = evaluation_report(table, groups, (Condition("WT"), Condition("DS")))
    rest = {"other_images": False, "generative": {"accuracy": None, "unlike": []}}
    rest |= {"baseline": {"accuracy": None}, "roundtrip_failed": [], "roundtrip_records": 0}
    text = evaluation_text({**report, **rest, "roundtrip_error": 0.0})
    assert text.startswith("Balanced accuracy 0.") and "\nAccuracy 0.9" in text
    assert "DS was trained on 18 of 198 images" in text
