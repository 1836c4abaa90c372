"""Split records into training, validation and test by whole groups (wells, cultures, movies)."""

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from core.domain import ImageRecord, Split
from core.errors import LeighError


def split_by_group(
    records: Sequence[ImageRecord], *, seed: int, test_groups: Iterable[str] = ()
) -> dict[str, str]:
    """Group -> Split value: about a quarter of the groups for test, a sixth of the rest validates.

    The only group of a condition is always used for training; reports then say that the condition
    cannot be tested. Raises LeighError for fewer than two conditions or groups, and for unknown
    test groups.
    """
    conditions = sorted({r.condition for r in records})
    if len(conditions) < 2:
        message = "The project has no records."
        if conditions:
            message = f"There is only one condition: {conditions[0]}."
        raise LeighError(
            message, "A network learns differences: add a folder of at least one more condition."
        )
    groups = sorted({r.group for r in records})
    if len(groups) < 2:
        raise LeighError(
            f"All images belong to one group ({groups[0]}).",
            "Held-out images need another well or culture: check the grouping on the Data page.",
        )
    wanted = set(test_groups)
    if unknown := wanted - set(groups):
        raise LeighError(
            f"No such group: {', '.join(sorted(unknown))}.",
            f"Groups are for example {', '.join(groups[:5])}.",
        )
    test = wanted or _held_out(records, share=4, seed=seed)
    if missing := set(conditions) - {r.condition for r in records if r.group not in test}:
        raise LeighError(
            f"With these test groups no image of {', '.join(sorted(missing))} is left for"
            " training.",
            "Choose other test groups.",
        )
    rest = [r for r in records if r.group not in test]
    validation = _held_out(rest, share=6, seed=seed)
    return {
        g: str(Split.TEST if g in test else Split.VALIDATION if g in validation else Split.TRAIN)
        for g in groups
    }


def _held_out(records: Sequence[ImageRecord], *, share: int, seed: int) -> set[str]:
    """About 1/share of the groups, stratified by condition, so that every condition keeps a group
    outside.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups_of: dict[str, set[str]] = {}
    for r in records:
        groups_of.setdefault(r.condition, set()).add(r.group)
    pinned = {next(iter(g)) for g in groups_of.values() if len(g) == 1}
    free = [r for r in records if r.group not in pinned]
    labels, groups = [r.condition for r in free], [r.group for r in free]
    largest = max((labels.count(c) for c in set(labels)), default=0)
    count = min(share, len(set(groups)), largest)
    if count < 2:
        return set()
    folds = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    best: set[str] = set()
    most = -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few groups: a scan says what follows
        every = list(folds.split(np.zeros(len(free)), labels, groups))
    for _, index in every:
        chosen = {groups[i] for i in index}
        outside = {r.condition for r in records if r.group not in chosen}
        covered = len({labels[i] for i in index})
        if outside == set(groups_of) and covered > most:
            best, most = chosen, covered
    return best
