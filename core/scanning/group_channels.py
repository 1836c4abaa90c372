"""Group files into records: one file with all channels, or one file per channel."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from core.domain import Problem, ProblemKind
from core.io.digest import digest_bytes, join_digests
from core.io.well_names import natural
from core.scanning.file_names import stain_rank, stem_of
from core.scanning.inspect_files import MAX_SATURATED, FileInspection

NUMBERED = r"channel \d+"  # channel names of instruments that do not store stains


@dataclass(frozen=True)
class Draft:
    """A record before it has a condition: its files, and what their names say.

    `files` name its images as in `FileInspection`; `sources` are the files on the disk.
    """

    stem: str
    files: tuple[str, ...]
    planes: tuple[int, ...]
    names: tuple[str, ...]  # of the channels; () without names
    shape: tuple[int, int, int]
    dtype: str
    digest: str
    pixels: str
    tells: dict[str, str] = field(default_factory=dict)
    pixel_size_um: float | None = None
    saturated: tuple[float, ...] = ()
    unusable: tuple[str, ...] = ()
    level: float = 0.0  # mean grey value of the brightest channel
    floors: tuple[float, ...] = ()  # background per channel: the 1st percentile
    sources: tuple[tuple[str, ...], ...] = ()  # for each of `files`
    scene: str = ""
    z: str = ""
    t: str = ""
    depth: int = 1

    @property
    def folder(self) -> tuple[str, ...]:
        """Folders between the root and the first file that may hold a condition."""
        inside = self.tells.get("folder")
        if inside is None:
            return PurePosixPath(self.files[0]).parts[:-1]
        return PurePosixPath(inside).parts

    def flags(self) -> tuple[str, ...]:
        """Quality flags as text."""
        many = len(self.saturated) > 1
        return tuple(
            f"saturated {share * 100:.0f} %" + (f" in channel {number}" if many else "")
            for number, share in enumerate(self.saturated, start=1)
            if share > MAX_SATURATED
        )


def group_channels(
    facts: Sequence[FileInspection],
    tells_of: Mapping[str, dict[str, str]],
    problems: list[Problem],
) -> list[Draft]:
    """All records of the files in `tells_of`; `problems` gets the files that cannot be used."""
    whole: list[Draft] = []
    parts: dict[str, list[tuple[FileInspection, dict[str, str]]]] = {}
    by_file = {fact.file: fact for fact in facts}
    taken: set[str] = set()
    for fact in facts:
        if fact.info is None or fact.file in taken or fact.file not in tells_of:
            continue
        tells = tells_of[fact.file]
        members = [str(PurePosixPath(fact.file).with_name(name)) for name in fact.info.members]
        if members:
            taken.update(members)
            whole.append(_from_set_file(fact, members, by_file, tells))
        elif fact.info.shape[0] == 1 and "channel" in tells:
            parts.setdefault(tells["key"], []).append((fact, tells))
        else:
            whole.append(_from_file(fact, tells))
    return whole + _from_parts(parts, problems)


def _from_file(fact: FileInspection, tells: dict[str, str]) -> Draft:
    info = fact.info
    assert info is not None  # build_drafts passes only files that were read
    tells = {k: v for k, v in tells.items() if k not in ("channel", "key")}
    return Draft(
        stem=stem_of(fact.file),
        files=(fact.file,),
        planes=tuple(range(info.shape[0])),
        names=info.channel_names if len(set(info.channel_names)) == info.shape[0] else (),
        shape=info.shape,
        dtype=info.dtype,
        digest=join_digests(fact.digests or (fact.digest,)),
        pixels=fact.pixels,
        tells=tells,
        pixel_size_um=info.pixel_size_um,
        saturated=fact.saturated,
        unusable=fact.unusable,
        level=fact.level,
        floors=fact.floors,
        sources=(fact.sources,),
        scene=fact.scene,
        z=fact.z,
        t=fact.t,
        depth=fact.depth,
    )


def _from_set_file(
    fact: FileInspection,
    members: Sequence[str],
    by_file: dict[str, FileInspection],
    tells: dict[str, str],
) -> Draft:
    """One record of an OME set of several files, each with one channel."""
    draft = _from_file(fact, tells)
    files = sorted([fact.file, *members], key=natural)
    if len(files) != draft.shape[0] or any(by_file.get(f) is None for f in files):
        return draft
    return replace(
        draft,
        files=tuple(files),
        sources=tuple((file,) for file in files),
        digest=join_digests([by_file[f].digest for f in files]),
    )


def _from_parts(
    parts: dict[str, list[tuple[FileInspection, dict[str, str]]]],
    problems: list[Problem],
) -> list[Draft]:
    sets: dict[str, dict[str, FileInspection]] = {}
    for key, members in parts.items():
        counts = Counter(channel_name(t["channel"]) for _, t in members)
        doubled = [name for name, n in counts.items() if n > 1]
        if doubled:
            reason = f"{len(members)} files claim channel {doubled[0]} of the same record"
            problems.append(
                Problem(key, reason, "Check the name pattern.", kind=ProblemKind.UNKNOWN_NAMES)
            )
        else:
            sets[key] = {channel_name(t["channel"]): fact for fact, t in members}
    numbered = {
        key: all(re.fullmatch(NUMBERED, name) for name in files) for key, files in sets.items()
    }
    usual: dict[bool, tuple[str, ...]] = {}
    for kind in (True, False):
        alike = [tuple(_ordered(files)) for key, files in sets.items() if numbered[key] == kind]
        usual[kind] = _expected(alike)
    remedy = "Put the missing files next to the others and scan again."
    drafts = []
    for key, files in sets.items():
        expected = usual[numbered[key]]
        reason = _mismatch(files, expected, len(sets))
        if reason:
            problems.append(
                Problem(
                    key,
                    reason,
                    remedy,
                    kind=ProblemKind.MISSING_PART,
                )
            )
        else:
            facts = [files[name] for name in expected]
            drafts.append(_from_channels(key, facts, expected, parts[key][0][1]))
    return drafts


def channel_name(text: str) -> str:
    """`1`, `01` and `w1` are channel 1; stain words stay as they are."""
    number = re.fullmatch(r"(?:w|ch|c|channel)?0*(\d{1,2}|0)", text, re.IGNORECASE)
    return f"channel {int(number.group(1))}" if number else text


def _ordered(names: Iterable[str]) -> list[str]:
    def rank(name: str) -> tuple[int, tuple[tuple[int, int, str], ...]]:
        stain = stain_rank(name)
        return (9 if stain is None else stain, natural(name))

    return sorted(names, key=rank)


def _expected(sets: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The most frequent set of channels; of equally frequent sets, the larger one."""
    counted = Counter(sets)
    return max(counted, key=lambda names: (counted[names], len(names), names)) if counted else ()


