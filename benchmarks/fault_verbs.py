"""The verbs that `bench faults` interrupts, on a project that trains in seconds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from core.domain import PanelSpec
from core.synthetic.plate import PlateOptions, parse_conditions, write_plate
from core.training import presets, trainer
from core.training.presets import Preset
from core.workflows.records import RecordChoice
from core.workflows.train import TrainOptions

TINY = Preset("faults", "", "", 4, 4, 16, (4, 4, 4), 6, oracle_steps=2)

ONE = RecordChoice(source="DS", limit=1)


@dataclass(frozen=True)
class Verb:
    """A verb by its name; `run` gets the folder of the project."""

    name: str
    run: Callable[[Path], object]


def make_project(home: Path) -> Path:
    """A project with images, a model, latents, a map, a screen and a figure; no threads are left.

    The network learns nothing in four steps: only its files matter.
    """
    import torch

    import core as leigh

    torch.set_num_threads(1)
    presets.PRESETS["faults"] = TINY
    trainer.CHECKPOINT_EVERY_S = 0.0  # a checkpoint at every step
    write_plate(
        home / "images",
        parse_conditions(["WT", "DS", "TT"]),
        PlateOptions(wells=8, fields=2, size=64),
    )
    leigh.scan(home / "images", home / "project")
    for verb in ("train", "encode", "map", "screen"):
        _BY_NAME[verb](home / "project")
    return home / "project"


def _save(project: Path) -> None:
    from core.io.project import open_project, save_project

    save_project(replace(open_project(project), name="another name"))


def _scan(project: Path) -> None:
    import core as leigh

    leigh.scan(project.parent / "images", project)


def _train(project: Path) -> None:
    from core.io.project import open_project
    from core.workflows.train import train

    train(open_project(project), TrainOptions(preset="faults", device="cpu"))


def _train_on(project: Path) -> None:
    from core.io.project import FIRST_MODEL, model_folder, open_project
    from core.training.checkpoint import has_checkpoint
    from core.workflows.train import train

    presets.PRESETS["faults"] = replace(TINY, steps=40)
    opened = open_project(project)
    stopped = has_checkpoint(model_folder(opened, FIRST_MODEL))
    train(opened, TrainOptions(preset="faults", device="cpu", resume=stopped))


def digest_of(project: Path) -> str:
    """Fingerprint of the weights of the project's model."""
    from core.io.models import load_card
    from core.io.project import model_folder, open_project

    opened = open_project(project)
    return load_card(model_folder(opened, opened.model)).digest


def _baseline(project: Path) -> None:
    from core.io.project import open_project
    from core.workflows.baselines import train_network

    presets.SCHEDULES["resnext-small"]["faults"] = TINY.schedule
    train_network(
        open_project(project), "resnext-small", TrainOptions(preset="faults", device="cpu")
    )


def _encode(project: Path) -> None:
    import core as leigh

    leigh.encode(project, device="cpu")


def _map(project: Path) -> None:
    import core as leigh

    leigh.make_map(project, refit=True)


def _evaluate(project: Path) -> None:
    import core as leigh

    leigh.evaluate(project, device="cpu")


def _screen(project: Path) -> None:
    import core as leigh

    out = project / "exports" / "screen"
    leigh.screen(project, out, device="cpu", explain=False, space="readouts")


def _out(project: Path) -> Path:
    """An empty folder for what a verb exports."""
    out = project.parent / "out"
    out.mkdir()
    return out


def _counterfactual(project: Path) -> None:
    from core.io.project import open_project
    from core.workflows.counterfactual import CounterfactualOptions, counterfactuals

    options = CounterfactualOptions("WT", ONE, device="cpu")
    counterfactuals(open_project(project), _out(project), options)


def _figure(project: Path) -> None:
    import core as leigh

    leigh.figure(project, PanelSpec("confusion"), project / "exports" / "figure.png", device="cpu")


def _explain(project: Path) -> None:
    from core.io.project import open_project
    from core.workflows.explain import ExplainOptions, explain

    explain(open_project(project), _out(project), ExplainOptions("saliency", ONE, device="cpu"))


def _synth(project: Path) -> None:
    options = PlateOptions(wells=2, fields=1, size=64)
    write_plate(project.parent / "synthetic", parse_conditions(["WT", "DS"]), options)


def _demo(project: Path) -> None:
    from core.workflows.demo import copy_demo

    copy_demo(project.parent / "demo")


def _copy(project: Path) -> None:
    from core.io.project import open_project
    from core.io.project_copy import save_copy

    save_copy(open_project(project), project.parent / "copy")


def _adopt(project: Path) -> None:
    from core.io.project import open_project
    from core.workflows.adopt_model import adopt_model

    model = open_project(project).model
    adopt_model(open_project(project), project / "models" / model)


_BY_NAME: dict[str, Callable[[Path], object]] = {
    "save": _save,
    "scan": _scan,
    "train": _train,
    "baseline": _baseline,
    "encode": _encode,
    "map": _map,
    "evaluate": _evaluate,
    "screen": _screen,
    "counterfactual": _counterfactual,
    "figure": _figure,
    "explain": _explain,
    "synth": _synth,
    "demo": _demo,
    "copy": _copy,
    "adopt": _adopt,
}
LONGER = Verb("train", _train_on)  # long enough to be killed many times; resumes
VERBS = tuple(Verb(name, run) for name, run in _BY_NAME.items())
