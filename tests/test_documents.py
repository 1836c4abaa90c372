"""The documents say what is true, in few words: version, length, tables, sentences, links and
packages.
"""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
README_BYTES = 7_000
SENTENCE_WORDS = 40
LINE_CHARACTERS = 100
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        *ROOT.glob("docs/**/*.md"),
    ]
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def version_in(name: str, pattern: str) -> str:
    """The version that a file names, read as text."""
    match = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert match, f"{name} names no version"
    return match.group(1)


def tables_script() -> ModuleType:
    """The script that makes the tables; it is a program of the pages and belongs to no package."""
    spec = importlib.util.spec_from_file_location(
        "make_benchmark_tables", ROOT / "docs/make_benchmark_tables.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prose(text: str) -> list[str]:
    """Paragraphs and list items of a page, without code, tables, headings, pictures
    and comments.
    """
    text = re.sub(r"```.*?```", "\n\n", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "\n\n", text, flags=re.DOTALL)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "\n\n", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    lines = ["" if re.match(r"\s*(\||#|:::)", line) else line for line in text.splitlines()]
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.)\s)", "\n".join(lines))
    return [" ".join(block.split()) for block in blocks if block.strip()]


def sentences(text: str) -> list[str]:
    return [
        sentence for block in prose(text) for sentence in re.split(r"(?<=[.!?])[*_)]*\s+", block)
    ]


def test_the_version_of_the_citation_is_that_of_the_program() -> None:
    program = version_in("core/version.py", r'^__version__ = "([^"]+)"')
    assert version_in("CITATION.cff", r"^version: (\S+)$") == program


def test_the_change_log_names_the_version() -> None:
    program = version_in("core/version.py", r'^__version__ = "([^"]+)"')
    assert re.search(
        rf"^## {re.escape(program)}\b",
        (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= README_BYTES


def test_the_readme_names_the_test_command() -> None:
    assert "sh leigh.sh test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_the_readme_is_up_to_date() -> None:
    assert tables_script().main(["--check"]) == 0


def test_every_table_of_a_page_has_its_file_and_every_file_its_table() -> None:
    script = tables_script()
    named = {
        name for path in PAGES for name in script.PLACE.findall(path.read_text(encoding="utf-8"))
    }
    stored = {path.stem for path in script.FOLDER.glob("*.json")} - {script.README_TABLE}
    assert named == stored


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_sentences_are_short(path: Path) -> None:
    long = [
        s for s in sentences(path.read_text(encoding="utf-8")) if len(s.split()) > SENTENCE_WORDS
    ]
    assert not long, "\n".join(long)


def test_sentences_of_benchmarks_are_short() -> None:
    script = tables_script()
    notes = {path.stem: script.load(path.stem)["note"] for path in script.FOLDER.glob("*.json")}
    assert not [
        s for note in notes.values() for s in sentences(note) if len(s.split()) > SENTENCE_WORDS
    ]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_lines_are_short(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [
        line for line in text.splitlines() if not re.match(r"\s*\|", line) and "](" not in line
    ]
    assert not [line for line in lines if len(line) > LINE_CHARACTERS]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_to_files(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [t.split("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in t]
    assert not [t for t in targets if t and not (path.parent / t).exists()]


@pytest.mark.skipif(
    not (ROOT / "core/workflows").is_dir(), reason="the packages have not moved to their places yet"
)
def test_every_package_of_the_api_page_exists() -> None:
    names = tables_script().PACKAGE.findall((ROOT / "docs/api.md").read_text(encoding="utf-8"))
    paths = [ROOT.joinpath(*name.split(".")) for name in names]
    assert names and not [p for p in paths if not (p.is_dir() or p.with_suffix(".py").is_file())]


def test_a_long_sentence_is_found_in_a_list_and_not_in_code_or_tables() -> None:
    long = "word " * SENTENCE_WORDS + "end."
    page = f"- short.\n- {long}\n\n```\n{long}\n```\n\n| {long} |\n"
    assert [len(s.split()) for s in sentences(page)] == [2, SENTENCE_WORDS + 2]
