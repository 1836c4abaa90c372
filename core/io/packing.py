"""Refuse zip files that unpack to more than they hold, before anything is unpacked."""

import zipfile
from pathlib import Path


def check_stored(path: Path) -> None:
    """Raises ValueError for a zip file with compressed parts; numpy and torch store them plainly.

    A small compressed file can fill the memory. Files that are not zip files pass.
    """
    if not zipfile.is_zipfile(path):
        return
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
    except zipfile.BadZipFile as error:
        raise ValueError("it is a damaged zip file") from error
    unpacked = sum(part.file_size for part in parts)
    if unpacked > size or any(part.compress_type != zipfile.ZIP_STORED for part in parts):
        raise ValueError(
            f"it has {size / 1e6:.1f} MB and would unpack to {unpacked / 1e6:.1f} MB; not opened"
        )
