"""Features in the words of a person at a microscope: "nuclei rounder", not a readout's name."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from core.domain import FloatArray

# Ending of a readout's name -> (family, words where it rises, words where it falls). One sentence
# names a family once per stain: all brightnesses are one observation.
WORDS = {
    "mean": ("brightness", "brighter", "dimmer"),
    "p50": ("brightness", "brighter", "dimmer"),
    "p95": ("brightness", "brighter", "dimmer"),
    "p99.5": ("brightness", "brighter", "dimmer"),
    "object_intensity_mean": ("brightness", "brighter", "dimmer"),
    "p5": ("background", "background brighter", "background darker"),
    "std": ("contrast", "richer in contrast", "poorer in contrast"),
    "texture_1px": ("grain", "more granular", "less granular"),
    "texture_2px": ("grain", "more granular", "less granular"),
    "texture_4px": ("clumps", "coarser", "more even"),
    "texture_8px": ("clumps", "coarser", "more even"),
    "covered": ("cover", "covering more", "covering less"),
    "objects": ("number", "in more pieces", "in fewer pieces"),
    "object_area": ("size", "larger", "smaller"),
    "largest_area": ("size", "larger", "smaller"),
    "object_eccentricity": ("shape", "more elongated", "rounder"),
    "largest_eccentricity": ("shape", "more elongated", "rounder"),
    "object_solidity": ("outline", "smoother in outline", "more ragged"),
    "largest_solidity": ("outline", "smoother in outline", "more ragged"),
    "object_extent": ("compactness", "more compact", "less compact"),
    "object_axis_major_length": ("length", "longer", "shorter"),
    "object_axis_minor_length": ("width", "wider", "narrower"),
    "radial_spread": ("place", "more spread out", "more central"),
}
LEAST_SD = 0.5  # a smaller shift is not worth a word


def change_words(name: str, rises: bool) -> str:
    """'Nuclei object_eccentricity' that falls -> 'Nuclei rounder'; unknown names stay."""
    stain, _, readout = name.rpartition(" ")
    if readout not in WORDS:
        return f"{name} {'higher' if rises else 'lower'}"
    return f"{stain} {WORDS[readout][1 if rises else 2]}"


def strongest_changes(names: Sequence[str], shift: FloatArray, most: int = 3) -> str:
    """The largest shifts (R,), in standard deviations, in one sentence; "" where none is large."""
    of_stain: dict[str, list[str]] = {}
    for stain, words in islice(_said(names, shift), most):
        of_stain.setdefault(stain, []).append(words)
    said = [f"{stain} {' and '.join(words)}" for stain, words in of_stain.items()]
    return f"{', '.join(said)}." if said else ""


def _said(names: Sequence[str], shift: FloatArray) -> Iterator[tuple[str, str]]:
    """Stain and words of every shift worth a word, the largest first."""
    seen = set()
    for k in np.argsort(-np.abs(shift)):
        stain, _, readout = names[k].rpartition(" ")
        family = (stain, WORDS[readout][0] if readout in WORDS else readout)
        if abs(shift[k]) >= LEAST_SD and family not in seen:
            seen.add(family)
            words = change_words(names[k], bool(shift[k] > 0))
            yield stain, words.removeprefix(f"{stain} ")
