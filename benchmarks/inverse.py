"""`leigh bench inverse`: compare the time of a drag and an export with FrEIA's fixed-point inverse.

All methods run the same trained blocks of the demo on the same held-out images, in turns. FrEIA
(IResNetLayer) iterates every block equally often: 50 times by default; "tuned" uses the fewest
iterations that bring every image to the wanted error. "plain" is the same iteration, stopped at a
residual. Errors are the largest differences of images to a float64 reference, as shares of the
display range. A forward pass is one decoding under two conditions, which every drag needs.

FrEIA must solve for every image that is dragged or exported. This program solves once per image:
roughly when the image is selected, exactly on release and export. Each further image is a forward
pass.
"""

import copy
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
import torch
from FrEIA.modules import IResNetLayer
from torch import Tensor, nn

from benchmarks.drag import bench_drag
from core.counterfactual.encode_decode import (
    LARGEST_CONTRACTION,
    QUARTER_GREY_LEVEL,
    Encoded,
    SourceImage,
    counterfactual,
    decode,
    encode,
    encode_for_display,
    gain_of,
    locked_mask,
    mixture_of,
    picture_error,
    refine,
    relative_error,
)
from core.counterfactual.engine import Engine
from core.data.preprocessing import to_network
from core.domain import FloatArray, Mix
from core.errors import NotInvertible
from core.io.read_verified import read_verified
from core.io.resources import resource
from core.models.inverse import SolverSettings, solve
from core.models.iresnet import EulerBlock, IResNet, blend
from core.progress import Progress, Report, silent

EXPORT_ERROR = 1e-5
SOURCE, TARGET = "DS", "WT"
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
ROUNDS = 5
FREIA_DEFAULT, FREIA_MOST = 50, 80  # iterations of every block
HARD_BLOCKS = (9, 7, 6, 5, 4)  # fewer blocks with longer steps, until they hardly contract


