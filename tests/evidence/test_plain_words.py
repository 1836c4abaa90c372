"""What changed is said as a person at a microscope would say it."""

import numpy as np

from core.data.readouts import readout_names
from core.evidence.plain_words import WORDS, change_words, strongest_changes

NAMES = ("Nuclei object_eccentricity", "Nuclei largest_eccentricity", "My stain texture_1px",
         "My stain mean", "Nuclei objects")  # fmt: skip


def test_every_feature_has_words():
    assert set(readout_names()) == set(WORDS)


def test_a_rise_and_a_fall_have_words_of_their_own():
    assert change_words("Nuclei object_axis_minor_length", False) == "Nuclei narrower"
    assert change_words("My stain texture_2px", True) == "My stain more granular"
    assert change_words("Nuclei unheard_of", True) == "Nuclei unheard_of higher"


def test_the_strongest_changes_are_named_once_per_family_and_grouped_by_stain():
    shift = np.array([-3.0, -2.5, -2.0, 1.0, 0.1])
    words = strongest_changes(NAMES, shift)
    assert words == "Nuclei rounder, My stain less granular and brighter."
    assert strongest_changes(NAMES, shift / 100) == ""
