"""Page layout in inches: blocks are drawn below one another and flow over pages.

Positions are measured from the upper left corner. A long table is one block per row, so the table
can break after any row.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

WIDTH = 7.27  # inches of text on A4 with margins of half an inch
SIZE = 7.0  # points of running text
LINE = 1.32  # line height in letter heights
GAP = 0.06  # inches between columns of a table
Place = tuple[float, float]


@dataclass(frozen=True)
class Canvas:
    """A figure or a part of a figure, with positions in inches from its upper left corner."""

    figure: Figure | SubFigure
    width: float
    height: float
    top: float = 0.0  # where the present block begins; added to every position
    left: float = 0.0

    def at(self, x: float, y: float) -> Place:
        """A position as shares of the figure, from its lower left corner."""
        return (self.left + x) / self.width, 1.0 - (self.top + y) / self.height

    def text(
        self, x: float, y: float, words: str, size: float = SIZE, middle: bool = False, **style: Any
    ) -> None:
        """Draw lines of text.

        Parameters
        ----------
        x, y
            Upper left corner, in inches.
        words
            Lines, separated by line breaks; dollar signs do not start a formula.
        size
            In points.
        middle
            Whether `y` is the middle of the text.
        style
            Further settings of matplotlib's text.
        """
        lines = words.split("\n")
        top = y - len(lines) * line_height(size) / 2 if middle else y
        for i, line in enumerate(lines):
            place = self.at(x, top + i * line_height(size) + size / 72.0)
            self.figure.text(*place, line, fontsize=size, va="baseline", parse_math=False, **style)

    def line(self, xs: Sequence[float], ys: Sequence[float], **style: Any) -> None:
        """Draw a line, or markers if `marker` is given and `ls` is empty."""
        places = [self.at(x, y) for x, y in zip(xs, ys, strict=True)]
        style = {"color": "0.3", "lw": 0.8, **style}
        line = Line2D(
            [p[0] for p in places],
            [p[1] for p in places],
            transform=self.figure.transSubfigure,
            **style,
        )
        self.figure.add_artist(line)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes with the upper left corner of their frame at (x, y)."""
        left, bottom = self.at(x, y + height)
        ax = self.figure.add_axes((left, bottom, width / self.width, height / self.height))
        ax.tick_params(labelsize=6, width=0.5, length=2)
        return ax


@dataclass(frozen=True)
class Block:
    """A piece of a page that is not cut; `head` is drawn above it at the top of a page."""

    height: float  # inches
    draw: Callable[[Canvas], None]
    head: "Block | None" = None
    keep: bool = False  # on one page with the next block


@dataclass(frozen=True)
class Column:
    """One column of a table of text."""

    head: str
    width: float  # inches


def width_of(words: str, size: float = SIZE, weight: str = "normal") -> float:
    """Largest width of one line, in inches."""
    return 1.01 * _measured(words, size, weight)  # letters are rounded to pixels when drawn


@lru_cache(maxsize=20_000)
def _measured(words: str, size: float, weight: str) -> float:
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(words, font, ismath=False)[0]) / 72.0


def fitted(words: str, inches: float, size: float = SIZE, weight: str = "normal") -> list[str]:
    """Lines of at most this width; a word that is longer than a line is broken."""
    lines = [""]
    for word in words.split():
        joined = f"{lines[-1]} {word}".strip()
        if width_of(joined, size, weight) <= inches:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and width_of(lines[-1] + letter, size, weight) > inches:
                lines.append("")
            lines[-1] += letter
    return lines


def line_height(size: float = SIZE) -> float:
    """Inches from one line to the next."""
    return size * LINE / 72.0


def heading(words: str, size: float = 11.0) -> Block:
    """A heading that stays on one page with the next block."""
    lines = fitted(words, WIDTH, size, "bold")
    return Block(
        len(lines) * line_height(size) + 0.16,
        lambda c: c.text(0, 0.09, "\n".join(lines), size, weight="bold"),
        keep=True,
    )


