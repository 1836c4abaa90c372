"""`leigh bench map`: measure whether the map agrees with the model, is fast, and guides drags well.

It uses the demo or, with `--project`, any project with a trained model. Only held-out records are
measured.
"""

import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from benchmarks.map_drags import SURE, drag_measures, spread
from core.counterfactual.encode_decode import SourceImage, encode
from core.counterfactual.engine import Engine
from core.data.logit_coordinates import coordinates_of, probabilities_of
from core.domain import (
    DecisionMap,
    FloatArray,
    IntArray,
    LatentTable,
    Mix,
    Move,
    Projection,
)
from core.errors import LeighError
from core.io.read_verified import read_verified
from core.io.resources import resource
from core.latent_map.adaptive_grid import refined
from core.latent_map.decision_regions import SUPPORT, fit_decision, pixel_places, posterior_at
from core.latent_map.inverse_projection import fit_inverse_projection
from core.latent_map.projection import extended, fit_projection
from core.latent_map.ternary_choices import first_planes
from core.progress import Progress, Report, silent

FINE = 512
SHUFFLES = 4
NEIGHBOURS = 10
NEW = 0.05  # share of images that are added later
LEAST = 40  # fewest images


def bench_map(project: Path | None = None, report: Report = silent) -> dict[str, Any]:
    """Measure map fidelity, speed, new images, permuted labels and drags, with yardsticks."""
    session = Engine(project or resource("demo"), "cpu", with_evidence=False)
    table, decision = session.map.latents, session.map.decision
    if table is None or decision is None or session.map.projection is None:
        raise LeighError("The project has no map.", "Run `leigh encode` and `leigh map` first.")
    test = np.array(table.split) == "test"
    if len(np.unique(table.truth[test])) < 2 or len(test) < LEAST:
        raise LeighError(
            "Too few images are held out to judge a map.",
            f"{LEAST} images and two held-out conditions are needed.",
        )
    xy = session.map.projection.xy.astype(np.float64)
    figures: dict[str, Any] = {
        "records": len(xy),
        "conditions": len(table.conditions),
        "method": session.map.projection.method,
    }
    figures |= _fidelity(table, decision, xy)
    figures["void_confident_cells"] = _confident_void(decision, xy)
    figures |= _at_once(table, session.map.projection) | _planes(session, table)
    report(Progress(1, 5, "Drawing the map"))
    figures |= _speed(table, decision, xy)
    report(Progress(2, 5, "Adding new images"))
    figures |= _new_points(session, table, xy)
    report(Progress(3, 5, "Shuffling the labels"))
    figures |= _permuted(session, table)
    figures |= drag_measures(session, report)
    return figures | {"latent_typicality": _typicality(session, table)}


def _fidelity(table: LatentTable, decision: DecisionMap, xy: FloatArray) -> dict[str, Any]:
    test = np.array(table.split) == "test"
    regions = np.array([posterior_at(decision, *p).argmax() for p in xy])
    misclassified = test & (table.predicted != table.truth)
    agrees = regions == table.predicted
    of_misclassified = agrees[misclassified]
    right_side = float(of_misclassified.mean()) if len(of_misclassified) else None
    return {
        "fidelity_heldout": float(agrees[test].mean()),
        "fidelity_points": int(test.sum()),
        "misclassified_right_side": right_side,
        "misclassified_points": len(of_misclassified),
    }


def _at_once(table: LatentTable, projection: Projection) -> dict[str, Any]:
    """Compare the regions by kernel regression with those of the fitted network."""
    rough_s, rough = _timed(lambda: fit_decision(table, projection, at_once=True), 1)
    fitted_s, _ = _timed(lambda: fit_decision(table, projection), 1)
    return {
        "at_once_ms": rough_s * 1e3,
        "fitted_ms": fitted_s * 1e3,
        "at_once_fidelity": rough.fidelity,
    }


def _planes(session: Engine, table: LatentTable) -> dict[str, Any]:
    """The lowest fidelity of the first ternary planes on held-out images.

    Images that the model reads as a fourth condition count as disagreement in the first figure, but
    not in the second.
    """
    shares, among_three = [], []
    for names in first_planes(session.card.conditions):
        projection, decision, plane = session.map.view(names)
        assert plane is not None
        rows = [table.row(i) for i in projection.record_ids]
        read = [table.conditions[table.predicted[row]] for row in rows]
        regions = [names[k] for k in probabilities_of(plane.back(projection.xy)).argmax(axis=1)]
        test = [k for k, row in enumerate(rows) if table.split[row] == "test"]
        agreed = [regions[k] == read[k] for k in test if read[k] in names]
        if agreed:
            shares.append(decision.fidelity)
            among_three.append(np.mean(agreed))
    if not shares:
        return {}
    return {
        "plane_fidelity": float(min(shares)),
        "plane_fidelity_among_three": float(min(among_three)),
    }


def _confident_void(decision: DecisionMap, xy: FloatArray) -> int:
    """Number of coloured pixels without data, measured at every pixel (the map: every fourth)."""
    tree = cKDTree(xy)
    near = tree.query(xy, k=min(SUPPORT + 1, len(xy)))[0][:, -1]
    pixels = pixel_places(decision.extent, len(decision.support))
    distance = tree.query(pixels, k=min(SUPPORT, len(xy)))[0][..., -1]
    void = distance > 2 * np.percentile(near, 99)
    return int((void & decision.support & (decision.posterior.max(axis=2) > SURE)).sum())


