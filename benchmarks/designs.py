"""Compare designs: which network and objective come nearest to the true counterfactual.

Run `python -m benchmarks.designs [--minutes M] [--json] [--only NAME ...] [--seed S]`. Every
trained design gets the same time on the same synthetic plate, with one thread, one after another.
All designs are measured on the same new cultures, whose truth is known for every pixel. A design
that fails gives a row with the reason.
"""

# ruff: noqa: TID253 - a command of its own; the window never imports this module

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.cultures import NUCLEI, Culture, Cultures, culture_seed
from benchmarks.measures import change_measures, culture_readouts
from benchmarks.rival_models import (
    CouplingFlow,
    Latent,
    LikelihoodIResNet,
    Training,
    Transport,
    class_statistics,
    fit_flow,
    fit_likelihood,
    from_pyramid,
    pyramid,
    shifted,
    transported,
)
from core.data.batches import FieldStore
from core.data.preprocessing import fit_preprocessing, from_network, to_network
from core.domain import FloatArray, ImageRecord, IntArray, Preprocessing
from core.errors import LeighError, NotInvertible
from core.models.iresnet import Architecture, IResNet, blend, one_hot
from core.models.load import on_device
from core.synthetic.cells import DISEASED, HEALTHY, render
from core.training.presets import PRESETS

PHENOTYPES = {
    "WT": HEALTHY,
    "MOR": replace(HEALTHY, mito_spread=0.2, elongation=1.2),
    "DS": DISEASED,
}
CONDITIONS = tuple(PHENOTYPES)
WAYS = (("WT", "DS"), ("DS", "WT"), ("MOR", "WT"))

DESIGNS = {
    "truth": "truth",
    "oracle": "oracle: same cells, other filaments",
    "identity": "identity",
    "class-ratio": "ratio of class means per channel",
    "haar-pyramid": "untrained Haar pyramid, shift and scale per band",
    "likelihood-shift": "likelihood i-ResNet, class-mean shift",
    "likelihood-transport": "likelihood i-ResNet, per-channel transport",
    "coupling": "class-conditional coupling flow, likelihood",
    "flow-matching": "flow-matching i-ResNet, t_noise .82, g 1.5",
    "flow-matching-plain": "flow-matching i-ResNet as is, g 1",
    "flow-matching-held": "flow-matching i-ResNet, nuclei held, t_noise .92, g 1",
}
# t_noise (None: the network's own), g, and whether the nuclei are locked.
FLOWS: dict[str, tuple[float | None, float, bool]] = {
    "flow-matching": (0.82, 1.5, False),
    "flow-matching-plain": (None, 1.0, False),
    "flow-matching-held": (0.92, 1.0, True),
}
MEASURES = ("effectiveness", "amplification", "off_channel", "smoothed_corr", "localisation")


@dataclass(frozen=True)
class Settings:
    """Size of the comparison; sides are pixels and multiples of 16."""

    minutes: float = 10.0  # of training, per trained network
    seed: int = 0
    wells: int = 12  # per condition
    fields: int = 6  # per well
    field_px: int = 128
    cultures: int = 24  # held out, each drawn under all conditions
    culture_px: int = 96
    crop: int = 64
    batch: int = 24
    widths: tuple[int, int, int] = (40, 64, 96)

    @property
    def budget_s(self) -> float:
        """Seconds of training per network."""
        return 60 * self.minutes


@dataclass(frozen=True)
class Plate:
    """The training fields, the same for all designs."""

    store: FieldStore
    labels: IntArray  # (records,)
    preprocessing: Preprocessing
    raw_means: FloatArray  # (K, C) grey values


@dataclass(frozen=True)
class CounterfactualMeasurements:
    """The result of a design for one image."""

    change: FloatArray  # (C, Y, X) grey values
    seconds: float
    round_trip: float | None = None  # largest |decode(encode(x)) - x|, share of the display range


Move = Callable[[Culture, str, str], CounterfactualMeasurements]
Family = Callable[[Plate, Settings], tuple[dict[str, Move], Training | None]]


def make_plate(settings: Settings) -> Plate:
    """The training plate, drawn in memory."""
    records, seeds = [], {}
    for k, name in enumerate(CONDITIONS):
        for well in range(settings.wells):
            for field in range(settings.fields):
                record = ImageRecord(
                    f"{name}-{well}-{field}", (), (0, 1, 2), name, f"{name}-{well}"
                )
                seeds[record.id] = culture_seed(settings.seed, 0, k, well, field)
                records.append(record)
    raw = {
        r.id: render(seeds[r.id], PHENOTYPES[r.condition], settings.field_px).astype(np.float32)
        for r in records
    }
    preprocessing = fit_preprocessing([raw[r.id] for r in records], settings.crop)
    labels = np.array([CONDITIONS.index(r.condition) for r in records])
    store = FieldStore(records, preprocessing, lambda r: raw[r.id])
    for i in range(len(store)):  # load all fields before the time of a training is measured
        store.field(i)
    means = np.array([r.mean(axis=(1, 2)) for r in raw.values()])
    return Plate(
        store,
        labels,
        preprocessing,
        np.stack([means[labels == k].mean(axis=0) for k in range(len(CONDITIONS))]),
    )


