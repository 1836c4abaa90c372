"""What every verb of the command line does: call the program, and say the result in words and as
JSON.
"""

import argparse
from dataclasses import asdict
from typing import Any

from core.domain import CHECKS
from core.domain.screen import Ranked
from core.errors import LeighError
from core.progress import Report

Result = dict[str, Any]  # "text" is for people; the rest is the JSON object


def demo(a: argparse.Namespace, report: Report) -> Result:
    """Copy the embedded demo."""
    from core.workflows.demo import copy_demo

    project = copy_demo(a.project)
    assert project.dataset is not None
    records = len(project.dataset.records)
    return {
        "project": str(a.project),
        "records": records,
        "text": f"Demo with {records} images is in {a.project}",
    }


def synth(a: argparse.Namespace, report: Report) -> Result:
    """Write a synthetic plate, or a whole synthetic screen."""
    from core.synthetic.plate import parse_conditions, write_plate

    if a.screen:
        return _synth_screen(a, report)
    if given := next((n for n in SCREEN_OPTIONS if getattr(a, n) is not None), None):
        raise LeighError(
            f"--{given.replace('_', '-')} belongs to a synthetic screen.",
            "Add --screen or leave it out.",
        )
    phenotypes = parse_conditions(a.conditions or ["WT", "DS", "TT", "Drug A", "Drug B", "Drug C"])
    wells = 8 if a.wells is None else a.wells
    write_plate(
        a.out, phenotypes, wells=wells, fields=a.fields, size=a.size, seed=a.seed, report=report
    )
    images = len(phenotypes) * wells * a.fields
    return {
        "out": str(a.out),
        "images": images,
        "text": f"{images} images, plate_map.csv and truth.csv are in {a.out}",
    }


def _preview(a: argparse.Namespace) -> Result:
    """Check the plate map and show it, plate by plate."""
    from core.scanning.plate_map import load_plate_map
    from core.scanning.plate_map_preview import preview

    if a.plate_map is None:
        raise LeighError("There is no plate map to preview.", "Give --plate-map FILE.")
    table = load_plate_map(a.plate_map)
    plates = preview(table)
    lines = [
        f"{len(table.rows)} rows of {a.plate_map.name} are in order, {len(plates)} plates",
        *table.notes,
    ]
    for p in plates:
        free = ", perimeter free" if p.perimeter_free else ""
        lines.append(
            f"\n{p.plate or 'Plate'}: {len(p.wells)} wells of {p.shape[0]} x {p.shape[1]}{free}"
        )
        lines += [
            f"  {name}: {n} well{'s' * (n != 1)}"
            + (f", {p.roles[name]}" if name in p.roles else "")
            for name, n in p.counts.items()
        ]
        lines.append(p.text())
    found = [
        {"plate": p.plate, "shape": list(p.shape), "counts": p.counts, "empty": p.empty}
        for p in plates
    ]
    return {
        "rows": len(table.rows),
        "plates": found,
        "notes": list(table.notes),
        "text": "\n".join(lines),
    }


SCREEN_OPTIONS = (
    "plates", "treatments", "plate_wells", "variation", "edge_effect", "batch_effect", "background_effect", "columns",
    "perimeter_free", "without_cells", "without_images",
)  # fmt: skip


def _synth_screen(a: argparse.Namespace, report: Report) -> Result:
    from core.synthetic.screen import plan_screen, write_screen

    if given := next((n for n in ("conditions", "wells") if getattr(a, n) is not None), None):
        raise LeighError(
            f"--{given} does not go with --screen: a screen draws its own treatments and fills"
            " whole plates.",
            "Leave it out, or give --treatments N and --plate-wells N.",
        )
    chosen = {name: getattr(a, name) for name in SCREEN_OPTIONS if getattr(a, name) is not None}
    plan = plan_screen(fields=a.fields, size=a.size, seed=a.seed, **chosen)
    write_screen(a.out, plan, report)
    text = (
        f"{plan.images} images of {len(plan.wells)} wells and {len(plan.treatments) - 2} treatments"
        f" are in {a.out}\n"
    )
    text += f"Read them: leigh scan {a.out / 'images'} --plate-map {a.out / 'plate_map.csv'} "
    text += (
        "--condition-from plate-map --project DIR\nThe truth is in truth.csv (treatments) and"
        " wells.csv."
    )
    found = {
        "images": plan.images,
        "wells": len(plan.wells),
        "treatments": len(plan.treatments) - 2,
    }
    return {"out": str(a.out), **found, "text": text}


