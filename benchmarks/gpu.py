"""`python -m benchmarks.gpu DIR`: measure training and drags of the lab preset on a GPU.

A plate with four channels in fields of 256 pixels is made in DIR. A network of the lab preset's
size is trained for fewer steps, because the time per step and per image does not depend on the
number of steps. One held-out image is then selected and moved as in the window. Everything runs
once on the GPU; nothing is compared with a CPU.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from core.domain import (
    ORIGINAL,
    FloatArray,
    MapPosition,
    Mix,
    Move,
    Precision,
    Split,
)
from core.progress import Progress

SIDE, STAINS, WELLS = 256, 4, 6
NAMES = ("WT", "DS", "TT")
STEPS, JUDGE_STEPS, MOVES = 300, 50, 60
FRAME_MS = 1000 / 60


def bench_gpu(
    folder: Path, preset: str = "lab", steps: int = STEPS, side: int = SIDE
) -> dict[str, Any]:
    """Images per second and memory of the training; median milliseconds of the parts of a drag."""
    import torch

    from core import train
    from core.counterfactual.engine import Engine
    from core.io.project import open_project
    from core.training.presets import PRESETS

    PRESETS["bench"] = replace(PRESETS[preset], name="bench", steps=steps, oracle_steps=JUDGE_STEPS)
    if not (folder / "project.json").exists():
        _make_project(folder, side)
    if not open_project(folder).model:
        train(folder, preset="bench", device="cuda", progress=_print)
    torch.cuda.reset_peak_memory_stats()
    window = Engine(folder, "cuda")
    card, dataset = window.card, window.project.dataset
    assert dataset is not None
    record = next(
        r for r in dataset.records if r.condition == "DS" and card.part_of(r) == Split.TEST
    )
    strengths, display = np.linspace(0.1, 1.2, MOVES), Precision.DISPLAY

    def mixed(strength: float) -> Mix:
        return Mix({"WT": 1.0}, float(strength))

    def dragged(xy: FloatArray) -> Move:
        return Move(record.id, MapPosition((float(xy[0]), float(xy[1])), NAMES), None, display)

    def selected() -> Any:
        window.encodings.clear()
        return window.move(Move(record.id, ORIGINAL, precision=display))

    encoded = {
        "select": _ms(selected, 5),
        "move": _ms(lambda: window.move(Move(record.id, Mix({"WT": 1.0}), precision=display)), 5),
    }
    encoded["tick"] = median(
        _ms(lambda s=s: window.move(Move(record.id, mixed(s), precision=display)), 1, 0)
        for s in strengths
    )
    exact = window.encodings.get(record.id, window.automatic_locks("DS", "WT"))
    window._picture_s = np.inf
    preview = Move(record.id, mixed(0.7), precision=Precision.PREVIEW)
    encoded["draft"] = _ms(lambda: window.move(preview), 20)
    window._picture_s = 0.0
    mixture = torch.eye(len(NAMES), device=window.device).mean(0, keepdim=True)
    two = torch.tensor([[0.4, 0.6, 0.0]], device=window.device)
    held = torch.tensor([exact.locked], dtype=torch.float32, device=window.device)
    for name, blend in (("pass", two), ("pass_of_three", mixture)):
        encoded[name] = _ms(lambda m=blend: _pass(window.model, exact, m, held), 20)
    encoded["export"] = _ms(lambda: _exported(window, record.id), 3)
    window.curves.of(record.id, window.automatic_locks("DS", "WT"))
    home, plane = np.array(window.map.position_of(record.id, NAMES)), window.map.view(NAMES)[0]
    assert window.map.latents is not None
    healthy = [
        window.map.latents.conditions[window.map.latents.truth[window.map.latents.row(r)]] == "WT"
        for r in plane.record_ids
    ]
    ways = np.linspace(0.1, 1, MOVES)[:, None] * (plane.xy[healthy].mean(axis=0) - home)
    drags = [lambda p=p: window.move(dragged(p)) for p in home + ways]
    encoded["drag"] = median(_ms(drag, 1, 0) for drag in drags)
    result = window.move(Move(record.id, mixed(1.0)))
    training = card.training
    return {
        "gpu": torch.cuda.get_device_name(),
        "preset": preset,
        "side": side,
        "stains": STAINS,
        "crop": card.preprocessing.crop,
        "images_per_second": training["images_per_second"],
        "training_steps": steps,
        "training_peak_gpu_bytes": training.get("peak_gpu_bytes"),
        "drag_peak_gpu_bytes": torch.cuda.max_memory_allocated(),
        "milliseconds": encoded,
        "ticks_per_second": 1000 / encoded["drag"],
        "tick_in_passes": encoded["tick"] / encoded["pass"],
        "in_time_for_60_hz": encoded["drag"] < FRAME_MS,
        "blocks": len(window.model.blocks),
        "valid": result.valid,
        "reason": result.reason,
        "roundtrip_error": result.roundtrip_error,
        "roundtrip_max": card.inverse.roundtrip_max if card.inverse else None,
        "contraction": result.contraction,
        "total_seconds": training["total_seconds"],
    }


def _make_project(folder: Path, side: int) -> None:
    """A project with the demo's three channels and their mean, like a bright-field image."""
    from core.io.tiff import write_tiff
    from core.synthetic.cells import CHANNELS, DEMO_PHENOTYPES, PIXEL_SIZE_UM, render
    from core.workflows.scan import scan

    names = [c.name for c in CHANNELS] + ["All"]
    for i, name in enumerate(NAMES):
        for well in range(WELLS):
            image = render(100 * i + well, DEMO_PHENOTYPES[name], side)
            four = np.concatenate([image, image.mean(axis=0, keepdims=True).astype(np.uint16)])
            path = folder / "images" / name / f"P1_{'BCD'[i]}{well + 2:02d}_s1.ome.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_tiff(path, four, channel_names=names, pixel_size_um=PIXEL_SIZE_UM)
    scan(folder / "images", folder)


def _pass(model: Any, exact: Any, mixture: Any, held: Any) -> Any:
    """One decoding with the block times of a drag with locked channels."""
    import torch

    with torch.no_grad():
        return model.decode(exact.z, mixture, held, exact.times)


def _exported(window: Any, record: str) -> Any:
    window.encodings.clear()
    return window.encodings.get(record)


def _ms(run: Callable[[], Any], rounds: int, warm: int = 2) -> float:
    """Median milliseconds of a call, including the work of the GPU."""
    import torch

    seconds = []
    for turn in range(warm + rounds):
        torch.cuda.synchronize()
        began = time.perf_counter()
        run()
        torch.cuda.synchronize()
        if turn >= warm:
            seconds.append(time.perf_counter() - began)
    return 1000 * median(seconds)


def _print(progress: Progress) -> None:
    if progress.done % 100 == 0 or progress.done == progress.total:
        print(
            f"{time.perf_counter():.1f} s: {progress.what} {progress.done}/{progress.total}",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", default="lab")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--side", type=int, default=SIDE)
    options = parser.parse_args()
    print(json.dumps(bench_gpu(options.folder, options.preset, options.steps, options.side)))
