"""Store latents and maps as plain arrays, and tables as CSV that is safe in a spreadsheet."""

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain import DecisionMap, LatentTable, Projection, Split
from core.errors import BadProject
from core.io.atomic import atomic_write_text, make_folder, replacing
from core.io.disk_errors import unreadable
from core.io.packing import check_stored
from core.io.table_style import TableStyle, table_style

MAP_FILE = "map.npz"
MAX_NAME = 120
RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{i}" for i in range(1, 10)),
    *(f"lpt{i}" for i in range(1, 10)),
}
Arrays = dict[str, NDArray[Any]]


def save_latents(path: Path, table: LatentTable) -> None:
    """Write latents as an .npz file of plain arrays; texts are unicode arrays."""
    save_arrays(
        path,
        {
            "record_ids": texts(table.record_ids),
            "conditions": texts(table.conditions),
            "truth": table.truth,
            "split": texts(table.split),
            "features": table.features,
            "coordinates": table.coordinates,
            "logits": table.logits,
            "probabilities": table.probabilities,
            "model_digest": texts([table.model_digest]),
        },
    )


def load_latents(path: Path) -> LatentTable:
    """Read latents. Raises BadProject for a file that is missing, damaged or inconsistent."""
    arrays = load_arrays(path, "latents", "Encode the images again (`leigh encode`).")
    with fits(path, "Encode the images again (`leigh encode`)."):
        table = LatentTable(
            record_ids=words(arrays["record_ids"]),
            conditions=words(arrays["conditions"]),
            truth=arrays["truth"].astype(np.int64),
            split=words(arrays["split"]),
            features=arrays["features"].astype(np.float32),
            coordinates=arrays["coordinates"].astype(np.float32),
            logits=arrays["logits"].astype(np.float32),
            probabilities=arrays["probabilities"].astype(np.float32),
            model_digest=str(arrays["model_digest"][0]),
        )
        rows = len(table.record_ids)
        arrays_of_rows = (table.truth, table.features, table.coordinates)
        parts = (*arrays_of_rows, table.split, table.logits, table.probabilities)
        lengths = [len(part) for part in parts]
        shape = (rows, len(table.conditions))
        if any(length != rows for length in lengths) or table.logits.shape != shape:
            raise ValueError(f"{rows} records, but {lengths} rows")
        _check_latents(table)
    return table


def _check_latents(table: LatentTable) -> None:
    """Raises ValueError for values that no encoding gives."""
    numbers = (table.features, table.coordinates, table.logits, table.probabilities)
    if table.probabilities.shape != table.logits.shape or any(n.ndim != 2 for n in numbers):
        raise ValueError(f"arrays of the shapes {[n.shape for n in numbers]}")
    if not all(np.isfinite(values).all() for values in numbers):
        raise ValueError("values that are not numbers")
    if len(table.truth) and not 0 <= table.truth.min() <= table.truth.max() < len(table.conditions):
        raise ValueError(f"a condition beyond the {len(table.conditions)} that are named")
    if len(set(table.record_ids)) < len(table.record_ids):
        raise ValueError("a record that is there more than once")
    unknown = set(table.split) - {str(part) for part in Split}
    if unknown:
        raise ValueError(f"an unknown part of the split: {sorted(unknown)[0]!r}")


def save_map(folder: Path, projection: Projection, decision: DecisionMap) -> None:
    """Write projection and regions, which belong together, as one file."""
    settings = {
        "method": projection.method,
        "settings": projection.settings,
        "seed": projection.seed,
        "projection_digest": projection.model_digest,
        "extent": list(decision.extent),
        "fidelity": decision.fidelity,
        "fidelity_points": decision.fidelity_points,
        "held_out": decision.held_out,
        "decision_digest": decision.model_digest,
        "rough": decision.rough,
    }
    save_arrays(
        make_folder(folder) / MAP_FILE,
        {
            "record_ids": texts(projection.record_ids),
            "xy": projection.xy,
            "strangers": texts(projection.out_of_distribution),
            **({} if projection.placed_by is None else {"placed_by": projection.placed_by}),
            "posterior": decision.posterior,
            "coordinates": decision.coordinates,
            "support": decision.support,
            "conditions": texts(decision.conditions),
            "anchors": decision.anchors,
            "settings": texts([json.dumps(settings, default=plain)]),
        },
    )


