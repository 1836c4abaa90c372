"""Show results in a notebook as small pictures and tables, with every text escaped."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

import numpy as np

from core.domain.images import FloatArray

PICTURE_PX = 192  # width of a picture on the page
COLOUR_OF_LIGHT = {"green": "#1a7f37", "amber": "#9a6700", "red": "#cf222e"}


def grey_picture(plane: FloatArray, low: float, high: float) -> str:
    """One plane (Y, X) in grey from `low` to `high`."""
    share = np.clip((plane - low) / max(high - low, 1e-12), 0, 1)
    return _picture(np.repeat((share * 255).astype(np.uint8)[..., None], 3, axis=2))


def difference_picture(plane: FloatArray, limit: float) -> str:
    """One plane (Y, X) from -limit (blue) over white to limit (red)."""
    share = np.clip(plane / max(limit, 1e-12), -1, 1)[..., None]
    red, blue = np.array([178, 24, 43.0]), np.array([33, 102, 172.0])
    colour = 255 + np.where(share > 0, share * (red - 255), -share * (blue - 255))
    return _picture(colour.astype(np.uint8))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of HTML cells: pictures, or texts from `text`."""
    head = "".join(f"<th>{text(h)}</th>" for h in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def text(value: object) -> str:
    """Any value as escaped text."""
    return escape(str(value))


def light(colour: str) -> str:
    """The light of a check: a coloured disc and its name."""
    return f'<span style="color:{COLOUR_OF_LIGHT[colour]}">&#9679;</span> {text(colour)}'


def _picture(rgb: np.ndarray) -> str:
    from imagecodecs import png_encode

    data = b64encode(png_encode(np.ascontiguousarray(rgb))).decode()
    style = "image-rendering:pixelated"
    return f'<img width="{PICTURE_PX}" style="{style}" src="data:image/png;base64,{data}">'
