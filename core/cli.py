"""The command line `leigh`: parse, call, print. A cluster has no screen; the window starts the same verbs."""

import argparse
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from core import __version__
from core.domain import CHECKS
from core.errors import LeighError
from core.progress import Cancelled, Progress, Report

DONE, OUR_FAULT, USER_FAULT, STOPPED = 0, 1, 2, 130
Result = dict[str, Any]


def main(argv: list[str] | None = None) -> int:
    """Run one verb. Exit 0 done, 2 the user's input is at fault, 1 our fault, 130 stopped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    arguments = _parser().parse_args(argv)
    try:
        result = arguments.run(arguments, _report(arguments.progress))
    except Cancelled:
        _say("Stopped. Everything done so far is kept; a training goes on with --resume.")
        return STOPPED
    except LeighError as fault:
        _say(str(fault).replace("\n", " "))
        return USER_FAULT
    except KeyboardInterrupt:
        _say("Stopped.")
        return STOPPED
    except OSError as fault:
        if fault.errno not in _DISK_FAULTS:
            return _our_fault()
        _say(f"{fault.strerror}: {fault.filename or ''}. Free some space or choose another folder; nothing was lost.")
        return USER_FAULT
    except Exception:
        return _our_fault()
    text = result.pop("text", "")
    if text and not arguments.json:
        print(text)
    if arguments.json:
        print(json.dumps(result, allow_nan=False))
    return DONE


# no permission, file for folder and the reverse, too large, no space, read-only, name too long, quota
_DISK_FAULTS = {13, 17, 20, 21, 27, 28, 30, 36, 122}


def _our_fault() -> int:
    from platformdirs import user_log_path

    path = user_log_path("leigh-explorer", ensure_exists=True) / "leigh.log"
    with path.open("a", encoding="utf-8") as log:
        print(time.strftime("%Y-%m-%d %H:%M:%S"), f"version {__version__}, arguments {sys.argv[1:]}", file=log)
        print(traceback.format_exc(), file=log)
    _say(f"The program failed; this is our fault. Details are in {path}")
    return OUR_FAULT


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _report(kind: str) -> Report:
    """`bar` for people at a terminal, `json` lines for the window, `none` for scripts."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: _stop_or_quit(stop))
    if kind == "json":
        threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    last_time, last_what = 0.0, ""
    interactive = sys.stderr.isatty()

    def report(progress: Progress) -> None:
        nonlocal last_time, last_what
        if stop.is_set():
            raise Cancelled
        now = time.monotonic()
        news = progress.what != last_what or progress.done >= progress.total
        wait = 0.1 if kind == "json" else 1.0 if interactive else 15.0
        if kind == "none" or (not news and now - last_time < wait):
            return
        last_time, last_what = now, progress.what
        if kind == "json":
            _say(json.dumps({"progress": progress.__dict__}))
            return
        values = "  ".join(f"{k} {v:.3f}" for k, v in progress.values.items())
        left = f"  {progress.seconds_left:.0f} s left" if progress.seconds_left else ""
        line = f"{progress.what}: {progress.done}/{progress.total}{left}  {values}"
        if interactive:
            print(f"\r{line:<100}", end="\n" if progress.done >= progress.total else "", file=sys.stderr, flush=True)
        else:
            _say(line)

    return report


def _stop_or_quit(stop: threading.Event) -> None:
    """Ctrl-C stops at the next step, with everything saved; a second one at once."""
    if stop.is_set():
        raise KeyboardInterrupt
    stop.set()


def _listen(stop: threading.Event) -> None:
    """The window asks for a stop by a line on standard input."""
    for line in sys.stdin:
        if line.strip() == "stop":
            stop.set()


def _demo(a: argparse.Namespace, report: Report) -> Result:
    from core.resources import copy_demo

    project = copy_demo(a.project)
    assert project.dataset is not None
    records = len(project.dataset.records)
    return {"project": str(a.project), "records": records, "text": f"Demo with {records} images is in {a.project}"}


def _synth(a: argparse.Namespace, report: Report) -> Result:
    from core.data.plate import parse_conditions, write_plate

    phenotypes = parse_conditions(a.conditions)
    write_plate(a.out, phenotypes, wells=a.wells, fields=a.fields, size=a.size, seed=a.seed, report=report)
    images = len(phenotypes) * a.wells * a.fields
    return {"out": str(a.out), "images": images, "text": f"{images} images, plate_map.csv and truth.csv are in {a.out}"}


