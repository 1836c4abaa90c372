"""Find the row of the plate map for each record, by file or by plate and well."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from core.domain import Problem, ProblemKind, Question, QuestionKind
from core.io.well_names import natural
from core.scanning.answers import Answers
from core.scanning.choose_conditions import folded
from core.scanning.findings import Findings
from core.scanning.group_channels import Draft
from core.scanning.plate_map import PlateMap, PlateRow


class PlateMapRows:
    """Finds the row of the plate map for each record, by file or by plate and well."""

    def __init__(
        self,
        table: PlateMap | None,
        root: Path,
        drafts: Sequence[Draft],
        findings: Findings,
        answers: Answers,
    ) -> None:
        self.table, self.problems = table, findings.problems
        # Identities of the rows with an image; row numbers are not unique, as sheets share them.
        self.used: set[int] = set()
        self.by_key: dict[tuple[str, str], PlateRow] = {}
        self.by_path: dict[str, PlateRow] = {}
        self.by_name: dict[str, list[PlateRow]] = {}
        self.of_map: list[str] = []
        self.plates: dict[str, str] = {}  # plate of an image -> plate of the map
        self.names = Counter(PurePosixPath(file).name for draft in drafts for file in draft.files)
        if table is None:
            return
        for note in table.notes:
            self.problems.append(
                Problem(table.path.name, note.rstrip("."), "", "warning", ProblemKind.MAP_ROW)
            )
        self.problems += table.problems
        base = _below(table.path.parent, root)
        for row in table.rows:
            if table.by_file:
                file = unicodedata.normalize("NFC", row.file)
                self.by_path[file] = row
                if base and file.startswith(base + "/"):
                    self.by_path[file[len(base) + 1 :]] = row
                self.by_name.setdefault(PurePosixPath(file).name, []).append(row)
            else:
                self.by_key[row.plate, row.well] = row
        self._match_plates(drafts, findings, answers)

    def row(self, draft: Draft) -> PlateRow | None:
        """The row of this record, or None."""
        if self.table is None:
            return None
        row = self._by_file(draft) if self.table.by_file else self._by_well(draft)
        if row is not None:
            self.used.add(id(row))
        return row

    def _by_file(self, draft: Draft) -> PlateRow | None:
        for file in draft.files:
            composed = unicodedata.normalize("NFC", file)
            if composed in self.by_path:
                return self.by_path[composed]
        for file in (*draft.files, draft.stem):
            name = PurePosixPath(file).name
            rows = self.by_name.get(unicodedata.normalize("NFC", name), [])
            if len(rows) == 1 and self.names[name] <= 1:
                return rows[0]
        return None

    def _by_well(self, draft: Draft) -> PlateRow | None:
        well = draft.tells.get("well", "")
        if not well:
            return None
        names = _plate_names(draft)
        for name in names:
            if folded(name) in self.plates:
                return self.by_key.get((self.plates[folded(name)], well))
        if not draft.tells.get("plate") and len(self.of_map) == 1:  # the images name no plate
            return self.by_key.get((self.of_map[0], well))
        return self.by_key.get(("", well))

    def _match_plates(self, drafts: Sequence[Draft], findings: Findings, answers: Answers) -> None:
        """Finds the plates of the map among those of the images; asks where none is there."""
        self.of_map = sorted({plate for plate, _ in self.by_key})
        in_map = {folded(plate): plate for plate in self.of_map if plate}
        images = {folded(name): name for draft in drafts for name in _plate_names(draft)}
        self.plates = {name: in_map[name] for name in images if name in in_map}
        stated = sorted({d.tells["plate"] for d in drafts if d.tells.get("plate")}, key=natural)
        if not in_map or self.plates or not stated:
            return
        about = (self.table.path.name if self.table is not None else "",)
        pairs = dict(
            pair.split("=", 1)
            for pair in answers.text(QuestionKind.PLATE, about).split(", ")
            if "=" in pair
        )
        self.plates = {
            folded(of_image): in_map[folded(of_map)]
            for of_image, of_map in pairs.items()
            if folded(of_map) in in_map
        }
        if self.plates:
            answers.use(QuestionKind.PLATE, about)
        else:
            plates = sorted(in_map.values(), key=natural)
            proposal = ", ".join(f"{a}={b}" for a, b in zip(stated, plates, strict=False))
            findings.questions.append(
                Question(
                    QuestionKind.PLATE,
                    f"The images are of {', '.join(stated[:4])}, the map is of"
                    f" {', '.join(plates[:4])}. Which plate is which?",
                    (proposal,),
                    about=about[0],
                )
            )

    def report_unused(self) -> None:
        """Warn of rows without images, although these are normal for partial plates."""
        if self.table is None:
            return
        unused = [
            row for row in self.table.rows if id(row) not in self.used and row.condition.strip()
        ]
        if unused:
            examples = ", ".join(row.file or row.well for row in unused[:3])
            reason = f"{len(unused)} of {len(self.table.rows)} rows have no image here ({examples})"
            self.problems.append(
                Problem(self.table.path.name, reason, "", "warning", ProblemKind.MAP_ROW)
            )


def _below(folder: Path, root: Path) -> str:
    """The path from the table's folder down to the root, or ""."""
    try:
        path = root.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return ""
    return "" if path == "." else path


def _plate_names(draft: Draft) -> list[str]:
    """The plate that the name states, then all folders of the file from below."""
    folders = PurePosixPath(draft.files[0]).parts[:-1]
    return [name for name in (draft.tells.get("plate", ""), *reversed(folders)) if name]