def scan(a: argparse.Namespace, report: Report) -> Result:
    """Read a folder into a project."""
    from core.workflows.steps import scan

    if a.preview:
        return _preview(a)
    project = scan(
        a.folder,
        a.project,
        pattern=a.pattern,
        condition_from=a.condition_from,
        plate_map=a.plate_map,
        group_by=a.group_by,
        exclude=a.exclude,
        pixel_size_um=a.pixel_size_um,
        report=report,
    )
    dataset = project.dataset
    assert dataset is not None
    counts = dataset.counts()
    groups = len({r.group for r in dataset.records})
    lines = [f"{len(dataset.records)} images, {len(dataset.channels)} channels, {groups} groups"]
    lines += [f"  {name}: {count}" for name, count in counts.items()]
    for p in dataset.problems[:20]:
        lines.append(f"{p.severity}: {p.item}: {p.reason.rstrip('. ')}. {p.remedy}")
    if len(dataset.problems) > 20:
        lines.append(
            f"  ... and {len(dataset.problems) - 20} more; all are on the Data page and in"
            " project.json"
        )
    return {
        "project": str(a.project),
        "records": len(dataset.records),
        "channels": [c.name for c in dataset.channels],
        "conditions": counts,
        "groups": groups,
        "problems": [asdict(p) for p in dataset.problems],
        "text": "\n".join(lines),
    }


def train(a: argparse.Namespace, report: Report) -> Result:
    """Train, or train on shuffled labels."""
    from core.io.project import ProjectLock, open_project
    from core.workflows.steps import evaluation_summary, train

    groups = [g.strip() for g in a.test_groups.split(",") if g.strip()]
    open_project(a.project)
    if a.model != "iresnet":
        if a.conditions:
            raise LeighError(
                f"--conditions does not go with {a.model}.",
                "Other networks learn from all conditions.",
            )
        return _other_network(a, groups, report)
    if a.weights is not None:
        raise LeighError(
            "--weights does not go with iresnet.", "It is for resnext50; leave it out."
        )
    if a.permute_labels:
        return _permuted(a, groups, report)
    with ProjectLock(a.project):  # two trainings of one project would overwrite each other
        card = train(
            a.project,
            preset=a.preset,
            seed=a.seed,
            test_groups=groups,
            conditions=a.conditions,
            resume=a.resume,
            device=a.device,
            report=report,
        )
    summary = evaluation_summary(card)
    summary["training"] = card.training
    return {**summary, "text": _evaluation_text(summary)}


def _other_network(a: argparse.Namespace, groups: list[str], report: Report) -> Result:
    from core.io.project import ProjectLock
    from core.workflows.baselines import row_of, train_network

    if a.permute_labels:
        raise LeighError(
            f"--permute-labels does not go with {a.model}.",
            "This control is made with the i-ResNet.",
        )
    with ProjectLock(a.project):
        card = train_network(
            a.project,
            a.model,
            preset=a.preset,
            seed=a.seed,
            test_groups=groups,
            resume=a.resume,
            weights=a.weights,
            device=a.device,
            report=report,
        )
    row = row_of(card)
    return {
        "model": card.name,
        **card.accuracy,
        "training": card.training,
        "text": _networks_text([row], {}),
    }


def _permuted(a: argparse.Namespace, groups: list[str], report: Report) -> Result:
    from core.io.project import ProjectLock
    from core.workflows.permuted_labels import negative_control

    if a.resume:
        raise LeighError(
            "--resume does not go with --permute-labels.", "This control is made anew every time."
        )
    with ProjectLock(a.project):
        return negative_control(
            a.project,
            preset=a.preset,
            seed=a.seed,
            test_groups=groups,
            device=a.device,
            report=report,
        )


def evaluate(a: argparse.Namespace, report: Report) -> Result:
    """Report on held-out wells: the project's model in full, and all its networks side by side."""
    from core.io.project import open_project
    from core.workflows.baselines import evaluate_others, trained_networks
    from core.workflows.steps import evaluate

    project = open_project(a.project)
    alone = not project.model and trained_networks(project)  # networks, but no i-ResNet yet
    summary = {} if alone else evaluate(a.project, device=a.device, report=report)
    rows, failed = evaluate_others(a.project, device=a.device, report=report)
    text = [] if alone else [_evaluation_text(summary)]
    if alone or failed or len(rows) > 1:
        text.append(_networks_text(rows, failed))
    return {**summary, "models": rows, "models_failed": failed, "text": "\n".join(text)}


