"""Benchmark tables for the pages and for the README, made from `docs/benchmarks/*.json`.

A page says `<!-- benchmark: map -->` where the table of `benchmarks/map.json` belongs; mkdocs calls
`on_page_markdown` and puts the table there. The README holds its table between two markers:

    python docs/make_benchmark_tables.py            # writes the table into the README
    python docs/make_benchmark_tables.py --check    # fails where the README is out of date

A file holds title, command, machine, measured, note, columns and rows. A cell is text, a number, or
a reference `{"from": "truth", "row": "first cell of the row", "column": "figure"}` to a cell of
another file.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
FOLDER = DOCS / "benchmarks"
README = DOCS.parent / "README.md"
README_TABLE = "readme"  # the file whose table stands in the README
FIELDS = ("title", "command", "machine", "measured", "note", "columns", "rows")
PLACE = re.compile(r"<!-- benchmark: ([\w-]+) -->")
IN_README = re.compile(r"(<!-- begin results.*?-->\n)(.*?)(<!-- end results -->)", re.DOTALL)
PACKAGE = re.compile(r"^::: (core[\w.]*)$", re.MULTILINE)
# as pages name them, so that pages can be read in the repository too
SCREENSHOTS = "../resources/screenshots/"

Benchmark = dict[str, Any]


def load(name: str) -> Benchmark:
    """One file of figures, checked.

    Raises ValueError for a missing field or a row of another length.
    """
    path = FOLDER / f"{name}.json"
    found: Benchmark = json.loads(path.read_text(encoding="utf-8"))
    missing = [field for field in FIELDS if field not in found]
    if missing:
        raise ValueError(f"{path.name}: missing {', '.join(missing)}.")
    for row in found["rows"]:
        if len(row) != len(found["columns"]):
            raise ValueError(
                f"{path.name}: {row[0]!r} has {len(row)} cells, expected {len(found['columns'])}."
            )
    return found


def cell_text(cell: Any) -> str:
    """A cell as the page shows it; a reference is looked up in its own file."""
    if not isinstance(cell, dict):
        return str(cell)
    other = load(cell["from"])
    column = other["columns"].index(cell["column"])
    found = [row[column] for row in other["rows"] if row[0] == cell["row"]]
    if len(found) != 1:
        raise ValueError(
            f"{cell['from']}.json: {len(found)} rows named {cell['row']!r}, expected 1."
        )
    return cell_text(found[0])


def table(benchmark: Benchmark) -> str:
    """The figures as a Markdown table."""
    lines = [benchmark["columns"], ["---"] * len(benchmark["columns"])]
    lines += [[cell_text(cell) for cell in row] for row in benchmark["rows"]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section(benchmark: Benchmark) -> str:
    """The table with its title, its command, and when and where it was measured."""
    origin = [f"Command: `{benchmark['command']}`."] if benchmark["command"] else []
    origin += [f"Machine: {benchmark['machine']}.", f"Measured: {benchmark['measured']}."]
    parts = [
        f"**{benchmark['title']}**",
        table(benchmark),
        benchmark["note"],
        f"*{' '.join(origin)}*",
    ]
    return "\n\n".join(part for part in parts if part)


def with_tables(markdown: str) -> str:
    """A page in which every place of a table holds the table."""
    return PLACE.sub(lambda place: section(load(place.group(1))), markdown)


def with_readme_table(text: str) -> str:
    """The README with today's figures between its two markers.

    Raises ValueError without markers.
    """
    if not IN_README.search(text):
        raise ValueError("README.md: the markers of the results table are missing.")
    return IN_README.sub(
        lambda match: f"{match[1]}\n{table(load(README_TABLE))}\n\n{match[3]}", text
    )


def on_files(files: Any, config: Any) -> Any:
    """Called by mkdocs: the screenshots of the repository become images of the pages."""
    from mkdocs.structure.files import File  # only mkdocs calls this, so it is installed

    for path in sorted((DOCS / SCREENSHOTS).resolve().glob("*.png")):
        files.append(File.generated(config, f"images/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for every page."""
    return PACKAGE.sub(_if_it_exists, with_tables(markdown)).replace(SCREENSHOTS, "images/")


def _if_it_exists(package: re.Match[str]) -> str:
    """The API page lists the tree as planned; a package that has not moved yet is a line, not an
    error.
    """
    path = DOCS.parent.joinpath(*package.group(1).split("."))
    exists = path.is_dir() or path.with_suffix(".py").is_file()
    return (
        package.group(0)
        if exists
        else f"## `{package.group(1)}`\n\nThis package is not documented yet."
    )


def main(arguments: list[str]) -> int:
    """Write the README's table, or with --check only compare.

    Exit 1 where the README is out of date.
    """
    before = README.read_text(encoding="utf-8")
    after = with_readme_table(before)
    for path in sorted(FOLDER.glob("*.json")):
        section(load(path.stem))
    if "--check" in arguments:
        if before != after:
            print(
                "README.md is out of date: run python docs/make_benchmark_tables.py",
                file=sys.stderr,
            )
        return int(before != after)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
