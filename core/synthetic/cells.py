"""Draw synthetic cultures whose true counterfactual is known for every pixel.

A seed fixes everything that a treatment does not change: positions and brightness of cells, focus
and noise. A phenotype fixes the effect of the condition. The same seed under two phenotypes gives
an image and its true counterfactual. Channels: nuclei, cytoskeleton, mitochondria (a dye that
follows the membrane potential).
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from core.domain import CONDITION_COLOURS, Channel, Condition, FloatArray, Role
from core.errors import LeighError

CHANNELS = (
    Channel("Nuclei", "#3A6BFF"),
    Channel("Cytoskeleton", "#2ECC40"),
    Channel("Mitochondria", "#FF3B30"),
)
PIXEL_SIZE_UM = 0.65
OFFSET = 100.0  # camera offset, grey values
FULL_SCALE = 900.0  # grey values of a signal of 1
CELL_SPACING_PX = 36.0
SMALLEST_FIELD_PX = 32

Field = NDArray[np.float64]


@dataclass(frozen=True)
class Phenotype:
    """The effect of a condition on a culture; the defaults are healthy."""

    mito_intensity: float = 1.0  # total signal of the mitochondria, relative
    # 0: collapsed around the nucleus and fragmented; 1: long filaments up to the edge of the cell.
    mito_spread: float = 0.95
    elongation: float = 1.9  # long axis over short axis of the cell
    cytoskeleton: float = 1.0  # brightness of the cytoskeleton, relative
    nucleus: float = 1.0  # nuclear diameter, relative
    survival: float = 1.0  # share of cells that are alive

    def toward(self, other: "Phenotype", rescue: float) -> "Phenotype":
        """This phenotype, moved toward another by the share `rescue`."""
        start, end = asdict(self), asdict(other)
        return Phenotype(**{key: start[key] + rescue * (end[key] - start[key]) for key in start})


HEALTHY = Phenotype()
DISEASED = Phenotype(mito_intensity=0.6, mito_spread=0.2, elongation=1.2)

DEMO_PHENOTYPES: dict[str, Phenotype] = {
    "WT": HEALTHY,
    "DS": DISEASED,
    "TT": DISEASED.toward(HEALTHY, 0.55),
    "Drug A": DISEASED.toward(HEALTHY, 0.25),
    "Drug B": replace(DISEASED.toward(HEALTHY, 0.85), cytoskeleton=1.5),
    "Drug C": replace(DISEASED, survival=0.55, nucleus=0.8),
}


def demo_conditions(names: tuple[str, ...] = tuple(DEMO_PHENOTYPES)) -> tuple[Condition, ...]:
    """The demo's conditions with roles and colours."""
    roles = {"WT": Role.HEALTHY, "DS": Role.DISEASED}
    return tuple(
        Condition(n, roles.get(n, Role.TREATED), CONDITION_COLOURS[i % 8])
        for i, n in enumerate(names)
    )


@dataclass(frozen=True)
class Cell:
    """The properties of one cell that no treatment changes."""

    y: float
    x: float
    angle: float
    size: float  # geometric mean radius, pixels
    brightness: tuple[float, float, float]
    life: float  # the cell is dead if survival < life
    curves: NDArray[np.float64]  # (filaments, points, 3): angle, reach, gap phase


def check_size(size: int) -> None:
    """Raises LeighError for a field of `size` x `size` pixels that is too small for a cell."""
    if size < SMALLEST_FIELD_PX:
        raise LeighError(
            f"{size} pixels are too few for a cell.", f"Use at least {SMALLEST_FIELD_PX}."
        )


def draw_cells(seed: int, size: int) -> tuple[Cell, ...]:
    """The cells of one field of `size` x `size` pixels, drawn only from `seed`."""
    rng = np.random.default_rng([seed, 1])
    wanted = max(2, int(rng.normal(0.95, 0.1) * (1 + size / CELL_SPACING_PX) ** 2 * 0.55))
    centres: list[tuple[float, float]] = []
    for _ in range(60 * wanted):
        y, x = rng.uniform(-8, size + 8, 2)
        if all((y - v) ** 2 + (x - u) ** 2 > CELL_SPACING_PX**2 * 0.7 for v, u in centres):
            centres.append((y, x))
        if len(centres) == wanted:
            break
    return tuple(_draw_cell(rng, y, x) for y, x in centres)


