"""`leigh bench truth`: measure how much of a known change counterfactuals recover.

One plate of known phenotypes per seed (benchmarks.truth_plate) is trained with a preset; the
strength is calibrated on its validation wells. Everything is then measured on new cultures, next to
simple baselines.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.bad_generators import bad_generators
from benchmarks.contact_sheet import save_contact_sheet
from benchmarks.cultures import Culture, Cultures, Way
from benchmarks.measures import change_measures, culture_readouts
from benchmarks.truth_plate import FIELDS, PHENOTYPES, WELLS, make_project
from benchmarks.truth_summary import DECISIVE, MEASURES, NULL, WAYS, summary
from core.data.nuclei import lost_and_gained
from core.domain import Counterfactual, FloatArray, Mix, Split
from core.errors import LeighError
from core.progress import Progress, Report, silent

PATH = np.linspace(0, 1, 6)
# The readout that is measured along the path, per condition.
FACTOR = {"INT": "mito_intensity", "MOR": "mito_radial", "DS": "mito_radial"}
PATH_CULTURES = 6
Change = Callable[[Culture, Way], FloatArray]


@dataclass(frozen=True)
class Settings:
    """Size of the benchmark; sides in pixels."""

    preset: str = "standard"
    cultures: int = 12
    side: int = 96
    wells: int = WELLS
    fields: int = FIELDS


def bench_truth(
    work: Path,
    seeds: Sequence[int] = (0, 1, 2),
    settings: Settings = Settings(),
    report: Report = silent,
) -> dict[str, Any]:
    """Medians over seeds and the worst pair of conditions; `seeds` has the figures of each seed.

    `work` keeps plates, models and figures; results with the same settings are used again.
    """
    of_seeds = []
    for seed in seeds:
        folder = work / f"{settings.preset}-{seed}"
        file = folder / "truth.json"
        measured = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if measured.get("settings") != asdict(settings):
            train_seed(folder, seed, settings, report)
            measured = measure_seed(folder, seed, settings, report) | {"settings": asdict(settings)}
            file.write_text(json.dumps(measured), encoding="utf-8")
        of_seeds.append(measured)
    return summary(of_seeds) | {"preset": settings.preset, "seeds": of_seeds}


def train_seed(folder: Path, seed: int, settings: Settings, report: Report) -> None:
    """Make plate and model of one seed, as a user would; existing ones are kept.

    Raises LeighError for a folder with another plate.
    """
    from core import make_map, train
    from core.io.project import open_project

    if not (folder / "project.json").exists():
        make_project(folder, seed, settings.wells, settings.fields, report)
    project = open_project(folder)
    images = len(project.dataset.records) if project.dataset else 0
    if images != len(PHENOTYPES) * settings.wells * settings.fields:
        raise LeighError(
            f"{folder} holds another plate ({images} images).", "Choose another --work."
        )
    if not project.model:
        started = (folder / "models" / "iresnet" / "checkpoint.safetensors").exists()
        train(
            folder,
            preset=settings.preset,
            seed=seed,
            device="auto",
            resume=started,
            progress=report,
        )
        make_map(folder, seed=seed, progress=report)


class Mover:
    """Moves cultures with a trained model, as the program does; remembers encoded cultures."""

    def __init__(self, session: Any, hold: tuple[str, ...] | None = None) -> None:
        self.session, self.hold = session, hold
        self._encoded: dict[tuple[int, str, tuple[bool, ...]], Any] = {}

    def move(self, culture: Culture, way: Way, strength: float = 1.0) -> Counterfactual:
        """The culture, moved from one condition toward another."""
        from core.counterfactual.encode_decode import (
            SourceImage,
            counterfactual,
            encode,
            locked_mask,
        )

        source, target = way
        session = self.session
        names = session.automatic_locks(source, target) if self.hold is None else self.hold
        locked = locked_mask(session.card, names)
        key = (culture.seed, source, locked)
        if key not in self._encoded:
            raw = culture.images[source].astype(np.uint16)
            image = SourceImage(str(key), source, raw, locked)
            self._encoded[key] = encode(session.model, session.card, image)
        mix = Mix({target: 1.0}, strength)
        return counterfactual(session.model, session.card, self._encoded[key], mix)


def measure_seed(folder: Path, seed: int, settings: Settings, report: Report) -> dict[str, Any]:
    """All figures of the model of one seed."""
    from core.counterfactual.engine import Engine

    session = Engine(folder)
    cultures = Cultures(PHENOTYPES, WAYS, 5000 + seed, settings.cultures, settings.side)
    mover, yardsticks = Mover(session), baselines(session, cultures)
    rows = []
    for i, way in enumerate(WAYS):
        rows.append(measure_way(way, cultures, mover, yardsticks))
        report(Progress(i + 1, len(WAYS), f"Seed {seed}: measuring pairs of conditions"))
    save_contact_sheet(folder / "contact_sheet.png", cultures, mover)
    shown, inverse = cultures.cultures, session.card.inverse
    assert inverse is not None
    return {
        "seed": seed,
        "ways": rows,
        "classifiers": classifiers(session),
        "path_rho": {
            "->".join(w): path_rho(w, shown[:PATH_CULTURES], mover, cultures) for w in DECISIVE
        },
        "bad_generators": {
            "->".join(w): bad_generators(w, cultures, mover) for w in (("WT", "DS"), ("WT", "MOR"))
        },
        "there_and_back": there_and_back(shown[:PATH_CULTURES], mover),
        "inverse": {
            "roundtrip_max": inverse.roundtrip_max,
            "contraction_max": max(inverse.contraction),
        },
        "training": session.card.training,
    }


def baselines(session: Any, cultures: Cultures) -> dict[str, Change]:
    """Simple baselines (identity, ratio of class means, Haar pyramid), and the best possible."""
    from benchmarks.baselines import class_ratio, haar_pyramid

    return {
        "identity": lambda c, way: np.zeros_like(c.images[way[0]]),
        "class-ratio": class_ratio(session),
        "haar-pyramid": haar_pyramid(session),
        "oracle": lambda c, way: cultures.oracle(c, way[1]) - c.images[way[0]],
    }


def measure_way(
    way: Way, cultures: Cultures, mover: Mover, others: dict[str, Change]
) -> dict[str, Any]:
    """One ordered pair of conditions: the model and all baselines."""
    session = mover.session
    results = [mover.move(c, way) for c in cultures.cultures]
    valid = [(c, r) for c, r in zip(cultures.cultures, results) if r.valid]
    row: dict[str, Any] = {"way": "->".join(way), "shown": len(valid), "cultures": len(results)}
    row["refused"] = sorted({r.reason for r in results if not r.valid})
    row["held"] = list(results[0].locked)
    row["gain"] = session.card.training["gains"].get(way[0], {}).get(way[1])
    if not valid:
        return row
    changes = {"model": [(c, r.difference) for c, r in valid]}
    changes |= {k: [(c, f(c, way)) for c in cultures.cultures] for k, f in others.items()}
    row["rms"] = float(np.median([_rms(d, session) for _, d in changes["model"]]))
    if NULL not in way:
        row["designs"] = {
            k: compare(way, v, cultures, session.card.preprocessing.span)
            for k, v in changes.items()
        }
    row["images"] = [oracle_probabilities(c, r, way, cultures, session) for c, r in valid]
    moved = [session.evidence.measure(r) for _, r in valid]
    evidence = session.evidence.direction(*way).assess(moved)
    row["evidence"] = {c.name: [c.light, c.words] for c in evidence.checks} | {
        "light": evidence.light
    }
    row["roundtrip_max"] = max(r.roundtrip_error for _, r in valid)
    row["contraction_max"] = max(r.contraction for _, r in valid)
    return row


def compare(
    way: Way, made: Sequence[tuple[Culture, FloatArray]], cultures: Cultures, spans: Sequence[float]
) -> dict[str, Any]:
    """Medians over cultures for the changes of one design, and the recovered readouts."""
    planted = cultures.planted[way]
    rows = [
        change_measures(d, c.images[way[1]] - c.images[way[0]], spans, planted) for c, d in made
    ]
    measured = [(c, culture_readouts(c.images[way[0]] + d, cultures.nuclei)) for c, d in made]
    return {k: float(np.median([r[k] for r in rows])) for k in MEASURES} | {
        "readouts": cultures.recovery(way, measured)
    }


def oracle_probabilities(
    culture: Culture, result: Counterfactual, way: Way, cultures: Cultures, session: Any
) -> dict[str, Any]:
    """Which classifiers see the target in counterfactual and truth; cells lost and gained.

    Parameters
    ----------
    culture
        The culture under all conditions.
    result
        Its counterfactual.
    way
        Source and target.
    cultures
        Gives the detection of nuclei.
    session
        The engine.
    """
    names = session.card.condition_names
    target = way[1]
    # WT and NULL are the same phenotype.
    equal = ("WT", NULL) if target in ("WT", NULL) else (target,)
    same = {names.index(name) for name in equal}
    ours, truth = (
        session.evidence.panel.oracles.probabilities(x).argmax(axis=1)
        for x in (result.image, culture.images[way[1]])
    )
    cells = lost_and_gained(cultures.nuclei, culture.images[way[0]][0], result.image[0])
    return {
        "flip": int(result.probabilities.argmax()) in same,
        "judges": [int(k) in same for k in ours],
        "truth_judges": [int(k) in same for k in truth],
        "cells": [int(v) for v in cells],
    }


def path_rho(way: Way, chosen: Sequence[Culture], mover: Mover, cultures: Cultures) -> float:
    """Median Spearman correlation of strength and readout, in the direction of the truth."""
    source, target = way
    readout = FACTOR[target if target != "WT" else source]
    shifts = [c.readouts[target][readout] - c.readouts[source][readout] for c in chosen]
    sign = np.sign(np.mean(shifts))
    rhos = []
    for culture in chosen:
        images = [mover.move(culture, way, float(s)).image for s in PATH]
        values = [culture_readouts(x.astype(np.float32), cultures.nuclei)[readout] for x in images]
        rhos.append(sign * float(spearmanr(PATH, values).statistic) if np.ptp(values) > 0 else 0.0)
    return float(np.median(rhos))


def there_and_back(chosen: Sequence[Culture], mover: Mover) -> float:
    """Largest error of DS -> WT -> DS without rounding, as a share of the display range."""
    import torch

    from core.counterfactual.encode_decode import mixture_of, relative_error
    from core.data.preprocessing import to_network

    session, errors = mover.session, []
    card, model = session.card, session.model
    s, t = (mixture_of(card, k, session.device) for k in ("DS", "WT"))
    with torch.no_grad():
        for culture in chosen:
            x = to_network(card.preprocessing, culture.images["DS"])
            pattern, levels = model.split(torch.from_numpy(x)[None].to(session.device))
            z, _ = model.encode(pattern, s)
            moved = model.decode(z, t)
            again, _ = model.encode(moved, t)
            back = model.join(model.decode(again, s), levels)
            errors.append(relative_error(card, x, back[0].cpu().numpy()))
    return max(errors)


def classifiers(session: Any) -> dict[str, float]:
    """Accuracy and calibration on held-out wells; WT and NULL count as one condition."""
    from core.training.evaluate import calibration_error

    names = session.card.condition_names
    merge = np.array([names.index("WT") if n == NULL else i for i, n in enumerate(names)])
    join = np.zeros((len(names), len(names)), np.float64)
    join[np.arange(len(names)), merge] = 1
    latents, real = session.map.latents, session.evidence.real
    test = np.array(latents.split) == Split.TEST
    belief, truth = latents.probabilities[test] @ join, merge[latents.truth[test]]
    oracle_probabilities = real.oracle_probabilities[real.held_out][:, 0] @ join
    return {
        "accuracy": float((belief.argmax(axis=1) == truth).mean()),
        "calibration_error": calibration_error(belief, truth),
        "cnn_accuracy": float(
            (oracle_probabilities.argmax(axis=1) == merge[real.truth[real.held_out]]).mean()
        ),
        "images": int(test.sum()),
    }


def _rms(difference: FloatArray, session: Any) -> float:
    spans = np.array(session.card.preprocessing.span)[:, None, None]
    return float(np.sqrt(np.mean((difference / spans) ** 2)))
