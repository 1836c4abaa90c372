"""A map of all cultures, with the regions in which the network names each condition.

You get map.pdf: every field of view is a point, and every region has the colour of a condition.
Hatched areas hold no data. The map stays the same when you add images later.

Run `python examples/03_map.py [FOLDER]`. It uses the embedded demo and takes a few minutes.
"""

import sys
from pathlib import Path

import core as leigh


def main(folder: Path) -> None:
    """Write map.pdf into `folder`."""
    project = leigh.demo(folder / "project")

    leigh.encode(project, progress=True)  # every image becomes a latent
    leigh.make_map(project, progress=True)  # new images are placed on the map of the demo

    leigh.figure(project, panels=["map"], out=folder / "map.pdf")
    print(f"The map is in {folder / 'map.pdf'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example-map"))
