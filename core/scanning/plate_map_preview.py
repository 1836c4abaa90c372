"""What a plate map says, plate by plate, before any image is looked at."""

from collections import Counter
from dataclasses import dataclass

from core.domain import Role
from core.io.well_names import guess_plate_shape, row_letters, well_place
from core.scanning.plate_map import PlateMap, PlateRow


@dataclass(frozen=True)
class PlatePreview:
    """One plate of a map.

    `wells` holds the named wells; `counts` their number per condition, in order.
    """

    plate: str
    shape: tuple[int, int]  # rows, columns
    wells: dict[str, str]  # well -> condition, with its dose where there is one
    counts: dict[str, int]
    roles: dict[str, Role]  # of the conditions that the map gives one
    perimeter_free: bool  # no well of the outermost rows and columns is named

    @property
    def empty(self) -> int:
        """Wells of the plate that the map leaves out."""
        return self.shape[0] * self.shape[1] - len(self.wells)

    def grid(self) -> list[list[str]]:
        """Condition by row and column; "" where there is none. The window and `text` show this."""
        rows = [["" for _ in range(self.shape[1])] for _ in range(self.shape[0])]
        for well, condition in self.wells.items():
            row, column = well_place(well)
            rows[row - 1][column - 1] = condition
        return rows

    def text(self, width: int = 6) -> str:
        """The grid in letters, every condition cut to `width`."""
        head = " " * 3 + " ".join(f"{c:<{width}}" for c in range(1, self.shape[1] + 1))
        lines = [
            f"{row_letters(r):<3}" + " ".join(f"{(cell or '.')[:width]:<{width}}" for cell in cells)
            for r, cells in enumerate(self.grid(), start=1)
        ]
        return "\n".join(line.rstrip() for line in [head, *lines])


def preview(table: PlateMap) -> tuple[PlatePreview, ...]:
    """One preview per plate, in the order of the map; () for a list of files without wells."""
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
    return (
        f"{row.condition} {row.dose_um:g} µM"
        if dosed and row.dose_um is not None
        else row.condition
    )
