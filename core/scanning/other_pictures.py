"""Leave out pictures that are not raw images of cells: masks, overlays, copies, corrections."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from core.domain import Problem, ProblemKind
from core.scanning.file_names import STAIN_PATTERN, stem_of

# Kind, reason, pattern of the name; the rest of the name is that of the image it belongs to.
ALWAYS = (
    (
        ProblemKind.CORRECTION_IMAGE,
        "is an image for the correction of others (dark or flat field)",
        re.compile(
            r"^(?:DC|SC)_.*(?:CAM|CH)\d|(?i:(?:^|[ _\-])(?:flat[ _\-]?field|dark[ _\-]?(?:field|"
            r"frame|image)|(?:shading|illum(?:ination)?)[ _\-]?(?:image|corr(?:ection)?|function)|"
            r"(?:background|blank)[ _\-]?(?:image|field))(?:$|[ _\-]))"
        ),
    ),
)
OF_A_STAIN = re.compile(
    rf"(?i)(?:shading|illum(?:ination)?|flat|dark|background|bg)[ _\-]?(?:{STAIN_PATTERN})"
)
NEXT_TO_AN_IMAGE = (
    (
        ProblemKind.MASK,
        "is a mask or a label image, not an image",
        re.compile(
            r"(?i)[ _\-](?:cp[ _\-]masks?|masks?|seg|(?:simple[ _\-])?segmentation|labels?"
            r"|outlines?|(?:roi[ _\-])?masks?|rois?|bin(?:ary)?|lbl|maske"
            r"|prob(?:s|abilit(?:y|ies))?|stardist|skeleton|threshold(?:ed)?|predictions?"
            r"|distance[ _\-]transform)$"
            r"|^(?:masks?(?: of)?|maske|seg|labels?|binary)[ _\-]"
        ),
    ),
    (
        ProblemKind.OVERLAY,
        "is a picture of several stains on one another",
        re.compile(
            r"(?i)[ _\-](?:overlay|merged?|composite|scale[ _\-]?bar|montage|figure)$"
            r"|^(?:overlay|merged?|composite|montage)[ _\-]|(?<=[A-P]\d\df\d\d)o\d$"  # of ArrayScan
        ),
    ),
    (
        ProblemKind.PROCESSED_COPY,
        "is a processed copy of an image",
        re.compile(
            r"(?i)[ _\-](?:bg[ _\-]?sub(?:tracted)?|corr(?:ected)?|denoised?|decon(?:volved)?|proc"
            r"(?:essed)?|filtered|enhanced|adjusted|normali[sz]ed|rgb|crop(?:ped)?|resized|rotated"
            r"|median|(?:auto[ _\-]?)?contrast|stitched|fused)$"
            r"|(?: -|_| ?\()? ?(?:copy|kopie|copie|copia)\)?(?: ?\(\d+\))?$"
            r"|^(?:result of|copy of|kopie von|copie de|duplicate of|dup\d?|fused|crop(?:ped)?)[ _]"
        ),
    ),
    (
        ProblemKind.PROJECTION,
        "is a projection of a stack",
        re.compile(
            r"^(?:MAX|AVG|SUM|MIN|STD|MED|Max)_|[ _\-](?:MAX|AVG|SUM|EDF)$"
            r"|(?i:[ _\-](?:(?:max[ _\-]?)?proj(?:ection)?|mip|max[ _\-]?ip))$"
        ),
    ),
    (
        ProblemKind.THUMBNAIL,
        "is a small copy of an image",
        re.compile(r"(?i)[ _\-](?:thumb(?:nail)?|preview)$|^thumb(?:nail)?[ _\-]"),
    ),
)
FOLDERS = (
    (*ALWAYS[0][:2], re.compile(r"(?i)(?:flat|dark)[ _\-]?(?:field|frame)s?|shading")),
    (*NEXT_TO_AN_IMAGE[0][:2], re.compile(r"(?i)(?:cp[ _\-])?masks?|segmentations?|labels?")),
    (*NEXT_TO_AN_IMAGE[1][:2], re.compile(r"(?i)overlays?|merged?|composites?")),
    (  # a corrected line may be a condition: here the name of the file says it, too
        *NEXT_TO_AN_IMAGE[2][:2],
        re.compile(
            r"(?i)(?:bg[ _\-]?sub(?:tracted)?|corr(?:ected)?|denoised?|decon(?:volved)?"
            r"|processed|filtered|enhanced|adjusted|normali[sz]ed|cropped|resized|copies)"
        ),
    ),
    (*NEXT_TO_AN_IMAGE[4][:2], re.compile(r"(?i)thumb(?:nail)?s?|previews?")),
)
ALONE = re.compile(
    r"(?i)(?:overview|montage|contact[ _\-]?sheet|preview|thumb(?:nail)?)[ _\-]?\d*$"
)
TIFF = re.compile(r"(?i)\.tiff?$")
REMEDY = "Keep such pictures in another folder."


def _of_folder(
    file: str, elsewhere: set[str], folders: Collection[str]
) -> tuple[ProblemKind, str] | None:
    """Kind and reason by the name of a folder that holds copies of images `elsewhere`.

    WT_masks is such a folder next to WT, which is one of the `folders` of images.
    """
    parent = PurePosixPath(file).parent.as_posix()
    beside, _, last = parent.replace(" ", "_").replace("-", "_").rpartition("_")
    for kind, reason, pattern in FOLDERS:
        named = any(pattern.fullmatch(part) for part in PurePosixPath(file).parts[:-1])
        named |= parent[: len(beside)] in folders and pattern.fullmatch(last) is not None
        if named and (kind is ProblemKind.CORRECTION_IMAGE or _is_copy(file, kind, elsewhere)):
            return kind, reason
    return None


def _is_copy(file: str, kind: ProblemKind, elsewhere: set[str]) -> bool:
    """Whether the name is that of an image `elsewhere`, with or without the word of its kind."""
    stem = stem_of(file)
    bare = {of.sub("", stem) for kind_of, _, of in NEXT_TO_AN_IMAGE if kind_of is kind}
    named = bare - {stem, ""}
    return bool(named & elsewhere) or (kind is not ProblemKind.PROCESSED_COPY and stem in elsewhere)


def _is_correction(file: str, stems: Mapping[str, Sequence[str]]) -> bool:
    """Whether shading_GFP corrects others: its images are numbered, or it is there only once.

    dark_GFP next to light_GFP was kept in the dark.
    """
    folder, stem = PurePosixPath(file).parent.as_posix(), stem_of(file)
    others = [other for other in stems[folder] if not OF_A_STAIN.fullmatch(other)]
    once = sum(stem in names for names in stems.values()) == 1
    return any(re.search(r"\d", re.sub(rf"(?i)(?:{STAIN_PATTERN})$", "", o)) for o in others) or (
        once and not others and len(stems) > 1
    )


def _in_other_folder(file: str) -> bool:
    parts = PurePosixPath(file).parts[:-1]
    return not any(pattern.fullmatch(part) for *_, pattern in FOLDERS for part in parts)


def _ends(stems: Sequence[str], pattern: re.Pattern[str]) -> set[str]:
    """What follows each separator in the names that the pattern does not fit."""
    found = {stem for stem in stems if not pattern.search(stem)}
    return {stem[m.end() :] for stem in found for m in re.finditer(r"[ _\-]+", stem)}


def _others_begin_with(base: str, stem: str, ordered: Sequence[str]) -> bool:
    """Whether a name other than `stem` begins with `base`; the names are in order."""
    for place in range(bisect_left(ordered, base), len(ordered)):
        if not ordered[place].startswith(base):
            return False
        if ordered[place] != stem:
            return True
    return False


def other_pictures(
    files: Sequence[str], stacks: Sequence[str], problems: list[Problem]
) -> set[str]:
    """The files that are left out; `problems` names one of each kind.

    A projection of one of the `stacks`, which cannot be read, stays.
    """
    stems: dict[str, list[str]] = defaultdict(list)
    for file in files:
        stems[PurePosixPath(file).parent.as_posix()].append(stem_of(file))
    for names in stems.values():
        names.sort()
    elsewhere = {stem_of(file) for file in files if _in_other_folder(file)}
    ends: dict[str, set[str]] = {}
    everything = not elsewhere  # the folder that was chosen holds nothing else
    unread = {(PurePosixPath(file).parent.as_posix(), stem_of(file)) for file in stacks}
    left_out: dict[tuple[ProblemKind, str], list[str]] = defaultdict(list)
    twins = {file.rpartition(".")[0] for file in files if TIFF.search(file)}
    for file in files:
        folder, stem = PurePosixPath(file).parent.as_posix(), stem_of(file)
        if file.lower().endswith(".png") and file[:-4] in twins:
            left_out[ProblemKind.PROCESSED_COPY, "is a copy of a TIFF file"].append(file)
            continue
        if ALONE.match(stem) and len(stems[folder]) > 1:
            reason = "is a small or a joined picture of several images"
            left_out[ProblemKind.THUMBNAIL, reason].append(file)
            continue
        if not everything and (of_folder := _of_folder(file, elsewhere, stems)):
            left_out[of_folder].append(file)
            continue
        if OF_A_STAIN.fullmatch(stem) and _is_correction(file, stems):
            left_out[ALWAYS[0][:2]].append(file)
            continue
        for kind, reason, pattern in (*ALWAYS, *NEXT_TO_AN_IMAGE):
            if not pattern.search(stem):
                continue
            base = pattern.sub("", stem)
            beside = _others_begin_with(base, stem, stems[folder])
            if not beside and kind in (ProblemKind.MASK, ProblemKind.OVERLAY):
                if folder not in ends:  # Merge_1 next to DAPI_1
                    ends[folder] = _ends(stems[folder], pattern)
                beside = base in ends[folder]
            of_stack = kind is ProblemKind.PROJECTION and (folder, base) in unread
            if (kind, reason, pattern) in ALWAYS or (base and beside and not of_stack):
                left_out[kind, reason].append(file)
                break
    for (kind, reason), members in left_out.items():
        item = members[0] if len(members) == 1 else f"{members[0]} and {len(members) - 1} others"
        problems.append(Problem(item, reason, REMEDY, kind=kind))
    return {file for members in left_out.values() for file in members}