def _mismatch(files: dict[str, FileInspection], expected: tuple[str, ...], sets: int) -> str:
    missing = [name for name in expected if name not in files]
    extra = [name for name in files if name not in expected]
    if missing and extra:
        return (
            f"has {_listed(_ordered(files))} where most of the {sets} records have"
            f" {_listed(expected)}"
        )
    if missing:
        return f"{_listed(missing)} missing: {len(files)} of {len(expected)} files are there"
    if extra:
        return f"has {_listed(extra)} besides {_listed(expected)} of most of the {sets} records"
    shapes = {fact.info.shape for fact in files.values() if fact.info}
    depths = {(fact.depth, fact.z, fact.t) for fact in files.values()}
    if len(depths) > 1:
        return "its channels differ in the number of planes or times"
    if len(shapes) > 1:
        sizes = " and ".join(f"{x} x {y}" for _, y, x in sorted(shapes))
        return f"its channels differ in size: {sizes} pixels"
    return ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names[0].startswith("channel ") else "channel " + ", ".join(names)


def _from_channels(
    key: str,
    facts: Sequence[FileInspection],
    names: tuple[str, ...],
    tells: dict[str, str],
) -> Draft:
    infos = [fact.info for fact in facts if fact.info is not None]
    sizes = {info.pixel_size_um for info in infos}
    return Draft(
        stem=PurePosixPath(key).name,
        files=tuple(fact.file for fact in facts),
        planes=(0,) * len(facts),
        names=() if all(re.fullmatch(NUMBERED, name) for name in names) else names,
        shape=(len(facts), infos[0].shape[1], infos[0].shape[2]),
        dtype=infos[0].dtype if len({i.dtype for i in infos}) == 1 else "mixed",
        digest=join_digests([d for fact in facts for d in fact.digests or (fact.digest,)]),
        pixels=digest_bytes("".join(fact.pixels for fact in facts).encode()),
        tells={k: v for k, v in tells.items() if k not in ("channel", "key")},
        pixel_size_um=infos[0].pixel_size_um if len(sizes) == 1 else None,
        saturated=tuple(fact.saturated[0] for fact in facts),
        unusable=tuple(fact.unusable[0] for fact in facts),
        level=max(fact.level for fact in facts),
        floors=tuple(fact.floors[0] for fact in facts),
        sources=tuple(fact.sources for fact in facts),
        scene=facts[0].scene,
        z=facts[0].z,
        t=facts[0].t,
        depth=facts[0].depth,
    )
