"""Draw the share that each treatment restores, channel by channel."""

from collections.abc import Sequence
from dataclasses import replace

from core.domain.screen import ResidualChange, Screen
from core.figures.ranking_panel import CONTROL, FLAG, HIT, ROW_GAP, Scale, draw_interval
from core.figures.style import (
    WIDTH,
    Block,
    Canvas,
    fitted,
    line_height,
)


def unrepaired_blocks(screen: Screen, per_row: int = 4) -> list[Block]:
    """Bars per channel: the restored share of the change between diseased and healthy."""
    blocks: list[Block] = []
    channels = list(dict.fromkeys(u.channel for u in screen.unrepaired))
    conditions = list(dict.fromkeys(u.condition for u in screen.unrepaired))
    changes = {(u.condition, u.channel): u for u in screen.unrepaired}
    for start in range(0, len(channels), per_row):
        part = channels[start : start + per_row]
        width = (WIDTH - 1.9) / len(part)
        scales = {
            c: Scale(1.9 + i * width, width - 0.18, -0.5, 1.5, (0.0, 1.0))
            for i, c in enumerate(part)
        }
        head = _bars_head(scales)
        blocks.append(replace(head, keep=True))
        blocks += [
            _bars(c, [changes.get((c, name)) for name in part], scales, head) for c in conditions
        ]
        blocks.append(Block(0.12, lambda c: None))
    return blocks


def _bars_head(scales: dict[str, Scale]) -> Block:
    titles = {name: fitted(name, scale.width, 6.5, "bold") for name, scale in scales.items()}
    lines = max(len(t) for t in titles.values()) * line_height(6.5)

    def draw(c: Canvas) -> None:
        c.text(0, 0.02, "Condition", 6.5, weight="bold")
        for name, scale in scales.items():
            c.text(scale.left, 0.02, "\n".join(titles[name]), 6.5, weight="bold")
            for tick in scale.ticks:
                c.text(scale.x(tick), lines + 0.03, f"{tick:.0%}", 5.5, ha="center")
        c.line((0, WIDTH), (lines + 0.16, lines + 0.16), color="0.4", lw=0.6)

    return Block(lines + 0.16, draw)


def _bars(
    condition: str, changes: Sequence[ResidualChange | None], scales: dict[str, Scale], head: Block
) -> Block:
    name = fitted(condition, 1.8, 6.5)
    height = len(name) * line_height(6.5) + ROW_GAP

    def draw(c: Canvas) -> None:
        c.text(0, height / 2, "\n".join(name), 6.5, middle=True)
        for scale, u in zip(scales.values(), changes, strict=True):
            for tick in scale.ticks:
                c.line([scale.x(tick)] * 2, (0, height), color="0.7", lw=0.5, zorder=0)
            if u is None:
                continue
            bar = (scale.x(0), scale.x(u.restored))
            c.line(
                bar,
                [height / 2] * 2,
                color=HIT if u.restored >= 0 else FLAG,
                lw=4.5,
                alpha=0.55,
                solid_capstyle="butt",
            )
            draw_interval(c, scale, height / 2, (u.restored, u.low, u.high), CONTROL)

    return Block(height, draw, head)
