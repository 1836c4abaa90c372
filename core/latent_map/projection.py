"""Frozen 2-D places of the records: UMAP on the semantic coordinates, and placing of new points
without refitting.

Features [sqrt(.65) u / std / sqrt(K-1), sqrt(.35) sqrt(p) / std / sqrt(K)]: half geometry, half the
model's own belief. Never UMAP on raw latents (held-out map fidelity 0.2-0.4 there). McInnes et al.
2018, arXiv 1802.03426.
"""

import os
import warnings
from dataclasses import replace

import numpy as np
from platformdirs import user_cache_path
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import cKDTree

from core.domain import FloatArray, LatentTable, Projection, Split
from core.latent_map.decision_regions import SUPPORT, reach_of
from core.progress import Progress, Report, silent

MAX_LANDMARKS = 4096  # above it umap compiles a second code path for minutes
MIN_FOR_UMAP = 20
NEIGHBOURS = 15  # records a new point is placed by
LARGE_SCALE = (
    0.15  # share of the records UMAP looks at around each: enough to see past its own condition
)


def map_features(latents: LatentTable) -> FloatArray:
    """Blended features (N, 2K-1) the map is made of, scaled by the spread of the training and
    validation records.
    """
    return blended(latents, latents.coordinates, latents.probabilities)


def blended(latents: LatentTable, coordinates: FloatArray, probabilities: FloatArray) -> FloatArray:
    """The same features for any points, in the scale of `latents`."""
    known = np.array(latents.split) != Split.TEST
    known = known if known.any() else np.ones(len(known), bool)
    classes = latents.probabilities.shape[1]
    spread_u = float(latents.coordinates[known].std(axis=0).mean()) + 1e-6
    spread_p = float(np.sqrt(latents.probabilities[known]).std(axis=0).mean()) + 1e-6
    u = np.sqrt(0.65 / max(classes - 1, 1)) * coordinates / spread_u
    p = np.sqrt(0.35 / classes) * np.sqrt(probabilities) / spread_p
    return np.concatenate([u, p], axis=-1).astype(np.float32)


def fit_projection(latents: LatentTable, *, seed: int, report: Report = silent) -> Projection:
    """Places of all records.

    Few records: principal components instead, and `method` says so. Deterministic.
    """
    features = map_features(latents)
    report(Progress(0, 3, "Fitting the map"))
    if len(features) < MIN_FOR_UMAP or len(np.unique(features, axis=0)) < MIN_FOR_UMAP:
        xy, method = _principal(features), "pca"
        settings: dict[str, object] = {"why": f"fewer than {MIN_FOR_UMAP} distinct records"}
    else:
        (xy, settings), method = _umap(features, seed), "umap"
    report(Progress(1, 3, "Fitting the map"))
    return Projection(
        latents.record_ids,
        xy.astype(np.float32),
        method,
        settings,
        seed,
        latents.model_digest,
        latents.coordinates,
    )


def find_out_of_distribution(latents: LatentTable) -> tuple[str, ...]:
    """Records whose features lie where there are no training and validation records, see
    `reach_of`.
    """
    known = np.array(latents.split) != Split.TEST
    if known.sum() <= SUPPORT:
        return ()
    features = map_features(latents)
    far, limit = reach_of(features[known])
    strange = far(features) > limit
    return tuple(r for r, s, k in zip(latents.record_ids, strange, known) if s and not k)


