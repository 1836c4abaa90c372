"""Scan a folder of images into a dataset, and list every file that is left out or doubtful."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from core.domain import (
    Dataset,
    ImageRecord,
    Problem,
    ProblemKind,
    Question,
    QuestionKind,
    ReadAs,
    Role,
    ScanOptions,
)
from core.errors import LeighError
from core.io.well_names import guess_plate_shape, natural, well_place
from core.progress import Report, silent
from core.scanning.answers import Answers
from core.scanning.assign_wells import WellAssignment, assign_wells
from core.scanning.default_roles import (
    build_channels,
    build_conditions,
    merge_conditions,
    propose_roles,
    spelling_problems,
)
from core.scanning.file_names import compile_pattern
from core.scanning.findings import Findings, with_places
from core.scanning.group_channels import Draft
from core.scanning.name_parts import counted, with_condition
from core.scanning.names import Names
from core.scanning.one_with_condition import one_with_the_condition
from core.scanning.plate_map import PlateMap, load_plate_map
from core.scanning.read_drafts import read_drafts
from core.scanning.role_questions import role_questions, turned_roles
from core.scanning.take_indexes import plate_shape_of
from core.scanning.well_order import in_well_order, well_order_questions

__all__ = ["Scan", "ScanOptions", "merge_conditions", "read_folder", "scan_folder"]

CONDITION_SOURCES = ("folder", "plate-map")
REMOVE_COPY = "Remove the wrong copy."


@dataclass
class _Bench:
    """The records of a scan so far, with their wells and the problems."""

    drafts: list[Draft]
    # First file of a record -> condition, well and group.
    places: dict[str, WellAssignment] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def drop(self, kind: ProblemKind, draft: Draft, reason: str, remedy: str = "") -> None:
        self.problems.append(Problem(draft.files[0], reason, remedy, kind=kind))

    def warn(self, kind: ProblemKind, item: str, reason: str, remedy: str = "") -> None:
        self.problems.append(Problem(item, reason, remedy, "warning", kind))


DEFAULTS = ScanOptions()


@dataclass(frozen=True)
class Scan:
    """A dataset, how its names were read, and the questions that are open."""

    dataset: Dataset
    questions: tuple[Question, ...]
    names: Names

    @property
    def open(self) -> tuple[Question, ...]:
        """Questions that must be answered before anything is written."""
        return tuple(q for q in self.questions if q.default is None)


def scan_folder(
    folder: Path, options: ScanOptions = DEFAULTS, *, report: Report = silent
) -> Dataset:
    """The dataset of `read_folder`, as far as it can be read without answers."""
    return read_folder(folder, options, report=report).dataset


def read_folder(folder: Path, options: ScanOptions = DEFAULTS, *, report: Report = silent) -> Scan:
    """Read every image once and make the dataset; bad images are listed in its problems.

    Raises LeighError where nothing can be scanned, and BadTable for a plate map that cannot be
    used.
    """
    root = Path(folder).absolute()
    compile_pattern(options.pattern)  # refused before anything is read
    if options.condition_from not in CONDITION_SOURCES:
        raise LeighError(
            f"Conditions cannot come from {options.condition_from!r}.",
            f"Use {' or '.join(CONDITION_SOURCES)}.",
        )
    if options.condition_from == "plate-map" and options.plate_map is None:
        raise LeighError(
            "Conditions should come from a plate map, and none was given.",
            "Choose the plate map. On the command line: --plate-map FILE.",
        )
    table = load_plate_map(options.plate_map) if options.plate_map is not None else None
    answers = Answers(options.answers)
    table = in_well_order(table, answers)
    findings = Findings(answers=answers)
    drafts, names, indexes = read_drafts(root, table, options, findings, report)
    bench = _Bench(drafts, problems=findings.problems)
    bench.places = assign_wells(root, drafts, names.words, table, options, findings)
    if any(question.kind == QuestionKind.CONDITION for question in findings.questions):
        findings.questions.extend(names.with_conditions)
    bench.drafts = [d for d in drafts if d.files[0] in bench.places]
    bench.drafts = [
        d for d in bench.drafts if bench.places[d.files[0]].condition not in set(options.exclude)
    ]
    _keep_same_channel_count(bench)
    channel_names = _keep_same_channel_names(bench)
    _keep_usable(bench, channel_names)
    _keep_unique(bench)
    pixel_size = _agree(bench, options.pixel_size_um)
    turned = turned_roles(table, answers) if table is not None else {}
    for file, place in bench.places.items():
        if place.condition in turned:
            bench.places[file] = replace(place, role=turned[place.condition])
    dataset = _dataset(root, bench, channel_names, pixel_size, table)
    dataset = replace(dataset, plate_shape=plate_shape_of(dataset, indexes, table is not None))
    of_map = (*role_questions(table, answers), *well_order_questions(table, answers))
    asked = (*findings.questions, *of_map)
    questions = tuple(
        with_places(_open_again(question, answers), findings.places) for question in asked
    )
    conditions = {d.files[0]: bench.places[d.files[0]].condition for d in bench.drafts}
    wells = {f: (bench.places[f].plate, bench.places[f].well) for f in conditions}
    together = one_with_the_condition(bench.drafts, conditions, wells)
    dataset = replace(
        dataset,
        problems=(*dataset.problems, *together, *answers.unused()),
        options=options,
        read_as=_read_as(names, questions, dataset, bench.places),
    )
    return Scan(dataset, questions, names)


def _open_again(question: Question, answers: Answers) -> Question:
    """The question; without its default where an answer is not among its choices."""
    answer = answers.text(question.kind, [question.about])
    known = not answer or answer in question.choices
    return question if known else replace(question, default=None)


def _read_as(
    names: Names,
    questions: Sequence[Question],
    dataset: Dataset,
    places: Mapping[str, WellAssignment],
) -> ReadAs:
    conditions = {file: place.condition for file, place in places.items()}
    conditions |= {file: r.condition for r in dataset.records for file in r.files}
    parts = with_condition(names.example, names.runs, conditions.get(names.example, ""))
    runs = counted(parts, names.tells.values(), len(dataset.conditions))
    roles: dict[str, Role] = {p.condition: p.role for p in places.values() if p.role is not None}
    closed = tuple(question for question in questions if question.default is not None)
    return ReadAs(
        names.scheme, names.example, runs, closed, propose_roles(dataset.conditions, roles)
    )


def _keep_same_channel_count(bench: _Bench) -> None:
    counts = Counter(d.shape[0] for d in bench.drafts)
    if len(counts) < 2:
        return
    usual, files = max(counts.items(), key=lambda pair: (pair[1], pair[0]))
    for draft in bench.drafts:
        if draft.shape[0] != usual:
            word = "channel" if draft.shape[0] == 1 else "channels"
            others = f"the other {files} records have" if files > 1 else "another record has"
            reason = f"{draft.shape[0]} {word} where {others} {usual}"
            bench.drop(
                ProblemKind.WRONG_CHANNELS,
                draft,
                reason,
                "Was the copy interrupted? Copy the file again, or scan it on its own.",
            )
    bench.drafts = [d for d in bench.drafts if d.shape[0] == usual]


def _keep_same_channel_names(bench: _Bench) -> tuple[str, ...]:
    """The channel names of the dataset; records with another order of channels are reordered."""
    named = Counter(d.names for d in bench.drafts if d.names)
    channels = bench.drafts[0].shape[0] if bench.drafts else 0
    if not named:
        return tuple(f"channel {i}" for i in range(1, channels + 1))
    usual = max(named, key=lambda names: (named[names], names))
    folded = [name.casefold() for name in usual]
    same, reordered, unnamed = [], 0, 0
    for draft in bench.drafts:
        own = [name.casefold() for name in draft.names]
        if own and sorted(own) != sorted(folded):
            reason = f"channels {', '.join(draft.names)} where the others have {', '.join(usual)}"
            bench.drop(
                ProblemKind.WRONG_CHANNELS,
                draft,
                reason,
                "Rename the channels, or scan these files on their own.",
            )
            continue
        unnamed += not own
        reordered += bool(own) and own != folded
        same.append(_reordered(draft, own, folded) if own else draft)
    if reordered:
        bench.warn(
            ProblemKind.WRONG_CHANNELS,
            f"{reordered} records",
            f"their channels were put in the order {', '.join(usual)} by name",
        )
    if unnamed:
        bench.warn(
            ProblemKind.WRONG_CHANNELS,
            f"{unnamed} records",
            f"they do not name their channels; taken as {', '.join(usual)} in this order",
        )
    bench.drafts = same
    return usual


def _reordered(draft: Draft, own: list[str], wanted: list[str]) -> Draft:
    order = [own.index(name) for name in wanted]
    several = len(draft.files) > 1
    return replace(
        draft,
        files=tuple(draft.files[i] for i in order) if several else draft.files,
        sources=tuple(draft.sources[i] for i in order) if several else draft.sources,
        planes=tuple(draft.planes[i] for i in order),
        saturated=tuple(draft.saturated[i] for i in order),
        unusable=tuple(draft.unusable[i] for i in order),
    )


def _keep_usable(bench: _Bench, names: tuple[str, ...]) -> None:
    usable, saturated = [], []
    for draft in bench.drafts:
        reasons = [
            f"{_channel_word(c, names)} {text}" for c, text in enumerate(draft.unusable) if text
        ]
        if reasons:
            bench.drop(
                ProblemKind.BLANK,
                draft,
                "; ".join(reasons),
                "Was this channel exposed? Leave the record out or acquire it again.",
            )
            continue
        usable.append(draft)
        if draft.flags():
            saturated.append(draft)
    if saturated:
        worst = max(saturated, key=lambda d: max(d.saturated))
        item = saturated[0].files[0] if len(saturated) == 1 else f"{len(saturated)} records"
        reason = (
            f"more than 1 % of the pixels are saturated (up to {max(worst.saturated) * 100:.0f} %)"
        )
        bench.warn(
            ProblemKind.SATURATED,
            item,
            reason,
            "Differences in these bright places cannot be measured.",
        )
    bench.drafts = usable


def _channel_word(channel: int, names: tuple[str, ...]) -> str:
    name = names[channel] if channel < len(names) else ""
    plain = f"channel {channel + 1}"
    return plain if name in ("", plain) else f"{plain} ({name})"


def _keep_unique(bench: _Bench) -> None:
    """Drop copies in two conditions; copies in one condition share a group, and so a split."""
    same: dict[str, list[Draft]] = {}
    for draft in bench.drafts:
        same.setdefault(draft.pixels, []).append(draft)
    gone: set[str] = set()
    for copies in same.values():
        if len(copies) < 2:
            continue
        first, others = copies[0], copies[1:]
        conditions = list(dict.fromkeys(bench.places[d.files[0]].condition for d in copies))
        if len(conditions) > 1:
            both = " and in ".join(conditions)
            for draft in copies:
                twin = first if draft is not first else others[0]
                bench.drop(
                    ProblemKind.DUPLICATE,
                    draft,
                    f"the same picture is in {both} ({twin.files[0]})",
                    REMOVE_COPY,
                )
                gone.add(draft.files[0])
            continue
        group = bench.places[first.files[0]].group or first.stem
        for draft in copies:
            bench.places[draft.files[0]] = replace(bench.places[draft.files[0]], group=group)
        for draft in others:
            bench.warn(
                ProblemKind.DUPLICATE,
                draft.files[0],
                f"the same picture as {first.files[0]}; kept in one group with it",
                REMOVE_COPY,
            )
    bench.drafts = [d for d in bench.drafts if d.files[0] not in gone]


def _agree(bench: _Bench, given_um: float | None) -> float | None:
    """Warn of mixed types and sizes; returns the pixel size if all files agree."""
    dtypes = Counter(d.dtype for d in bench.drafts)
    if len(dtypes) > 1:
        listed = ", ".join(f"{n} {dtype}" for dtype, n in dtypes.most_common())
        bench.warn(
            ProblemKind.MIXED_DEPTH,
            f"{len(bench.drafts)} records",
            f"mixed bit depth: {listed}",
            "Intensities may not be comparable.",
        )
    shapes = Counter((d.shape[2], d.shape[1]) for d in bench.drafts)
    if len(shapes) > 1:
        listed = ", ".join(f"{n} of {x} x {y}" for (x, y), n in shapes.most_common(4))
        bench.warn(
            ProblemKind.MIXED_SCALE,
            f"{len(bench.drafts)} records",
            f"{len(shapes)} image sizes: {listed}",
            "Same magnification?",
        )
    if given_um is not None:
        return given_um
    sizes = Counter(round(d.pixel_size_um, 6) if d.pixel_size_um else None for d in bench.drafts)
    if len(sizes) == 1:
        return next(iter(sizes))
    if any(size is not None for size in sizes):
        listed = ", ".join(
            f"{n} with {size if size else 'no size'}" for size, n in sizes.most_common(4)
        )
        reason = f"mixed pixel sizes in µm: {listed}"
        bench.warn(
            ProblemKind.PIXEL_SIZE_LOST,
            f"{len(bench.drafts)} records",
            reason,
            "Same objective? Then give the pixel size.",
        )
    return None


def _dataset(
    root: Path,
    bench: _Bench,
    channel_names: tuple[str, ...],
    pixel_size: float | None,
    table: PlateMap | None,
) -> Dataset:
    places = bench.places
    counts = Counter(places[d.files[0]].condition for d in bench.drafts)
    doses = {p.condition: p.dose_um for p in places.values()}
    roles = {p.condition: p.role for p in places.values() if p.role is not None}
    bench.problems += spelling_problems(counts)
    ids = _ids(bench.drafts)
    records = tuple(
        ImageRecord(
            id=ids[d.files[0]],
            files=tuple(file for sources in d.sources for file in sources),
            planes=d.planes,
            condition=places[d.files[0]].condition,
            group=places[d.files[0]].group or ids[d.files[0]],
            well=places[d.files[0]].well,
            plate=places[d.files[0]].plate,
            site=d.tells.get("site", ""),
            shape=d.shape,
            dtype=d.dtype,
            digest=d.digest,
            flags=d.flags(),
            scene=d.scene,
            z=d.z,
            t=d.t,
            depth=d.depth,
        )
        for d in sorted(bench.drafts, key=lambda d: natural(d.files[0]))
    )
    return Dataset(
        root=root,
        channels=build_channels(channel_names) if records else (),
        conditions=build_conditions(sorted(counts), doses, roles),
        records=records,
        problems=tuple(bench.problems),
        pixel_size_um=pixel_size,
        plate_shape=_plate_shape([r.well for r in records if r.well], table),
    )


def _plate_shape(wells: Sequence[str], table: PlateMap | None) -> tuple[int, int] | None:
    """The shape in the plate map if it holds all wells; else the smallest usual shape."""
    shape = table.plate_shape if table is not None else None
    if shape is not None and wells:
        rows, columns = shape
        if all(r <= rows and c <= columns for r, c in map(well_place, wells)):
            return shape
    return guess_plate_shape(wells)


def _ids(drafts: Sequence[Draft]) -> dict[str, str]:
    """First file -> id: the stem, or parent/stem, or the whole path, until all ids differ."""

    def near(draft: Draft) -> str:
        parent = PurePosixPath(draft.files[0]).parent.name
        return f"{parent}/{draft.stem}" if parent else draft.stem

    def far(draft: Draft) -> str:
        return PurePosixPath(draft.files[0]).with_name(draft.stem).as_posix()

    ids = {d.files[0]: d.stem for d in drafts}
    for better in (near, far, lambda d: d.files[0]):
        counts = Counter(value.casefold() for value in ids.values())
        shared = {name for name, n in counts.items() if n > 1}
        ids |= {d.files[0]: better(d) for d in drafts if ids[d.files[0]].casefold() in shared}
    return ids