def load_map(folder: Path) -> tuple[Projection, DecisionMap]:
    """Read a map. Raises BadProject for a file that is missing, damaged or inconsistent."""
    path, remedy = Path(folder) / MAP_FILE, "Make the map again (`leigh map`)."
    arrays = load_arrays(path, "map", remedy)
    with fits(path, remedy):
        settings = json.loads(str(arrays["settings"][0]))
        projection = Projection(
            record_ids=words(arrays["record_ids"]),
            xy=arrays["xy"].astype(np.float32),
            method=settings["method"],
            settings=settings["settings"],
            seed=int(settings["seed"]),
            model_digest=settings["projection_digest"],
            placed_by=arrays["placed_by"].astype(np.float32) if "placed_by" in arrays else None,
            out_of_distribution=words(arrays["strangers"]) if "strangers" in arrays else (),
        )
        x0, x1, y0, y1 = (float(v) for v in settings["extent"])
        decision = DecisionMap(
            extent=(x0, x1, y0, y1),
            posterior=arrays["posterior"].astype(np.float32),
            coordinates=arrays["coordinates"].astype(np.float32),
            support=arrays["support"].astype(np.bool_),
            conditions=words(arrays["conditions"]),
            anchors=arrays["anchors"].astype(np.float32),
            fidelity=float(settings["fidelity"]),
            fidelity_points=int(settings["fidelity_points"]),
            held_out=bool(settings["held_out"]),
            model_digest=settings["decision_digest"],
            rough=bool(settings.get("rough", False)),
        )
        if projection.xy.shape != (len(projection.record_ids), 2):
            count = len(projection.record_ids)
            raise ValueError(f"{count} records, positions {projection.xy.shape}")
        if decision.posterior.shape != (*decision.support.shape, len(decision.conditions)):
            raise ValueError(
                f"posterior {decision.posterior.shape}, support {decision.support.shape}"
            )
        _check_map(projection, decision)
    return projection, decision


def _check_map(projection: Projection, decision: DecisionMap) -> None:
    """Raises ValueError for values that no fit gives."""
    x0, x1, y0, y1 = decision.extent
    if not (np.isfinite(decision.extent).all() and x0 < x1 and y0 < y1):
        raise ValueError(f"the extent {decision.extent}")
    for name, values in (
        ("positions", projection.xy),
        ("posterior", decision.posterior[decision.support]),
        ("coordinates", decision.coordinates[decision.support]),
        ("anchors", decision.anchors),
    ):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} that are not numbers")
    if decision.posterior.ndim != 3 or min(decision.support.shape) < 2:
        raise ValueError(f"regions of the shape {decision.posterior.shape}")


def write_csv(
    path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None
) -> None:
    """Write one line per row, with columns in order of first appearance.

    The file starts with a byte order mark, and separator and decimal mark are those of the system,
    so that a spreadsheet program reads it; see `table_style`. Text that a spreadsheet would run as
    a formula starts with '.
    """
    if columns is None:
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
    names = list(columns)
    text = io.StringIO()
    style = table_style()
    writer = csv.writer(text, delimiter=style.separator, lineterminator="\n")
    writer.writerow([_cell(name, style) for name in names])
    writer.writerows([_cell(row.get(name, ""), style) for name in names] for row in rows)
    atomic_write_text(path, "\ufeff" + text.getvalue())


def safe_name(text: str) -> str:
    """`text`, changed where needed to be a legal file name on Windows, macOS and Linux."""
    name = unicodedata.normalize("NFC", text)
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", name)[:MAX_NAME].strip().rstrip(". ")
    if name.split(".")[0].lower() in RESERVED:
        name = "_" + name
    return name or "unnamed"


def unique_name(text: str) -> str:
    """A safe file name; a changed name gets a fingerprint, so that different texts differ."""
    safe = safe_name(text)
    if safe == text:
        return safe
    return f"{safe[:100]}-{blake2b(text.encode(), digest_size=4).hexdigest()}"


def plain(value: Any) -> Any:
    """numpy numbers, arrays and paths as JSON values; for `json.dumps(default=plain)`."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


class Figure(str):
    """A number that was read from a table, with a point: it is written as a number again."""


def _cell(value: Any, style: TableStyle) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | float | np.number | Figure):
        return str(value).replace(".", style.decimal)
    text = str(value)
    return "'" + text if _runs(text) else text


def unescaped(cell: str) -> str:
    """The text of a cell that `write_csv` wrote."""
    return cell[1:] if cell[:1] == "'" and _runs(cell[1:]) else cell


def _runs(text: str) -> bool:
    """Whether a spreadsheet would run a text as a formula, with or without '."""
    bare = text.lstrip("'")
    formula = bare.lstrip()[:1] in ("=", "+", "-", "@") or bare[:1] in ("\t", "\r")
    return formula and not is_number(text)


def is_number(text: str) -> bool:
    """Whether a text is a number as Python reads it."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def texts(values: Sequence[str]) -> NDArray[np.str_]:
    """Texts as an array that needs no pickle."""
    return np.array([str(v) for v in values], dtype=np.str_)


def words(values: NDArray[Any]) -> tuple[str, ...]:
    """The reverse of `texts`."""
    return tuple(str(v) for v in values)


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write an .npz file."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        # The stubs take `allow_pickle` for an array.
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def load_arrays(path: Path, what: str, remedy: str) -> Arrays:
    """Read an .npz file. Raises BadProject for a file that is missing or damaged."""
    try:
        check_stored(path)
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError as error:
        raise BadProject(
            f"The project has no {what} yet ({path.name} is missing in {path.parent}).", remedy
        ) from error
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        AttributeError,
        zipfile.BadZipFile,
        MemoryError,
    ) as error:
        raise BadProject(*unreadable(path, error, remedy)) from error


class fits:  # noqa: N801 - reads as a word in `with fits(path, remedy)`
    """Turns the errors of arrays that do not fit together into BadProject."""

    def __init__(self, path: Path, remedy: str) -> None:
        self.path, self.remedy = path, remedy

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, KeyError | ValueError | TypeError | IndexError | AttributeError):
            raise BadProject(f"{self.path} is damaged ({error}).", self.remedy) from error
