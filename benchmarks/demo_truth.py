"""Compare the demo's counterfactuals with the truth: held-out images under the other condition.

Run `python -m benchmarks.demo_truth`. It prints, per direction, medians over the held-out images.
Effectiveness <d, d*> / |d*|^2 and correlation compare predicted and true change (smoothed, sigma 3
pixels) in cytoskeleton and mitochondria. Further figures are the share of the change on the nuclei
(truth: none), and the share of images without lost or gained nuclei.
"""

import csv

import numpy as np
from scipy.ndimage import gaussian_filter, label

from core.counterfactual.engine import Engine
from core.domain import FloatArray, Mix, Move, Split
from core.io.resources import resource
from core.synthetic.cells import DEMO_PHENOTYPES, true_pair

SIGMA_PX = 3.0
NUCLEUS_GREY = 450.0  # half the usual nuclear signal


def measure(session: Engine, source: str, target: str) -> dict[str, float]:
    """Measure one direction of the demo on its held-out images."""
    dataset = session.project.dataset
    assert dataset is not None
    with resource("demo", "images", "truth.csv").open(encoding="utf-8-sig") as stream:
        seeds = {row["file"]: int(row["culture_seed"]) for row in csv.DictReader(stream)}
    names = session.card.condition_names
    rows, refused = [], 0
    for record in dataset.records:
        if record.condition != source or session.card.split[record.group] != Split.TEST:
            continue
        moved = session.move(Move(record.id, Mix({target: 1.0})))
        if not moved.valid:  # the program does not show such an image either
            refused += 1
            continue
        before, after = true_pair(
            seeds[record.files[0]],
            DEMO_PHENOTYPES[source],
            DEMO_PHENOTYPES[target],
            record.shape[1],
        )
        change, truth = _smooth(moved.difference), _smooth(after - before)
        row = {"reaches_target": float(names[int(moved.probabilities.argmax())] == target)}
        for c in (1, 2):
            name = session.card.channels[c].name
            row[f"effectiveness {name}"] = float(
                (change[c] * truth[c]).sum() / (truth[c] ** 2).sum()
            )
            row[f"correlation {name}"] = float(
                np.corrcoef(change[c].ravel(), truth[c].ravel())[0, 1]
            )
        row["share on nuclei"] = float((change[0] ** 2).sum() / (change**2).sum())
        row["nuclei kept"] = float(_nuclei(moved.image) == _nuclei(moved.original))
        rows.append(row)
    counts = {"images": float(len(rows)), "refused": float(refused)}
    medians = {k: float(np.median([r[k] for r in rows])) for k in rows[0]}
    shares = {k: float(np.mean([r[k] for r in rows])) for k in ("reaches_target", "nuclei kept")}
    return counts | medians | shares


def _smooth(change: FloatArray) -> FloatArray:
    smoothed: FloatArray = gaussian_filter(change, (0, SIGMA_PX, SIGMA_PX))
    return smoothed


def _nuclei(image: FloatArray) -> int:
    return int(label(gaussian_filter(image[0], 1.0) > NUCLEUS_GREY)[1])


if __name__ == "__main__":
    opened = Engine(resource("demo"), "cpu", with_evidence=False)
    for way in (("DS", "WT"), ("WT", "DS")):
        figures = measure(opened, *way)
        print(" -> ".join(way), {k: round(v, 2) for k, v in figures.items()})
