"""Fingerprints of bytes, of files, and of the files of a record."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from core.domain import AnyArray, ImageRecord
from core.io.disk_errors import naming

DIGEST_BYTES = 16


def digest_bytes(data: bytes) -> str:
    """blake2b of bytes, as 32 hexadecimal digits."""
    return blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


def digest_file(path: Path) -> str:
    """blake2b of the bytes of a file; of a folder, of all its files with their names."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        named = [f"{p.relative_to(path).as_posix()}\0{digest_file(p)}" for p in files]
        return digest_bytes("\n".join(named).encode())
    digest = blake2b(digest_size=DIGEST_BYTES)
    with naming(path), path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def digest_pixels(image: AnyArray) -> str:
    """blake2b of shape, type and grey values of an image."""
    digest = blake2b(f"{image.shape}{image.dtype}".encode(), digest_size=DIGEST_BYTES)
    digest.update(np.ascontiguousarray(image).data)  # no copy of a usual image
    return digest.hexdigest()


def join_digests(digests: Sequence[str]) -> str:
    """One fingerprint as it is; several as the fingerprint of all, in their order."""
    return digests[0] if len(digests) == 1 else digest_bytes("".join(digests).encode())


def by_pixels(record: ImageRecord) -> bool:
    """Whether the fingerprint is that of the pixels, because the file holds other images, too."""
    return bool(record.scene or record.t)


def digest_image(image: AnyArray, record: ImageRecord) -> str:
    """The fingerprint of a record by its pixels (C Y X), in the order of the file's channels."""
    order = sorted(range(len(record.planes)), key=lambda c: record.planes[c])
    return digest_pixels(image[order])


def digest_record(root: Path, record: ImageRecord) -> str:
    """The present fingerprint of a record's files; equal to `record.digest` if unchanged.

    Raises OSError; of a file with several images also BadImage.
    """
    if by_pixels(record):
        from core.io.read_field import read_record  # no reader of images before it is needed

        return digest_image(read_record(root, record), record)
    return join_digests([digest_file(Path(root) / file) for file in record.files])
