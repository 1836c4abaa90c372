"""The verb `leigh scan`: read a folder of images into a project."""

import argparse
from dataclasses import asdict

from core.cli.arguments import Result, add_project, path_option
from core.errors import LeighError
from core.progress import Report

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
    p.add_argument("--condition-from", choices=("folder", "plate-map"), default="folder")
    p.add_argument(
        "--group-by",
        default="well",
        help="groups that are never split: well, plate, or a column of the plate map",
    )
    p.add_argument(
        "--exclude", nargs="+", default=[], metavar="CONDITION", help="conditions to leave out"
    )
    p.add_argument(
        "--pixel-size-um", type=float, default=None, help="instead of the pixel size of the files"
    )


def run(a: argparse.Namespace, report: Report) -> Result:
    """Read a folder into a project."""
    from core.scanning.scan import ScanOptions
    from core.workflows.scan import scan

    if a.preview:
        return _preview(a)
    options = ScanOptions(
        pattern=a.pattern,
        condition_from=a.condition_from,
        plate_map=a.plate_map,
        group_by=a.group_by,
        exclude=a.exclude,
        pixel_size_um=a.pixel_size_um,
    )
    project = scan(a.folder, a.project, options, report=report)
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
            f"  ... and {len(dataset.problems) - 20} more; the Data page and project.json list all"
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
