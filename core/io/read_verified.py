"""Read a record and verify that its files have not changed since the scan."""

from pathlib import Path

from core.domain import FloatArray, ImageRecord
from core.errors import BadImage
from core.io.digest import by_pixels, digest_image, digest_record
from core.io.read_field import read_record


def read_verified(root: Path, record: ImageRecord) -> FloatArray:
    """Raw grey values (C Y X) of a record.

    Raises BadImage where a file is missing, damaged or has changed since the scan.
    """
    image: FloatArray = read_record(root, record)
    if not record.digest:
        return image
    now = digest_image(image, record) if by_pixels(record) else digest_record(root, record)
    if now != record.digest:
        raise BadImage(
            f"{record.id} was changed on disk since it was scanned ({record.files[0]}).",
            "Put the original back, or scan the folder again.",
        )
    return image
