"""One diseased image, moved toward healthy.

You get two TIFF files in the grey values of the original: the image as it would look in a healthy
culture (counterfactual), and what changed (difference), one page per channel. The program prints
the evidence: which checks the counterfactual passed.

Run `python examples/02_counterfactual.py [FOLDER]`. It uses the embedded demo and takes a minute.
"""

import sys
from pathlib import Path

import tifffile

import core as leigh

RECORD = "P1_B09_s1"  # a DS image of a well that the network never saw


def main(folder: Path) -> None:
    """Write counterfactual.tif and difference.tif into `folder`."""
    project = leigh.demo(folder / "project")
    engine = leigh.Engine(project)

    healthy = leigh.Mix({"WT": 1.0}, strength=1.0)
    answer = engine.move(leigh.Move(RECORD, healthy))

    for name, pages in (("counterfactual", answer.image), ("difference", answer.difference)):
        tifffile.imwrite(folder / f"{name}.tif", pages, photometric="minisblack")  # C Y X
    print(f"Evidence of {RECORD} toward WT: {answer.evidence.light}")
    for check in answer.evidence.checks:
        print(f"  {check.light}: {check.words}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example-counterfactual"))
