"""`leigh bench crossings`: does the map name the condition where it marks a crossing?

Held-out images of the demo, or of any project with `--project`, are moved. Window and exported
figures place their marks by the same function.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.map_drags import spread
from core.counterfactual.engine import Engine
from core.domain import Mix, Move, PathRequest, Precision, Split
from core.domain.limits import PATH_FRAMES
from core.errors import LeighError
from core.io.resources import resource
from core.latent_map.decision_regions import pixel_under
from core.latent_map.ternary_choices import default_plane
from core.latent_map.trajectory import Crossing, regions_at, trajectory_of
from core.progress import Progress, Report, silent

MOVES = 50


@dataclass(frozen=True)
class Marked:
    """One crossing as a map shows it."""

    plane: tuple[str, ...]
    named: str
    region: str  # under the mark
    pixel: str  # condition of the pixel of the map under the mark
    read: str  # what the model reads in the picture at that strength


def bench_crossings(
    project: Path | None = None, report: Report = silent, moves: int = MOVES
) -> dict[str, Any]:
    """Of `moves` whose class changes: how many have a mark, and how many marks tell the truth.

    Each move is shown on the plane that the window chooses by itself, and on the map of all. A mark
    is right where region, name and the reading of the picture at that strength are the same.
    `pixels_right` also asks for the pixel of the map that the mark lies in.
    """
    session = Engine(project or resource("demo"), "cpu", with_evidence=False)
    if session.map.latents is None:
        raise LeighError("The project has no latents.", "Run `leigh encode` first.")
    wanted = _moves(session)
    changed = marked = on_plane = 0
    marks: list[Marked] = []
    for record, target in wanted:
        path = session.path(PathRequest(record, Mix({target: 1.0}), None, PATH_FRAMES))
        if not path.changes:
            continue
        changed += 1
        found = [mark for plane in _planes(session, record, target)
                 for mark in _marks(session, path, target, plane)]  # fmt: skip
        marked += bool(found)
        on_plane += any(mark.plane for mark in found)
        marks.extend(found)
        report(Progress(changed, moves, "Following paths"))
        if changed == moves:
            break
    right = [m.named == m.region == m.read for m in marks]
    return {
        "moves": changed,
        "moves_marked": marked,
        "moves_marked_on_plane": on_plane,  # the others change to what is not a corner
        "marks": len(marks),
        "marks_right": sum(right),
        "pixels_right": sum(m.named == m.pixel for m in marks),
    }


def _moves(session: Engine) -> list[tuple[str, str]]:
    """Held-out images, one of each condition before a second of any, toward every condition."""
    table = session.map.latents
    assert table is not None
    held = [i for i, split in enumerate(table.split) if split == Split.TEST]
    rows = spread(held, table.truth, len(held))
    pairs = product(rows, range(len(table.conditions)))
    order = sorted(pairs, key=lambda pair: (rows.index(pair[0]) + 7 * pair[1]) % len(rows))
    return [(table.record_ids[i], table.conditions[k]) for i, k in order if table.truth[i] != k]


def _planes(session: Engine, record: str, target: str) -> list[tuple[str, ...]]:
    own = session.encodings.record(record).condition
    plane = default_plane(session.card.conditions, target, own)
    everything = [()] if session.map.projection is not None else []
    return [*([plane] if plane else []), *everything]


def _marks(session: Engine, path: Any, target: str, plane: tuple[str, ...]) -> list[Marked]:
    _, decision, exact = session.map.view(plane)
    start = session.map.position_of(path.record_id, plane)
    names = session.card.condition_names
    found = trajectory_of(path, start, exact, decision, names)

    def read(crossing: Crossing) -> str:
        mix = Mix({target: 1.0}, crossing.strength)
        moved = session.move(Move(path.record_id, mix, precision=Precision.DISPLAY))
        return names[int(moved.probabilities.argmax())]

    winners = decision.posterior.argmax(axis=2)
    return [
        Marked(plane, c.condition, regions_at(decision, [c.place])[0],
               decision.conditions[int(winners[pixel_under(decision, *c.place)])], read(c))
        for c in found.crossings
    ]  # fmt: skip
