"""Take channel names, pixel sizes, places and the plate from the index files of microscopes."""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace

from core.domain import Dataset
from core.io.well_names import well_place
from core.scanning.group_channels import channel_name
from core.scanning.index_files import Index, index_of
from core.scanning.inspect_files import FileInspection


def indexed(
    facts: Mapping[str, FileInspection], indexes: Sequence[Index]
) -> dict[str, FileInspection]:
    """The facts, with places and pixel sizes where only an index says them."""
    places = {file: tells for index in indexes for file, tells in index.places.items()}
    found = {}
    for file, fact in facts.items():
        index = index_of(file, indexes)
        size = index.pixel_size_um if index is not None else None
        if size and fact.info is not None and fact.info.pixel_size_um is None:
            fact = replace(fact, info=replace(fact.info, pixel_size_um=size))
        if file in places and not fact.tells:
            fact = replace(fact, tells=places[file])
        found[file] = fact
    return found


def name_channels(tells_of: MutableMapping[str, dict[str, str]], indexes: Sequence[Index]) -> None:
    """Put names for numbers of channels, where an index names all different channels."""
    for file, tells in tells_of.items():
        number = re.fullmatch(r"channel (\d+)", channel_name(tells.get("channel", "")))
        index = index_of(file, indexes)
        if number is None or index is None or not index.channels:
            continue
        names = index.channels
        name = names.get(int(number.group(1)), "")
        if name and len(set(names.values())) == len(names):
            tells["channel"] = name


def plate_shape_of(
    dataset: Dataset, indexes: Sequence[Index], with_map: bool
) -> tuple[int, int] | None:
    """The plate that an index describes if it holds all wells and no plate map is given."""
    shapes = {index.plate_shape for index in indexes if index.plate_shape}
    wells = [well_place(record.well) for record in dataset.records if record.well]
    if with_map or len(shapes) != 1 or not wells:
        return dataset.plate_shape
    rows, columns = shape = shapes.pop()
    inside = all(r <= rows and c <= columns for r, c in wells)
    return shape if inside else dataset.plate_shape