def paragraph(words: str, size: float = 8.0, keep: bool = False) -> list[Block]:
    """Text with one block per line, so that it can continue on the next page."""
    lines, height = fitted(words, WIDTH, size), line_height(size)
    return [Block(height, _line(line, size), keep=keep) for line in lines] + [
        Block(0.05, lambda c: None, keep=keep)
    ]


def _line(words: str, size: float) -> Callable[[Canvas], None]:
    return lambda c: c.text(0, 0, words, size)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], size: float = SIZE) -> list[Block]:
    """A table of text that fits the page, with its heads on every page."""
    if not rows:
        return []
    columns = _columns(heads, rows, size)
    top = _row([c.head for c in columns], columns, size, "bold")
    return [replace(top, keep=True), *(_row(row, columns, size, "normal", top) for row in rows)]


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]], size: float) -> list[Column]:
    """Narrow columns keep their width; wide columns share the rest in proportion."""
    cells = list(zip(*rows, strict=True))
    wanted = [
        max(width_of(head, size, "bold"), *(width_of(cell, size) for cell in column)) + GAP + 0.02
        for head, column in zip(heads, cells, strict=True)
    ]
    fair = WIDTH / len(heads)
    small = sum(w for w in wanted if w <= fair)
    large = sum(w for w in wanted if w > fair)
    scale = min(1.0, (WIDTH - small) / large) if large else 1.0
    return [
        Column(head, w if w <= fair else w * scale) for head, w in zip(heads, wanted, strict=True)
    ]


def _row(
    cells: Sequence[str],
    columns: Sequence[Column],
    size: float,
    weight: str,
    head: Block | None = None,
) -> Block:
    wrapped = [
        fitted(cell, c.width - GAP, size, weight) for cell, c in zip(cells, columns, strict=True)
    ]
    height = max(len(lines) for lines in wrapped) * line_height(size) + 0.05

    def draw(canvas: Canvas) -> None:
        x = 0.0
        for lines, column in zip(wrapped, columns, strict=True):
            canvas.text(x, 0.02, "\n".join(lines), size, weight=weight)
            x += column.width
        strong = weight == "bold"
        canvas.line(
            (0, WIDTH),
            (height, height),
            color="0.4" if strong else "0.85",
            lw=0.6 if strong else 0.4,
        )

    return Block(height, draw, head)


def paginate(blocks: Sequence[Block], height: float) -> list[list[Block]]:
    """Blocks per page of this height; no heading is left at the foot of a page."""
    pages: list[list[Block]] = [[]]
    used = 0.0
    for run in _runs(blocks):
        need = sum(b.height for b in run)
        if pages[-1] and used + need > height:
            pages.append([])
            used = 0.0
        for block in run:
            if pages[-1] and used + block.height > height:
                pages.append([])
                used = 0.0
            if not pages[-1] and block.head is not None:
                pages[-1].append(block.head)
                used += block.head.height
            pages[-1].append(block)
            used += block.height
    return pages


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks that must stay together."""
    run: list[Block] = []
    for block in blocks:
        run.append(block)
        if not block.keep:
            yield run
            run = []
    if run:
        yield run


def draw_blocks(canvas: Canvas, blocks: Sequence[Block]) -> None:
    """Draw blocks below one another, from the top of the canvas."""
    top = canvas.top
    for block in blocks:
        block.draw(Canvas(canvas.figure, canvas.width, canvas.height, top, canvas.left))
        top += block.height


def stacked(blocks: Sequence[Block], margin: float = 0.08) -> Figure:
    """All blocks on one sheet that is as high as they need."""
    width, height = WIDTH + 2 * margin, sum(b.height for b in blocks) + 2 * margin
    figure = Figure(figsize=(width, height))
    draw_blocks(Canvas(figure, width, height, margin, margin), blocks)
    return figure
