"""Summarise the figures of all seeds for `leigh bench truth`."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.cultures import Way
from benchmarks.truth_plate import PHENOTYPES

NULL = "NULL"
INTENSITY = (("WT", "INT"), ("INT", "WT"))
SHAPE = (("WT", "MOR"), ("MOR", "WT"))
BOTH = (("WT", "DS"), ("DS", "WT"))
NULLS = (("WT", NULL), (NULL, "WT"))
REAL = tuple(k for k in PHENOTYPES if k != NULL)
WAYS = tuple((s, t) for s in REAL for t in REAL if s != t) + NULLS
DECISIVE = BOTH + SHAPE + INTENSITY
BASELINES = ("identity", "class-ratio", "haar-pyramid")
MEASURES = ("effectiveness", "amplification", "off_channel", "smoothed_corr", "localisation")


def summary(seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over seeds; `_worst` is the worst pair of conditions."""
    by_way = {"->".join(w): [_row(s, w) for s in seeds] for w in WAYS}

    def median(ways: Sequence[Way], value: Callable[[dict[str, Any]], float]) -> list[float]:
        return [
            float(np.median([value(r) for r in by_way["->".join(w)] if r["shown"]])) for w in ways
        ]

    def of(key: str, design: str = "model") -> Callable[[dict[str, Any]], float]:
        return lambda r: r["designs"][design][key]

    def ratio(key: str) -> Callable[[dict[str, Any]], float]:
        return lambda r: r["designs"]["model"][key] / max(r["designs"]["oracle"][key], 1e-9)

    recovered = [v for w in SHAPE for v in _readouts(by_way["->".join(w)]).values()]
    effect = median(INTENSITY, of("effectiveness"))
    real = [w for w in WAYS if NULL not in w]
    null, change = median(NULLS, lambda r: r["rms"]), median(BOTH, lambda r: r["rms"])
    flips = {k: median(real, lambda r, k=k: _share(r, k)) for k in _SHARES}
    corr, place = median(SHAPE, ratio("smoothed_corr")), median(SHAPE, ratio("localisation"))
    rhos = [float(np.median([s["path_rho"]["->".join(w)] for s in seeds])) for w in DECISIVE]
    bad = _bad(seeds)
    classified = {
        k: float(np.median([s["classifiers"][k] for s in seeds])) for k in seeds[0]["classifiers"]
    }
    return {
        "conditions": list(PHENOTYPES),
        "accuracy": classified["accuracy"],
        "cnn_accuracy": classified["cnn_accuracy"],
        "calibration_error": classified["calibration_error"],
        "intensity_effectiveness": _median(effect),
        "intensity_effectiveness_worst": max(effect, key=lambda e: abs(e - 1), default=0.0),
        "readout_recovery_min": min(recovered, default=0.0),
        "readout_recovery_max": max(recovered, default=0.0),
        "readout_recovery": {"->".join(w): _readouts(by_way["->".join(w)]) for w in BOTH + SHAPE},
        "smoothed_corr_vs_oracle": _median(corr),
        "smoothed_corr_vs_oracle_worst": min(corr, default=0.0),
        "off_channel": _median(median(INTENSITY, of("off_channel"))),
        "off_channel_worst": max(median(DECISIVE, of("off_channel")), default=0.0),
        "localisation": _median(place),
        "localisation_worst": min(place, default=0.0),
        "path_rho": float(np.median(rhos)),
        "path_rho_worst": min(rhos),
        **{k: float(np.median(v)) for k, v in flips.items()},
        **{f"{k}_worst": min(v) for k, v in flips.items()},
        "null_change": max(null, default=0.0) / max(_median(change), 1e-9),
        "bad_generators": bad,
        "rejected": sum(b["rejected"] for k, b in bad.items() if k != "truth"),
        "truth_accepted": not bad["truth"]["rejected"],
        "beats_baselines": not (lost := _lost_to_baselines(by_way)),
        "lost_to_baselines": lost,
        "cells_lost": (
            1
            - float(np.mean([_share(r, "cells_kept") for w in real for r in by_way["->".join(w)]]))
        ),
        "roundtrip_max": _largest(seeds, "roundtrip_max"),
        "there_and_back": max(s["there_and_back"] for s in seeds),
        "contraction_max": _largest(seeds, "contraction_max"),
        "refused": sum(r["cultures"] - r["shown"] for s in seeds for r in s["ways"]),
        "images": sum(r["cultures"] for s in seeds for r in s["ways"]),
        "cores": os.cpu_count(),
    }


