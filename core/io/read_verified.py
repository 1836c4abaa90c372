"""Reads a record only if its files are still the ones that were scanned."""

from pathlib import Path

from core.domain import FloatArray, ImageRecord
from core.errors import BadImage
from core.io.digest import digest_record
from core.io.tiff import read_record


def read_verified(root: Path, record: ImageRecord) -> FloatArray:
    """Raw grey values (C Y X).

    Raises BadImage where a file is missing, damaged or was changed since the scan.
    """
    image: FloatArray = read_record(root, record)
    if record.digest and digest_record(root, record) != record.digest:
        raise BadImage(
            f"{record.id} was changed on disk since it was scanned ({record.files[0]}).",
            "Put the original back, or scan the folder again.",
        )
    return image
