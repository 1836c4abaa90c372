"""Read the index files of microscopes: channel names, pixel size, shape of the plate, places."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from core.domain import Problem, ProblemKind
from core.errors import BadImage
from core.io.fields import safe_xml
from core.io.strict_json import read_object
from core.io.tiff_header import UNITS_UM

MAX_BYTES = 300_000_000
NAMES = re.compile(
    r"(?i)^(?:.+\.htd|.+\.nd|index(?:\.idx)?\.xml|metadata\.txt|.+\.companion\.ome)$"
)
Tells = dict[str, str]


@dataclass(frozen=True)
class Index:
    """What an index file says of the images in its folder and below.

    `channels` are numbers in names of files -> names of channels. `places` are files -> what is
    known of them (channel, z, t, key and field of a name pattern).
    """

    file: str
    channels: Mapping[int, str] = field(default_factory=dict)
    pixel_size_um: float | None = None
    plate_shape: tuple[int, int] | None = None
    places: Mapping[str, Tells] = field(default_factory=dict)
    prefix: str = ""  # of the names of its images

    @property
    def folder(self) -> str:
        """The folder of the index, relative to the root; "" is the root."""
        parent = PurePosixPath(self.file).parent.as_posix()
        return "" if parent == "." else parent


def is_index(name: str) -> bool:
    """Whether a file is called like an index."""
    return NAMES.match(name) is not None


def read_indexes(root: Path, files: Sequence[str], problems: list[Problem]) -> list[Index]:
    """The indexes that can be read, those of inner folders first; others go to `problems`."""
    indexes = []
    for file in sorted(files, key=lambda f: (-f.count("/"), -len(f), f)):
        try:
            index = _read(root / file, file)
        except (BadImage, OSError, ValueError, KeyError, TypeError) as error:
            reason = f"the index cannot be read ({error})"
            remedy = "Channel names and pixel size are taken from the images."
            problem = Problem(file, reason, remedy, "warning", ProblemKind.DAMAGED)
            problems.append(problem)
            continue
        if index is not None:
            indexes.append(index)
    return indexes


def index_of(file: str, indexes: Sequence[Index]) -> Index | None:
    """The nearest index above a file."""
    for index in indexes:
        inside = not index.folder or file.startswith(f"{index.folder}/")
        if inside and PurePosixPath(file).name.startswith(index.prefix):
            return index
    return None


def _read(path: Path, file: str) -> Index | None:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 10**6} MB")
    name = path.name.lower()
    if name.endswith((".htd", ".nd")):
        return _of_metamorph(path, file)
    if name.endswith(".companion.ome"):
        return _of_companion(path, file)
    if name.endswith(".xml"):
        return _of_harmony(path, file)
    return _of_micro_manager(path, file)


def _of_metamorph(path: Path, file: str) -> Index | None:
    """ImageXpress .HTD and MetaMorph .nd: lines of a name in quotes and a value."""
    said: dict[str, str] = {}
    for line in path.read_bytes().decode("latin-1").splitlines():
        match = re.fullmatch(r'\s*"([^"]+)"\s*,\s*(.*?)\s*', line)
        if match:
            said[match.group(1).lower()] = match.group(2).strip('"')
    if "htsinfofile" not in said and "ndinfofile" not in said:
        return None
    channels = {
        int(key.removeprefix("wavename")): text.strip()
        for key, text in said.items()
        if re.fullmatch(r"wavename\d+", key) and text.strip()
    }
    rows, columns = said.get("ywells", ""), said.get("xwells", "")
    shape = (int(rows), int(columns)) if rows.isdecimal() and columns.isdecimal() else None
    prefix = path.stem if "ndinfofile" in said else ""
    return Index(file, channels, plate_shape=shape, prefix=prefix)


def _of_harmony(path: Path, file: str) -> Index | None:
    """Index.xml of Operetta and Opera Phenix."""
    root = safe_xml(path.read_bytes(), path)
    channels: dict[int, str] = {}
    sizes: set[float] = set()
    for element in root.iter():
        said = {_local(child.tag): child for child in element}
        number = element.get("ChannelID") or _text(said.get("ChannelID"))
        if number.isdecimal() and (name := _text(said.get("ChannelName"))):
            channels[int(number)] = name
        resolution = said.get("ImageResolutionX")
        if resolution is not None and (factor := UNITS_UM.get(resolution.get("Unit", "m"))):
            sizes.add(round(float(_text(resolution)) * factor, 9))
    plate = next((e for e in root.iter() if _local(e.tag) == "Plate" and len(e)), None)
    shape = _plate_shape(plate) if plate is not None else None
    if not channels and not sizes:
        return None
    return Index(file, channels, sizes.pop() if len(sizes) == 1 else None, shape)


def _plate_shape(plate: ElementTree.Element) -> tuple[int, int] | None:
    said = {_local(child.tag): _text(child) for child in plate}
    rows, columns = said.get("PlateRows", ""), said.get("PlateColumns", "")
    return (int(rows), int(columns)) if rows.isdecimal() and columns.isdecimal() else None


def _of_micro_manager(path: Path, file: str) -> Index | None:
    """metadata.txt of Micro-Manager."""
    try:
        stored = read_object(path)
    except ValueError:  # a text of that name, or a file that was not closed
        stored = _unclosed(path)
    summary = stored.get("Summary")
    if not isinstance(summary, dict):
        return None
    names = summary.get("ChNames")
    listed = [str(name) for name in names] if isinstance(names, list) else []
    frames = (frame for key, frame in stored.items() if key != "Summary")
    first = next((frame for frame in frames if isinstance(frame, dict)), {})
    sizes = (first.get("PixelSizeUm"), first.get("PixelSize_um"), summary.get("PixelSize_um"))
    size = next((float(s) for s in sizes if isinstance(s, int | float) and 0 < s < 1e6), None)
    return Index(file, dict(enumerate(listed)), size)


def _unclosed(path: Path) -> dict[str, Any]:
    """Micro-Manager closes the brace at the end of the acquisition; a stopped one lacks it."""
    text = path.read_text(encoding="utf-8", errors="replace").rstrip().rstrip(",")
    try:
        stored = json.loads(text + "}")
    except (ValueError, RecursionError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _of_companion(path: Path, file: str) -> Index | None:
    """A .companion.ome: which file is which channel, plane and time of which image."""
    root = safe_xml(path.read_bytes(), path)
    places: dict[str, Tells] = {}
    size: float | None = None
    folder = PurePosixPath(file).parent
    for number, image in enumerate(_all(root, "Image")):
        for pixels in _all(image, "Pixels"):
            names = [channel.get("Name", "") for channel in _all(pixels, "Channel")]
            size = size or _physical_size(pixels)
            for name, tells in _blocks(pixels, names):
                if "/" in name or "\\" in name or ".." in name:
                    raise ValueError(f"it refers to a file outside of its folder, {name!r}")
                key = f"{(folder / (image.get('Name') or f'image {number}')).as_posix()}"
                at = "".join(f" {axis}{tells[axis]}" for axis in "zt" if axis in tells)
                inner = "" if folder.as_posix() == "." else folder.as_posix()
                known = {"key": key + at, "field": key, "folder": inner}
                places[(folder / name).as_posix()] = {**tells, **known}
    return Index(file, {}, size, None, places) if places else None


def _blocks(pixels: ElementTree.Element, names: Sequence[str]) -> Iterator[tuple[str, Tells]]:
    """Name of a file, and the channel, plane and time that it holds."""
    many = {axis: int(pixels.get(f"Size{axis.upper()}", "1")) > 1 for axis in "zt"}
    for block in _all(pixels, "TiffData"):
        uuid = next(_all(block, "UUID"), None)
        if uuid is None or not uuid.get("FileName"):
            continue
        channel = int(block.get("FirstC", "0"))
        name = names[channel] if channel < len(names) else ""
        tells = {"channel": name or str(channel + 1)}
        tells |= {a: block.get(f"First{a.upper()}", "0") for a in "zt" if many[a]}
        yield str(uuid.get("FileName")), tells


def _physical_size(pixels: ElementTree.Element) -> float | None:
    try:
        size = float(pixels.get("PhysicalSizeX", ""))
    except ValueError:
        return None
    factor = UNITS_UM.get(pixels.get("PhysicalSizeXUnit", "µm"))
    return size * factor if factor and 0 < size < 1e9 else None


def _all(parent: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (element for element in parent.iter() if _local(element.tag) == name)


def _local(tag: object) -> str:
    return str(tag).rsplit("}", 1)[-1]


def _text(element: ElementTree.Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""