def _networks_text(rows: list[Result], failed: dict[str, Result]) -> str:
    """A small table of networks, and a line for each that could not be read."""
    lines = [
        f"{'network':<24}{'accuracy':<22}{'calibration':<13}{'Z-prime':<9}{'robust':<9}held-out"
    ]
    for r in rows:
        interval = (
            f"{_figure(r['accuracy'])} [{_figure(r['accuracy_low'])}-{_figure(r['accuracy_high'])}]"
        )
        numbers = f"{_figure(r['calibration_error']):<13}{_figure(r['z_prime']):<9}{_figure(r['robust_z_prime']):<9}"
        lines.append(
            f"{r['name']:<24}{interval:<22}{numbers}{r['test_records']} images, {r['test_groups']}"
            " groups"
        )
        if r["reconstruction"] is not None:
            lines.append(
                f"  draws held-out images with an error of {r['reconstruction']:.1%} of the range"
                " (typical)"
            )
    lines += [f"{name}: left out. {fault['reason']}" for name, fault in failed.items()]
    if len({tuple(r["held_out"]) for r in rows}) > 1:
        lines.append("These networks hold out different wells: train them anew to compare them.")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _evaluation_text(s: Result) -> str:
    where = (
        f"{s['test_records']} images in {s['test_groups']} held-out groups (of {s['groups_total']})"
    )
    if s["accuracy"] is None:
        lines = [f"Accuracy: not claimed, on {where}. {s['reason']}"]
    else:
        interval = f"[{s['accuracy_low']:.3f}-{s['accuracy_high']:.3f}]"
        lines = [f"Accuracy {s['accuracy']:.3f} {interval} on {where}; {s['interval']}"]
        lines += [
            f"Calibration error {s['calibration_error']:.3f}; by groups {s['group_accuracy']:.3f}"
        ]
        for n, v in s["conditions"].items():
            scores = f"precision {v['precision']:.2f} recall {v['recall']:.2f} F1 {v['f1']:.2f}"
            lines.append(f"  {n}: {scores} ({v['support']:.0f} images)")
        z = s["z_prime"].get("logits")
        if z and z["z_prime"] is not None:
            values = f"{z['z_prime']:.2f}, robust {z['robust_z_prime']:.2f}"
            lines.append(f"Z' on logits of held-out well medians {values}, wells {z['wells']}")
    if s["other_images"]:
        lines.append(
            "Images, labels or groups have changed since the training; wells of the same name count"
            " as the same."
        )
    for name, value in s.get("judges", {}).items():
        if value is not None:
            lines.append(f"Independent judge, {name}: {value:.3f} on the same wells")
    generative = s["generative"]
    if generative["accuracy"] is not None:
        lines.append(
            f"Second opinion of the generator: {generative['accuracy']:.3f} on"
            f" {generative['records']} images"
        )
    if generative["unlike"]:
        lines.append(f"Unlike any condition: {', '.join(generative['unlike'][:5])}")
    baseline = s["baseline"]
    if baseline["accuracy"] is not None:
        lines.append(f"Beside it: {baseline['what']} {baseline['accuracy']:.3f}")
    failed = (
        f", {len(s['roundtrip_failed'])} above a quarter grey level"
        if s["roundtrip_failed"]
        else ""
    )
    lines.append(
        f"Round trip of {s['roundtrip_records']} images: at most {s['roundtrip_error']:.1e} of the"
        f" range{failed}"
    )
    return "\n".join(lines)


def encode(a: argparse.Namespace, report: Report) -> Result:
    """Write latents."""
    from core.io.project import latents_path, open_project
    from core.workflows.steps import encode

    latents = encode(a.project, device=a.device, report=report)
    path = latents_path(open_project(a.project))
    count, size = latents.features.shape
    result: Result = {
        "records": count,
        "features": size,
        "file": str(path),
        "text": f"{count} latents are in {path}",
    }
    if a.h5ad is not None:
        from core.workflows.export import latents_for_scanpy

        latents_for_scanpy(a.project, latents, a.h5ad)
        result |= {"h5ad": str(a.h5ad), "text": f"{result['text']} and in {a.h5ad}"}
    return result