def held_out_cultures(settings: Settings) -> Cultures:
    """The cultures on which every design is measured."""
    return Cultures(PHENOTYPES, WAYS, settings.seed, settings.cultures, settings.culture_px)


# Designs that need no training.


def known(plate: Plate, settings: Settings) -> tuple[dict[str, Move], None]:
    """Truth, oracle, identity and the rescaling of channels."""
    cultures = Cultures(PHENOTYPES, WAYS, settings.seed, 0, settings.culture_px)
    offset = np.array(plate.preprocessing.offset)

    def oracle(culture: Culture, source: str, target: str) -> FloatArray:
        return cultures.oracle(culture, target) - culture.images[source]

    def rescale(culture: Culture, source: str, target: str) -> FloatArray:
        s, t = (plate.raw_means[CONDITIONS.index(k)] - offset for k in (source, target))
        return (culture.images[source] - offset[:, None, None]) * (t / s - 1)[:, None, None]

    changes: dict[str, Callable[[Culture, str, str], FloatArray]] = {
        "truth": lambda culture, source, target: culture.images[target] - culture.images[source],
        "oracle": oracle,
        "identity": lambda culture, source, target: np.zeros_like(culture.images[source]),
        "class-ratio": rescale,
    }
    return {name: _timed(change) for name, change in changes.items()}, None


def _timed(change: Callable[[Culture, str, str], FloatArray]) -> Move:
    def move(culture: Culture, source: str, target: str) -> CounterfactualMeasurements:
        began = time.perf_counter()
        return CounterfactualMeasurements(
            change(culture, source, target), time.perf_counter() - began
        )

    return move


# Designs with a latent: encode under the source, decode toward the target.


def through_latent(
    preprocessing: Preprocessing,
    encode: Callable[[Tensor, int], Any],
    decode: Callable[[Any, int, int], Tensor],
) -> Move:
    """The move of a design with encode(x, source) and decode(latent, source, target).

    Images are (1, C, Y, X). As in the program, the change is the difference to decode(encode(x)),
    without the losses of encoding.
    """

    @torch.no_grad()
    def move(culture: Culture, source: str, target: str) -> CounterfactualMeasurements:
        s, t = CONDITIONS.index(source), CONDITIONS.index(target)
        raw = culture.images[source]
        began = time.perf_counter()
        latent = encode(torch.from_numpy(to_network(preprocessing, raw))[None], s)
        moved = _grey(preprocessing, decode(latent, s, t))
        seconds = time.perf_counter() - began
        back = _grey(preprocessing, decode(latent, s, s))
        error = float((np.abs(back - raw).max(axis=(1, 2)) / np.array(preprocessing.span)).max())
        return CounterfactualMeasurements(moved - back, seconds, error)

    return move


