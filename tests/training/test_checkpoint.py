"""A damaged checkpoint is never resumed as if it were whole, and never a dead end."""

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from core.errors import LeighError
from core.training.checkpoint import CHECKPOINT, DAMAGED, NUMBERS, PREVIOUS, TrainingState

MUTATIONS = 240


def made(steps: int = 0) -> TrainingState:
    """A small network after some steps, with a best average."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    state = TrainingState(model, torch.optim.AdamW(model.parameters(), lr=1e-2), decay=0.9)
    rng = torch.Generator().manual_seed(1)
    for _ in range(steps):
        loss = model(torch.randn(16, 6, generator=rng)).square().mean()
        state.optimiser.zero_grad()
        loss.backward()
        state.optimiser.step()
        state.averaged.update_parameters(model)
        state.step += 1
        state.note({"loss": float(loss.detach())})
        state.best = {k: v.clone() for k, v in state.averaged.module.state_dict().items()}
        state.best_loss, state.best_step = float(loss.detach()), state.step
    return state


def content(state: TrainingState) -> tuple[dict[str, bytes], dict[str, object]]:
    tensors = {k: v.detach().reshape(-1).numpy().tobytes() for k, v in state._tensors()}
    return tensors, {name: getattr(state, name) for name in NUMBERS}


def legacy(path: Path) -> None:
    """Write the file again as the version before the checksum did."""
    tensors = load(path.read_bytes())
    header = json.loads(path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")])
    numbers = json.loads(header["__metadata__"]["state"])
    del numbers["format_version"]
    path.write_bytes(save(tensors, metadata={"state": json.dumps(numbers)}))


def mutations(data: bytes, header: dict) -> Iterator[bytes]:
    """The file with flipped bits, swapped parts, lost parts, and with other headers."""
    rng, start = np.random.default_rng(0), 8 + int.from_bytes(data[:8], "little")
    for _ in range(MUTATIONS // 4):
        at = int(rng.integers(start, len(data)))
        yield data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]
        at = int(rng.integers(8, start))
        yield data[:at] + bytes([int(rng.integers(32, 127))]) + data[at + 1 :]
        yield data[: int(rng.integers(len(data)))]
        a, b = sorted(int(x) for x in rng.integers(start, len(data), 2))
        yield data[:start] + data[b:] + data[a:b] + data[start:a]
    for at in (start, len(data) - 4):
        yield data[:at] + struct.pack("<f", float("nan")) + data[at + 4 :]
    body = data[start:]
    for change in (
        lambda h: h.pop("__metadata__"),
        lambda h: h["__metadata__"].pop("state"),
        lambda h: h["__metadata__"].pop("digest", None) and h.pop("model.0.bias"),
        lambda h: h["__metadata__"].update(digest="0"),
        lambda h: h["__metadata__"].update(state="[]"),
        lambda h: h["__metadata__"].update(state='{"step": 3}'),
        lambda h: h["__metadata__"].update(state="[" * 50_000),
        lambda h: h.update({"model.0.bias2": h.pop("model.0.bias")}),
        lambda h: h["model.0.bias"].update(dtype="I32"),
        lambda h: h["model.0.bias"].update(shape=[2, 4]),
        lambda h: h["model.0.bias"].update(dtype="F8_E4M3", shape=[32]),
        lambda h: h["model.0.bias"].update(dtype="BF16", shape=[16]),
    ):
        changed = json.loads(json.dumps(header))
        change(changed)
        text = json.dumps(changed).encode()
        text += b" " * (-len(text) % 8)
        yield len(text).to_bytes(8, "little") + text + body
    yield b""
    yield b"\xff" * 64


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint of step 5; the one before is of step 4."""
    made(4).save(tmp_path / CHECKPOINT, "this")
    made(5).save(tmp_path / CHECKPOINT, "this")
    return tmp_path / CHECKPOINT


def test_each_of_many_damaged_checkpoints_is_equal_or_the_one_before_is_taken(saved: Path) -> None:
    data, before = saved.read_bytes(), saved.with_suffix(PREVIOUS).read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    whole, former, count = content(made(5)), content(made(4)), 0
    for mutated in mutations(data, header):
        saved.write_bytes(mutated)
        saved.with_suffix(PREVIOUS).write_bytes(before)
        state, count = made(), count + 1
        words = state.restore(saved, "this")
        assert content(state) == (former if words else whole)
        if words:
            assert str(saved) in words and "at step 4" in words
            assert saved.with_suffix(DAMAGED).read_bytes() == mutated and not saved.exists()
    assert count >= 160


def test_without_a_whole_checkpoint_both_are_named_and_nothing_is_taken(saved: Path) -> None:
    data = saved.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    for mutated in mutations(data, header):
        saved.write_bytes(mutated)
        shutil.copyfile(saved, saved.with_suffix(PREVIOUS))
        state = made()
        try:
            state.restore(saved, "this")
        except LeighError as error:
            assert str(saved) in error.message and PREVIOUS in error.message and error.hint
            assert content(state) == content(made())
            assert saved.exists()
        else:
            assert content(state) == content(made(5))


def test_a_checkpoint_of_the_version_without_checksum_still_resumes(saved: Path) -> None:
    legacy(saved)
    state = made()
    assert state.restore(saved, "this") == ""
    assert content(state) == content(made(5))


def test_values_that_are_not_numbers_are_found_without_a_checksum(saved: Path) -> None:
    legacy(saved)
    data = saved.read_bytes()
    saved.write_bytes(data[:-4] + struct.pack("<f", float("nan")))
    state = made()
    assert "not numbers" in state.restore(saved, "this")
    assert state.step == 4


def test_a_missing_newest_checkpoint_is_told(saved: Path) -> None:
    saved.unlink()
    state = made()
    assert "is missing" in state.restore(saved, "this") and state.step == 4


def test_a_damaged_file_does_not_push_out_the_good_one(saved: Path) -> None:
    saved.write_bytes(b"damaged")
    state = made()
    state.restore(saved, "this")
    state.save(saved, "this")
    assert made().restore(saved, "this") == ""
    saved.unlink()
    state = made()
    state.restore(saved, "this")
    assert state.step == 4
