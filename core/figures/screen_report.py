"""Write the report of a screen: a PDF file, an HTML file, and tables."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.screen import Screen
from core.io.atomic import atomic_write_text, replacing
from core.io.screen_tables import (
    audit_rows,
    quality_columns,
    quality_rows,
    ranking_rows,
    write_screen_tables,
)
from core.io.tables import plain
from core.progress import Progress, Report, silent
from core.version import __version__

if TYPE_CHECKING:
    from core.figures.style import Block

A4 = (8.27, 11.69)
MARGIN, FOOT = 0.5, 0.3  # inches
NONE = "–"
DOSE_WORDS = (
    "Points: rescue per dose. Line: four-parameter logistic. Broken line: EC50, the dose of half"
    " the effect; it is given only where the doses reach both plateaus. Triangles lie beyond the"
    " scale."
)


@dataclass(frozen=True)
class Section:
    """A heading with text, a figure and a table; each of the three may be missing."""

    title: str
    words: tuple[str, ...] = ()
    figure: "tuple[Block, ...]" = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    table_on_paper: bool = True  # False: only in the HTML file, because the figure shows the same


def write_report(screen: Screen, folder: Path, report: Report = silent) -> dict[str, Path]:
    """Write report.pdf, report.html and all tables into `folder`; returns name -> path."""
    folder = Path(folder)
    files = write_screen_tables(folder, screen)
    files |= {"report_pdf": folder / "report.pdf", "report_html": folder / "report.html"}
    sections = list(_sections(screen))
    pages = _write_pdf(screen, sections, files["report_pdf"], report)
    _write_html(screen, sections, files["report_html"])
    report(Progress(pages + 1, pages + 1, "Writing the report"))
    return files


def _sections(screen: Screen) -> Iterator[Section]:
    from core.figures.plate_heat import SHOWN, dose_blocks, plate_blocks
    from core.figures.ranking_panel import ranking_blocks, ranking_words
    from core.figures.rescue_scatter import scatter_blocks
    from core.figures.residual_bars import unrepaired_blocks

    yield Section(
        f"Screen: from {screen.diseased} toward {screen.healthy}",
        (*_summary(screen), *screen.notes),
    )
    warnings = tuple(f"{f.what}: {f.warning}" for f in screen.audit if f.warning)
    if warnings:
        yield Section("Read this first", warnings)
    heads = (
        "Condition",
        "Dose (µM)",
        "Wells",
        "Rescue",
        "Off-axis",
        "Nuclei",
        "Tie",
        "Hit",
        "Remarks",
    )
    yield Section(
        "Ranking",
        (ranking_words(screen),),
        tuple(ranking_blocks(screen)),
        heads,
        _ranking(screen),
        table_on_paper=False,
    )
    yield Section("Rescue and side effect", (), tuple(scatter_blocks(screen)))
    for value, title in SHOWN.items():
        if blocks := plate_blocks(screen, value):
            yield Section(f"Plates: {title}", (), tuple(blocks))
    if screen.doses:
        yield Section("Rescue against dose", (DOSE_WORDS,), tuple(dose_blocks(screen)))
    if screen.unrepaired:
        words = (
            f"Restored share of the change between {screen.diseased} and {screen.healthy}, per"
            " channel: 100 % is the whole change; below 0 % the change is larger than before."
        )
        yield Section("Not repaired", (words,), tuple(unrepaired_blocks(screen)))
    columns = quality_columns(screen)
    rows = tuple(tuple(_cell(row.get(name)) for name in columns) for row in quality_rows(screen))
    yield Section(
        "Quality of the assay",
        () if rows else ("Nothing was measured.",),
        (),
        tuple(map(_head, columns)),
        rows,
    )
    yield Section("Audit: what else could explain the ranking", *_audit(screen))
    settings = tuple((str(name), _cell(value)) for name, value in screen.settings.items())
    yield Section("Settings", (), (), ("Setting", "Value"), (*settings, *_origin(screen)))


def _summary(screen: Screen) -> tuple[str, ...]:
    treated = [r for r in screen.ranked if r.tie > 0]
    plates, hits = len({w.plate for w in screen.wells}), [r for r in treated if r.hit]
    summary = (
        f"{len(treated)} treatments in {len(screen.wells)} wells on {plates}"
        f" plate{'s' * (plates != 1)}; {len(hits)} hit{'s' * (len(hits) != 1)}."
        f" Measured in {screen.space}."
    )
    if screen.normalised:
        summary += f" Plates made comparable: {_sentence(screen.normalised)}"
    best = ", ".join(f"{r.condition} ({r.rescue:.2f})" for r in hits[:10])
    best += ", ..." if len(hits) > 10 else ""
    return (summary, f"Hits, best first: {best}." if hits else "No treatment is a hit.")


def _sentence(words: str) -> str:
    return words if not words or words.endswith(".") else f"{words}."


def _ranking(screen: Screen) -> tuple[tuple[str, ...], ...]:
    """Rows of the HTML table: values with their intervals."""
    return tuple(
        (
        r.condition, _cell(r.dose_um), str(r.wells), _with_interval(r.rescue, r.rescue_low,
        r.rescue_high),
            _with_interval(r.off_axis, r.off_axis_low, r.off_axis_high),
            _with_interval(r.cell_count, r.cell_count_low, r.cell_count_high),
            str(r.tie) if r.tie else str(r.role), "yes" if r.hit else "", row["flags"],
        )
        for r, row in zip(screen.ranked, ranking_rows(screen), strict=True)
    )  # fmt: skip


def _audit(
    screen: Screen,
) -> "tuple[tuple[str, ...], tuple[Block, ...], tuple[str, ...], tuple[tuple[str, ...], ...]]":
    rows = audit_rows(screen)
    heads = tuple(map(_head, rows[0])) if rows else ()
    return (
        () if rows else ("Nothing was tested.",),
        (),
        heads,
        tuple(tuple(map(_cell, r.values())) for r in rows),
    )


def _origin(screen: Screen) -> tuple[tuple[str, str], ...]:
    made = (
        ("Program", f"Leigh Explorer {__version__}"),
        ("Images (digest)", screen.dataset_digest or NONE),
    )
    return (*made, ("Model (digest)", screen.model_digest or NONE))


def _head(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _cell(value: Any) -> str:
    """A value as text; None is a dash, because an empty cell looks like a mistake."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=plain)
    return str(value)


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _write_pdf(screen: Screen, sections: Sequence[Section], path: Path, report: Report) -> int:
    """Write the PDF file and return the number of pages."""
    import matplotlib
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    from core.figures.export import STYLE
    from core.figures.style import Canvas, draw_blocks, heading, paginate, paragraph, table

    blocks: list[Block] = []
    for section in sections:
        body = [b for words in section.words for b in paragraph(words)] + list(section.figure)
        if section.table_on_paper:
            body += table(section.heads, section.rows)
        blocks += [heading(section.title), *body] if body else []
    pages = paginate(blocks, A4[1] - 2 * MARGIN - FOOT)
    about = {
        "Title": f"Screen: {screen.diseased} to {screen.healthy}",
        "Subject": _provenance(screen),
    }
    with (
        replacing(path) as temporary,
        matplotlib.rc_context(STYLE),
        PdfPages(temporary, metadata={**about, "CreationDate": None}) as pdf,
    ):
        for number, page in enumerate(pages, start=1):
            figure = Figure(figsize=A4)
            canvas = Canvas(figure, *A4, MARGIN, MARGIN)
            draw_blocks(canvas, page)
            foot = f"Leigh Explorer {__version__}   page {number} of {len(pages)}"
            canvas.text(0, A4[1] - 2 * MARGIN - 0.1, foot, 6.0, color="0.4")
            pdf.savefig(figure)
            report(Progress(number, len(pages) + 1, "Writing the report"))
    return len(pages)


