"""Which treatment heals, and what else does it change?

You get a folder `ranked` with a report (PDF and HTML) and tables. The program prints the ranking:
the rescue of every treatment (0 is diseased, 1 is healthy) with its interval, and its flags.

Run `python examples/04_screen.py [FOLDER]`. It uses the embedded demo and takes a few minutes.
"""

import sys
from pathlib import Path

import core as leigh


def main(folder: Path) -> None:
    """Write the ranking into `folder`/ranked and print it."""
    import pandas

    project = leigh.demo(folder / "project")
    leigh.screen(project, out=folder / "ranked", progress=True)

    for row in pandas.read_parquet(folder / "ranked" / "ranking.parquet").to_dict("records"):
        interval = f"[{row['rescue_low']}, {row['rescue_high']}]"
        print(f"{row['condition']}: rescue {row['rescue']} {interval} {row['flags']}")
    print(f"The report is in {folder / 'ranked' / 'report.pdf'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example-screen"))
