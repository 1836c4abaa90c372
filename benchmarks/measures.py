"""Measure how near a counterfactual comes to the truth, where the truth is known for every pixel.

All images are C Y X in raw grey values. Changes are divided by each channel's display range before
channels are summed. Effectiveness and amplification after TEA (MICCAI 2025) are the parts of the
change along the true change, and orthogonal to it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.measure import regionprops_table
from skimage.segmentation import watershed
from sklearn.metrics import average_precision_score

from core.data.nuclei import Nuclei
from core.domain import FloatArray

SIGMA_PX = 3.0
MASK_SHARE = 0.15  # pixels truly change above this share of the strongest smoothed true change


def change_measures(
    change: FloatArray,
    truth: FloatArray,
    spans: Sequence[float] | FloatArray,
    planted: Sequence[int],
) -> dict[str, float]:
    """Compare one change with the true change; `planted` are the channels that truly change."""
    unit = np.asarray(spans)[:, None, None]
    d, t = change / unit, truth / unit
    along = float((d * t).sum() / (t**2).sum())
    orthogonal = d - along * t
    off = [c for c in range(len(d)) if c not in planted]
    total = float((d**2).sum())
    smooth_d, smooth_t = (gaussian_filter(v, (0, SIGMA_PX, SIGMA_PX)) for v in (d, t))
    rows = list(planted)
    strength = np.abs(smooth_t[rows]).sum(axis=0)
    mask = strength > MASK_SHARE * strength.max()
    return {
        "effectiveness": along,
        "amplification": float(np.sqrt((orthogonal**2).sum() / (t**2).sum())),
        "off_channel": float((d[off] ** 2).sum() / total) if total > 0 and off else 0.0,
        "smoothed_corr": _correlation(smooth_d[rows], smooth_t[rows]),
        "localisation": float(
            average_precision_score(mask.ravel(), np.abs(smooth_d).sum(axis=0).ravel())
        ),
    }


def _correlation(a: FloatArray, b: FloatArray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def culture_readouts(image: FloatArray, nuclei: Nuclei) -> dict[str, float]:
    """Readouts of a culture with nuclei, cytoskeleton and mitochondria (3, Y, X), grey values.

    Intensities and granularity are logarithms, so that recoveries are ratios of effect sizes.
    """
    cells = nuclei.labels(image[0])
    nucleus, cyto, mito = (gaussian_filter(p.astype(np.float64), 0.7) for p in image)
    floor = [float(np.percentile(p, 2)) for p in (nucleus, cyto, mito)]
    signal = np.maximum(mito - floor[2], 0)
    distance = _distance_to_nearest(nuclei.places(image[0]), mito.shape)
    body = cyto > floor[1] + 0.35 * (np.percentile(cyto, 99) - floor[1])
    territory = watershed(distance, cells, mask=body | (cells > 0))
    readouts = {
        "mito_intensity": float(np.log(signal.mean() + 1)),
        "mito_radial": float((signal * distance).sum() / max(signal.sum(), 1e-9)),
        "mito_peak": float(np.log(np.percentile(signal, 99.5) + 1)),
        "mito_covered": float((signal > 0.25 * np.percentile(signal, 99.5)).mean()),
        "nuclei_intensity": float(np.log(np.maximum(nucleus - floor[0], 0).mean() + 1)),
        "cyto_intensity": float(np.log(np.maximum(cyto - floor[1], 0).mean() + 1)),
        "cells": float(len(np.unique(cells)) - 1),
    }
    for scale in (1.0, 2.0, 4.0):
        band = gaussian_filter(signal, scale) - gaussian_filter(signal, 2 * scale)
        granularity = np.log(band.std() / max(signal.mean(), 1e-9) + 1e-6)
        readouts[f"mito_granularity_{scale:g}px"] = float(granularity)
    table = regionprops_table(
        territory, properties=("area", "axis_major_length", "axis_minor_length")
    )
    whole = (table["area"] > 60) & (table["axis_minor_length"] > 2)
    ratio = table["axis_major_length"][whole] / table["axis_minor_length"][whole]
    readouts["cell_elongation"] = float(np.median(ratio)) if whole.any() else 1.0
    return readouts


def _distance_to_nearest(places: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    from scipy.ndimage import distance_transform_edt

    away = np.ones(shape, bool)
    rows = np.clip(np.rint(places).astype(int), 0, np.array(shape) - 1)
    away[tuple(rows.T)] = False
    distance: FloatArray = distance_transform_edt(away)
    return np.minimum(distance, 30.0)