def _speed(table: LatentTable, decision: DecisionMap, xy: FloatArray) -> dict[str, Any]:
    """Compare the adaptive grid with a full grid; medians of three runs after a warm-up."""
    training = np.array(table.split) != "test"
    inverse = fit_inverse_projection(xy[training], table.coordinates[training], 0)
    pixels = pixel_places(decision.extent, FINE).reshape(-1, 2)
    slow_s, every = _timed(lambda: inverse(pixels).reshape(FINE, FINE, -1))
    fast_s, (quick, asked) = _timed(lambda: refined(inverse, decision.extent, FINE))
    small_s, _ = _timed(lambda: probabilities_of(refined(inverse, decision.extent, 256)[0]))
    classes = [probabilities_of(u).argmax(axis=2) for u in (every, quick)]
    return {
        "quadtree_speedup": slow_s / fast_s,
        "quadtree_mismatch": float((classes[0] != classes[1]).mean()),
        "quadtree_asked": asked / FINE**2,
        "map_256_ms": small_s * 1e3,
    }


def _timed(what: Any, times: int = 3) -> tuple[float, Any]:
    what()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        result = what()
        seconds.append(time.perf_counter() - began)
    return median(seconds), result


def _new_points(session: Engine, table: LatentTable, xy: FloatArray) -> dict[str, Any]:
    """Fit the map without some records, then add these records."""
    rng = np.random.default_rng(0)
    late = np.sort(rng.permutation(len(xy))[: max(1, round(NEW * len(xy)))])
    early = np.setdiff1d(np.arange(len(xy)), late)
    before = fit_projection(_rows(table, early), seed=0)
    after = extended(table, before)
    assert after is not None
    record = table.record_ids[0]
    placing_s, _ = _timed(
        lambda: session._landing(session.move(Move(record, Mix({table.conditions[0]: 1.0}, 0.0))))
    )
    return {
        "new_point_ms": placing_s * 1e3,  # reading by the model and projection
        "moved_by_new_images": float(np.abs(after.xy[early] - before.xy).max()),
        "same_seed_same_map": bool(
            np.array_equal(fit_projection(_rows(table, early), seed=0).xy, before.xy)
        ),
    }


def _rows(table: LatentTable, rows: IntArray) -> LatentTable:
    arrays = {
        k: getattr(table, k)[rows]
        for k in ("truth", "features", "coordinates", "logits", "probabilities")
    }
    texts = {k: tuple(getattr(table, k)[i] for i in rows) for k in ("record_ids", "split")}
    return replace(table, **arrays, **texts)


def _permuted(session: Engine, table: LatentTable) -> dict[str, Any]:
    """Purity of held-out points on maps of shuffled labels, without neighbours of the same well."""
    from sklearn.linear_model import LogisticRegression

    dataset = session.project.dataset
    assert dataset is not None
    groups = np.array([dataset.record(i).group for i in table.record_ids])
    names, first = np.unique(groups, return_index=True)
    test = np.array(table.split) == "test"
    rng = np.random.default_rng(0)
    purity, chance = [], []
    for _ in range(SHUFFLES):
        shuffled = dict(zip(names, rng.permutation(table.truth[first])))
        labels = np.array([shuffled[g] for g in groups])
        if len(np.unique(labels[~test])) < len(table.conditions):
            continue
        head = LogisticRegression(C=0.03, max_iter=3000, class_weight="balanced")
        logits = head.fit(table.features[~test], labels[~test]).decision_function(table.features)
        logits = logits if logits.ndim == 2 else np.stack([-logits, logits], axis=1) / 2
        u = coordinates_of(logits.astype(np.float32))
        made = replace(
            table, coordinates=u, logits=logits, probabilities=probabilities_of(u), truth=labels
        )
        xy = fit_projection(made, seed=0).xy[test]
        distance = np.linalg.norm(xy[:, None] - xy, axis=2)
        distance[groups[test][:, None] == groups[test]] = np.inf
        same = labels[test][:, None] == labels[test]
        near = np.argsort(distance, axis=1)[:, :NEIGHBOURS]
        purity.append(np.take_along_axis(same, near, axis=1).mean())
        chance.append(same[np.isfinite(distance)].mean())
    # None: in no shuffle all conditions are in the training wells.
    return {
        "permuted_label_purity": float(np.mean(purity)) if purity else None,
        "permuted_label_chance": float(np.mean(chance)) if chance else None,
    }


def _typicality(session: Engine, table: LatentTable) -> float:
    """Size of the latents of counterfactuals, encoded as the target, relative to real images."""
    dataset = session.project.dataset
    assert dataset is not None
    test = [i for i, split in enumerate(table.split) if split == "test"]
    real: dict[str, list[float]] = {}
    ratios = []
    chosen = spread(test, table.truth, 2 * len(table.conditions))[:8]
    for i in chosen:
        record = dataset.record(table.record_ids[i])
        raw = read_verified(dataset.root, record)
        image = SourceImage(record.id, record.condition, raw)
        z = encode(session.model, session.card, image).z
        real.setdefault(record.condition, []).append(float(z.square().mean().sqrt()))
    for i in chosen:
        record = dataset.record(table.record_ids[i])
        target = next(c for c in real if c != record.condition)
        moved = session.move(Move(record.id, Mix({target: 1.0}), ()))
        z = encode(session.model, session.card, SourceImage(record.id, target, moved.image)).z
        ratios.append(float(z.square().mean().sqrt()) / float(np.mean(real[target])))
    return median(ratios)
