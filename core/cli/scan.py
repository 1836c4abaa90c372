"""The verb `leigh scan`: read a folder of images into a project."""

import argparse
from dataclasses import asdict, replace

from core.cli.arguments import Result, add_project, path_option
from core.domain import (
    Dataset,
    Problem,
    ProblemKind,
    QuestionKind,
    ReadAs,
    ScanOptions,
    answers_key,
)
from core.errors import BadTable, LeighError, NothingWritten
from core.io.well_names import natural
from core.progress import Report
from core.scanning.scan import Scan

HELP = "Read a folder of images into a project."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p)
    p.add_argument("folder", type=path_option)
    text = "plate map or table of files (CSV, TSV, XLSX)"
    p.add_argument("--plate-map", type=path_option, metavar="CSV", help=text)
    p.add_argument(
        "--preview", action="store_true", help="only check and show the plate map; read no images"
    )
    p.add_argument("--pattern", help="built-in name or regular expression with named groups")
    p.add_argument("--condition-from", choices=("folder", "plate-map"))
    p.add_argument(
        "--group-by", help="groups that are never split: well, plate, or a column of the plate map"
    )
    p.add_argument("--exclude", nargs="+", metavar="CONDITION", help="conditions to leave out")
    p.add_argument(
        "--pixel-size-um", type=float, default=None, help="instead of the pixel size of the files"
    )
    text = "answer to a question of an earlier scan; may be given several times"
    p.add_argument(
        "--answer", action="append", default=[], metavar="KIND[:ABOUT]=CHOICE", help=text
    )
    text = "replace the images and choices of an existing project"
    p.add_argument("--replace", action="store_true", help=text)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Read a folder into a project."""
    from core.workflows.scan import scan_into

    if a.preview:
        return _preview(a)
    try:
        options = _options(a)
        scanned = scan_into(a.folder, a.project, options, replace_images=a.replace, report=report)
    except (NothingWritten, BadTable) as fault:
        return _nothing_written(fault)
    dataset = scanned.project.dataset
    assert dataset is not None
    lines = [
        f"{len(dataset.records)} images, {len(dataset.channels)} channels,"
        f" {len({r.group for r in dataset.records})} groups"
    ]
    lines += [f"  {name}: {count}" for name, count in dataset.counts().items()]
    lines += _read_as_lines(scanned.scan)
    for p in dataset.problems[:20]:
        lines.append(f"{p.severity}: {p.item}: {p.reason.rstrip('. ')}. {p.remedy}")
    if len(dataset.problems) > 20:
        lines.append(
            f"  ... and {len(dataset.problems) - 20} more; the Data page and project.json list all"
        )
    return {
        "project": str(a.project),
        **_counted(dataset),
        "read_as": _read_as(dataset.read_as),
        "questions": [asdict(q) for q in scanned.scan.questions],
        "problems": [asdict(p) for p in dataset.problems],
        "text": "\n".join(lines),
    }


def _options(a: argparse.Namespace) -> ScanOptions:
    """The choices of the last scan, changed by what is given now."""
    from core.workflows.scan import stored_options

    before = ScanOptions() if a.replace else stored_options(a.project)
    answers: dict[str, str] = {}
    for text in a.answer:
        key, equals, choice = text.partition("=")
        kind, _, about = key.partition(":")
        if not equals or kind not in set(QuestionKind):
            raise LeighError(
                f"{text!r} is not an answer.",
                f"Write KIND=CHOICE, or KIND:ABOUT=CHOICE; kinds are {', '.join(QuestionKind)}.",
            )
        answers[answers_key(kind, about)] = choice
    given = {
        name: value
        for name in ("pattern", "condition_from", "plate_map", "group_by", "exclude")
        if (value := getattr(a, name)) is not None
    }
    if a.pixel_size_um is not None:
        given["pixel_size_um"] = a.pixel_size_um
    # A new answer to all of a kind replaces the earlier ones to single questions.
    kept = {k: v for k, v in before.answers.items() if k.partition(":")[0] not in answers}
    return replace(before, **given, answers={**kept, **answers})


def _nothing_written(fault: NothingWritten | BadTable) -> Result:
    """The result of a scan without records: what is asked, and what is wrong."""
    if isinstance(fault, NothingWritten):
        problems, questions = fault.problems, fault.questions
    else:
        kind = ProblemKind.MAP_ROW
        problems, questions = (Problem("plate map", fault.message, fault.hint, kind=kind),), ()
    return {
        "exit": 2,
        "records": 0,
        "channels": [],
        "conditions": {},
        "groups": 0,
        "wells": 0,
        "plates": [],
        "read_as": _read_as(fault.read_as if isinstance(fault, NothingWritten) else None),
        "questions": [asdict(q) for q in questions],
        "problems": [asdict(p) for p in problems],
        "error": {
            "kind": type(fault).__name__,
            "message": fault.message,
            "hint": fault.hint,
        },
        "text": str(fault).replace("\n", " "),
    }


def _counted(dataset: Dataset) -> Result:
    wells = {(r.plate, r.well) for r in dataset.records if r.well}
    return {
        "records": len(dataset.records),
        "channels": [c.name for c in dataset.channels],
        "conditions": dataset.counts(),
        "doses": {c.name: c.dose_um for c in dataset.conditions},
        "groups": len({r.group for r in dataset.records}),
        "wells": len(wells),
        "plates": sorted({r.plate for r in dataset.records if r.plate}, key=natural),
        "pixel_size_um": dataset.pixel_size_um,
    }


def _read_as(read_as: ReadAs | None) -> Result | None:
    if read_as is None:
        return None
    runs = [asdict(run) for run in read_as.runs]
    return {"scheme": read_as.scheme, "example": read_as.example, "runs": runs}


def _read_as_lines(scan: Scan) -> list[str]:
    names = scan.names
    runs = ", ".join(f"{run.text} is the {run.means}" for run in names.runs)
    lines = [f"  names read as {names.scheme}: {names.example}" + (f" ({runs})" if runs else "")]
    for q in scan.questions:
        lines.append(f"  {q.text} Now: {q.default}. To change it: --answer {q.kind}=CHOICE")
    return lines


def _preview(a: argparse.Namespace) -> Result:
    """Check the plate map and show it, plate by plate."""
    from core.scanning.plate_map import load_plate_map
    from core.scanning.plate_map_preview import preview

    if a.plate_map is None:
        raise LeighError("No plate map is given to preview.", "Give --plate-map FILE.")
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
        for name, n in p.counts.items():
            role = f", {p.roles[name]}" if name in p.roles else ""
            lines.append(f"  {name}: {n} well{'s' * (n != 1)}{role}")
        lines.append(p.text())
    described = [
        {"plate": p.plate, "shape": list(p.shape), "counts": p.counts, "empty": p.empty}
        for p in plates
    ]
    return {
        "rows": len(table.rows),
        "plates": described,
        "notes": list(table.notes),
        "text": "\n".join(lines),
    }
