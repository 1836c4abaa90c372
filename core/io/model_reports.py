"""Check the results of training and evaluation on a model card, wherever they come from."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from core.domain import ModelCard
from core.domain.accuracy import FEWEST_GROUPS
from core.domain.model import BANDS, LEVELS
from core.io.validation import first_fault

Count = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(gt=-1e300, lt=1e300)]
Seconds = Annotated[FiniteFloat, Field(ge=0)]


class _Report(BaseModel):
    """Fields may be missing and others may be there; those below have the right type."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Scores(_Report):
    precision: Share = 0
    recall: Share = 0
    f1: Share = 0
    support: Number = 0


class _Separation(_Report):
    z_prime: float | None = None  # not finite where all wells are alike
    robust_z_prime: float | None = None
    unit: str = ""
    wells: list[Count] = []


class _ZPrime(_Report):
    reason: str = ""
    logits: _Separation = _Separation()
    probabilities: _Separation = _Separation()


class _Baseline(_Report):
    accuracy: Share | None = None
    what: str = ""


class _Generative(_Report):
    accuracy: Share | None = None
    records: Count = 0
    chance: Share | None = None
    above_chance: bool | None = None
    unlike: list[str] = []


class _Accuracy(_Report):
    """The report of core.training.evaluate."""

    test_records: Count = 0
    test_groups: Count = 0
    groups_total: Count = 0
    conditions_tested: list[str] = []
    conditions_not_tested: list[str] = []
    accuracy: Share | None = None
    accuracy_low: Share | None = None
    accuracy_high: Share | None = None
    balanced_accuracy: Share | None = None
    balanced_accuracy_low: Share | None = None
    balanced_accuracy_high: Share | None = None
    headline: str = ""
    few: list[str] = []
    group_accuracy: Share | None = None
    calibration_error: Share | None = None
    interval: str = ""
    reason: str = ""
    conditions: dict[str, _Scores] = {}
    confusion: list[list[Number]] = []
    z_prime: _ZPrime = _ZPrime()
    other_images: bool = False
    baseline: _Baseline = _Baseline()
    generative: _Generative = _Generative()


class _Training(_Report):
    """The summary of core.training.trainer, and what was fitted after it."""

    seconds: Seconds = 0
    total_seconds: Seconds = 0
    ended: str = ""  # ISO 8601
    curve: list[list[Number]] = []  # step, loss and, where known, accuracy
    gains: dict[str, dict[str, Number]] = {}
    level_shifts: dict[str, dict[str, list[list[Number]]]] = {}
    detail_shifts: dict[str, dict[str, list[list[Number]]]] = {}
    judges: dict[str, Share | None] = {}
    reconstruction_error: Number | None = None
    reconstruction_worst: Number | None = None


def report_fault(card: ModelCard) -> str:
    """The first fault, with its place; "" for good results."""
    for name, kind, values in (
        ("training", _Training, card.training),
        ("accuracy", _Accuracy, card.accuracy),
    ):
        try:
            kind.model_validate(values)
        except ValidationError as error:
            return f"{name}.{first_fault(error)}"
    if fault := _shift_fault(card):
        return fault
    accuracy, classes = card.accuracy, len(card.conditions)
    if accuracy.get("accuracy") is not None:
        needed = ["accuracy_low", "accuracy_high", "test_records", "test_groups"]
        if (accuracy.get("test_groups") or FEWEST_GROUPS) < FEWEST_GROUPS:
            needed = needed[2:]  # so few have no interval
        if missing := [key for key in needed if accuracy.get(key) is None]:
            return f"accuracy.{missing[0]}: missing next to accuracy"
    rows = accuracy.get("confusion", [])
    if "confusion" in accuracy and [len(row) for row in rows] != [classes] * classes:
        return f"accuracy.confusion: not {classes} x {classes} numbers"
    return ""


def _shift_fault(card: ModelCard) -> str:
    """The first shift between conditions that has not one number per channel in each row."""
    channels = len(card.channels)
    for name, rows in (("level_shifts", LEVELS), ("detail_shifts", BANDS)):
        for source, shifts in card.training.get(name, {}).items():
            for target, shift in shifts.items():
                if [len(row) for row in shift] != [channels] * rows:
                    return f"training.{name}.{source}.{target}: not {rows} x {channels}"
    return ""