def _scan(a: argparse.Namespace, report: Report) -> Result:
    from core.workflow import scan

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
        lines.append(f"  ... and {len(dataset.problems) - 20} more; all are on the Data page and in project.json")
    return {
        "project": str(a.project),
        "records": len(dataset.records),
        "channels": [c.name for c in dataset.channels],
        "conditions": counts,
        "groups": groups,
        "problems": [asdict(p) for p in dataset.problems],
        "text": "\n".join(lines),
    }


def _train(a: argparse.Namespace, report: Report) -> Result:
    from core.io.project import ProjectLock, open_project
    from core.workflow import evaluation_summary, train

    groups = [g.strip() for g in a.test_groups.split(",") if g.strip()]
    open_project(a.project)
    if a.permute_labels:
        return _permuted(a, groups, report)
    with ProjectLock(a.project):  # two trainings of one project would overwrite each other
        card = train(
            a.project, preset=a.preset, seed=a.seed, test_groups=groups, resume=a.resume, device=a.device, report=report
        )
    summary = evaluation_summary(card)
    summary["training"] = card.training
    return {**summary, "text": _evaluation_text(summary)}


def _permuted(a: argparse.Namespace, groups: list[str], report: Report) -> Result:
    from core.controls.negative import negative_control
    from core.io.project import ProjectLock

    if a.resume:
        raise LeighError("--resume does not go with --permute-labels.", "This control is made anew every time.")
    with ProjectLock(a.project):
        return negative_control(
            a.project, preset=a.preset, seed=a.seed, test_groups=groups, device=a.device, report=report
        )


def _evaluate(a: argparse.Namespace, report: Report) -> Result:
    from core.workflow import evaluate

    summary = evaluate(a.project, device=a.device, report=report)
    return {**summary, "text": _evaluation_text(summary)}


def _evaluation_text(s: Result) -> str:
    where = f"{s['test_records']} images in {s['test_groups']} held-out groups (of {s['groups_total']})"
    if s["accuracy"] is None:
        lines = [f"Accuracy: not claimed, on {where}. {s['reason']}"]
    else:
        interval = f"[{s['accuracy_low']:.3f}-{s['accuracy_high']:.3f}]"
        lines = [f"Accuracy {s['accuracy']:.3f} {interval} on {where}; {s['interval']}"]
        lines += [f"Calibration error {s['calibration_error']:.3f}; by groups {s['group_accuracy']:.3f}"]
        for n, v in s["conditions"].items():
            scores = f"precision {v['precision']:.2f} recall {v['recall']:.2f} F1 {v['f1']:.2f}"
            lines.append(f"  {n}: {scores} ({v['support']:.0f} images)")
        z = s["z_prime"].get("logits")
        if z and z["z_prime"] is not None:
            values = f"{z['z_prime']:.2f}, robust {z['robust_z_prime']:.2f}"
            lines.append(f"Z' on logits of held-out well medians {values}, wells {z['wells']}")
    if s["other_images"]:
        lines.append(
            "Images, labels or groups have changed since the training; wells of the same name count as the same."
        )
    for name, value in s.get("judges", {}).items():
        if value is not None:
            lines.append(f"Independent judge, {name}: {value:.3f} on the same wells")
    generative = s["generative"]
    if generative["accuracy"] is not None:
        lines.append(f"Second opinion of the generator: {generative['accuracy']:.3f} on {generative['records']} images")
    if generative["unlike"]:
        lines.append(f"Unlike any condition: {', '.join(generative['unlike'][:5])}")
    baseline = s["baseline"]
    if baseline["accuracy"] is not None:
        lines.append(f"Beside it: {baseline['what']} {baseline['accuracy']:.3f}")
    failed = f", {len(s['roundtrip_failed'])} above a quarter grey level" if s["roundtrip_failed"] else ""
    lines.append(
        f"Round trip of {s['roundtrip_records']} images: at most {s['roundtrip_error']:.1e} of the range{failed}"
    )
    return "\n".join(lines)


def _encode(a: argparse.Namespace, report: Report) -> Result:
    from core.io.project import latents_path, open_project
    from core.workflow import encode

    latents = encode(a.project, device=a.device, report=report)
    path = latents_path(open_project(a.project))
    count, size = latents.features.shape
    return {"records": count, "features": size, "file": str(path), "text": f"{count} latents are in {path}"}


