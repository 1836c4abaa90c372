"""Weights of other programs: no code in them is run, and what is not weights is refused by name."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import LeighError
from core.models.resnext import ResNeXt, ResNeXtSettings, take_weights


class Code:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (Path.touch, (self.mark,))  # type: ignore[return-value]


def model() -> ResNeXt:
    return ResNeXt(ResNeXtSettings("resnext-small", 3, 3))


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.bin", "w.safetensors"])
def test_code_in_a_weights_file_is_never_run(tmp_path: Path, legacy: bool, name: str) -> None:
    path, mark = tmp_path / name, tmp_path / "code ran"
    torch.save({"conv1.weight": Code(mark)}, path, _use_new_zipfile_serialization=not legacy)
    with path.open("rb") as stream:
        torch.load(stream, weights_only=False)
    assert mark.exists(), "the trap works"
    mark.unlink()
    with pytest.raises(LeighError, match=name) as caught:
        take_weights(model(), path)
    assert not mark.exists() and caught.value.hint


@pytest.mark.parametrize("name", ["renamed.safetensors", "script.pt", "script.safetensors"])
def test_renamed_weights_and_scripts_are_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("script"):
        torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    else:
        torch.save({"conv1.weight": torch.zeros(2)}, path)
    with pytest.raises(LeighError, match=name):
        take_weights(model(), path)


@pytest.mark.parametrize("extra", [np.float64(0.5), np.random.default_rng(0).bit_generator.state])
def test_weights_with_more_than_weights_are_refused_by_name(tmp_path: Path, extra: object) -> None:
    path = tmp_path / "more.pt"
    torch.save({"conv1.weight": torch.zeros(2), "random": extra}, path)
    with pytest.raises(LeighError, match=r"more\.pt"):
        take_weights(model(), path)
