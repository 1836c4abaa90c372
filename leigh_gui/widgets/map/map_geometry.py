"""Geometry of the map: map coordinates to pixels, nearest point, points inside a lasso."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.domain import FloatArray


@dataclass(frozen=True)
class MapTransform:
    """Map to widget: pixel = (x - cx) * scale + width / 2, y upward."""

    cx: float
    cy: float
    scale: float
    width: float
    height: float

    def to_screen(self, xy: np.ndarray) -> np.ndarray:
        """(N, 2) map -> (N, 2) pixels."""
        out = np.empty(xy.shape, dtype=np.float64)
        out[..., 0] = (xy[..., 0] - self.cx) * self.scale + self.width / 2
        out[..., 1] = (self.cy - xy[..., 1]) * self.scale + self.height / 2
        return out

    def pixel(self, position: tuple[float, float]) -> tuple[float, float]:
        """Pixel of one position."""
        x, y = self.to_screen(np.array([position]))[0]
        return float(x), float(y)

    def to_map(self, x: float, y: float) -> tuple[float, float]:
        """Pixel -> map."""
        return (x - self.width / 2) / self.scale + self.cx, self.cy - (
            y - self.height / 2
        ) / self.scale

    def zoomed(self, factor: float, x: float, y: float) -> MapTransform:
        """Zoom so that what lies under pixel (x, y) stays there."""
        before = self.to_map(x, y)
        scaled = replace(self, scale=self.scale * factor)
        after = scaled.to_map(x, y)
        return replace(scaled, cx=self.cx + before[0] - after[0], cy=self.cy + before[1] - after[1])

    def panned(self, dx: float, dy: float) -> MapTransform:
        """Move the picture by pixels."""
        return replace(self, cx=self.cx - dx / self.scale, cy=self.cy + dy / self.scale)


def fitted(
    extent: tuple[float, float, float, float], width: float, height: float, margin: float = 8
) -> MapTransform:
    """The whole extent (x0, x1, y0, y1), aspect kept."""
    x0, x1, y0, y1 = extent
    wide, high = max(x1 - x0, 1e-9), max(y1 - y0, 1e-9)
    scale = max(min((width - 2 * margin) / wide, (height - 2 * margin) / high), 1e-9)
    return MapTransform((x0 + x1) / 2, (y0 + y1) / 2, scale, width, height)


def extent_of(xy: FloatArray) -> tuple[float, float, float, float]:
    """Bounds of the points with a tenth of air around."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    air = np.maximum((high - low) * 0.1, 1e-6)
    return (
        float(low[0] - air[0]),
        float(high[0] + air[0]),
        float(low[1] - air[1]),
        float(high[1] + air[1]),
    )


def nearest(
    screen: np.ndarray, x: float, y: float, within: float, allowed: np.ndarray | None = None
) -> int | None:
    """Index of the closest point at most `within` pixels away."""
    if not len(screen):
        return None
    distance = (screen[:, 0] - x) ** 2 + (screen[:, 1] - y) ** 2
    if allowed is not None:
        distance = np.where(allowed, distance, np.inf)
    best = int(np.argmin(distance))
    return best if distance[best] <= within**2 else None


def inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """(N,) whether each point lies in the polygon (even-odd rule)."""
    found = np.zeros(len(points), dtype=bool)
    if len(polygon) < 3:
        return found
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
    x, y = points[near, 0], points[near, 1]
    odd = np.zeros(len(near), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        odd ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    found[near] = odd
    return found
