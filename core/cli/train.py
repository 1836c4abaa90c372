"""The verb `leigh train`: train the invertible network, a baseline, or the negative control."""

import argparse

from core.cli.arguments import PRESETS, Result, add_project, path_option
from core.cli.evaluation_text import evaluation_text, networks_text
from core.domain import Project
from core.errors import LeighError
from core.progress import Report
from core.workflows.train import TrainOptions

HELP = "Train the invertible network, or a baseline."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p, device=True)
    p.add_argument(
        "--model",
        choices=("iresnet", "resnext50", "resnext-small", "autoencoder", "variational-autoencoder"),
        default="iresnet",
        help=(
            "the invertible network (default), or a baseline; resnext-small is for computers"
            " without a GPU"
        ),
    )
    p.add_argument(
        "--weights",
        type=path_option,
        metavar="FILE",
        help="resnext50: start from these torchvision weights",
    )
    p.add_argument("--preset", choices=PRESETS, default="quick")
    p.add_argument(
        "--test-groups",
        default="",
        metavar="G1,G2,..",
        help="groups to hold out; default: a quarter",
    )
    p.add_argument(
        "--conditions",
        nargs="+",
        default=[],
        metavar="NAME",
        help="train only on these conditions; for a screen, the controls",
    )
    p.add_argument("--resume", action="store_true", help="continue a stopped training")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument(
        "--split-brightness",
        action=argparse.BooleanOptionalAction,
        help=(
            "move the brightness of each channel exactly, and only the pattern by the network"
            " (default)"
        ),
    )
    p.add_argument(
        "--permute-labels",
        action="store_true",
        help=(
            "negative control: shuffle conditions between wells and train in"
            " exports/permuted-labels"
        ),
    )


def run(a: argparse.Namespace, report: Report) -> Result:
    """Train the i-ResNet, a baseline, or the negative control."""
    from core.io.project import open_project
    from core.workflows.evaluate import evaluation_summary
    from core.workflows.train import TrainOptions, train

    options = TrainOptions(
        preset=a.preset,
        seed=a.seed,
        test_groups=[g.strip() for g in a.test_groups.split(",") if g.strip()],
        conditions=a.conditions,
        resume=a.resume,
        device=a.device,
        split_brightness=a.split_brightness is not False,
    )
    project = open_project(a.project)
    if a.model != "iresnet":
        return _baseline(a, project, options, report)
    if a.weights is not None:
        raise LeighError(
            "--weights does not go with iresnet.", "It is for resnext50; leave it out."
        )
    if a.permute_labels:
        return _permuted(project, options, report)
    card = train(project, options, report=report)
    summary = evaluation_summary(card)
    summary["training"] = card.training
    return {**summary, "text": evaluation_text(summary)}


def _baseline(
    a: argparse.Namespace, project: Project, options: TrainOptions, report: Report
) -> Result:
    from core.workflows.baselines import row_of, train_network

    if a.conditions:
        raise LeighError(
            f"--conditions does not go with {a.model}.", "Baselines learn from all conditions."
        )
    if a.split_brightness:
        raise LeighError(
            f"--split-brightness does not go with {a.model}.", "Only the i-ResNet does this."
        )
    if a.permute_labels:
        raise LeighError(
            f"--permute-labels does not go with {a.model}.",
            "This control uses the i-ResNet.",
        )
    card = train_network(project, a.model, options, weights=a.weights, report=report)
    text = networks_text([row_of(card)], {})
    return {"model": card.name, **card.accuracy, "training": card.training, "text": text}


def _permuted(project: Project, options: TrainOptions, report: Report) -> Result:
    from core.workflows.permuted_labels import negative_control

    if options.resume:
        raise LeighError(
            "--resume does not go with --permute-labels.",
            "This control is always trained from the start.",
        )
    return negative_control(project, options, report=report)
