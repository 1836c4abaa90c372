"""From a folder of images to a tested network.

You get a project folder with a trained network, and a report: how well the network names the
condition of wells that it never saw. The images are a small synthetic plate of healthy (WT) and
diseased (DS) cultures. Replace the plate by your own folder: one subfolder per condition.

Run `python examples/01_scan_and_train.py [FOLDER]`. "quick" takes about 15 minutes on two CPU
cores.
"""

import sys
from pathlib import Path

import core as leigh


def main(folder: Path) -> None:
    """Write images, project and network under `folder`."""
    leigh.synth(folder / "images", conditions=["WT", "DS"], wells=8, fields=2, size=96, seed=0)

    project = leigh.scan(folder / "images", project=folder / "project")
    card = leigh.train(project, preset="quick", progress=True)
    report = leigh.evaluate(project)

    print(f"Channels: {', '.join(channel.name for channel in card.channels)}")
    for name, value in report.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example-train"))
