"""Read the names that a microscope's program wrote, by the scheme of that program as a whole."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from core.domain import Problem, ProblemKind
from core.scanning.file_names import STAIN_WORDS, scheme_match, stem_of, tidy
from core.scanning.find_wells import come_back, plate_answer
from core.scanning.name_parts import parts_of_tells
from core.scanning.name_runs import NAME, Compound, Run, folder_parts, folder_runs
from core.scanning.names import ASIDE, GROUPS, Names, several
from core.scanning.naming_schemes import SCHEMES
from core.scanning.plate_stains import stains_of_plates
from core.scanning.run_labels import MEASURED, Context, is_time, label_meaning


def by_scheme(
    files: Sequence[str], names: Names, context: Context, compound: Compound
) -> list[str]:
    """Reads the files of known schemes; returns the others."""
    schemes: dict[str, list[str]] = defaultdict(list)
    rest: list[str] = []
    for file in files:
        name = next((name for name in SCHEMES if scheme_match(name, file)), None)
        (schemes[name] if name else rest).append(file)
    for name, members in schemes.items():
        by_depth: dict[int, list[str]] = defaultdict(list)
        for file in members:
            by_depth[len(PurePosixPath(file).parts)].append(file)
        split = {} if "/" in SCHEMES[name] else compound
        for same in by_depth.values():
            _read_alike(name, same, names, context, split)
    if schemes:
        names.scheme = max(schemes, key=lambda name: len(schemes[name]))
        names.example = schemes[names.scheme][0]
        match = scheme_match(names.scheme, names.example)
        names.runs = parts_of_tells(names.example, names.tells[names.example], match)
    if schemes and rest:
        names.problems.append(
            Problem(
                several(rest),
                f"not named like the other files ({names.scheme})",
                "Check how these files were read.",
                "warning",
                ProblemKind.UNKNOWN_NAMES,
            )
        )
    return rest


def _join_times(name: str, files: Sequence[str], aside: Mapping[int, str], names: Names) -> None:
    """Planes and times that vary in folders and in names are read from both."""
    for group in ("z", "t"):
        if group not in {GROUPS.get(meaning, meaning) for meaning in aside.values()}:
            continue
        own = {file: _own(name, file, group) for file in files}
        if len(set(own.values())) > 1 and "" not in own.values():
            for file in files:
                names.tells[file][group] += f" {own[file]}"


def _own(name: str, file: str, group: str) -> str:
    """The text of a group in the name of a file."""
    match = scheme_match(name, file)
    return (match.groupdict().get(group) or "") if match is not None else ""


def _folder_meaning(run: Run) -> str:
    meaning = label_meaning(run)
    if all(map(MEASURED.fullmatch, run.values)):  # a plate that was measured again is a time
        plates = {MEASURED.sub(r"\1", value) for value in run.values}
        return "plate" if len(plates) == len(run.values) else "time"
    if run.varies and all(value.lower() in STAIN_WORDS for value in run.values):
        return "stain"
    return "time" if not meaning and is_time(run.values) else meaning


def _scheme_tells(
    name: str, file: str, aside: Mapping[int, str], compound: Compound
) -> dict[str, str]:
    match = scheme_match(name, file)
    assert match is not None
    tells = tidy(match, match.string)
    folders = [text for text, _ in folder_parts(file, compound)]
    for level, meaning in aside.items():
        group = GROUPS.get(meaning, meaning)
        if group in ("z", "t", "plate"):  # a folder says it before the name, where both do
            plate = MEASURED.fullmatch(folders[level])
            if plate is not None:
                tells["plate"] = plate[1]
            if plate is None or group != "plate":
                tells[group] = folders[level]
        else:
            tells.setdefault(group, folders[level])
    of_path = match.string != stem_of(file)
    inside = len(folders) - match.string[: match.start()].count("/") if of_path else 0
    left = [
        part
        for level, part in enumerate(folders[: len(folders) - inside] if of_path else folders)
        if level not in aside
    ]
    tells["folder"] = "/".join(left)
    where = "/".join(p for n, p in enumerate(folders) if aside.get(n) not in ("z", "time", "stain"))
    if of_path:
        where = tells["folder"]
    parts = [tells.get(group, "") for group in ("plate", "well", "group", "site")]
    tells["field"] = "/".join([where, *parts])
    parent = "/".join(part for n, part in enumerate(folders) if aside.get(n) != "stain")
    tells["key"] = f"{parent}/{tells.get('key') or stem_of(file)}".removeprefix("/")
    if of_path:
        tells["key"] = "/".join([where, tells.get("t", ""), *parts])
    tells["key"] = tells["key"].removeprefix("./")
    return tells


def _read_alike(
    name: str, files: Sequence[str], names: Names, context: Context, compound: Compound
) -> None:
    """Reads the files of one scheme that lie equally deep."""
    folders = folder_runs(files, compound)
    aside = {
        run.where: meaning
        for run in folders
        if (meaning := _folder_meaning(run)) in ASIDE
        if run.varies or meaning != "plate"
    }
    tells = {file: _scheme_tells(name, file, aside, compound) for file in files}
    of_path = "/" in SCHEMES[name]  # its folders are dates
    _stains_of_folders(tells, files, aside, compound)
    again = None if of_path or "plate" in aside.values() else _wells_again(folders, tells)
    if again is not None:
        answer, question = plate_answer(again, context)
        names.questions += [] if question is None else [question]
        if answer == "plate":
            aside[again.where] = "plate"
            tells = {file: _scheme_tells(name, file, aside, compound) for file in files}
            _stains_of_folders(tells, files, aside, compound)
    if not of_path and "plate" not in aside.values():
        names.questions += stains_of_plates(files, tells, context)
    names.tells |= tells
    _join_times(name, files, aside, names)


def _stains_of_folders(
    tells: Mapping[str, dict[str, str]],
    files: Sequence[str],
    aside: Mapping[int, str],
    compound: Compound,
) -> None:
    """Takes the stain from folders such as DAPI and TMRM, if all names have the same channel."""
    level = next((level for level, meaning in aside.items() if meaning == "stain"), None)
    if level is None or len({tells[file].get("channel", "") for file in files}) > 1:
        return
    for file in files:
        tells[file]["channel"] = folder_parts(file, compound)[level][0]


def _wells_again(folders: Sequence[Run], tells: Mapping[str, Mapping[str, str]]) -> Run | None:
    """Folders of replicates or experiments in which most wells of a plate come back."""
    wells = {f: f"{t.get('plate', '')}/{t.get('well', '')}" for f, t in tells.items()}
    if not all("well" in of_file for of_file in tells.values()):
        return None
    of_names = Run(NAME, "", wells, {})
    counted = (run for run in folders if label_meaning(run) == "group" or _is_counted(run))
    found = (run for run in counted if run.varies)
    return next((run for run in found if come_back(of_names, run)), None)


def _is_counted(run: Run) -> bool:
    """Whether folders are only numbers: replicates, plates or times."""
    return all(map(str.isdecimal, run.values))
