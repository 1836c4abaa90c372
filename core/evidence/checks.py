"""The five checks of an evidence card; its light is the light of the worst check.

A changed prediction of the model proves nothing: adversarial noise or a brighter channel can change
it. Four checks ask whether the target was reached: the model, independent classifiers (oracles),
the distance to real target images, and features that a biologist would measure. The fifth check
asks whether everything else stayed: nuclei, channels, and features in which the conditions agree.
The same checks apply to one image and to a whole direction. The limits were set with simulated
perturbations and seven bad generators, on cultures that `leigh bench truth` does not use.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from core.domain import LIGHTS, Check, Evidence, FloatArray, IntArray
from core.evidence.contrast import Contrast, CounterfactualMeasurements
from core.evidence.plain_words import change_words, strongest_changes
from core.evidence.reference import ReferenceSet
from core.evidence.target_space import EMBEDDED_DIMENSIONS, TargetSpace

# Limits: green up to the first, amber up to the second, red beyond.
# Share of the images that the model calls the target, relative to real images of the target.
MODEL = (0.8, 0.5)
# Share of images that the least convinced classifier calls the target, relative to real images.
ORACLES = (0.6, 0.3)
DISTANCE = (0.6, 0.9)  # 0: like real target images; 1: like the original
RECOVERED = (0.7, 0.5)  # share of the differing features that moved by CAME
CAME = (0.5, 1.6)  # of the distance from source to target
# The same for all of them together: half as much, or half as much again, is the wrong amount.
AMOUNT = (0.7, 1.3)
STEADY = 0.5  # of the distance to the target: a feature with more jitter says nothing of the amount
LEAST_JITTER = 0.05  # standard deviations: no feature is measured more exactly than this
CHANCE = 2.0  # times its jitter, a feature moves by chance
SIDE_EFFECT = (0.5, 1.0)  # standard deviations between real images, where the conditions agree
CELLS = (0.02, 0.1)  # nuclei lost or gained, as a share of all nuclei
GROUND = (0.5, 0.75)  # change in empty ground, relative to a change that ignores the cells
OFF_CHANNEL = (0.15, 0.3)  # share of the change in channels in which the conditions agree

USUAL = 0.95  # an image is like real images of the target if it lies as these 95 % of them
LEAST_BELIEF = 0.01  # beliefs below this count as alike
HALF_WAY = 0.5  # of the rise of a belief between real images of both conditions

FEWEST_READOUTS = 3
STRONGEST = 3  # number of side effects that are averaged
# A classifier counts if it sees the target more often in real images of the target than in those of
# the source, by this share. One that guesses, or that sees the target everywhere, says nothing.
ABOVE_CHANCE = 0.2

Values = dict[str, float | bool | str]


class Direction(Contrast):
    """One direction, from a source to a target condition: assesses counterfactuals against it.

    `doubt` says why the model proves nothing; no card is green then.
    """

    def __init__(self, real: ReferenceSet, source: str, target: str, doubt: str = "") -> None:
        super().__init__(real, source, target)
        self.doubt = doubt
        self.limit = ""  # why an image may not come as far as the target

    def assess(self, moved: Sequence[CounterfactualMeasurements]) -> Evidence:
        """The evidence of one counterfactual, or of several of this direction together."""
        values: Values = {"images": float(len(moved))}
        values["changed"] = strongest_changes(self.real.names, self.mean_shift(moved))
        checks = (
            check_model(self, moved, values),
            check_oracles(self, moved, values),
            check_distance(self, moved, values),
            check_readouts(self, moved, values),
            check_rest(self, moved, values),
        )
        return Evidence(checks, values)

    @cached_property
    def space(self) -> TargetSpace:
        """The embedding space, with real target images of training wells as the reference."""
        in_training = ~self.real.held_out
        target = in_training & (self.real.truth == self.target_index)
        return TargetSpace(self.real.embedding[in_training], self.real.embedding[target])


def check_model(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> Check:
    """Does the network see the target, or a condition that does not differ from it?

    Of several images, as often as in real images of the target.
    """
    reached, names = direction.reached, direction.real.conditions
    flips = float(np.mean([m.probabilities.argmax() in reached for m in moved]))
    values["flip"] = flips
    values["target_probability"] = float(np.mean([m.probabilities[reached].sum() for m in moved]))
    values["alike"] = ", ".join(names[k] for k in reached[1:])
    many = f" in {flips:.0%} of {len(moved)} images" if len(moved) > 1 else ""
    called = "calls it" if len(moved) > 1 or flips else "does not call it"
    same = f" ({direction.called} do not differ)" if len(reached) > 1 else ""
    finding = f"The model {called} {direction.called}{many}{same}"
    recall = _recall(direction) if len(moved) > 1 else 1.0
    if recall < 1:
        finding += f" (real images: {recall:.0%})"
    light = light_of(flips / recall if recall else 0.0, MODEL)
    if len(moved) == 1 and not flips and _came_for_model(direction, moved[0]):
        light = "green"
        finding = f"The model's belief in {direction.called} rose as between real images"
    if direction.doubt:
        light, finding = max(light, "amber", key=LIGHTS.index), f"{finding}. {direction.doubt}"
    return Check("model", light, finding)


def check_oracles(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> Check:
    """Do independent classifiers see the target as often as in real images of the target?

    Only classifiers count that tell real images of the target from those of the source.
    """
    reached, called = direction.reached, direction.called
    recalls, mistakes = (
        np.isin(_real_predictions(direction, k), reached).mean(axis=0)  # (J,)
        for k in (direction.target_index, direction.source_index)
    )
    flips = np.mean(
        [np.isin(m.after.oracle_probabilities.argmax(axis=1), reached) for m in moved], axis=0
    )
    counts = recalls - mistakes > ABOVE_CHANCE
    for j, (flip, recall) in enumerate(zip(flips, recalls)):
        values[f"judge{j + 1}_flip"] = float(flip)
        values[f"judge{j + 1}_recognises"] = float(recall)
        values[f"judge{j + 1}_counts"] = bool(counts[j])
    if not counts.any():
        finding = f"No independent classifier tells real {direction.source} from {called}"
        return Check("judges", "amber", finding)
    flips, recalls = flips[counts], recalls[counts]
    if len(moved) == 1:
        finding = f"{flips.sum():.0f} of {len(flips)} independent classifiers see {called}"
        rose = _share_of_odds(
            direction,
            direction.real.oracle_probabilities,
            moved[0].before.oracle_probabilities,
            moved[0].after.oracle_probabilities,
        )[counts]
        convinced = float(((flips > 0) | (rose >= HALF_WAY)).mean())
        return Check("judges", light_of(convinced, ORACLES), finding)
    share = float(np.min(flips / recalls))
    finding = f"Independent classifiers see {called} in {_percents(flips)}"
    finding += f" (real images: {_percents(recalls)})"
    return Check("judges", light_of(share, ORACLES), finding)


def _recall(direction: Direction) -> float:
    """Share of real images of the target that the model calls the target.

    1 if that is not known, or if it calls images of the source so almost as often.
    """
    if direction.real.read is None:
        return 1.0
    seen = direction.real.read.argmax(axis=1)
    recall, mistakes = (
        float(np.isin(seen[direction.reference_rows(k)], direction.reached).mean())
        for k in (direction.target_index, direction.source_index)
    )
    return recall if recall - mistakes > ABOVE_CHANCE else 1.0


def _came_for_model(direction: Direction, moved: CounterfactualMeasurements) -> bool:
    """Whether the model's belief in the target rose as between real images of both conditions."""
    if direction.real.read is None or moved.own_probabilities is None:
        return False
    share = _share_of_odds(
        direction, direction.real.read, moved.own_probabilities, moved.probabilities
    )
    return bool(share >= HALF_WAY)


