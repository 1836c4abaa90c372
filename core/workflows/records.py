"""Choose the records that a verb works on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain import (
    Dataset,
    ImageRecord,
    ModelCard,
    Project,
)
from core.domain.limits import LARGEST_STRENGTH
from core.errors import LeighError
from core.workflows.project import images_of


@dataclass(frozen=True)
class RecordChoice:
    """Records by id, condition or part of the split; at most `limit`, evenly over the list."""

    source: str | None = None
    record_ids: Sequence[str] = ()
    split: str | None = None
    limit: int | None = None


ALL = RecordChoice()


def choose_records(
    dataset: Dataset, card: ModelCard, to: str, choice: RecordChoice
) -> list[ImageRecord]:
    """The chosen records, without those of condition `to`.

    Records that are chosen by id are kept even if their condition is `to`. Raises LeighError for
    unknown records and conditions, and where no record is left.
    """
    known = {r.id for r in dataset.records}
    if missing := [i for i in choice.record_ids if i not in known]:
        raise LeighError(
            f"The project has no record {missing[0]}.",
            f"Ids are for example {', '.join(sorted(known)[:3])}.",
        )
    if choice.source is not None and choice.source not in card.condition_names:
        condition_names = ", ".join(card.condition_names)
        raise LeighError(
            f"The model does not know the condition {choice.source}.",
            f"It knows {condition_names}.",
        )
    chosen = [
        r
        for r in dataset.records
        if (not choice.record_ids or r.id in choice.record_ids)
        and (choice.source is None or r.condition == choice.source)
        and (choice.record_ids or r.condition != to)
        and (choice.split is None or card.part_of(r) == choice.split)
        and r.condition in card.condition_names
    ]
    if not chosen:
        where = f" in the {choice.split} groups" if choice.split else ""
        away = f" to move to {to}" if to else ""
        raise LeighError(
            f"No record{f' of {choice.source}' if choice.source else ''}{where}{away}.",
            "Choose others.",
        )
    return some_records(chosen, choice.limit)


def some_records(records: list[ImageRecord], limit: int | None) -> list[ImageRecord]:
    """At most `limit` records, evenly over the list; None: all.

    Raises LeighError for a limit below 1.
    """
    if limit is None or limit >= len(records):
        return records
    if limit < 1:
        raise LeighError(f"--limit {limit} leaves no image.", "Give 1 or more.")
    return [records[i * len(records) // limit] for i in range(limit)]


def keep_off_images(project: Project, out: Path) -> None:
    """Raises LeighError where `out` lies among the user's images: nothing is written there."""
    dataset = images_of(project)
    target, images = out.resolve(), dataset.root.resolve()
    exports = project.folder.resolve() / "exports"
    if target.is_relative_to(images) and not target.is_relative_to(exports):
        raise LeighError(
            f"{out} lies among the images of this project.", "Choose a folder outside of them."
        )


def check_strength(strength: float) -> None:
    """Raises LeighError for a strength outside the allowed range."""
    if not 0 <= strength <= LARGEST_STRENGTH:
        raise LeighError(
            f"The strength {strength:g} is not between 0 and {LARGEST_STRENGTH:g}.",
            "1 is the target.",
        )
