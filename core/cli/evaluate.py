"""The verb `leigh evaluate`: measure all networks of a project on held-out wells."""

import argparse

from core.cli.arguments import Result, add_project
from core.cli.evaluation_text import evaluation_text, networks_text
from core.progress import Report

HELP = "Measure accuracy on held-out wells, and the inverse."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p, device=True)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Measure the project's model in detail, and compare all its networks."""
    from core.io.project import open_project
    from core.workflows.baselines import evaluate_others, trained_networks
    from core.workflows.evaluate import evaluate

    project = open_project(a.project)
    alone = not project.model and trained_networks(project)  # networks, but no i-ResNet yet
    summary = {} if alone else evaluate(project, device=a.device, report=report)
    rows, failed = evaluate_others(project, device=a.device, report=report)
    text = [] if alone else [evaluation_text(summary)]
    if alone or failed or len(rows) > 1:
        text.append(networks_text(rows, failed))
    return {**summary, "models": rows, "models_failed": failed, "text": "\n".join(text)}