def _provenance(screen: Screen) -> str:
    about: dict[str, Any] = {
        "program": f"Leigh Explorer {__version__}",
        "dataset_digest": screen.dataset_digest,
    }
    about |= {
        "model_digest": screen.model_digest,
        "space": screen.space,
        "settings": screen.settings,
    }
    return json.dumps(about, ensure_ascii=False, default=plain)


STYLE_SHEET = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
    color: #222;
  background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: 13px; width: 100%; overflow-wrap: anywhere; }
th, td { text-align: left; padding: 3px 8px; border-bottom: 1px solid #ddd; vertical-align: top; }
th { position: sticky; top: 0; background: #fff; border-bottom: 1px solid #666;
    white-space: nowrap; }
svg { width: 100%; height: auto; } footer { margin-top: 2rem; color: #666; font-size: 12px;
    overflow-wrap: anywhere; }
"""
# The report must not run or load anything, whatever the name of a condition contains.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def _write_html(screen: Screen, sections: Sequence[Section], path: Path) -> None:
    """Write one file without scripts; every text from tables and file names is escaped."""
    parts = []
    for i, section in enumerate(sections):
        level = "h2" if i else "h1"
        parts.append(f"<section><{level}>{escape(section.title)}</{level}>")
        parts += [f"<p>{escape(words)}</p>" for words in section.words]
        if section.figure:
            parts.append(_svg(section.figure, section.title))
        if section.rows:
            parts.append(_html_table(section.heads, section.rows))
        parts.append("</section>")
    title = escape(f"Screen: {screen.diseased} to {screen.healthy}")
    head = (
        '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy"'
        f' content="{POLICY}"><title>{title}</title>'
    )
    body = "\n".join(parts)
    foot = f"<footer>{escape(_provenance(screen))}</footer>"
    page = (
        "<!DOCTYPE html>\n<html"
        f' lang="en"><head>{head}<style>{STYLE_SHEET}</style></head>\n<body>\n{body}\n{foot}'
    )
    atomic_write_text(path, page + "\n</body></html>\n")


def _html_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{lines}\n</tbody></table>"


def _svg(blocks: "Sequence[Block]", title: str) -> str:
    """The blocks as an inline image; matplotlib escapes their text."""
    import matplotlib

    from core.figures.export import STYLE
    from core.figures.style import stacked

    text = StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": title}):
        stacked(blocks).savefig(text, format="svg", dpi=150, metadata={"Date": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]
