"""Negative control: where conditions are shuffled between wells, nothing may be learned."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.counterfactual.engine import Engine
from core.data.split import split_by_group
from core.domain import ImageRecord, Mix, ModelCard, Move, Problem, ProblemKind, Project, Split
from core.domain.accuracy import interval_words
from core.errors import LeighError
from core.io.atomic import make_folder
from core.io.lock import ProjectLock
from core.io.project import create_project, exports_folder, open_project
from core.progress import Progress, Report, silent
from core.workflows.project import images_of
from core.workflows.train import DEFAULTS, TrainOptions, train

FOLDER = "permuted-labels"  # in the exports of the project
DRAWS = 200  # random shuffles, of which the best mixed is taken
SHUFFLES = 20  # well-mixed shuffles, of which the fairest is taken
WIDE = 0.5  # an accuracy interval of this width says little
COMPARED = 24  # images whose change is compared with the change by the user's model


def negative_control(
    project: Project, options: TrainOptions = DEFAULTS, *, report: Report = silent
) -> dict[str, Any]:
    """Train on shuffled conditions in a project of its own, exports/permuted-labels.

    Every call makes this project from the start. An accuracy above chance on held-out groups is
    then not biology. The user's model, latents and map are only read.
    """
    with ProjectLock(project.folder):
        return _negative_control(project, options, report)


def _negative_control(project: Project, options: TrainOptions, report: Report) -> dict[str, Any]:
    dataset, seed, test_groups = images_of(project), options.seed, options.test_groups
    labels = fair_labels(dataset.records, seed, test_groups)
    records = tuple(replace(r, condition=c) for r, c in zip(dataset.records, labels))
    reported = Problem(
        "all images",
        "a negative control: their conditions were shuffled",
        "",
        "warning",
        ProblemKind.CONTROL,
    )
    shuffled = replace(dataset, records=records, problems=(reported,))
    folder = make_folder(exports_folder(project), project.folder) / FOLDER
    if (folder / "project.json").exists():
        shutil.rmtree(folder)
    control = create_project(folder, shuffled, f"{project.name}: conditions shuffled")
    card = train(control, replace(options, conditions=()), report=report)
    control = open_project(folder)
    result = at_chance(card, from_truth(dataset.records, labels, card.split))
    result["change_vs_model"] = _change_vs_model(project, control, card, options.device, report)
    result["project"] = str(folder)
    return {**result, "text": _chance_text(result, card)}


def fair_labels(
    records: Sequence[ImageRecord], seed: int, test_groups: Sequence[str] = ()
) -> list[str]:
    """Of some shuffles, take the one whose labels are least predictable from the true conditions.

    In a well-mixed shuffle, held-out groups often have labels that training groups of the same
    condition lack. Accuracy is then far below chance, and a leak could hide behind it.
    """
    even = 1 / len({r.condition for r in records})
    best: tuple[float, list[str]] | None = None
    for turn in range(SHUFFLES):
        labels = permuted_conditions(records, seed + 1000 * turn)
        shuffled = [replace(r, condition=c) for r, c in zip(records, labels)]
        try:
            informed = from_truth(
                records, labels, split_by_group(shuffled, seed=seed, test_groups=test_groups)
            )
        except LeighError:  # these labels leave a condition without training groups
            if turn == SHUFFLES - 1 and best is None:
                raise
            continue
        unfair = abs(informed - even) if informed is not None else 0.0
        if best is None or unfair < best[0]:
            best = unfair, labels
    assert best is not None
    return best[1]


def permuted_conditions(records: Sequence[ImageRecord], seed: int) -> list[str]:
    """Shuffle conditions between groups of one condition, and within groups of several conditions.

    Of DRAWS shuffles, the best mixed is taken: smallest chi-square of true against shuffled
    conditions. With few wells, a plain shuffle often leaves most wells as they were. Raises
    LeighError where no shuffle mixes.
    """
    truth = np.array([r.condition for r in records])
    names, code = np.unique(truth, return_inverse=True)
    if len(names) < 2:
        raise LeighError(
            f"There is only one condition: {names[0]}."
            if names.size
            else "The project has no records.",
            "Shuffling needs at least two conditions.",
        )
    groups = np.array([r.group for r in records])
    rows = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    pure = [r for r in rows if len(set(code[r])) == 1]
    mixed = [r for r in rows if len(set(code[r])) > 1]
    rng = np.random.default_rng(seed)
    best, smallest = code, np.inf
    for _ in range(DRAWS):
        drawn = code.copy()
        for members, k in zip(pure, rng.permutation([code[r[0]] for r in pure])):
            drawn[members] = k
        for members in mixed:
            drawn[members] = rng.permutation(code[members])
        table = np.zeros((len(names), len(names)))
        np.add.at(table, (code, drawn), 1)
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(records)
        chi_square = float(((table - expected) ** 2 / np.maximum(expected, 1e-9)).sum())
        if chi_square < smallest and (table > 0).sum(axis=1).max() > 1:
            best, smallest = drawn, chi_square
    if not np.isfinite(smallest):
        raise LeighError(
            f"The conditions of {len(rows)} groups cannot be shuffled: every condition would stay"
            " together.",
            "At least two wells of every condition are needed.",
        )
    return [str(names[k]) for k in best]


def from_truth(
    records: Sequence[ImageRecord], labels: Sequence[str], split: dict[str, str]
) -> float | None:
    """How well shuffled `labels` of held-out groups follow from the true conditions alone.

    The predicted label is the most frequent label among the training images of the same true
    condition; of several, one at random. The accuracy is often less than 1/K, because in a
    well-mixed shuffle few held-out groups have this label. None without held-out groups.
    """
    taught = Counter(
        (r.condition, k) for r, k in zip(records, labels) if split.get(r.group) == Split.TRAIN
    )
    likeliest: dict[str, list[str]] = {}  # true condition -> its most frequent labels
    for truth in {t for t, _ in taught}:
        most = max(taught[truth, label] for label in set(labels))
        likeliest[truth] = [k for (t, k), n in taught.items() if t == truth and n == most]
    test = [(r.condition, k) for r, k in zip(records, labels) if split.get(r.group) == Split.TEST]
    right = [(k in likeliest[t]) / len(likeliest[t]) for t, k in test if t in likeliest]
    return float(np.mean(right)) if right else None


def at_chance(card: ModelCard, informed: float | None = None) -> dict[str, Any]:
    """Compare the accuracy on held-out groups with chance.

    `chance` is the share of the largest condition in these groups, at least 1/K. `at_chance` says
    whether the accuracy interval meets the range from 1/K to this share. The range also includes
    `informed`, the accuracy that the true conditions alone give (see `from_truth`).
    """
    reported = card.accuracy
    result: dict[str, Any] = {
        k: reported.get(k) for k in ("accuracy", "accuracy_low", "accuracy_high")
    }
    even = 1 / len(card.conditions)
    if result["accuracy"] is None:
        return result | {"chance": even, "chance_from_truth": informed, "at_chance": None}
    support = np.sum(reported["confusion"], axis=1)
    chance = max(even, float(support.max() / support.sum()))
    low, high = (even, chance) if informed is None else (min(even, informed), max(chance, informed))
    ends = reported["accuracy_low"], reported["accuracy_high"]
    inside = None if None in ends else ends[0] <= high and ends[1] >= low
    return result | {"chance": chance, "chance_from_truth": informed, "at_chance": inside}


def _change_vs_model(
    real: Project, control: Project, card: ModelCard, device: str, report: Report
) -> float | None:
    """Median size of the change at strength 1, relative to the change by the user's model.

    Size: root mean square over channels and pixels, in display ranges of the user's model, over
    the same held-out records. None without a model.
    """
    dataset = images_of(real)
    if not real.model:
        return None
    try:
        session = Engine(real, device, with_evidence=False)
    except LeighError:  # damaged, or of another version: reported where the model is opened
        return None
    conditions = set(session.card.condition_names)
    if len(conditions) < 2 or len(session.card.channels) != len(card.channels):
        return None
    test = [r for r in dataset.records if card.split[r.group] == Split.TEST]
    test = [r for r in test if r.condition in conditions]
    order = np.random.default_rng(card.seed).permutation(len(test))
    chosen = [test[i] for i in sorted(order[:COMPARED])]
    other = Engine(control, device, with_evidence=False)
    pairs = []
    for i, record in enumerate(chosen):
        sizes = [_size(s, record.id, i, session.card.preprocessing.span) for s in (session, other)]
        pairs += [sizes] if None not in sizes else []
        report(Progress(i + 1, len(chosen), "Comparing the changes"))
    medians = np.median(np.array(pairs, float), axis=0) if pairs else np.zeros(2)
    return float(medians[1] / medians[0]) if medians[0] > 0 else None


def _size(session: Engine, record_id: str, turn: int, span: tuple[float, ...]) -> float | None:
    """Root mean square change of one record toward the `turn`-th other condition; None: failed."""
    assert session.project.dataset is not None
    source = session.project.dataset.record(record_id).condition
    targets = [n for n in session.card.condition_names if n != source]
    moved = session.move(Move(record_id, Mix({targets[turn % len(targets)]: 1.0})))
    share = moved.difference.astype(np.float64) / np.array(span)[:, None, None]
    return float(np.sqrt((share**2).mean())) if moved.valid else None


def _chance_text(result: dict[str, Any], card: ModelCard) -> str:
    reported = card.accuracy
    if result["accuracy"] is None:
        return f"With shuffled conditions no accuracy is claimed. {reported.get('reason', '')}"
    interval = interval_words(reported)
    where = f"{reported['test_records']} images in {reported['test_groups']} held-out groups"
    line = f"With shuffled conditions: accuracy {result['accuracy']:.2f}{interval} on {where}, "
    line += f"chance is {result['chance']:.2f}"
    if result["chance_from_truth"] is not None:
        line += f", {result['chance_from_truth']:.2f} from the true conditions alone"
    line += ": "
    if result["at_chance"] is None:
        line += "too few held-out groups to say whether that is chance."
    elif result["at_chance"]:
        line += "nothing was learned, as it should be."
        if result["accuracy_high"] - result["accuracy_low"] > WIDE:
            line += " With so few held-out groups a weak leak would not show."
    elif result["accuracy"] < result["chance"]:
        line += (
            "nothing was learned. Below chance: shuffling few wells does that; try another --seed."
        )
    else:
        line += (
            "WARNING: something other than the condition leaks into held-out groups, for example"
            " wells or plates."
        )
    if result["change_vs_model"] is not None:
        line += (
            f"\nIts counterfactual changes are {result['change_vs_model']:.2f} times as large as"
            " your model's."
        )
    return f"{line}\nThe control is in {result['project']}; your own model was not touched."