def _draw_cell(rng: np.random.Generator, y: float, x: float) -> Cell:
    filaments, points = 11, 70
    start = rng.uniform(0, 2 * np.pi, (filaments, 1))
    wander = np.cumsum(rng.normal(0, 0.09, (filaments, points)), axis=1)
    along = np.linspace(0.0, 1.0, points)[None]
    reach = rng.uniform(0.0, 0.25, (filaments, 1)) + along * rng.uniform(0.45, 0.95, (filaments, 1))
    gap = rng.uniform(0, 1, (filaments, 1)) + along * rng.integers(3, 6, (filaments, 1))
    return Cell(
        y=y,
        x=x,
        angle=rng.uniform(0, np.pi),
        size=rng.normal(15.5, 1.1),
        brightness=(rng.lognormal(0, 0.12), rng.lognormal(0, 0.15), rng.lognormal(0, 0.15)),
        life=float(rng.uniform()),
        curves=np.stack([start + wander, np.clip(reach, 0, 1), gap], axis=2),
    )


@dataclass(frozen=True)
class Optics:
    """The effects of lamp, camera and medium on an image, per channel; the defaults do nothing."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)  # of the signal
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)  # grey values, everywhere
    haze: tuple[float, float, float] = (0.0, 0.0, 0.0)  # mean grey values, only outside of cells
    haze_slope: float = 0.0  # rise of the haze from left to right, as a share of its mean


PLAIN = Optics()


def render(
    seed: int,
    phenotype: Phenotype,
    size: int = 128,
    cells: tuple[Cell, ...] | None = None,
    optics: Optics = PLAIN,
) -> NDArray[np.uint16]:
    """Draw one field of view (3, size, size) in grey values.

    Parameters
    ----------
    seed
        The culture: cells, focus and noise.
    phenotype
        The effect of the condition.
    size
        Pixels a side.
    cells
        Other cells than those of the seed.
    optics
        Effects of lamp, camera and medium.
    """
    nuisance = np.random.default_rng([seed, 2])
    gains = nuisance.lognormal(0, 0.05, 3)
    focus = nuisance.uniform(0.6, 0.9)
    noise = np.random.default_rng([seed, 3]).normal(size=(3, size, size))
    yy, xx = np.mgrid[0:size, 0:size].astype(float)
    signal = np.zeros((3, size, size))
    cells = draw_cells(seed, size) if cells is None else cells
    alive = [cell for cell in cells if cell.life <= phenotype.survival]
    for cell in alive:
        _paint(signal, cell, phenotype, yy, xx)
    for c in range(3):
        signal[c] = gaussian_filter(signal[c], focus) * gains[c] * optics.gain[c]
    grey: Field = OFFSET + FULL_SCALE * signal + np.reshape(optics.offset, (3, 1, 1))
    if any(optics.haze):
        grey += _haze(alive, phenotype, optics, yy, xx)
    grey += noise * np.sqrt(6.0 + 0.05 * FULL_SCALE * np.maximum(signal, 0))  # read and shot noise
    return np.clip(np.rint(grey), 0, 4095).astype(np.uint16)


def _haze(cells: list[Cell], phenotype: Phenotype, optics: Optics, yy: Field, xx: Field) -> Field:
    """(3, Y, X) additional grey values of the background; 0 within cells."""
    free = np.ones(yy.shape)
    for cell in cells:
        u, v, long, short = _own_frame(cell, phenotype, yy, xx)
        free = np.minimum(free, 1.0 - _soft((u / long) ** 2 + (v / short) ** 2, 0.12))
    slope = 1.0 + optics.haze_slope * (xx / max(xx.max(), 1.0) - 0.5)
    haze: Field = np.reshape(optics.haze, (3, 1, 1)) * slope * free
    return haze


def _own_frame(
    cell: Cell, phenotype: Phenotype, yy: Field, xx: Field
) -> tuple[Field, Field, float, float]:
    """Pixels along the cell's long and short axis, and the two radii."""
    root = float(np.sqrt(phenotype.elongation))
    cos, sin = np.cos(cell.angle), np.sin(cell.angle)
    dy, dx = yy - cell.y, xx - cell.x
    return dx * cos + dy * sin, -dx * sin + dy * cos, cell.size * root, cell.size / root