def _share_of_odds(
    direction: Direction, real: FloatArray, before: FloatArray, after: FloatArray
) -> FloatArray:
    """Rise of the log odds of target against source, relative to that between real images.

    `real` are the probabilities (N, ..., K) of real images; `before` and `after` (..., K). Odds are
    paired: an image that looks a little like the target from the start may do so afterwards.
    """

    def odds(p: FloatArray) -> FloatArray:
        target = p[..., direction.reached].sum(axis=-1)
        of: FloatArray = np.log(
            (target + LEAST_BELIEF) / (p[..., direction.source_index] + LEAST_BELIEF)
        )
        return of

    of_target, of_source = (
        odds(real[direction.reference_rows(k)]).mean(axis=0)
        for k in (direction.target_index, direction.source_index)
    )
    share: FloatArray = (odds(after) - odds(before)) / np.maximum(of_target - of_source, 1e-9)
    return share


def _real_predictions(direction: Direction, k: int) -> IntArray:
    """(N, J) classes that the classifiers see in real images of condition k."""
    rows = direction.reference_rows(k)
    seen: IntArray = direction.real.oracle_probabilities[rows].argmax(axis=2)
    return seen


def check_distance(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> Check:
    """How far from real target images: 0 like real target images, 1 like the original."""
    space, target = direction.space, direction.target
    before, after = (
        space.project(np.stack([getattr(m, side).embedding for m in moved]))
        for side in ("before", "after")
    )
    rows = direction.reference_rows(direction.target_index)
    real = space.project(direction.real.embedding[rows])
    is_target = direction.real.truth == direction.target_index
    in_training = int((is_target & ~direction.real.held_out).sum())
    enough = min(len(moved), len(real), in_training) > 2 * EMBEDDED_DIMENSIONS
    measure = space.frechet if enough else space.mean_distance
    of_real, of_original, of_moved = (measure(points) for points in (real, before, after))
    ranks = [(space.distances(real) < d).mean() for d in space.distances(after)]
    values["typicality"] = float(1 - np.mean(ranks))
    if not of_original > of_real:
        values["distance"] = ""
        finding = f"Real {direction.source} and {target} lie together: no distance to measure"
        return Check("distance", "amber", finding)
    values["distance"] = rescaled = float((of_moved - of_real) / (of_original - of_real))
    light = light_of(-rescaled, (-DISTANCE[0], -DISTANCE[1]))
    if len(moved) == 1 and of_moved <= np.quantile(space.distances(real), USUAL):
        light = "green"  # as real images of the target are
    finding = f"{max(rescaled, 0):.2f} times the distance of the original"
    return Check("distance", light, finding, title=f"Distance to real {target}")


def check_readouts(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> Check:
    """How far did the features move that differ between source and target?

    A feature that jitters as far as the conditions differ is not read in a single image.
    """
    differs, source, target = direction.differs, direction.source, direction.target
    count = int(differs.sum())
    values["readouts_that_differ"] = float(count)
    if direction.alike:
        finding = f"{source} and {target} do not differ: nothing to explain"
        return Check("readouts", "red", finding)
    if count < FEWEST_READOUTS:
        finding = f"Only {count} features differ between {source} and {target}"
        return Check("readouts", "amber", finding)
    before, after = (
        np.mean([getattr(m, side).readouts for m in moved], axis=0) for side in ("before", "after")
    )
    share, shift = direction.came(before, after), direction.shift[differs]
    explained = 1 - float((_capped((share - 1) * shift) ** 2).sum() / (_capped(shift) ** 2).sum())
    values["readouts_r2"] = explained
    jitter = direction.jitter(len(moved))[differs]
    steady = jitter < STEADY * np.abs(shift)
    values["readouts_steady"] = float(steady.sum())
    if steady.sum() < FEWEST_READOUTS:
        finding = f"Only {steady.sum()} of {count} differing features can be read in one image"
        return Check("readouts", "amber", finding)
    came = (share >= CAME[0]) & (share <= CAME[1])
    came |= np.abs((share - 1) * shift) < CHANCE * jitter
    recovered = float(came[steady].mean())
    amount = _amount(share, shift, jitter)
    values["readouts_recovered"] = recovered
    values["readouts_amount"] = amount
    finding = (
        f"{recovered:.0%} of {steady.sum()} differing features came about as far as the target;"
        f" all together moved {amount:.0%} of the way"
    )
    light = light_of(recovered, RECOVERED)
    if not AMOUNT[0] <= amount <= AMOUNT[1]:
        light = max(light, "amber", key=LIGHTS.index)
    if direction.limit and light != "green" and amount < 1:
        finding = f"{finding}. {direction.limit}"
    return Check("readouts", light, finding)


def _amount(share: FloatArray, shift: FloatArray, jitter: FloatArray) -> float:
    """Mean share of the distance to the target; features weigh as they are far and steady."""
    weights = (_capped(shift) / (jitter + LEAST_JITTER)) ** 2
    return float((weights * share).sum() / weights.sum())


def check_rest(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> Check:
    """Did nuclei, features and channels stay where source and target agree?"""
    parts = [
        _check_agreeing_readouts(direction, moved, values),
        _check_nuclei(direction, moved, values),
        _check_quiet_channels(direction, moved, values),
        _check_ground(direction, moved, values),
    ]
    lights = [light for light, _ in parts if light]
    light = max(lights, key=LIGHTS.index, default="amber")
    finding = "; ".join(words for _, words in parts if words) or "nothing to compare"
    return Check("rest", light, finding, title="What should stay")


def _check_agreeing_readouts(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> tuple[str, str]:
    """Light and finding; both empty where no feature agrees."""
    agrees = direction.agrees
    if not agrees.any():
        return "", ""
    # In a channel that changes, features also move by chance.
    channel = direction.real.channel
    changing = np.isin(channel, channel[direction.differs])
    chance = np.where(changing, CHANCE * direction.jitter(len(moved)), 0.0)
    moved_by = np.abs(direction.mean_shift(moved))
    excess = (moved_by - np.abs(direction.shift) - chance)[agrees]
    order = np.argsort(-excess)[:STRONGEST]
    side = float(np.maximum(excess[order], 0).mean())
    name = str(np.array(direction.real.names)[agrees][order[0]])
    values["side_effect"] = side
    values["strongest_side_effect"] = name
    light = light_of(-side, (-SIDE_EFFECT[0], -SIDE_EFFECT[1]))
    rises = bool(direction.mean_shift(moved)[agrees][order[0]] > 0)
    became = change_words(name, rises)
    finding = f"{became}, but {direction.source} and {direction.target} agree in this"
    return light, "" if light == "green" else finding


def _check_nuclei(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> tuple[str, str]:
    counted = [m.cells for m in moved if m.cells is not None]
    if not counted:
        return "", ""
    cells, lost, gained = (int(v) for v in np.sum(counted, axis=0))
    values["cells"], values["cells_lost"] = float(cells), float(lost)
    values["cells_gained"] = float(gained)
    words = f"nuclei: {cells}, lost {lost}, gained {gained}"
    if direction.number_differs:
        return "", f"{words} ({direction.source} and {direction.target} differ in their number)"
    return light_of(-(lost + gained) / max(cells, 1), (-CELLS[0], -CELLS[1])), words


def _check_quiet_channels(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> tuple[str, str]:
    quiet = direction.quiet_channels
    if not quiet:
        return "", ""
    change = np.sum([m.difference for m in moved], axis=0)
    off = float(change[quiet].sum() / max(float(change.sum()), 1e-12))
    values["off_channel"] = off
    light = light_of(-off, (-OFF_CHANNEL[0], -OFF_CHANNEL[1]))
    return light, f"{off:.0%} of the change in channels that should not change"


def _check_ground(
    direction: Direction, moved: Sequence[CounterfactualMeasurements], values: Values
) -> tuple[str, str]:
    measured = [m.ground for m in moved if m.ground is not None]
    if not measured:
        return "", ""
    values["ground"] = ground = float(np.median(measured))
    if direction.background_differs:
        return "", ""
    light = light_of(-ground, (-GROUND[0], -GROUND[1]))
    words = f"empty ground changes {ground:.0%} as much as the rest"
    return light, "" if light == "green" else words


def light_of(value: float, limits: tuple[float, float]) -> str:
    """Green from the first limit, amber from the second, red below."""
    return "green" if value >= limits[0] else "amber" if value >= limits[1] else "red"


def _capped(values: FloatArray) -> FloatArray:
    """Features beyond three deviations count as three, so that no single feature decides."""
    return np.clip(values, -3.0, 3.0)


def _percents(values: FloatArray) -> str:
    return ", ".join(f"{v:.0%}" for v in values)