def extended(latents: LatentTable, former: Projection) -> Projection | None:
    """A former map of the same model with its places kept and new records placed; None where too
    few are known.
    """
    if former.placed_by is None or not np.isfinite(former.xy).all():
        return None
    rows = {record_id: row for row, record_id in enumerate(former.record_ids)}
    same = [  # another image may have come under the same name
        r in rows and np.allclose(former.placed_by[rows[r]], u, atol=1e-4)
        for r, u in zip(latents.record_ids, latents.coordinates)
    ]
    here = np.flatnonzero(same)
    if former.model_digest != latents.model_digest or len(here) < max(
        MIN_FOR_UMAP, len(latents.record_ids) / 2
    ):
        return None
    features = map_features(latents)
    known = former.xy[[rows[latents.record_ids[i]] for i in here]]
    xy = place(features[here], known, features)
    xy[here] = known
    settings = {**former.settings, "placed": former.settings.get("placed", 0) + len(xy) - len(here)}
    return replace(
        former,
        record_ids=latents.record_ids,
        xy=xy,
        settings=settings,
        placed_by=latents.coordinates.copy(),
    )


def aligned(projection: Projection, former: Projection) -> Projection:
    """The same map turned, mirrored and moved onto a former one, where they share three records or
    more.

    Distances stay what they are (orthogonal Procrustes), so a map fitted anew looks as like the old
    one as it can.
    """
    rows = {record_id: row for row, record_id in enumerate(former.record_ids)}
    shared = [(i, rows[r]) for i, r in enumerate(projection.record_ids) if r in rows]
    if len(shared) < 3 or not np.isfinite(former.xy).all():
        return projection
    here, there = (np.array(side) for side in zip(*shared))
    old, new = former.xy[there].astype(np.float64), projection.xy[here].astype(np.float64)
    turn, _ = orthogonal_procrustes(new - new.mean(axis=0), old - old.mean(axis=0))
    xy = (projection.xy - new.mean(axis=0)) @ turn + old.mean(axis=0)
    return replace(
        projection,
        xy=xy.astype(np.float32),
        settings={**projection.settings, "aligned": len(shared)},
    )


def place(
    known: FloatArray, xy: FloatArray, features: FloatArray, neighbours: int = NEIGHBOURS
) -> FloatArray:
    """Where new points (M, F) belong on a frozen map: mean of the nearest known places, closer ones
    weigh more.
    """
    count = min(neighbours, len(known))
    distance, index = cKDTree(known).query(features, k=count)
    distance, index = distance.reshape(len(features), count), index.reshape(len(features), count)
    weight = np.exp(-((distance / (distance.mean(axis=1, keepdims=True) + 1e-9)) ** 2)) + 1e-12
    placed: FloatArray = (weight[..., None] * xy[index]).sum(axis=1) / weight.sum(
        axis=1, keepdims=True
    )
    return placed.astype(np.float32)


def _umap(features: FloatArray, seed: int) -> tuple[FloatArray, dict[str, object]]:
    os.environ.setdefault(
        "NUMBA_CACHE_DIR", str(user_cache_path("leigh-explorer", ensure_exists=True))
    )
    os.environ.setdefault(
        "NUMBA_THREADING_LAYER", "workqueue"
    )  # with OpenMP it changes the threads torch uses, too
    from umap import UMAP

    rng = np.random.default_rng(seed)
    count = len(features)
    landmarks = np.sort(rng.permutation(count)[:MAX_LANDMARKS])
    settings: dict[str, object] = {
        "n_neighbors": int(
            np.clip(LARGE_SCALE * len(landmarks), NEIGHBOURS, 100).clip(max=len(landmarks) - 1)
        ),
        "min_dist": 0.8,
        "spread": 1.2,
        "landmarks": len(landmarks),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*n_jobs.*"
        )  # one job, because the seed is fixed
        reducer = UMAP(
            n_components=2,
            n_neighbors=settings["n_neighbors"],
            min_dist=settings["min_dist"],
            spread=settings["spread"],
            random_state=seed,
            n_jobs=1,
            init="pca" if features.shape[1] >= 2 else "random",
        )
        fitted = np.asarray(reducer.fit_transform(features[landmarks]))
    if len(landmarks) == count:
        return fitted, settings
    return place(features[landmarks], fitted, features), settings


def _principal(features: FloatArray) -> FloatArray:
    centred = features - features.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    flat: FloatArray = centred @ axes[:2].T
    return flat if flat.shape[1] == 2 else np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