def _grey(preprocessing: Preprocessing, x: Tensor) -> FloatArray:
    """Network image (1, C, Y, X) to grey values (C, Y, X).

    Raises NotInvertible for values that are not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        grey = from_network(preprocessing, x[0].numpy())
    if not np.isfinite(grey).all():
        raise NotInvertible("The decoded image is not a number.")
    return grey


def haar_pyramid(plate: Plate, settings: Settings) -> tuple[dict[str, Move], None]:
    """No network: each band of each channel gets the mean and spread of the target."""
    stats = class_statistics(pyramid, plate.store, plate.labels, len(CONDITIONS))

    def decode(bands: Latent, s: int, t: int) -> Tensor:
        return from_pyramid(transported(bands, stats[s], stats[t]))

    move = through_latent(plate.preprocessing, lambda x, s: pyramid(x), decode)
    return {"haar-pyramid": move}, None


def likelihood_iresnet(plate: Plate, settings: Settings) -> tuple[dict[str, Move], Training]:
    """One network with two transports of its latent from class to class."""
    _seed_everything(settings.seed)
    model = LikelihoodIResNet(len(plate.preprocessing.offset), len(CONDITIONS), settings.crop)
    training = _fit_rival(model, plate, settings)
    stats = class_statistics(
        lambda x: [model.encode(x)], plate.store, plate.labels, len(CONDITIONS)
    )

    def carried_by(transport: Transport) -> Move:
        def decode(z: Tensor, s: int, t: int) -> Tensor:
            return model.decode(transport([z], stats[s], stats[t])[0])

        return through_latent(plate.preprocessing, lambda x, s: model.encode(x), decode)

    return {
        "likelihood-shift": carried_by(shifted),
        "likelihood-transport": carried_by(transported),
    }, training


def coupling_flow(plate: Plate, settings: Settings) -> tuple[dict[str, Move], Training]:
    """Encode under the source, decode under the target."""
    _seed_everything(settings.seed)
    model = CouplingFlow(len(plate.preprocessing.offset), len(CONDITIONS), settings.crop)
    training = _fit_rival(model, plate, settings)

    def encode(x: Tensor, s: int) -> Tensor:
        return model.encode(x, torch.tensor([s]))

    def decode(z: Tensor, s: int, t: int) -> Tensor:
        return model.decode(z, torch.tensor([t]))

    return {"coupling": through_latent(plate.preprocessing, encode, decode)}, training


def _fit_rival(
    model: LikelihoodIResNet | CouplingFlow, plate: Plate, settings: Settings
) -> Training:
    return fit_likelihood(
        model,
        plate.store,
        plate.labels,
        budget_s=settings.budget_s,
        batch=settings.batch,
        seed=settings.seed,
    )


def flow_matching(plate: Plate, settings: Settings) -> tuple[dict[str, Move], Training]:
    """The program's network, trained once, with several t_noise, g and locked channels."""
    _seed_everything(settings.seed)
    architecture = Architecture(len(plate.preprocessing.offset), len(CONDITIONS), settings.widths)
    model = on_device(IResNet(architecture), torch.device("cpu"))
    preset = replace(PRESETS["standard"], batch=settings.batch)
    training = fit_flow(
        model, plate.store, plate.labels, preset, budget_s=settings.budget_s, seed=settings.seed
    )
    moves = {}
    for name, (t_noise, gain, lock_nuclei) in FLOWS.items():
        variant = IResNet(replace(architecture, t_noise=t_noise or architecture.t_noise))
        variant.load_state_dict(model.state_dict())
        variant = on_device(variant, torch.device("cpu")).eval()
        locked = torch.zeros(1, architecture.channels)
        locked[:, NUCLEI] = float(lock_nuclei)
        moves[name] = _flow_move(variant, plate.preprocessing, gain, locked)
    return moves, training


def _flow_move(model: IResNet, preprocessing: Preprocessing, gain: float, locked: Tensor) -> Move:
    def pure(k: int) -> Tensor:
        return one_hot(torch.tensor([k]), len(CONDITIONS))

    def decode(z: Tensor, s: int, t: int) -> Tensor:
        return model.decode(z, blend(pure(s), pure(t), torch.tensor([gain])), locked)

    return through_latent(preprocessing, lambda x, s: model.encode(x, pure(s), locked)[0], decode)


def _seed_everything(seed: int) -> None:
    """Seed torch, and numpy's global generator, from which FrEIA draws its permutations."""
    torch.manual_seed(seed)
    np.random.seed(seed)


FAMILIES: dict[Family, tuple[str, ...]] = {
    known: ("truth", "oracle", "identity", "class-ratio"),
    haar_pyramid: ("haar-pyramid",),
    likelihood_iresnet: ("likelihood-shift", "likelihood-transport"),
    coupling_flow: ("coupling",),
    flow_matching: tuple(FLOWS),
}


# Measuring and printing.


def compare(settings: Settings, only: Sequence[str] = tuple(DESIGNS)) -> dict[str, Any]:
    """Train and measure the chosen designs; returns the object that --json prints."""
    torch.set_num_threads(1)
    plate, held_out = make_plate(settings), held_out_cultures(settings)
    rows: list[dict[str, Any]] = []
    trainings: dict[str, dict[str, float]] = {}
    for family, names in FAMILIES.items():
        chosen = [n for n in names if n in only]
        if not chosen:
            continue
        _tell(f"{family.__name__} ...")
        try:
            moves, training = family(plate, settings)
        except Exception as failure:  # a design that fails is a result, and the others go on
            rows += [_failed(name, way, failure) for name in chosen for way in WAYS]
            continue
        if training:
            trainings[family.__name__] = asdict(training)
        rows += [
            measure(name, moves[name], way, held_out, plate.preprocessing)
            for name in chosen
            for way in WAYS
        ]
    return {"settings": asdict(settings), "rows": rows, "training": trainings}


