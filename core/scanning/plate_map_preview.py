"""Preview a plate map, plate by plate, before images are read."""

from collections import Counter
from dataclasses import dataclass

from core.domain import Role
from core.io.well_names import guess_plate_shape, row_letters, well_place
from core.scanning.plate_map import PlateMap, PlateRow


@dataclass(frozen=True)
class PlatePreview:
    """One plate of a plate map.

    `wells` are the wells with a condition, `counts` their number per condition.
    """

    plate: str
    shape: tuple[int, int]  # rows, columns
    wells: dict[str, str]  # well -> condition, with its dose if there is one
    counts: dict[str, int]
    roles: dict[str, Role]  # of conditions with a role in the plate map
    perimeter_free: bool  # no well in the outermost rows and columns has a condition

    @property
    def empty(self) -> int:
        """Number of wells without a condition."""
        return self.shape[0] * self.shape[1] - len(self.wells)

    def grid(self) -> list[list[str]]:
        """Conditions by row and column; "" for wells without a condition."""
        rows = [["" for _ in range(self.shape[1])] for _ in range(self.shape[0])]
        for well, condition in self.wells.items():
            row, column = well_place(well)
            rows[row - 1][column - 1] = condition
        return rows

    def text(self, width: int = 6) -> str:
        """The grid as text, with every condition cut to `width` letters."""
        head = " " * 3 + " ".join(f"{c:<{width}}" for c in range(1, self.shape[1] + 1))
        lines = [
            f"{row_letters(r):<3}" + " ".join(f"{(cell or '.')[:width]:<{width}}" for cell in cells)
            for r, cells in enumerate(self.grid(), start=1)
        ]
        return "\n".join(line.rstrip() for line in [head, *lines])


def preview(table: PlateMap) -> tuple[PlatePreview, ...]:
    """One preview per plate, in the order of the plate map; () for a list of files."""
    plates: dict[str, list[PlateRow]] = {}
    for row in table.rows:
        if row.well:
            plates.setdefault(row.plate, []).append(row)
    return tuple(_previewed(plate, rows) for plate, rows in plates.items())


def _previewed(plate: str, rows: list[PlateRow]) -> PlatePreview:
    doses: dict[str, set[float | None]] = {}
    for row in rows:
        doses.setdefault(row.condition, set()).add(row.dose_um)
    names = {
        row.well: _named(row, len(doses[row.condition]) > 1)
        for row in rows
        if row.condition.strip()
    }
    shape = guess_plate_shape([row.well for row in rows]) or (8, 12)
    places = [well_place(well) for well in names]
    edge = any(r in (1, shape[0]) or c in (1, shape[1]) for r, c in places)
    roles = {
        names[row.well]: row.role for row in rows if row.role is not None and row.well in names
    }
    return PlatePreview(
        plate, shape, names, dict(Counter(names.values())), roles, bool(places) and not edge
    )


def _named(row: PlateRow, dosed: bool) -> str:
    if dosed and row.dose_um is not None:
        return f"{row.condition} {row.dose_um:g} µM"
    return row.condition