def _paint(signal: Field, cell: Cell, phenotype: Phenotype, yy: Field, xx: Field) -> None:
    """Add one cell to the channels: nuclei and cytoskeleton by maximum, mitochondria by sum."""
    u, v, long, short = _own_frame(cell, phenotype, yy, xx)
    inside = _soft((u / long) ** 2 + (v / short) ** 2, 0.12)
    nucleus = _soft((u**2 + (v * 1.15) ** 2) / (5.6 * phenotype.nucleus) ** 2, 0.25)
    stripes = 0.72 + 0.28 * np.cos(2 * np.pi * v / 5.5)
    signal[0] = np.maximum(signal[0], nucleus * cell.brightness[0] * 0.9)
    green = (
        inside * stripes * (1 - 0.45 * nucleus) * cell.brightness[1] * 0.5 * phenotype.cytoskeleton
    )
    signal[1] = np.maximum(signal[1], green)
    signal[2] += _mitochondria(cell, phenotype, long, short, yy.shape[0])


def _mitochondria(cell: Cell, phenotype: Phenotype, long: float, short: float, size: int) -> Field:
    """Filaments whose total signal does not depend on their spread."""
    angle, reach, gap = np.moveaxis(cell.curves, 2, 0)
    spread = phenotype.mito_spread
    keep = (gap % 1.0) < 0.45 + 0.55 * spread  # fragments where collapsed
    radius = 0.36 + (0.10 + 0.48 * spread) * reach  # share of the cell's own radius
    u, v = long * radius * np.cos(angle), short * radius * np.sin(angle)
    cos, sin = np.cos(cell.angle), np.sin(cell.angle)
    y, x = cell.y + u * sin + v * cos, cell.x + u * cos - v * sin
    canvas = np.zeros((size, size))
    weight = np.where(keep, 1.0, 0.0)
    weight *= 150.0 * cell.brightness[2] * phenotype.mito_intensity / max(weight.sum(), 1.0)
    _splat(canvas, y.ravel(), x.ravel(), weight.ravel())
    blurred: Field = gaussian_filter(canvas, 0.75)
    return blurred


def _splat(canvas: Field, y: Field, x: Field, weight: Field) -> None:
    """Add weights at sub-pixel positions (bilinear), without those outside the field."""
    height, width = canvas.shape
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    fy, fx = y - y0, x - x0
    for oy, wy in ((0, 1 - fy), (1, fy)):
        for ox, wx in ((0, 1 - fx), (1, fx)):
            ys, xs = y0 + oy, x0 + ox
            ok = (ys >= 0) & (ys < height) & (xs >= 0) & (xs < width)
            np.add.at(canvas, (ys[ok], xs[ok]), (weight * wy * wx)[ok])


def _soft(squared_radius: Field, softness: float) -> Field:
    """1 inside the ellipse, 0 outside, with a soft edge."""
    edge: Field = 1.0 / (1.0 + np.exp((np.sqrt(squared_radius) - 1.0) / (softness * 0.5)))
    return edge


def true_pair(
    seed: int, source: Phenotype, target: Phenotype, size: int = 128
) -> tuple[FloatArray, FloatArray]:
    """An image and its true counterfactual: one culture under two phenotypes, as float32."""
    image, counterfactual = render(seed, source, size), render(seed, target, size)
    return image.astype(np.float32), counterfactual.astype(np.float32)
