"""The evidence card is tried on known pictures of the lab's own wells."""

from dataclasses import replace

import numpy as np
import pytest

from core.data.split import split_by_group
from core.domain import ModelCard, Project, Split
from core.domain.accuracy import card_record_words
from core.evidence.known_pictures import TRUTH, area_under_curve, known_pictures
from core.evidence.reference import measure_readouts
from core.progress import silent
from core.synthetic.plate import PlateOptions, parse_conditions, write_plate
from core.workflows.card_record import UNTOUCHED, card_record, plan_trial
from core.workflows.measure import MeasuredImages
from core.workflows.project import reader
from core.workflows.scan import scan
from core.workflows.train import TrainOptions, untrained_card


def measured(project: Project, preset: str) -> tuple[ModelCard, MeasuredImages]:
    dataset = project.dataset
    assert dataset is not None
    split = split_by_group(dataset.records, seed=0)
    card = untrained_card(dataset, TrainOptions(preset), split)
    readouts = measure_readouts(dataset.records, card.preprocessing, reader(dataset))
    return card, MeasuredImages(dataset, readouts)


@pytest.fixture(scope="module")
def plate(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, MeasuredImages]:
    folder = tmp_path_factory.mktemp("record")
    options = PlateOptions(wells=8, fields=6, size=96)
    write_plate(folder / "images", parse_conditions(["WT", "DS"]), options)
    return measured(scan(folder / "images", folder / "project"), tiny)


@pytest.mark.slow
def test_the_record_tells_right_from_wrong_pictures(
    plate: tuple[ModelCard, MeasuredImages],
) -> None:
    record = card_record(*plate, silent)
    assert record["condition"] == "WT" and record["changes"] == ["Mitochondria x0.6"]
    assert record["right"] >= 4 and record["wrong"] == 6 * record["right"]
    assert record["wrong_green"] <= 0.1 * record["wrong"]
    assert record["auc"] > 0.8
    words = card_record_words(record)
    assert f"{record['right_green']} of {record['right']} right ones green" in words


def test_every_well_is_dealt_to_all_changes_and_held_out_wells_stay_held_out(
    plate: tuple[ModelCard, MeasuredImages],
) -> None:
    card, images = plate
    trial = plan_trial(card, images)
    assert trial is not None and trial.channel == 2  # not the nuclei
    wells: dict[str, set[str]] = {}
    for record in trial.records:
        wells.setdefault(record.group, set()).add(record.condition)
    assert all(conditions == set(trial.names) for conditions in wells.values())
    assert {card.split[g] for g in wells} >= {Split.TRAIN, Split.TEST}
    record = next(r for r in trial.records if r.condition == UNTOUCHED)
    for name in trial.names[1:]:
        changed = trial.image(record, name) != trial.read(record)
        assert changed[2].any() and not changed[:2].any()


def test_few_images_give_no_record(scanned_project: Project, tiny: str) -> None:
    card, images = measured(scanned_project, tiny)
    assert card_record(card, images, silent) == {}
    assert card_record_words({}) == ""


def test_known_pictures_are_wrong_in_one_way_each() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform(100, 200, (2, 16, 16))
    end = start.copy()
    end[0] += rng.uniform(0, 50, (16, 16))
    pictures = known_pictures(start, end, np.array([100.0, 100.0]), [0])
    assert np.allclose(pictures[TRUTH], end) and np.allclose(pictures["nothing"], start)
    assert np.allclose(pictures["half"], (start + end) / 2, atol=1e-3)
    assert np.allclose(pictures["twice"] - start, 2 * (end - start), atol=1e-3)
    assert (pictures["leak"][1] > end[1] - 1e-3).all() and np.allclose(pictures["leak"][0], end[0])
    moved = np.sort(pictures["wrong place"] - start, axis=None)
    assert np.allclose(moved, np.sort(end - start, axis=None), atol=1e-3)
    lifted = known_pictures(start, start + 20, np.array([100.0, 100.0]), [0, 1])
    assert "wrong place" not in lifted
    assert "leak" not in known_pictures(start[:1], end[:1], np.array([100.0]), [0])


def test_the_area_counts_equal_lights_half() -> None:
    assert area_under_curve(["green", "green"], ["red", "amber"]) == 1.0
    assert area_under_curve(["green"], ["green"]) == 0.5
    assert area_under_curve([], ["red"]) is None


def test_the_card_of_a_trained_model_carries_its_record(plate: tuple[ModelCard, MeasuredImages]):
    from core.evidence.source import EvidenceSource

    record = {"condition": "WT", "right": 5, "right_green": 4, "wrong": 30, "wrong_green": 1}
    card = replace(plate[0], training={"card_record": record})
    assert "4 of 5 right ones green, and 1 of 30 wrong ones" in EvidenceSource("", card).record
    assert EvidenceSource("", plate[0]).record == ""
