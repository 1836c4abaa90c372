"""One figure for a paper: the map of all cultures and the ranking of the treatments.

You get the same figure as PDF (for the paper) and as PNG (for slides). Text stays text in the PDF,
so you can edit the figure.

Run `python examples/05_figure.py [FOLDER]`. It uses the map and the ranking of the embedded demo.
"""

import sys
from pathlib import Path

import core as leigh


def main(folder: Path) -> None:
    """Write panel.pdf and panel.png into `folder`."""
    project = leigh.demo(folder / "project")

    for name in ("panel.pdf", "panel.png"):
        leigh.figure(project, panels=["map", "ranking"], out=folder / name)
    print(f"The figures are in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example-figure"))
