"""Frozen map positions of the records: UMAP on logit coordinates, and projection of new points.

Features [sqrt(.65) u / std / sqrt(K-1), sqrt(.35) sqrt(p) / std / sqrt(K)]: logit coordinates and
probabilities. UMAP on raw latents is much worse (held-out map fidelity 0.2-0.4). McInnes et al.
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

MAX_LANDMARKS = 4096  # for more points, umap compiles a second code path for minutes
MIN_FOR_UMAP = 20
NEIGHBOURS = 15  # records that determine the position of a new point
# Share of the records that UMAP takes as neighbours: enough to include other conditions.
LARGE_SCALE = 0.15


def map_features(latents: LatentTable) -> FloatArray:
    """Features (N, 2K-1) of the map, scaled by the spread of training and validation records."""
    return blended(latents, latents.coordinates, latents.probabilities)


def blended(latents: LatentTable, coordinates: FloatArray, probabilities: FloatArray) -> FloatArray:
    """The features of any points, in the scale of `latents`."""
    in_training = np.array(latents.split) != Split.TEST
    if not in_training.any():
        in_training = np.ones(len(in_training), bool)
    classes = latents.probabilities.shape[1]
    spread_u = float(latents.coordinates[in_training].std(axis=0).mean()) + 1e-6
    spread_p = float(np.sqrt(latents.probabilities[in_training]).std(axis=0).mean()) + 1e-6
    u = np.sqrt(0.65 / max(classes - 1, 1)) * coordinates / spread_u
    p = np.sqrt(0.35 / classes) * np.sqrt(probabilities) / spread_p
    return np.concatenate([u, p], axis=-1).astype(np.float32)


def fit_projection(latents: LatentTable, *, seed: int, report: Report = silent) -> Projection:
    """Map positions of all records; the same seed gives the same map.

    For fewer than MIN_FOR_UMAP records, principal components are used; `method` says which.
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
    """Test records whose features lie far from all training and validation records."""
    in_training = np.array(latents.split) != Split.TEST
    if in_training.sum() <= SUPPORT:
        return ()
    features = map_features(latents)
    distance_of, limit = reach_of(features[in_training])
    is_outside = (distance_of(features) > limit) & ~in_training
    return tuple(r for r, outside in zip(latents.record_ids, is_outside) if outside)


def extended(latents: LatentTable, former: Projection) -> Projection | None:
    """A former map of the same model with new records added; None if it shares too few records."""
    if former.placed_by is None or not np.isfinite(former.xy).all():
        return None
    rows = {record_id: row for row, record_id in enumerate(former.record_ids)}
    same = [  # the same record id may now stand for another image
        r in rows and np.allclose(former.placed_by[rows[r]], u, atol=1e-4)
        for r, u in zip(latents.record_ids, latents.coordinates)
    ]
    shared = np.flatnonzero(same)
    fewest = max(MIN_FOR_UMAP, len(latents.record_ids) / 2)
    if former.model_digest != latents.model_digest or len(shared) < fewest:
        return None
    features = map_features(latents)
    old_xy = former.xy[[rows[latents.record_ids[i]] for i in shared]]
    xy = place(features[shared], old_xy, features)
    xy[shared] = old_xy
    added = len(xy) - len(shared)
    settings = {**former.settings, "placed": former.settings.get("placed", 0) + added}
    return replace(
        former,
        record_ids=latents.record_ids,
        xy=xy,
        settings=settings,
        placed_by=latents.coordinates.copy(),
    )


def aligned(projection: Projection, former: Projection) -> Projection:
    """The map, turned, mirrored and moved so that it looks as similar as possible to a former map.

    Distances do not change (orthogonal Procrustes). Maps that share fewer than three records are
    not aligned.
    """
    rows = {record_id: row for row, record_id in enumerate(former.record_ids)}
    shared = [(i, rows[r]) for i, r in enumerate(projection.record_ids) if r in rows]
    if len(shared) < 3 or not np.isfinite(former.xy).all():
        return projection
    new_rows, old_rows = (np.array(side) for side in zip(*shared))
    old, new = former.xy[old_rows].astype(np.float64), projection.xy[new_rows].astype(np.float64)
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
    """Positions (M, 2) of new points (M, F) on a frozen map, from the positions of neighbours.

    `known` (N, F) and `xy` (N, 2) are the points of the map. Closer neighbours weigh more.
    """
    count = min(neighbours, len(known))
    distance, index = cKDTree(known).query(features, k=count)
    distance, index = distance.reshape(len(features), count), index.reshape(len(features), count)
    weight = np.exp(-((distance / (distance.mean(axis=1, keepdims=True) + 1e-9)) ** 2)) + 1e-12
    weighted = (weight[..., None] * xy[index]).sum(axis=1)
    position: FloatArray = weighted / weight.sum(axis=1, keepdims=True)
    return position.astype(np.float32)


def _umap(features: FloatArray, seed: int) -> tuple[FloatArray, dict[str, object]]:
    cache = user_cache_path("leigh-explorer", ensure_exists=True)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache))
    # With OpenMP, numba would also change the number of threads of torch.
    os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
    from umap import UMAP

    rng = np.random.default_rng(seed)
    count = len(features)
    landmarks = np.sort(rng.permutation(count)[:MAX_LANDMARKS])
    neighbours = np.clip(LARGE_SCALE * len(landmarks), NEIGHBOURS, 100)
    settings: dict[str, object] = {
        "n_neighbors": int(neighbours.clip(max=len(landmarks) - 1)),
        "min_dist": 0.8,
        "spread": 1.2,
        "landmarks": len(landmarks),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*n_jobs.*")  # a fixed seed allows one job
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
