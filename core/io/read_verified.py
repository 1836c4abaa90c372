"""Read a record and verify that its files have not changed since the scan."""

from pathlib import Path

from core.domain import FloatArray, ImageRecord
from core.errors import BadImage
from core.io.digest import digest_record
from core.io.tiff import read_record


def read_verified(root: Path, record: ImageRecord) -> FloatArray:
    """Raw grey values (C Y X) of a record.

    Raises BadImage where a file is missing, damaged or has changed since the scan.
    """
    image: FloatArray = read_record(root, record)
    if record.digest and digest_record(root, record) != record.digest:
        raise BadImage(
            f"{record.id} was changed on disk since it was scanned ({record.files[0]}).",
            "Put the original back, or scan the folder again.",
        )
    return image