def _map(a: argparse.Namespace, report: Report) -> Result:
    from core.workflow import make_map

    projection, decision, kept = make_map(a.project, seed=a.seed, refit=a.refit, report=report)
    new = len(projection.record_ids) - kept
    how = f"Its places were kept; {new} new images were placed." if kept else "It was fitted anew."
    which = "held-out" if decision.held_out else "training (no image is held out)"
    agrees = f"agrees with the model on {decision.fidelity:.1%} of {decision.fidelity_points} {which} images"
    return {
        "method": projection.method,
        "fidelity": decision.fidelity,
        "fidelity_points": decision.fidelity_points,
        "held_out": decision.held_out,
        "places": "kept" if kept else "fitted",
        "new_images": new if kept else 0,
        "text": f"The map ({projection.method}) {agrees}. {how}",
    }


def _counterfactual(a: argparse.Namespace, report: Report) -> Result:
    from core.deliver import counterfactuals

    if a.plant:
        return _planted(a, report)
    if a.to is None:
        raise LeighError("Where to move is missing.", "Give --to CONDITION; or --plant for a positive control.")
    _refuse(a, ("preset", "seed"), "It belongs to --plant; the model is trained already.")
    rows, directions = counterfactuals(
        a.project,
        a.out,
        to=a.to,
        source=a.source,
        record_ids=a.record or (),
        split=a.split,
        strength=1.0 if a.strength is None else a.strength,
        hold=None if a.hold is None or a.hold == ["auto"] else [n for n in a.hold if n != "none"],
        device=a.device,
        report=report,
    )
    valid = [r for r in rows if r["valid"]]
    flipped = sum(bool(r.get("flipped")) for r in rows)
    text = f"{len(valid)} of {len(rows)} images moved to {a.to}; the model calls {flipped} of them {a.to}."
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


def _planted(a: argparse.Namespace, report: Report) -> Result:
    from core.controls.positive import positive_control

    why = "With --plant a model of its own is trained, and held-out images move to what was planted, and back."
    _refuse(a, ("to", "record", "split", "strength", "hold"), why)
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
        raise LeighError(f"--{given} does not go with {'--plant' if a.plant else '--to'}.", f"{why} Leave it out.")


def _figure(a: argparse.Namespace, report: Report) -> Result:
    from core.deliver import figure, panel_specs

    specs = panel_specs(a.specs, a.panel, a.record, a.to, a.strength)
    path = figure(a.project, specs, a.out, device=a.device, report=report)
    return {"file": str(path), "panels": len(specs), "text": f"Figure is in {path}"}


def _bench(a: argparse.Namespace, report: Report) -> Result:
    if a.name == "startup":
        from benchmarks.startup import bench_startup

        result = bench_startup()
    elif a.name == "drag":
        from benchmarks.drag import bench_drag

        result = bench_drag()
    elif a.name == "inverse":
        from benchmarks.inverse import bench_inverse

        result = bench_inverse(report=report)
    elif a.name == "map":
        from benchmarks.map import bench_map

        result = bench_map(a.project, report)
    else:
        from benchmarks.truth import Settings, bench_truth

        result = bench_truth(a.work, a.seeds, Settings(a.preset, a.cultures), report)
    return {**result, "text": "\n".join(f"{k}: {v}" for k, v in result.items() if k != "seeds")}


