"""Fingerprints of bytes, of files, and of the files of a record."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from core.domain import ImageRecord
from core.io.disk_errors import naming

DIGEST_BYTES = 16


def digest_bytes(data: bytes) -> str:
    """blake2b of bytes, as 32 hexadecimal digits."""
    return blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


def digest_file(path: Path) -> str:
    """blake2b of the bytes of a file."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    with naming(path), path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def join_digests(digests: Sequence[str]) -> str:
    """One fingerprint as it is; several as the fingerprint of all, in their order."""
    return digests[0] if len(digests) == 1 else digest_bytes("".join(digests).encode())


def digest_record(root: Path, record: ImageRecord) -> str:
    """The present fingerprint of a record's files; equal to `record.digest` if unchanged."""
    return join_digests([digest_file(Path(root) / file) for file in record.files])