def _largest(seeds: Sequence[dict[str, Any]], key: str) -> float:
    """The largest value over all valid images."""
    return float(max((r[key] for s in seeds for r in s["ways"] if r["shown"]), default=0.0))


def _median(values: Sequence[float]) -> float:
    """The median; 0 where all images of all pairs were refused."""
    return float(np.median(values)) if len(values) else 0.0


_SHARES = (
    "flip",
    "judge_flip",
    "truth_judge_flip",
    "readout_judge_flip",
    "truth_readout_judge_flip",
)


def _share(row: dict[str, Any], key: str) -> float:
    """Share of a pair's images with the target, or with all cells.

    `judge` are the two network classifiers, `readout_judge` is the forest.
    """
    pick: dict[str, Callable[[dict[str, Any]], Any]] = {
        "flip": lambda i: i["flip"],
        "judge_flip": lambda i: i["judges"][:2],
        "truth_judge_flip": lambda i: i["truth_judges"][:2],
        "readout_judge_flip": lambda i: i["judges"][2],
        "truth_readout_judge_flip": lambda i: i["truth_judges"][2],
        "cells_kept": lambda i: i["cells"][1] + i["cells"][2] == 0,
    }
    return float(np.mean([pick[key](i) for i in row.get("images", ())] or [0.0]))


def _row(seed: dict[str, Any], way: Way) -> dict[str, Any]:
    row: dict[str, Any] = next(r for r in seed["ways"] if r["way"] == "->".join(way))
    return row


def _readouts(rows: Sequence[dict[str, Any]], design: str = "model") -> dict[str, float]:
    """Median recovery over seeds of the readouts that shift in every seed."""
    each = [r["designs"][design]["readouts"] for r in rows if r["shown"]]
    return {
        k: float(np.median([e[k] for e in each]))
        for k in (each[0] if each else ())
        if all(k in e for e in each)
    }


def _bad(seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Generator -> whether its card is red for all directions and seeds (the truth: for any)."""
    verdicts = {}
    for name in next(iter(seeds[0]["bad_generators"].values())):
        cards = [card for s in seeds for card in s["bad_generators"].values()]
        lights = [card[name]["light"] for card in cards]
        red = [light == "red" for light in lights]
        verdicts[name] = {"lights": lights, "rejected": any(red) if name == "truth" else all(red)}
    return verdicts


def _lost_to_baselines(by_way: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Measures in which a baseline is better.

    Amplification and off-channel are left out, because a baseline that changes nothing wins them.
    """
    lost = []
    for way in BOTH + SHAPE:
        rows = [r for r in by_way["->".join(way)] if r["shown"]]
        for name in BASELINES:
            for key in ("smoothed_corr", "localisation", "effectiveness", "readouts"):
                ours, theirs = (_score(rows, design, key) for design in ("model", name))
                if theirs > ours:
                    lost.append(f"{'->'.join(way)} {key}: {name} {theirs:.2f}, model {ours:.2f}")
    return lost


def _score(rows: Sequence[dict[str, Any]], design: str, key: str) -> float:
    """A score for which larger is better: correlations as they are, shares by distance from 1."""
    if key == "readouts":
        return -float(np.median([abs(v - 1) for v in _readouts(rows, design).values()]))
    value = float(np.median([r["designs"][design][key] for r in rows]))
    return -abs(value - 1) if key == "effectiveness" else value
