"""Write panels as one sheet with editable text, unchanged pixels and provenance in the file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from core.errors import LeighError
from core.figures.panels import Panel
from core.io.atomic import replacing

FORMATS = {".pdf": "pdf", ".svg": "svg", ".png": "png", ".tif": "tiff", ".tiff": "tiff"}
DPI = 300
STYLE: Any = {
    "pdf.fonttype": 42,  # text stays text in Illustrator and Inkscape
    "svg.fonttype": "none",
    "image.interpolation": "none",
    "image.composite_image": False,
    "font.family": "DejaVu Sans",
    "hatch.linewidth": 0.3,
    "hatch.color": "#00000040",
    "axes.linewidth": 0.6,
    "text.parse_math": False,  # a condition may be called $x$
}


def check_format(path: Path) -> str:
    """The format of a figure file by its ending; raises LeighError for unknown endings."""
    if path.suffix.lower() not in FORMATS:
        raise LeighError(
            f"{path.name} has no figure format.", "End the name in .pdf, .svg, .png or .tif."
        )
    return FORMATS[path.suffix.lower()]


def save_sheet(panels: Sequence[Panel], path: Path, provenance: dict[str, Any]) -> None:
    """Write all panels, one below the other, to `path`; never leaves a partial file."""
    kind = check_format(path)
    note = json.dumps(provenance, ensure_ascii=False)
    with matplotlib.rc_context(STYLE), replacing(path) as temporary:
        figure = sheet(panels)
        figure.savefig(temporary, format=kind, dpi=DPI, **_metadata(kind, note))


def sheet(panels: Sequence[Panel]) -> Figure:
    """One figure with the panels below one another, each with its own size."""
    width = max(p.inches[0] for p in panels)
    heights = [p.inches[1] for p in panels]
    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(panels), 1, height_ratios=heights, squeeze=False)
    for part, panel in zip(parts[:, 0], panels):
        rest = width - panel.inches[0]
        panel.draw(
            part.subfigures(1, 2, width_ratios=[panel.inches[0], rest])[0] if rest > 0.01 else part
        )
    return figure


def _metadata(kind: str, note: str) -> dict[str, Any]:
    """Arguments of savefig that store `note` in the file."""
    if kind == "pdf":
        return {
            "metadata": {"Title": "Leigh Explorer figure", "Subject": note, "CreationDate": None}
        }
    if kind == "svg":
        return {"metadata": {"Title": "Leigh Explorer figure", "Description": note, "Date": None}}
    if kind == "png":
        return {"metadata": {"Software": "Leigh Explorer", "Description": note}}
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[270] = note  # ImageDescription
    return {"pil_kwargs": {"tiffinfo": tags, "compression": "tiff_lzw"}}
