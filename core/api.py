"""The program for notebooks and scripts: `import core as leigh`.

Every function takes a folder (str or Path) or an open Project, calls the same workflow as the
command line and the window, and shows a progress bar with `progress=True`. `progress` may also be
a function that takes core.progress.Progress.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain import (
    DecisionMap,
    LatentTable,
    ModelCard,
    PanelSpec,
    Project,
    Projection,
)
from core.errors import LeighError
from core.progress import Report, silent

if TYPE_CHECKING:
    from core.domain.screen import Screen

Folder = str | Path
ProjectLike = Project | str | Path
ProgressLike = bool | Report


def open_project(project: ProjectLike) -> Project:
    """Open a project folder; an open Project is returned as it is. Raises BadProject."""
    from core.io.project import open_project

    return project if isinstance(project, Project) else open_project(_path(project))


def demo(folder: Folder) -> Project:
    """Copy the embedded demo (images, trained model, latents, map) into `folder` and open it."""
    from core.workflows.demo import copy_demo

    return copy_demo(_path(folder))


def synth(
    out: Folder,
    conditions: Sequence[str] = ("WT", "DS", "TT"),
    *,
    progress: ProgressLike = False,
    **options: Any,
) -> Path:
    """Write a plate of synthetic cultures with its truth; returns the folder.

    `options` are those of core.synthetic.plate.PlateOptions: wells, fields, size, seed.
    """
    from core.synthetic.plate import PlateOptions, parse_conditions, write_plate

    phenotypes = parse_conditions(list(conditions))
    write_plate(_path(out), phenotypes, PlateOptions(**options), report=_report(progress))
    return _path(out)


def scan(
    folder: Folder, project: Folder, *, progress: ProgressLike = False, **options: Any
) -> Project:
    """Read a folder of images into a project, new or existing.

    `options` are those of core.scanning.scan.ScanOptions: pattern, condition_from, plate_map,
    group_by, exclude, pixel_size_um.
    """
    from core.scanning.scan import ScanOptions
    from core.workflows.scan import scan

    if options.get("plate_map") is not None:
        options["plate_map"] = _path(options["plate_map"])
    return scan(_path(folder), _path(project), ScanOptions(**options), report=_report(progress))


def train(
    project: ProjectLike,
    model: str = "iresnet",
    *,
    weights: Folder | None = None,
    progress: ProgressLike = False,
    **options: Any,
) -> ModelCard:
    """Train the invertible network, or the baseline named by `model`; returns its card.

    `options` are those of core.workflows.train.TrainOptions: preset, seed, test_groups, conditions,
    resume, device, split_brightness. `weights` is a file from which a resnext50 starts.
    """
    from core.training.presets import PRESETS, SCHEDULES
    from core.workflows.baselines import train_network
    from core.workflows.train import TrainOptions, train

    for name in ("conditions", "test_groups"):
        if isinstance(options.get(name), str):
            options[name] = (options[name],)
    opened, how, report = _current(project), TrainOptions(**options), _report(progress)
    _check_choice("model", model, ("iresnet", *SCHEDULES))
    _check_choice("preset", how.preset, tuple(PRESETS if model == "iresnet" else SCHEDULES[model]))
    if model == "iresnet":
        return train(opened, how, report=report)
    start = _path(weights) if weights is not None else None
    return train_network(opened, model, how, weights=start, report=report)


def evaluate(
    project: ProjectLike, *, device: str = "auto", progress: ProgressLike = False
) -> dict[str, Any]:
    """Measure the project's model on held-out wells: accuracy, Z', inverse, baseline."""
    from core.workflows.evaluate import evaluate

    return evaluate(_current(project), device=device, report=_report(progress))


def encode(
    project: ProjectLike, *, device: str = "auto", progress: ProgressLike = False
) -> LatentTable:
    """Compute latents and logits of all records; they are also written to the project."""
    from core.workflows.encode import encode

    return encode(_current(project), device=device, report=_report(progress))


def make_map(
    project: ProjectLike,
    *,
    seed: int | None = None,
    refit: bool = False,
    progress: ProgressLike = False,
) -> tuple[Projection, DecisionMap, int]:
    """Make the frozen map and its regions; also returns how many images kept their position."""
    from core.workflows.make_map import make_map

    return make_map(_current(project), seed=seed, refit=refit, report=_report(progress))


def screen(
    project: ProjectLike,
    out: Folder | None = None,
    *,
    progress: ProgressLike = False,
    **options: Any,
) -> Screen:
    """Rank the treatments; with `out` the tables and the report are written there.

    `options` are those of core.workflows.screen_scored.ScreenOptions: space, normalise, b_score,
    level, explain, seed, device.
    """
    from core.workflows.screen import screen, write_screen
    from core.workflows.screen_scored import ScreenOptions

    opened, how, report = _current(project), ScreenOptions(**options), _report(progress)
    if out is None:
        return screen(opened, how, report=report)
    return write_screen(opened, _path(out), how, report=report)


def figure(
    project: ProjectLike,
    panels: Sequence[PanelSpec | str] | PanelSpec | str,
    out: Folder,
    *,
    device: str = "auto",
    progress: ProgressLike = False,
) -> Path:
    """Write panels as one PDF, SVG, PNG or TIFF file and return its path.

    Parameters
    ----------
    project
        A folder or an open project.
    panels
        PanelSpec objects. A panel that needs no record may be given by its kind alone.
    out
        The file; its suffix chooses the format.
    device
        "auto", "cpu", "cuda" or "mps".
    progress
        True shows a progress bar; a function receives every Progress.
    """
    from core.workflows.figure import figure

    chosen = [panels] if isinstance(panels, str | PanelSpec) else panels
    specs = [PanelSpec(panel) if isinstance(panel, str) else panel for panel in chosen]
    return figure(_current(project), specs, _path(out), device=device, report=_report(progress))


def _current(project: ProjectLike) -> Project:
    """The project as it is on disk now: a training may have given an open project its model."""
    return open_project(project.folder if isinstance(project, Project) else project)


def _path(folder: object) -> Path:
    """The path of a text or Path; `~` is the home folder. Raises LeighError for anything else."""
    if not isinstance(folder, str | Path):
        kind = type(folder).__name__
        raise LeighError(f"A folder is text or a Path, not {kind}.", 'Write for example "study".')
    return Path(folder).expanduser()


def _check_choice(what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise LeighError(f"The {what} {value!r} is unknown.", f"Known are {', '.join(known)}.")


def _report(progress: ProgressLike) -> Report:
    """The report for `progress`: a bar of tqdm.auto, the caller's own function, or silence."""
    if progress is False:
        return silent
    if progress is not True:
        return progress
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise LeighError("The progress bar needs tqdm.", "Run `pip install tqdm`.") from None
    from core.progress import Progress

    bar: Any = None
    work: tuple[str, int] | None = None  # name and total of the work whose bar is shown

    def report(step: Progress) -> None:
        nonlocal bar, work
        if work != (step.what, step.total):
            if bar is not None:
                bar.close()
            bar, work = tqdm(total=step.total, desc=step.what), (step.what, step.total)
        bar.update(step.done - bar.n)
        bar.set_postfix(step.values)
        if step.done >= step.total:
            bar.close()

    return report
