"""Plain words everywhere: a table of words to avoid, and where documents and code
still use them.
"""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A pattern to avoid (whole words, any case) and what to write instead.
AVOID = {
    r"told": "reported, shown, or say who says what",
    r"anew": "again",
    r"beside": "next to",
    r"whoever": "name the person or thing",
    r"whomever": "name the person or thing",
    r"whence": "from where, from which",
    r"whither": "to where",
    r"thereof": "repeat the noun",
    r"therein": "repeat the noun",
    r"thereby": "repeat the noun, or a new sentence",
    r"thereupon": "then",
    r"whereof": "of which",
    r"whereby": "by which",
    r"wherein": "in which",
    r"nought|naught": "nothing, zero",
    r"hitherto": "until now",
    r"henceforth": "from now on",
    r"hence": "so",
    r"lest": "so that ... not",
    r"whilst": "while",
    r"amongst": "among",
    r"upon": "on",
    r"yonder": "there",
    r"mended|mends": "fixed",
    r"by and by|ere long": "soon",
    r"of late": "recently",
    r"no more than": "at most, only",
    r"nothing but": "only",
    r"(?:is|are|was|were) no(?! longer| more)": "is not a, has no, without",
    r"(?:these|those) (?:two|three|four|five|six|seven)": "repeat the noun",
    r"the former(?: one)?": "repeat the noun, or the old one",
    r"the latter": "repeat the noun",
}
PATTERNS = {
    re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE): instead
    for pattern, instead in AVOID.items()
}
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "mkdocs.yml")
GLOSSARY = "docs/glossary.md"  # its last column lists words to avoid

Line = tuple[str, int, str]  # file, line number, text


def documents() -> Iterator[Line]:
    """Every document as one text, so that a word may stand at the end of a line."""
    paths = [ROOT / name for name in DOCUMENTS]
    paths += sorted(ROOT.glob("docs/**/*.md")) + sorted(ROOT.glob("docs/benchmarks/*.json"))
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        yield name, 1, _without_avoided(name, path.read_text(encoding="utf-8"))
    yield from code("docs")
    yield from code("examples")


def _without_avoided(name: str, text: str) -> str:
    """The glossary without the last cell of its tables."""
    if name != GLOSSARY:
        return text
    lines = [line.rsplit("|", 2)[0] if line.startswith("|") else line for line in text.splitlines()]
    kept = [
        line
        for line in lines
        if not line.startswith("A variable is named") and not line.startswith("Avoid ")
    ]
    return "\n".join(kept)


def code(folder: str) -> Iterator[Line]:
    """Comments, docstrings and other texts of all Python files of a folder."""
    for path in sorted((ROOT / folder).glob("**/*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield name, node.lineno, node.value
        yield from _comments(name, path)


def _comments(name: str, path: Path) -> Iterator[Line]:
    """Comments; those on neighbouring lines are one text."""
    with path.open("rb") as stream:
        tokens = [t for t in tokenize.tokenize(stream.readline) if t.type == tokenize.COMMENT]
    lines = {token.start[0]: token.string.lstrip("#").strip() for token in tokens}
    for first in lines:
        if first - 1 not in lines:
            last = next(n for n in range(first, first + len(lines) + 1) if n not in lines)
            yield name, first, "\n".join(lines[n] for n in range(first, last))


AREAS = {
    "documents": documents,
    "core": lambda: code("core"),
    "leigh_gui": lambda: code("leigh_gui"),
    "benchmarks": lambda: code("benchmarks"),
}


def faults(lines: Iterator[Line]) -> list[str]:
    """One line per word to avoid: where it stands, and what to write instead."""
    return [
        f"{name}:{first + text[: match.start()].count(chr(10))}: {match.group()!r};"
        f" write: {instead}"
        for name, first, text in lines
        for pattern, instead in PATTERNS.items()
        for match in pattern.finditer(text)
    ]


@pytest.mark.parametrize("area", AREAS)
def test_words_are_plain(area: str) -> None:
    found = faults(AREAS[area]())
    assert not found, f"{len(found)} words to avoid:\n" + "\n".join(found[:200])


def test_a_word_to_avoid_is_found_at_the_end_of_a_line() -> None:
    text = "There is\nno map. It is no longer there. Nothing\nis told."
    found = [fault.split("; ")[0] for fault in faults(iter([("a.md", 1, text)]))]
    assert found == ["a.md:3: 'told'", "a.md:1: 'is\\nno'"]


def test_texts_and_comments_of_code_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "core").mkdir()
    source = '"""Drawn anew."""\nx = f"told {anew}"  # beside\n# whoever\ntold = 1\n'
    (tmp_path / "core" / "a.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    words = sorted(re.findall(r"'(\w+)'", " ".join(faults(code("core")))))
    assert words == ["anew", "beside", "told", "whoever"]
