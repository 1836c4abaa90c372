"""`leigh bench explanations`: compare all explanations with the truth on synthetic cultures.

New cultures of the demo's phenotypes are used (no image of the demo), DS to WT and back, 128
pixels. Each explanation gives a map per channel. Localisation is the average precision with which
the size of the map finds the pixels that truly change (both smoothed over 3 pixels, see
benchmarks.measures). Off-channel is the share of the map in channels that do not change; a further
figure is the share on empty areas. "oracle" is the same culture with other filaments. "random" and
"image" need no explanation method at all.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cultures import Culture, Cultures, Way
from benchmarks.measures import change_measures
from core.domain import METHODS, FloatArray, Mix, ModelCard
from core.progress import Progress, Report, silent

WAYS: tuple[Way, ...] = (("DS", "WT"), ("WT", "DS"))
SIDE, SEED = 128, 9000
KEYS = (
    "localisation",
    "off_channel",
    "smoothed_corr",
    "share_outside_cells",
    "deletion_auc",
    "insertion_auc",
)
Explain = Callable[[Culture, Way], FloatArray]


def bench_explanations(
    project: Path | None = None, cultures: int = 12, report: Report = silent, side: int = SIDE
) -> dict[str, Any]:
    """One row per explanation and network: medians over cultures and both directions.

    The project must have the conditions WT and DS.
    """
    from core.counterfactual.engine import Engine
    from core.io.resources import resource
    from core.synthetic.cells import DEMO_PHENOTYPES

    session = Engine(project or resource("demo"))
    fresh = Cultures({k: DEMO_PHENOTYPES[k] for k in ("WT", "DS")}, WAYS, SEED, cultures, side)
    makers = _makers(session, fresh)
    rows = []
    for i, (name, network, make) in enumerate(makers):
        rows.append(_row(name, network, make, session, fresh))
        report(Progress(i + 1, len(makers), "Comparing explanations"))
    for row in rows:
        if row["explanation"] in METHODS:
            row["randomised"] = _randomised(row["explanation"], row["network"], session, fresh)
    table = [
        f"{'explanation':<22}{'network':<24}" + "".join(f"{k:<21}" for k in (*KEYS, "randomised"))
    ]
    for row in rows:
        values = (row.get(k) for k in (*KEYS, "randomised"))
        cells = "".join(f"{'-' if v is None else format(v, '.2f'):<21}" for v in values)
        table.append(f"{row['explanation']:<22}{row['network']:<24}{cells}")
    return {"rows": rows, "cultures": cultures, "side": side, "table": "\n" + "\n".join(table)}


def _makers(session: Any, fresh: Cultures) -> list[tuple[str, str, Explain]]:
    """Name, network and function of every explanation in the project."""
    from benchmarks.truth import Mover
    from core.models.load import AUTOENCODERS
    from core.workflows.baselines import trained_networks

    rng, mover = np.random.default_rng(SEED), Mover(session)
    span = np.array(session.card.preprocessing.span, np.float32)[:, None, None]
    makers: list[tuple[str, str, Explain]] = [
        ("oracle", "", lambda c, way: (fresh.oracle(c, way[1]) - c.images[way[0]]) / span),
        ("counterfactual", session.card.name, lambda c, way: mover.move(c, way).difference / span),
    ]
    for card in trained_networks(session.project):
        if card.kind in AUTOENCODERS:
            makers.append(("autoencoder", card.name, _redrawn(session, card.name, span)))
    for card in trained_networks(session.project):
        if card.kind not in AUTOENCODERS:
            makers += [
                (method, card.name, _attributed(session, card.name, method)) for method in METHODS
            ]
    makers.append(("image", "", lambda c, way: c.images[way[0]] / span))
    makers.append(("random", "", lambda c, way: rng.standard_normal(c.images[way[0]].shape)))
    return makers


def _redrawn(session: Any, name: str, span: FloatArray) -> Explain:
    from core.counterfactual.autoencoder import AutoencoderEngine, shifted
    from core.counterfactual.encode_decode import SourceImage

    engine = AutoencoderEngine(session.project, name)

    def make(culture: Culture, way: Way) -> FloatArray:
        raw = culture.images[way[0]].astype(np.uint16)
        image, mix = SourceImage("", way[0], raw), Mix({way[1]: 1.0})
        values: FloatArray = shifted(engine.model, engine.card, image, mix).difference / span
        return values

    return make


def _attributed(session: Any, name: str, method: str) -> Explain:
    from core.attribution.methods import Question, attribute

    card, network = session.attributions.network(name if name != session.card.name else "")

    def make(culture: Culture, way: Way) -> FloatArray:
        pixel = session.project.dataset.pixel_size_um
        question = Question(method, *way, pixel_size_um=pixel)
        values: FloatArray = attribute(network, card, culture.images[way[0]], question).values
        return values

    return make


def _row(name: str, network: str, make: Explain, session: Any, fresh: Cultures) -> dict[str, Any]:
    """Medians of one explanation; a map without channels counts the same in all channels."""
    from core.attribution.sanity_checks import empty_shares

    ones, rows = (1.0,) * len(session.card.channels), []
    for way in WAYS:
        for culture in fresh.cultures:
            values = make(culture, way)
            every = np.broadcast_to(values, culture.images[way[0]].shape).astype(np.float64)
            span = np.array(session.card.preprocessing.span)[:, None, None]
            truth = (culture.images[way[1]] - culture.images[way[0]]) / span
            row = change_measures(every, truth, ones, fresh.planted[way])
            pixel = session.project.dataset.pixel_size_um
            row |= empty_shares(every, culture.images[way[0]], session.card.preprocessing, pixel)
            if len(values) == 1:
                row["off_channel"] = row["smoothed_corr"] = None  # needs a map per channel
            row |= _curves(network or session.card.name, way, culture, every, session)
            rows.append(row)
    keys = (*KEYS, "area_outside_cells")
    medians = {
        k: float(np.median([r[k] for r in rows])) if rows[0][k] is not None else None for k in keys
    }
    return {"explanation": name, "network": network, **medians}


def _curves(
    name: str, way: Way, culture: Culture, values: FloatArray, session: Any
) -> dict[str, float]:
    from core.attribution.methods import network_input, score_of
    from core.attribution.sanity_checks import at_network_size, deletion_insertion

    card, network = session.attributions.network(name if name != session.card.name else "")
    x, empty = network_input(network, card, culture.images[way[0]])
    score, own = score_of(network, card, *way), card.condition_names.index(way[0])
    deleted, inserted = deletion_insertion(
        score, own, x, empty, at_network_size(values, card.preprocessing)
    )
    return {"deletion_auc": deleted, "insertion_auc": inserted}


def _randomised(method: str, name: str, session: Any, fresh: Cultures) -> float:
    """Rank correlation with the map of a network whose layers are all random (one culture)."""
    from core.attribution.methods import Question, attribute, network_input
    from core.attribution.sanity_checks import randomised, similarity

    card: ModelCard
    card, network = session.attributions.network(name if name != session.card.name else "")
    culture, way = fresh.cultures[0], WAYS[0]
    question = Question(method, *way, pixel_size_um=session.project.dataset.pixel_size_um)
    trained = attribute(network, card, culture.images[way[0]], question).values
    *_, (_, last) = randomised(network, network_input(network, card, culture.images[way[0]])[0])
    random = attribute(last, card, culture.images[way[0]], question).values
    return similarity(trained, random)