def map(a: argparse.Namespace, report: Report) -> Result:
    """Make or extend the map."""
    from core.workflows.steps import make_map

    projection, decision, kept = make_map(a.project, seed=a.seed, refit=a.refit, report=report)
    new = len(projection.record_ids) - kept
    how = f"Its places were kept; {new} new images were placed." if kept else "It was fitted anew."
    which = "held-out" if decision.held_out else "training (no image is held out)"
    agrees = (
        f"agrees with the model on {decision.fidelity:.1%} of {decision.fidelity_points} {which}"
        " images"
    )
    return {
        "method": projection.method,
        "fidelity": decision.fidelity,
        "fidelity_points": decision.fidelity_points,
        "held_out": decision.held_out,
        "places": "kept" if kept else "fitted",
        "new_images": new if kept else 0,
        "text": f"The map ({projection.method}) {agrees}. {how}",
    }


def counterfactual(a: argparse.Namespace, report: Report) -> Result:
    """Move images, or plant a change and find it again."""
    from core.workflows.export import counterfactuals

    if a.plant:
        return _planted(a, report)
    if a.to is None:
        raise LeighError(
            "Where to move is missing.", "Give --to CONDITION; or --plant for a positive control."
        )
    _refuse(a, ("preset", "seed"), "It belongs to --plant; the model is trained already.")
    rows, directions = counterfactuals(
        a.project,
        a.out,
        to=a.to,
        source=a.source,
        record_ids=a.record or (),
        split=a.split,
        limit=a.limit,
        strength=1.0 if a.strength is None else a.strength,
        model=a.model or "iresnet",
        hold=None if a.hold is None or a.hold == ["auto"] else [n for n in a.hold if n != "none"],
        device=a.device,
        report=report,
    )
    valid = [r for r in rows if r["valid"]]
    flipped = sum(bool(r.get("flipped")) for r in rows)
    text = (
        f"{len(valid)} of {len(rows)} images moved to {a.to}; the model calls {flipped} of them"
        f" {a.to}."
    )
    for row in directions:
        text += f"\n{row['from']} to {row['to']}, all together: {row['light']}"
        text += "".join(f"\n  {row[f'{k}_light']}: {row[f'{k}_says']}" for k in CHECKS)
    text += f"\nEvidence: {a.out / 'evidence.csv'}"
    return {
        "records": len(rows),
        "valid": len(valid),
        "flipped": flipped,
        "directions": directions,
        "out": str(a.out),
        "text": text,
    }


def explain(a: argparse.Namespace, report: Report) -> Result:
    """Where a network looks: attribution maps and how far they can be trusted."""
    from statistics import median

    from core.workflows.explain import explain

    if not a.record and a.source is None:
        raise LeighError(
            "Which images to explain is missing.", "Give --record ID, or --from CONDITION."
        )
    rows = explain(
        a.project,
        a.out,
        method=a.method,
        to=a.to or "",
        source=a.source,
        record_ids=a.record or (),
        split=a.split,
        limit=a.limit,
        model=a.model or "",
        window_um=a.window_um,
        window_px=a.window_px,
        device=a.device,
        report=report,
    )
    valid = [r for r in rows if r["valid"]]
    keys = ("share_outside_cells", "area_outside_cells", "deletion_auc", "insertion_auc", "seconds")
    middle = {key: float(median(r[key] for r in valid)) for key in keys}
    text = (
        f"{len(valid)} of {len(rows)} images explained by {a.method}; {middle['seconds']:.1f} s"
        " each.\n"
    )
    text += f"{middle['share_outside_cells']:.0%} of it lies outside of cells, as do "
    text += (
        f"{middle['area_outside_cells']:.0%} of the area (medians).\nMaps and attribution.csv are"
        f" in {a.out}"
    )
    return {
        "records": len(rows),
        "valid": len(valid),
        **middle,
        "out": str(a.out),
        "rows": rows,
        "text": text,
    }


