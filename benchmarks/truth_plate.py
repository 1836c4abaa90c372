"""A plate of known phenotypes, for which every counterfactual is known."""

from dataclasses import replace
from pathlib import Path

from core.progress import Report, silent
from core.synthetic.cells import DISEASED, HEALTHY, Phenotype
from core.synthetic.plate import PlateOptions, write_plate
from core.workflows.scan import scan

PHENOTYPES: dict[str, Phenotype] = {
    "WT": HEALTHY,
    "DS": DISEASED,
    "TT": DISEASED.toward(HEALTHY, 0.55),
    "INT": replace(HEALTHY, mito_intensity=0.6),  # intensity only
    "MOR": replace(HEALTHY, mito_spread=0.2, elongation=1.2),  # shape only, same total intensity
    "NULL": HEALTHY,  # no change
}
WELLS, FIELDS, SIZE = 20, 6, 128


def make_project(
    folder: Path, seed: int, wells: int = WELLS, fields: int = FIELDS, report: Report = silent
) -> None:
    """Write the plate of one seed and scan it into a project.

    Parameters
    ----------
    folder
        The project folder.
    seed
        Of the cultures.
    wells
        Per condition.
    fields
        Per well.
    report
        Receives the progress.
    """
    write_plate(
        folder / "images",
        PHENOTYPES,
        PlateOptions(wells=wells, fields=fields, size=SIZE, seed=1000 + seed),
        report=report,
    )
    scan(folder / "images", folder, report=report)