def measure(
    name: str, move: Move, way: tuple[str, str], held_out: Cultures, preprocessing: Preprocessing
) -> dict[str, Any]:
    """One row: a design in one direction, with medians over the cultures that it could move.

    Parameters
    ----------
    name
        Of the design.
    move
        Its move.
    way
        Source and target.
    held_out
        The cultures.
    preprocessing
        Gives the display ranges.
    """
    _tell(f"  {name} {way[0]}->{way[1]}")
    moved: list[tuple[Culture, CounterfactualMeasurements]] = []
    reason: Exception | None = None
    for culture in held_out.cultures:
        try:
            moved.append((culture, move(culture, *way)))
        except Exception as failure:  # as above
            reason = failure
    if not moved:
        return _failed(name, way, reason)
    words = _words(reason) if reason else ""
    try:
        return _row(name, way, moved, held_out, preprocessing) | {"reason": words}
    except Exception as failure:  # the images are so wrong that they cannot be measured
        return _failed(name, way, failure)


def _row(
    name: str,
    way: tuple[str, str],
    results: Sequence[tuple[Culture, CounterfactualMeasurements]],
    held_out: Cultures,
    preprocessing: Preprocessing,
) -> dict[str, Any]:
    source, target = way
    measures = [
        change_measures(
            moved.change,
            c.images[target] - c.images[source],
            preprocessing.span,
            held_out.planted[way],
        )
        for c, moved in results
    ]
    made = [
        (c, culture_readouts(c.images[source] + moved.change, held_out.nuclei))
        for c, moved in results
    ]
    recovered = held_out.recovery(way, made)
    round_trips = [moved.round_trip for _, moved in results if moved.round_trip is not None]
    worst = max(recovered, key=lambda k: abs(recovered[k] - 1), default=None)
    return {
        "design": name,
        "direction": "->".join(way),
        **{k: float(np.median([m[k] for m in measures])) for k in MEASURES},
        "readouts_median": float(np.median(list(recovered.values()))) if recovered else None,
        "readouts_worst": recovered[worst] if worst else None,
        "readout_worst": worst,
        "readouts": recovered,
        "round_trip": max(round_trips) if round_trips else None,
        "seconds": float(np.median([moved.seconds for _, moved in results])),
        "shown": len(results),
        "cultures": len(held_out.cultures),
    }


def _failed(name: str, way: tuple[str, str], reason: Exception | None) -> dict[str, Any]:
    return {"design": name, "direction": "->".join(way), "failed": _words(reason), "shown": 0}


def _words(reason: Exception | None) -> str:
    """The message of an error; for errors other than LeighError, with its kind."""
    return str(reason) if isinstance(reason, LeighError) else f"{type(reason).__name__}: {reason}"


def to_markdown(result: dict[str, Any]) -> str:
    """The table of designs, and below it the table of trainings."""
    head = [
        "design",
        "direction",
        "effectiveness",
        "amplification",
        "off-channel",
        "smoothed corr",
        "localisation",
    ]
    head += ["readouts, median", "readouts, worst", "round trip", "s per image", "shown"]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in result["rows"]:
        start = [DESIGNS[row["design"]], row["direction"].replace("->", " → ")]
        if "failed" in row:
            lines.append(_line([*start, f"failed: {row['failed']}", *[""] * (len(head) - 3)]))
            continue
        worst = (
            f"{row['readouts_worst']:z.2f} {row['readout_worst']}" if row["readout_worst"] else "–"
        )
        figures = [f"{row[k]:z.2f}" for k in MEASURES]
        figures += [
            "–" if row["readouts_median"] is None else f"{row['readouts_median']:z.2f}",
            worst,
        ]
        figures += [
            "–" if row["round_trip"] is None else f"{row['round_trip']:.1e}",
            f"{row['seconds']:.3f}",
        ]
        lines.append(_line([*start, *figures, f"{row['shown']}/{row['cultures']}"]))
    if result["training"]:
        lines += [
            "",
            _line(["trained", "seconds", "steps", "last loss", "parameters"]),
            _line(["---"] * 5),
        ]
    for name, t in result["training"].items():
        figures = [f"{t['seconds']:.0f}", str(t["steps"]), f"{t['loss']:.3f}", str(t["parameters"])]
        lines.append(_line([name.replace("_", " "), *figures]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None, settings: Settings = Settings()) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.designs", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--minutes", type=float, default=settings.minutes, help="training time per network"
    )
    parser.add_argument("--seed", type=int, default=settings.seed)
    names = ", ".join(DESIGNS)
    parser.add_argument(
        "--only", nargs="+", choices=DESIGNS, default=tuple(DESIGNS), metavar="NAME", help=names
    )
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args(arguments)
    result = compare(replace(settings, minutes=options.minutes, seed=options.seed), options.only)
    print(to_markdown(result))
    if options.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