def _planted(a: argparse.Namespace, report: Report) -> Result:
    from core.workflows.spike_in import positive_control

    why = (
        "With --plant a model of its own is trained, and held-out images move to what was planted,"
        " and back."
    )
    _refuse(a, ("to", "model", "record", "split", "limit", "strength", "hold"), why)
    return positive_control(
        a.project,
        a.out,
        a.plant,
        source=a.source,
        preset=a.preset or "quick",
        seed=a.seed or 0,
        device=a.device,
        report=report,
    )


def _refuse(a: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    """Raises LeighError for options that were given and would be without effect."""
    if given := next((name for name in names if getattr(a, name) is not None), None):
        raise LeighError(
            f"--{given} does not go with {'--plant' if a.plant else '--to'}.",
            f"{why} Leave it out.",
        )


def screen(a: argparse.Namespace, report: Report) -> Result:
    """Rank the treatments and write the tables and the report."""
    from core.figures.screen_report import write_report
    from core.io.screens import save_screen
    from core.workflows.export import SCREEN_FOLDER, keep_off_images
    from core.workflows.screen import screen

    keep_off_images(a.project, a.out)
    if not 0.5 <= a.level < 1:
        raise LeighError(
            f"The level {a.level:g} of the intervals is not between 0.5 and 1.",
            "For 90 % write 0.9.",
        )
    folders = {a.out.resolve(), (a.project / SCREEN_FOLDER).resolve()}
    for folder in folders:  # before the work, not after it
        folder.mkdir(parents=True, exist_ok=True)
    found = screen(
        a.project,
        space=a.space,
        normalise=a.normalise,
        b_score=a.b_score,
        level=a.level,
        explain=not a.no_explanation,
        seed=a.seed,
        device=a.device,
        report=report,
    )
    write_report(found, a.out, report)
    for folder in folders:  # the window and figures look into the project
        save_screen(folder, found)
    treatments = [r for r in found.ranked if r.tie]
    hits = [r.condition for r in treatments if r.hit]
    warnings = [f.warning for f in found.audit if f.warning]
    text = "\n".join(
        [*(_ranked_line(r) for r in treatments), *warnings, *found.notes, f"All is in {a.out}"]
    )
    return {
        "out": str(a.out),
        "treatments": len(treatments),
        "wells": len(found.wells),
        "hits": hits,
        "flagged": {r.condition: list(r.flags) for r in treatments if r.flags},
        "warnings": warnings,
        "notes": list(found.notes),
        "text": text,
    }


def _ranked_line(row: Ranked) -> str:
    """One treatment in words."""
    interval = "" if row.rescue_low is None else f" [{row.rescue_low:.2f} to {row.rescue_high:.2f}]"
    cells = "" if row.cell_count is None else f", nuclei {row.cell_count:.0%}"
    marks = ("hit", *row.flags) if row.hit else row.flags
    words = f": {', '.join(marks)}" if marks else ""
    return (
        f"{row.tie}. {row.condition}: rescue {row.rescue:.2f}{interval}, off-axis"
        f" {row.off_axis:.1f}{cells}{words}"
    )


def figure(a: argparse.Namespace, report: Report) -> Result:
    """Write a figure."""
    from core.workflows.export import figure, panel_specs

    specs = panel_specs(a.specs, a.panel, a.record, a.to, a.strength, a.plane)
    path = figure(a.project, specs, a.out, device=a.device, report=report)
    return {"file": str(path), "panels": len(specs), "text": f"Figure is in {path}"}


def bench(a: argparse.Namespace, report: Report) -> Result:
    """Run a benchmark."""
    if a.name == "startup":
        from benchmarks.startup import bench_startup

        result = bench_startup()
    elif a.name == "drag":
        from benchmarks.drag import bench_drag

        result = bench_drag()
    elif a.name == "inverse":
        from benchmarks.inverse import bench_inverse

        result = bench_inverse(report=report)
    elif a.name == "explanations":
        from benchmarks.explanations import bench_explanations

        result = bench_explanations(a.project, a.cultures, report)
    elif a.name == "screen":
        from benchmarks.screen import bench_screen

        result = bench_screen(a.work, a.seeds[:2], report=report)
    elif a.name == "map":
        from benchmarks.map import bench_map

        result = bench_map(a.project, report)
    else:
        from benchmarks.truth import Settings, bench_truth

        result = bench_truth(a.work, a.seeds, Settings(a.preset, a.cultures), report)
    return {**result, "text": "\n".join(f"{k}: {v}" for k, v in result.items() if k != "seeds")}
