"""Damage the files of a project in many ways: what is loaded must be the original, or refused."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import LeighError
from core.io.models import load_card, load_tensors
from core.io.project import open_project, stored_latents, stored_map
from core.io.screens import SCREEN_FILE, SCREEN_FOLDER, load_screen
from core.io.tables import load_latents, load_map
from core.progress import Progress, Report
from core.scanning.plate_map import load_plate_map

NAMED = 10
FLAVOURS = (
    "flip", "zero", "cut", "empty", "grow", "swap", "null", "list", "nan", "negative", "huge",
    "twice", "text",
)  # fmt: skip


@dataclass(frozen=True)
class Store:
    """One file and how it is read; `exact` where every byte is guarded by a checksum."""

    name: str
    path: Path
    load: Callable[[], Any]
    exact: bool


def mutate_all(project: Path, home: Path, wanted: int, report: Report) -> dict[str, Any]:
    """Counts of mutated files: refused, loaded as the original, changed, and errors without words.

    `silent` counts changed content of files with a checksum. The other files are text in which a
    changed letter or digit looks like an edit.
    """
    copy = home / "mutated" / "project"
    shutil.copytree(project.parent, copy.parent)
    stores = [(store, store.path.read_bytes(), _printed(store.load())) for store in _stores(copy)]
    chance = random.Random(0)
    counts: Counter[str] = Counter()
    unguarded: Counter[str] = Counter()
    named: list[str] = []
    for trial in range(wanted):
        report(Progress(trial, wanted, "Damaging files"))
        store, original, known = stores[trial % len(stores)]
        flavour = FLAVOURS[chance.randrange(len(FLAVOURS))]
        store.path.write_bytes(mutated(original, flavour, chance))
        try:
            found = _printed(store.load())
        except LeighError:
            counts["refused"] += 1
        except Exception as error:
            counts["without_words"] += 1
            named.append(f"{store.name}, {flavour}: {type(error).__name__}: {error}")
        else:
            same = found == known
            counts["as_before" if same else "silent" if store.exact else "unguarded"] += 1
            if not same and store.exact:
                named.append(f"{store.name}, {flavour}: loaded with other content")
            if not same and not store.exact:
                unguarded[store.name] += 1
        store.path.write_bytes(original)
    return {
        "mutated_files": wanted,
        "mutated": dict(counts),
        "looks_like_an_edit": dict(unguarded),
        "mutated_named": named[:NAMED],
    }


def mutated(data: bytes, flavour: str, chance: random.Random) -> bytes:
    """The bytes of a file, damaged once."""
    size = max(1, len(data))
    at = chance.randrange(size)
    if flavour == "flip":
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        return bytes(changed)
    if flavour == "zero":
        return data[:at] + bytes(min(64, size - at)) + data[at + 64 :]
    if flavour == "cut":
        return data[:at]
    if flavour == "empty":
        return b""
    if flavour == "grow":
        return data + bytes(chance.randrange(1, 100))
    if flavour == "swap":
        other = chance.randrange(size)
        low, high = sorted((at, other))
        return data[:low] + data[high:] + data[low:high]
    return _mutated_json(data, flavour, chance)


def _mutated_json(data: bytes, flavour: str, chance: random.Random) -> bytes:
    """One value of a JSON file replaced; another file gets text in front."""
    try:
        stored = json.loads(data)
    except ValueError:
        return flavour.encode() + data
    if flavour == "twice":
        text = data.decode("utf-8")
        first = next(iter(stored)) if isinstance(stored, dict) and stored else "a"
        return text.replace("{", f"{{{json.dumps(first)}: 0, ", 1).encode()
    new: Any = {
        "null": None,
        "list": [],
        "nan": float("nan"),
        "negative": -1,
        "huge": 10**30,
        "text": "text",
    }[flavour]
    place, key = _some_place(stored, chance)
    place[key] = new
    return json.dumps(stored).encode()


def _some_place(stored: Any, chance: random.Random) -> tuple[Any, Any]:
    """A random container in a JSON value, and a key in it."""
    while True:
        keys = list(stored) if isinstance(stored, dict) else list(range(len(stored)))
        key = chance.choice(keys)
        inner = stored[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.2:
            return stored, key
        stored = inner


def _printed(loaded: Any) -> str:
    """Everything that was loaded, as text that can be compared."""
    with np.printoptions(threshold=100_000_000, precision=17):
        return repr(loaded)


def _stores(project: Path) -> list[Store]:
    opened = open_project(project)
    model = project / "models" / opened.model
    latents, maps = stored_latents(opened), stored_map(opened)
    card = load_card(model)
    screen, table = project / SCREEN_FOLDER, project.parent / "images" / "plate_map.csv"
    stores = [
        Store("project.json", project / "project.json", lambda: _content(project), False),
        Store("model.json", model / "model.json", lambda: load_card(model), False),
        Store("weights", model / "model.safetensors", lambda: _tensors(model), True),
        Store("judges", model / "judges.safetensors", lambda: _judged(model, card), True),
        Store("evidence", model / "panel.npz", lambda: _reference(model, card), True),
        Store("latents", latents, lambda: load_latents(latents), True),
        Store("map", maps / "map.npz", lambda: load_map(maps), True),
        Store("screen", screen / SCREEN_FILE, lambda: load_screen(screen), False),
        Store("plate map", table, lambda: load_plate_map(table), False),
    ]
    return [store for store in stores if store.path.exists()]


def _content(project: Path) -> Any:
    return replace(open_project(project), read=None)


def _tensors(model: Path) -> dict[str, Any]:
    return {name: value.tobytes() for name, value in load_tensors(model).items()}


def _judged(model: Path, card: Any) -> Any:
    from core.evidence.reference import load_reference

    oracles = load_reference(model, card)[0].oracles
    networks = (oracles.convolutional, oracles.wavelet)
    weights = [value.numpy().tobytes() for n in networks for value in n.state_dict().values()]
    return weights, oracles.table.tobytes(), oracles.labels.tobytes(), oracles.accuracy


def _reference(model: Path, card: Any) -> Any:
    from core.evidence.reference import load_reference

    return load_reference(model, card)[1]