class _Parser(argparse.ArgumentParser):
    """One line on stderr for a wrong word, as for every other fault."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.exit(USER_FAULT, f"{message[:1].upper()}{message[1:]}. See {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="leigh", description="Leigh Explorer: what a network sees in cell cultures.")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(required=True, metavar="verb")

    def verb(name: str, run: Callable[[argparse.Namespace, Report], Result], text: str) -> argparse.ArgumentParser:
        p = verbs.add_parser(name, help=text, description=text)
        p.set_defaults(run=run)
        p.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        p.add_argument("--progress", choices=("bar", "json", "none"), default="bar", help=argparse.SUPPRESS)
        return p

    def with_project(p: argparse.ArgumentParser, device: bool = False) -> argparse.ArgumentParser:
        p.add_argument("--project", type=Path, required=True, metavar="DIR")
        if device:
            p.add_argument("--device", default="auto", help="auto, cpu, cuda")
        return p

    with_project(verb("demo", _demo, "Copy the embedded demo (images, trained model, map) into a project."))
    _add_synth(verb("synth", _synth, "Write a plate of synthetic cultures with its truth."))
    _add_scan(with_project(verb("scan", _scan, "Read a folder of images into a project.")))
    _add_train(with_project(verb("train", _train, "Train the invertible network."), device=True))
    with_project(verb("evaluate", _evaluate, "Report on held-out wells; measure the inverse."), device=True)
    with_project(verb("encode", _encode, "Write latents and logits of all records."), device=True)
    p = with_project(verb("map", _map, "UMAP, decision regions and their fidelity."))
    p.add_argument("--seed", type=int, help="of the fit; else that of the map there is, or 0")
    p.add_argument("--refit", action="store_true", help="fit anew; else new images are placed on the map there is")
    _add_counterfactual(
        with_project(verb("counterfactual", _counterfactual, "Move images toward a condition."), device=True)
    )
    _add_figure(with_project(verb("figure", _figure, "Figure panels for the paper."), device=True))
    p = verb("bench", _bench, "Measure the program, each figure beside its yardstick.")
    p.add_argument("name", choices=("drag", "inverse", "map", "startup", "truth"))
    p.add_argument("--project", type=Path, metavar="DIR", help="map: of this project instead of the demo")
    p.add_argument("--work", type=Path, default=Path("bench"), metavar="DIR", help="truth: keeps plates and models")
    p.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="truth: of plate and training")
    p.add_argument("--preset", choices=("quick", "standard", "lab"), default="standard", help="truth: how to train")
    p.add_argument("--cultures", type=int, default=12, help="truth: fresh cultures per pair of conditions")
    return parser


def _add_synth(p: argparse.ArgumentParser) -> None:
    p.add_argument("--out", type=Path, required=True, metavar="DIR")
    p.add_argument("--conditions", nargs="+", default=["WT", "DS", "TT", "Drug A", "Drug B", "Drug C"], metavar="NAME")
    p.add_argument("--wells", type=int, default=8, help="per condition")
    p.add_argument("--fields", type=int, default=4, help="per well")
    p.add_argument("--size", type=int, default=128, help="pixels")
    p.add_argument("--seed", type=int, default=0)


def _add_scan(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", type=Path)
    p.add_argument("--plate-map", type=Path, metavar="CSV", help="plate map or table of files (CSV, TSV, XLSX)")
    p.add_argument("--pattern", help="built-in name or regular expression with named groups")
    p.add_argument("--condition-from", choices=("folder", "plate-map"), default="folder")
    p.add_argument("--group-by", default="well", help="well, plate, or a column of the plate map: never split")
    p.add_argument("--exclude", nargs="+", default=[], metavar="CONDITION", help="conditions to leave out")
    p.add_argument("--pixel-size-um", type=float, default=None, help="where the files do not say it")


def _add_train(p: argparse.ArgumentParser) -> None:
    p.add_argument("--model", choices=("iresnet",), default="iresnet")
    p.add_argument("--preset", choices=("quick", "standard", "lab"), default="quick")
    p.add_argument("--test-groups", default="", metavar="G1,G2,..", help="groups to hold out; default: a quarter")
    p.add_argument("--resume", action="store_true", help="go on with a stopped training")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument(
        "--permute-labels",
        action="store_true",
        help="negative control: shuffle conditions between wells and train in exports/permuted-labels",
    )


def _add_counterfactual(p: argparse.ArgumentParser) -> None:
    p.add_argument("--to", metavar="CONDITION", help="needed, unless --plant is given")
    p.add_argument("--from", dest="source", metavar="CONDITION")
    p.add_argument("--record", nargs="+", metavar="ID")
    p.add_argument("--split", choices=("train", "validation", "test"))
    p.add_argument("--strength", type=float, help="0 is the original, 1 (default) the target")
    p.add_argument(
        "--hold",
        nargs="+",
        metavar="CHANNEL",
        help="channels that must not move; 'none'; default 'auto': those in which no readout differs",
    )
    p.add_argument(
        "--plant",
        action="append",
        metavar="channel=NAME,factor=F",
        help="positive control: plant this change (or channel=NAME,blur=PIXELS) in copies of the images of one "
        "condition, train, and report how much is recovered; may be repeated",
    )
    p.add_argument("--preset", choices=("quick", "standard", "lab"), help="of the training for --plant")
    p.add_argument("--seed", type=int, help="of the training for --plant")
    p.add_argument("--out", type=Path, required=True, metavar="DIR")


def _add_figure(p: argparse.ArgumentParser) -> None:
    p.add_argument("--panel", choices=("counterfactual", "map", "path", "confusion"))
    p.add_argument("--record", metavar="ID")
    p.add_argument("--to", metavar="CONDITION")
    p.add_argument("--strength", type=float, default=1.0)
    p.add_argument("--specs", type=Path, metavar="JSON", help="several panels, as the window saves them")
    p.add_argument("--out", type=Path, required=True, metavar="FILE")


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code) if threading.active_count() > 1 else sys.exit(code)
