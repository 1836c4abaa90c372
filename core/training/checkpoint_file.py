"""Write and read the file of a stopped training, with a checksum over all that it holds."""

import json
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core.io.atomic import atomic_write_bytes
from core.io.digest import DIGEST_BYTES
from core.io.disk_errors import cause_of

FORMAT_VERSION = 2  # 1: without a checksum
Tensors = dict[str, Tensor]


class DamagedCheckpoint(Exception):
    """The file is not what was written; the text says why."""


@dataclass(frozen=True)
class Checkpoint:
    """The content of one file."""

    numbers: dict[str, Any]
    tensors: Tensors


def write_checkpoint(path: Path, content: Checkpoint) -> None:
    """Write the file completely or not at all."""
    state = json.dumps(content.numbers | {"format_version": FORMAT_VERSION})
    tensors = {k: v.detach().contiguous().cpu() for k, v in content.tensors.items()}
    metadata = {"state": state, "digest": _digest(state, tensors)}
    atomic_write_bytes(path, save(tensors, metadata=metadata))


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and verify a file; a file of version 1 has no checksum.

    Raises FileNotFoundError, and DamagedCheckpoint for a file that differs from what was written.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata()
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        numbers = json.loads(metadata["state"])
        version = numbers.pop("format_version", 1)
        if version == 1 and "digest" not in metadata:
            whole = isinstance(numbers["identity"], str)
        else:
            whole = metadata["digest"] == _digest(metadata["state"], tensors)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedCheckpoint(f"it cannot be read: {cause_of(error)}") from error
    except (
        SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise DamagedCheckpoint(f"{type(error).__name__}: {error}") from error
    if version not in (1, FORMAT_VERSION):
        raise DamagedCheckpoint(f"format {version} is not known")
    if not whole:
        raise DamagedCheckpoint("its checksum is wrong")
    return Checkpoint(numbers, tensors)


def _digest(state: str, tensors: Tensors) -> str:
    """Fingerprint of the numbers and of names, types, shapes and values of all tensors."""
    digest = blake2b(state.encode(), digest_size=DIGEST_BYTES)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
