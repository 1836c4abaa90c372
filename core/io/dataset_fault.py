"""Find what no dataset can say: contradictions, and numbers beyond reason."""

import math
from collections import Counter

from core.domain import Dataset

MAX_PIXEL_UM, MAX_SIDE, MAX_WELLS = 1e6, 1_000_000, 1000  # beyond them, a file is damaged


def dataset_fault(dataset: Dataset) -> str:
    """The first contradiction in a dataset whose fields have the right types; "" without any."""
    names = set(dataset.condition_names)
    if fault := _absurd(dataset):
        return fault
    for record in dataset.records:
        counts = (record.depth, record.depth * len(record.planes))
        if record.depth < 1 or not record.files or len(record.files) not in counts:
            return f"record {record.id}: {len(record.files)} files for {len(record.planes)} planes"
        if len(record.planes) != len(dataset.channels) or min(record.planes, default=-1) < 0:
            return (
                f"record {record.id}: planes {list(record.planes)} for {len(dataset.channels)}"
                " channels"
            )
        if record.condition not in names:
            return (
                f"record {record.id}: its condition {record.condition!r} is not among the"
                " conditions"
            )
    twice = [name for name, count in Counter(r.id for r in dataset.records).items() if count > 1]
    return f"record {twice[0]} is there more than once" if twice else ""


def _absurd(dataset: Dataset) -> str:
    """The first number that no image has; "" without any."""
    size = dataset.pixel_size_um
    if size is not None and not 0 < size < MAX_PIXEL_UM:
        return f"a pixel size of {size} µm"
    for condition in dataset.conditions:
        if condition.dose_um is not None and not 0 <= condition.dose_um < math.inf:
            return f"a dose of {condition.dose_um} µM of {condition.name}"
    if dataset.plate_shape is not None and not all(0 < n <= MAX_WELLS for n in dataset.plate_shape):
        return f"a plate of {dataset.plate_shape} wells"
    for record in dataset.records:
        if min(record.shape) < 0 or max(record.shape) > MAX_SIDE:
            return f"record {record.id}: an image of {record.shape}"
    return ""
