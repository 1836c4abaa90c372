"""A screen for tests: twelve treatments on two plates, with ties, flags, and one that could not be
measured well.
"""

from core.domain import Project, Role
from core.domain.screen import DoseCurve, Finding, Ranked, ResidualChange, Screen, WellScore

CHANNELS = ("Nuclei", "Cytoskeleton", "Mitochondria")


def make_ranked(condition="TT", rescue=0.8, tie=1, **changes) -> Ranked:
    """A treatment with narrow intervals; changes by name."""
    values = {
        "condition": condition, "compound": condition, "dose_um": None, "role": Role.TREATED,
            "wells": 4,
        "rescue": rescue, "rescue_low": rescue - 0.1, "rescue_high": rescue + 0.1, "off_axis": 1.2,
        "off_axis_low": 0.9, "off_axis_high": 1.6, "cell_count": 0.98, "cell_count_low": 0.9,
            "cell_count_high": 1.05,
        "intensity": (1.0, 1.1, 0.9), "tie": tie, "p_value": 0.01, "hit": False,
    }  # fmt: skip
    return Ranked(**(values | changes))


def make_treatments(count=12) -> tuple[Ranked, ...]:
    """TT is a hit, D1 and D2 are tied, D3 is flagged and has no intervals, C is given at four
    doses, two controls.
    """
    blank = dict.fromkeys(
        (
            "rescue_low",
            "rescue_high",
            "off_axis_low",
            "off_axis_high",
            "cell_count",
            "cell_count_low",
            "cell_count_high",
            "p_value",
        )
    )
    made = [
        make_ranked("TT", 0.9, 1, hit=True),
        make_ranked("D1", 0.6, 2, off_axis=5.0, flags=("changes something else", "fewer nuclei")),
        make_ranked("D2", 0.55, 2, cell_count=0.4, cell_count_low=0.3, cell_count_high=0.5),
        make_ranked("D3", 0.5, 3, wells=1, flags=("one well only",), **blank),
    ]
    for k, dose in enumerate((0.1, 1.0, 10.0, 100.0)):
        made.append(make_ranked(f"C {dose:g}", 0.1 + 0.1 * k, 4 + k, compound="C", dose_um=dose))
    made += [make_ranked(f"E{k}", 0.05 - 0.001 * k, 8 + k) for k in range(max(count - 8, 0))]
    controls = (
        make_ranked("WT", 1.0, 0, role=Role.HEALTHY),
        make_ranked("DS", 0.0, 0, role=Role.DISEASED),
    )
    return (*made[:count], *controls)


def make_screen(project: Project | None = None, **changes) -> Screen:
    """The wells hold the images of the project; half of them stand on plate 1, half on plate 2."""
    dataset = project.dataset if project is not None else None
    ranked = changes.get("ranked", make_treatments())
    wells = []
    for k, row in enumerate(ranked):
        there = [r for r in dataset.records if r.condition == row.condition] if dataset else []
        names = list(dict.fromkeys(r.well for r in there)) or [
            f"{chr(65 + k % 8)}{k // 8 + 11:02d}"
        ]
        for j, name in enumerate(names):
            ids = tuple(r.id for r in there if r.well == name)
            plate = "P2" if j % 2 else "P1"
            rescue = (
                float("nan") if row.condition == "D3" and project is None else row.rescue
            )  # never stored as such
            wells.append(
                WellScore(
                    plate,
                    name,
                    f"{plate}_{name}",
                    row.condition,
                    ids,
                    rescue,
                    row.off_axis,
                    30.0,
                    (100.0, 200.0 + k, 300.0),
                    unlike=row.condition == "D1",
                )
            )
    values = {
        "ranked": ranked, "wells": tuple(wells), "channels": CHANNELS, "plate_shapes": {"P1": (8,
            12), "P2": (8, 12)},
        "healthy": "WT", "diseased": "DS", "level": 0.9, "space": "readouts",
        "normalised": "each plate against its diseased wells",
        "quality": ({"score": "rescue", "wells": 8, "z_prime": 0.62, "ssmd": None},),
        "audit": (Finding("plate", 0.5, "balanced accuracy", 0.5, 0.6),
        Finding("edge", 0.8, "balanced accuracy", 0.5, 0.01, "Wells at the edge look different.")),
        "doses": (DoseCurve("C", (0.1, 1.0, 10.0, 100.0), (0.1, 0.2, 0.3, 0.4), 0.0, 0.5, 1.0, 3.0,
            1.5, 6.0),
        DoseCurve("K", (1.0, 2.0), (0.1, 0.2), None, None, None, None, None, None,
        "No plateau is seen.")),
        "unrepaired": (ResidualChange("D1", "Mitochondria", 0.7, 0.61, 0.78, 4),
                       ResidualChange("TT", "Nuclei", 0.9, None, None, 4)),
        "notes": ("D3 has one well only.",),
        "dataset_digest": dataset.digest if dataset else "",
    }  # fmt: skip
    return Screen(**(values | changes))
