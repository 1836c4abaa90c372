"""Leave out pictures that are not raw images of cells: masks, overlays, copies, corrections."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from core.domain import Problem, ProblemKind
from core.scanning.file_names import stem_of

# Kind, reason, pattern of the name; the rest of the name is that of the image it belongs to.
ALWAYS = (
    (
        ProblemKind.CORRECTION_IMAGE,
        "is an image for the correction of others (dark or flat field)",
        re.compile(
            r"^(?:DC|SC)_.*(?:CAM|CH)\d|(?i:(?:^|[ _\-])(?:flat[ _\-]?field|dark[ _\-]?(?:field|"
            r"frame|image)|shading[ _\-]?(?:image|correction)|background[ _\-]?image)(?:$|[ _\-]))"
        ),
    ),
)
NEXT_TO_AN_IMAGE = (
    (
        ProblemKind.MASK,
        "is a mask or a label image, not an image",
        re.compile(
            r"(?i)[ _\-](?:cp[ _\-]masks?|masks?|seg|segmentation|labels?|outlines?|rois?)$"
        ),
    ),
    (
        ProblemKind.OVERLAY,
        "is a picture of several stains on one another",
        re.compile(r"(?i)[ _\-](?:overlay|merged?|composite)$"),
    ),
    (
        ProblemKind.PROCESSED_COPY,
        "is a processed copy of an image",
        re.compile(
            r"(?i)[ _\-](?:bg[ _\-]?sub(?:tracted)?|corr(?:ected)?|denoised?|decon(?:volved)?|proc"
            r"(?:essed)?|filtered|enhanced|adjusted|normali[sz]ed|rgb)$"
        ),
    ),
    (
        ProblemKind.PROJECTION,
        "is a projection of a stack",
        re.compile(r"^(?:MAX|AVG|SUM|MIN|STD|MED)_|(?i:[ _\-](?:max[ _\-]?proj(?:ection)?|mip))$"),
    ),
)
REMEDY = "Keep such pictures in another folder."


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
    unread = {(PurePosixPath(file).parent.as_posix(), stem_of(file)) for file in stacks}
    left_out: dict[tuple[ProblemKind, str], list[str]] = defaultdict(list)
    for file in files:
        folder, stem = PurePosixPath(file).parent.as_posix(), stem_of(file)
        for kind, reason, pattern in (*ALWAYS, *NEXT_TO_AN_IMAGE):
            if not pattern.search(stem):
                continue
            base = pattern.sub("", stem)
            beside = _others_begin_with(base, stem, stems[folder])
            of_stack = kind is ProblemKind.PROJECTION and (folder, base) in unread
            if (kind, reason, pattern) in ALWAYS or (base and beside and not of_stack):
                left_out[kind, reason].append(file)
                break
    for (kind, reason), members in left_out.items():
        item = members[0] if len(members) == 1 else f"{members[0]} and {len(members) - 1} others"
        problems.append(Problem(item, reason, REMEDY, kind=kind))
    return {file for members in left_out.values() for file in members}