def bench_inverse(images: int = 8, report: Report = silent) -> dict[str, Any]:
    """Figures on crops of 64 pixels; `fields` has the same figures on whole fields of 128 pixels.

    `ticks_per_second` is measured with the whole window, see benchmarks.drag.
    """
    crops, fields = Bench(images, 64), Bench(max(2, images // 4), 128)
    figures = crops.measure(report)
    figures["fields"] = fields.measure(report)
    figures["hard"] = crops.hard()
    figures["ticks_per_second"] = bench_drag()["ticks_per_second"]
    machine = {"cores": os.cpu_count(), "threads": torch.get_num_threads()}
    return figures | {"images": images} | machine


class Bench:
    """The demo's model and some of its held-out images, cut to `side` pixels."""

    def __init__(self, images: int, side: int) -> None:
        self.session = Engine(resource("demo"), "cpu")
        self.model, self.card = self.session.model, self.session.card
        dataset, latents = self.session.project.dataset, self.session.map.latents
        assert dataset is not None and latents is not None
        tested = {r for r, split in zip(latents.record_ids, latents.split) if split == "test"}
        records = [r for r in dataset.records if r.id in tested and r.condition == SOURCE][:images]
        self.raws = [read_verified(dataset.root, r)[:, :side, :side] for r in records]
        self.held = locked_mask(self.card, self.session.automatic_locks(SOURCE, TARGET))
        self._exact: dict[tuple[int, tuple[float, ...]], list[FloatArray]] = {}

    def measure(self, report: Report = silent) -> dict[str, Any]:
        """All figures except the ticks per second."""
        rough = [self._encoded(encode_for_display, raw) for raw in self.raws]
        exact = [self._encoded(encode, raw) for raw in self.raws]
        report(Progress(1, 4, "Solving"))
        errors, export_errors = self._errors(rough), self._errors(exact)
        shown, export = (self._tuned(error) for error in (QUARTER_GREY_LEVEL, EXPORT_ERROR))
        report(Progress(2, 4, "Timing"))
        seconds = self._timed(rough[0], exact[0], shown, export)
        report(Progress(3, 4, "Timing"))
        blocks = len(self.model.blocks)
        plain = all(self._plain(self._batch(raw), EXPORT_ERROR) is not None for raw in self.raws)
        estimates = [[picture_error(self.card, e, s) for s in STRENGTHS] for e in rough]
        ratio = np.array(estimates) / errors  # of estimated and true error
        return {
            "drag_forward_passes": seconds["tick"] / seconds["pass"],
            "drag_error": float(errors.max()),
            "drag_vs_freia_tuned": seconds["freia shown"] / seconds["pass"],
            "drag_vs_freia_default": seconds["freia default"] / seconds["pass"],
            "select_forward_passes": seconds["select"] / seconds["pass"],
            # Under one condition, while a pass is under two.
            "select_evaluations": max(e.evaluations for e in rough),
            "export_error": float(export_errors.max()),
            "export_vs_freia_tuned": seconds["freia export"] / seconds["export"],
            "encode_vs_freia_tuned": seconds["freia encode"] / seconds["encode"],
            # None: the plain iteration did not converge.
            "encode_vs_plain": seconds["plain encode"] / seconds["encode"] if plain else None,
            "polish_vs_encode": seconds["refine"] / seconds["encode"],
            "estimate_within_factor_3": float(np.mean((ratio >= 1 / 3) & (ratio <= 3))),
            "blocks": blocks,
            "evaluations_per_block": float(np.mean([e.evaluations for e in exact])) / blocks,
            "freia_iterations": {"shown": shown, "export": export, "default": FREIA_DEFAULT},
            "contraction_max": max(max(e.contraction) for e in exact),
            "refused": sum(bool(e.failure) for e in exact),
            "seconds": seconds,
        }

    def hard(self) -> dict[str, Any]:
        """Figures with the fewest blocks that still contract below the limit, image by image."""
        for count in HARD_BLOCKS:
            hard = self._in_blocks(count)
            items = [hard._encoded(encode, raw) for raw in hard.raws]
            worst = max(max(i.contraction, default=np.inf) for i in items)
            if worst > 0.85 or count == HARD_BLOCKS[-1]:
                break
        solved = [i for i in items if not i.failure]
        hard.raws = [i.image.raw for i in solved]
        figures = {
            "blocks": count,
            "contraction_max": worst,
            "refused": [i.failure for i in items if i.failure],
            "shown": len(solved),
            "error": float(hard._errors(solved).max(initial=0.0)),
            "limit": LARGEST_CONTRACTION,
        }
        if solved:
            iterations = hard._tuned(EXPORT_ERROR)
            ours, freia = _turns(
                lambda: hard._encoded(encode, solved[0].image.raw),
                lambda: hard._freia(hard._batch(solved[0].image.raw), iterations),
            )
            figures |= {"vs_freia_tuned": freia / ours, "freia_iterations": iterations}
        return figures

    def _in_blocks(self, count: int) -> "Bench":
        """The same benchmark with another number of blocks."""
        other = copy.copy(self)
        other.model = IResNet(
            replace(self.model.architecture, blocks=count, times=(), times_held=())
        )
        other.model.load_state_dict(self.model.state_dict())
        other.model.eval()
        other._exact = {}
        return other

    def _encoded(self, how: Callable[..., Encoded], raw: FloatArray) -> Encoded:
        return how(self.model, self.card, SourceImage("image", SOURCE, raw, self.held))

    def _errors(self, items: Sequence[Encoded]) -> FloatArray:
        """(images, strengths) errors of counterfactuals; `items` are in the order of `raws`."""
        errors = np.zeros((len(items), len(STRENGTHS)))
        for i, item in enumerate(items):
            if (i, item.times) not in self._exact:
                self._exact[i, item.times] = self._in_float64(item)
            for k, exact in enumerate(self._exact[i, item.times]):
                picture = decode(self.model, self.card, item, Mix({TARGET: 1.0}, STRENGTHS[k]))
                errors[i, k] = relative_error(self.card, exact, picture)
        return errors

    @torch.no_grad()
    def _in_float64(self, item: Encoded) -> list[FloatArray]:
        """Network images (C, Y, X) of one record at every strength, computed in float64."""
        model = copy.deepcopy(self.model).double()
        source, _, held = self._mixtures(1.0, torch.float64)
        x = self._batch(item.image.raw).double()
        z, _ = model.encode(x, source, held, item.times, 1e-12)
        blends = [self._mixtures(strength, torch.float64)[1] for strength in STRENGTHS]
        return [model.decode(z, mixture, held, item.times)[0].numpy() for mixture in blends]

    def _mixtures(
        self, strength: float, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The source alone, the mixture at this strength, and the locked channels, one row each."""
        source, target = (
            mixture_of(self.card, k, torch.device("cpu")).to(dtype) for k in (SOURCE, TARGET)
        )
        gain = gain_of(self.card, SOURCE, Mix({TARGET: 1.0}))
        held = torch.tensor([self.held], dtype=dtype)
        return source, blend(source, target, torch.tensor([strength * gain], dtype=dtype)), held

    def _batch(self, raw: FloatArray) -> Tensor:
        return torch.from_numpy(to_network(self.card.preprocessing, raw))[None]

    @torch.no_grad()
    def _freia(self, x: Tensor, iterations: int, strength: float = 0.0) -> Tensor:
        """Image to latent by FrEIA's fixed-point iteration."""
        return self._through(x, strength, lambda block, y, c: _freia_layer(block, y, c, iterations))

    @torch.no_grad()
    def _plain(self, x: Tensor, tolerance: float) -> Tensor | None:
        """Image to latent by the plain iteration, stopped at a residual; None: not converged."""

        def step(block: EulerBlock, y: Tensor, c: Tensor) -> Tensor:
            return solve(
                lambda v, rows: block.residual(v, c[rows]),
                y,
                settings=SolverSettings(tolerance, memory=0),
            ).x

        try:
            return self._through(x, 0.0, step)
        except NotInvertible:
            return None

    def _through(
        self, x: Tensor, strength: float, step: Callable[[EulerBlock, Tensor, Tensor], Tensor]
    ) -> Tensor:
        _, mixture, held = self._mixtures(strength)
        mixture, held = mixture.expand(len(x), -1), held.expand(len(x), -1)
        y, condition = self.model.enter(x, mixture, held)
        for block in self.model.blocks:
            y = step(block, y, condition)
        return y

    def _tuned(self, error: float) -> int:
        """The fewest iterations with which FrEIA brings every image within `error`."""
        source, _, held = self._mixtures(1.0)

        @torch.no_grad()
        def reached(iterations: int) -> bool:
            pictures = [self._batch(raw) for raw in self.raws]
            backs = [self.model.decode(self._freia(x, iterations), source, held) for x in pictures]
            return all(
                relative_error(self.card, x[0].numpy(), b[0].numpy()) < error
                for x, b in zip(pictures, backs)
            )

        return 1 + bisect_left(range(1, FREIA_MOST), True, key=reached)

    def _timed(self, quick: Encoded, exact: Encoded, shown: int, export: int) -> dict[str, float]:
        """Median seconds of all steps, measured in turns on one image; "encode" on all images."""
        model, card, raw = self.model, self.card, exact.image.raw
        x, many = self._batch(raw), torch.cat([self._batch(r) for r in self.raws])
        source, mixture, held = self._mixtures(1.0)
        sources, helds = (v.expand(len(many), -1) for v in (source, held))
        mix = Mix({TARGET: 1.0})

        def export_picture() -> None:
            decode(model, card, refine(model, card, quick), mix)

        def select() -> None:
            counterfactual(model, card, self._encoded(encode_for_display, raw), mix)

        with torch.no_grad():
            names = {
                "pass": lambda: model.decode(exact.z, mixture, held),
                "tick": lambda: self.session._landing(counterfactual(model, card, exact, mix)),
                "freia shown": lambda: self._freia(x, shown, 1.0),
                "freia default": lambda: self._freia(x, FREIA_DEFAULT, 1.0),
                "select": select,
                "refine": lambda: refine(model, card, quick),
                "export": export_picture,
                "freia export": lambda: self._freia(x, export, 1.0),
                "encode": lambda: model.encode(many, sources, helds),
                "freia encode": lambda: self._freia(many, export),
                "plain encode": lambda: self._plain(many, EXPORT_ERROR),
            }
            return dict(zip(names, _turns(*names.values())))


class _Residual(nn.Module):
    """The residual of a block under fixed conditions, in the form that FrEIA's layer needs."""

    def __init__(self, block: EulerBlock, condition: Tensor) -> None:
        super().__init__()
        self.block, self.condition = (block,), condition

    def forward(self, y: Tensor) -> Tensor:
        """g(y)."""
        return self.block[0].residual(y, self.condition)


def _freia_layer(block: EulerBlock, y: Tensor, condition: Tensor, iterations: int) -> Tensor:
    layer = IResNetLayer(
        [(1,)], internal_size=1, n_internal_layers=0, fixed_point_iterations=iterations
    )
    layer.residual = _Residual(block, condition)
    solution: Tensor = layer((y,), rev=True, jac=False)[0][0]
    return solution


def _turns(*what: Callable[[], Any]) -> list[float]:
    """Median seconds of each function, run in turns; the first turn is ignored."""
    seconds: list[list[float]] = [[] for _ in what]
    for turn in range(ROUNDS + 1):
        for k, run in enumerate(what):
            began = time.perf_counter()
            run()
            if turn:
                seconds[k].append(time.perf_counter() - began)
    return [median(s) for s in seconds]
