"""RGB pictures of one stain: a look-up table gave one value for each pixel a colour."""

import numpy as np

from core.domain import AnyArray
from core.errors import BadImage

RGB_HINT = "Use the microscope's own grey TIFF files, one grey value per channel."
ONE_COLOUR = (
    "rgb",
    "An RGB picture in one colour: its one value is read, as the display settings of the export"
    " left it.",
)
ALPHA = ("alpha", "The transparency (alpha) stored with the image is left out.")
ROUNDING = 2  # grey levels by which a rounded or cut colour may miss its multiple


def one_value(image: AnyArray) -> AnyArray | None:
    """The strongest of three colours (axis -3), if the others are fixed multiples of it.

    Returns (..., 1, Y, X), or None for pictures of several colours, and for values that may be
    negative or fractions.
    """
    if image.shape[-3] != 3 or image.dtype.kind != "u":
        return None
    colours = np.moveaxis(image, -3, 0)
    peaks = [int(colour.max()) for colour in colours]
    strongest = int(np.argmax(peaks))
    for colour, peak in zip(colours, peaks, strict=True):
        if not _is_multiple(colour, colours[strongest], peak / max(peaks[strongest], 1)):
            return None
    return image[..., strongest : strongest + 1, :, :]


def _is_multiple(colour: AnyArray, strongest: AnyArray, share: float) -> bool:
    """Whether a colour is this share of the strongest one everywhere; compared row by row."""
    width = colour.shape[-1]
    rows = zip(colour.reshape(-1, width), strongest.reshape(-1, width), strict=True)
    return all(np.abs(row - share * whole).max() <= ROUNDING for row, whole in rows)


def several_colours(name: str) -> BadImage:
    """The refusal of a picture whose colours do not come from one value."""
    return BadImage(
        f"{name} is an RGB picture, not raw data: it holds several colours.",
        f"{RGB_HINT} A picture in one colour must not hold a scale bar or words.",
        "rgb",
    )
