"""Fixtures of the tests of evidence: measurements of real images of two conditions."""

import sys
from pathlib import Path

import pytest

from core.evidence.reference import ReferenceSet

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="package")
def real() -> ReferenceSet:
    from reference_stand_in import make_reference

    return make_reference()
