"""Dose curves: rescue against dose, with an EC50 only where the doses show both plateaus."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from core.domain import FloatArray
from core.domain.screen import DoseCurve, Ranked

FEWEST_DOSES = 4
PLATEAU_SHARE = 0.2  # share of the rise that may be missing at the lowest and the highest dose
DRAWS = 200


def dose_curves(
    rows: Sequence[Ranked], draws: dict[str, FloatArray], level: float
) -> tuple[DoseCurve, ...]:
    """One curve per compound with several doses; `draws` are rescue draws (B,) per condition."""
    compounds: dict[str, list[Ranked]] = {}
    for row in rows:
        if row.dose_um is not None and row.dose_um > 0:
            compounds.setdefault(row.compound, []).append(row)
    return tuple(
        _curve(compound, sorted(own, key=lambda r: r.dose_um or 0), draws, level)
        for compound, own in sorted(compounds.items())
        if len(own) > 1
    )


def logistic(
    dose: FloatArray, bottom: float, top: float, slope: float, log_ec50: float
) -> FloatArray:
    """The four-parameter logistic: bottom + (top - bottom) / (1 + (ec50 / dose)^slope).

    Parameters
    ----------
    dose
        (N,) doses, in micromolar.
    bottom, top
        The two plateaus.
    slope
        Hill slope.
    log_ec50
        Natural logarithm of the EC50.
    """
    response: FloatArray = bottom + (top - bottom) / (1 + np.exp(slope * (log_ec50 - np.log(dose))))
    return response


def _curve(
    compound: str, rows: Sequence[Ranked], draws: dict[str, FloatArray], level: float
) -> DoseCurve:
    doses = np.array([r.dose_um for r in rows], np.float64)
    rescue = np.array([r.rescue for r in rows])
    points = DoseCurve(
        compound, tuple(doses.tolist()), tuple(rescue.tolist()), None, None, None, None, None, None
    )

    def without(reason: str, fit: FloatArray | None = None) -> DoseCurve:
        bottom, top, slope = (None, None, None) if fit is None else (float(v) for v in fit[:3])
        return replace(points, bottom=bottom, top=top, slope=slope, reason=reason)

    if len(doses) < FEWEST_DOSES:
        return without(f"{len(doses)} doses; {FEWEST_DOSES} are needed for a curve")
    fit = _fit(doses, rescue)
    if fit is None:
        return without("no curve fits these doses")
    table = np.stack([draws[r.condition] for r in rows], axis=1)
    tail = (1 - level) / 2 * 100
    rise = np.percentile(table[:, -1] - table[:, 0], [tail, 100 - tail])
    if rise[0] <= 0 <= rise[1]:
        return without("the rescue does not change with dose beyond its interval", fit)
    if reason := _missing_plateau(doses, fit):
        return without(reason, fit)
    redrawn = [_fit(doses, r) for r in table[:: max(1, len(table) // DRAWS)]]
    log_ec50s = [f[3] for f in redrawn if f is not None]
    low, high = (float(np.exp(v)) for v in np.percentile(log_ec50s, [tail, 100 - tail]))
    if not doses[0] <= low <= high <= doses[-1]:
        return without("the interval of the EC50 reaches beyond the doses", fit)
    bottom, top, slope = (float(v) for v in fit[:3])
    ec50 = float(np.exp(fit[3]))
    return replace(
        points, bottom=bottom, top=top, slope=slope, ec50_um=ec50, ec50_low=low, ec50_high=high
    )


def _missing_plateau(doses: FloatArray, fit: FloatArray) -> str:
    """Which plateau the doses do not reach; "" where they reach both."""
    bottom, top, _, _ = fit
    ends = logistic(doses[[0, -1]], *fit)
    if abs(ends[0] - bottom) > PLATEAU_SHARE * abs(top - bottom):
        return "the lower plateau is not seen: add lower doses"
    if abs(ends[1] - top) > PLATEAU_SHARE * abs(top - bottom):
        return "the upper plateau is not seen: add higher doses"
    return ""


def _fit(doses: FloatArray, rescue: FloatArray) -> FloatArray | None:
    """(4,) bottom, top, slope and log EC50; None where no curve fits."""
    import warnings

    start = [rescue[0], rescue[-1], 1.0, float(np.log(doses).mean())]
    wide = 3 * (float(np.ptp(rescue)) + 0.1)
    low = [min(rescue) - wide, min(rescue) - wide, 0.2, np.log(doses[0]) - 7]
    high = [max(rescue) + wide, max(rescue) + wide, 8.0, np.log(doses[-1]) + 7]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            fit: FloatArray = curve_fit(
                logistic, doses, rescue, p0=start, bounds=(low, high), maxfev=4000
            )[0]
    except (RuntimeError, ValueError):
        return None
    return fit
