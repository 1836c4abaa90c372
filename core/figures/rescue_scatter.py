"""Draw rescue against off-axis distance, with one point per treatment."""

from core.domain.screen import Screen
from core.figures.ranking_panel import CONTROL, HIT, MAX_LABELS, PLAIN, _scale, is_control
from core.figures.style import (
    WIDTH,
    Block,
    Canvas,
    paragraph,
)


def scatter_blocks(screen: Screen) -> list[Block]:
    """A scatter plot of rescue (x) and off-axis (y); the best treatments lie at the lower right."""
    if not screen.ranked:
        return []

    def draw(c: Canvas) -> None:
        ax = c.axes(0.5, 0.1, WIDTH - 0.7, 3.3)
        scales = {name: _scale(name, screen.ranked) for name in ("rescue", "off_axis")}
        numbered = 0
        for number, r in enumerate(screen.ranked, start=1):
            colour = CONTROL if is_control(r) else HIT if r.hit else PLAIN
            x, y = (min(max(getattr(r, n), s.low), s.high) for n, s in scales.items())
            beyond = (x, y) != (r.rescue, r.off_axis)
            ax.plot(
                x,
                y,
                "^" if beyond else "s" if is_control(r) else "o",
                color=colour,
                ms=4,
                clip_on=False,
            )
            words = r.condition if is_control(r) else str(number)
            if is_control(r) or (numbered := numbered + 1) <= MAX_LABELS:
                ax.annotate(
                    words[:24],
                    (x, y),
                    (3, 2),
                    textcoords="offset points",
                    fontsize=6,
                    parse_math=False,
                    color=colour,
                )
        ax.axvline(0, color="0.6", lw=0.5, zorder=0)
        ax.axvline(1, color="0.6", lw=0.5, zorder=0)
        pad = [(s.high - s.low) * 0.03 for s in scales.values()]
        ax.set_xlim(scales["rescue"].low - pad[0], scales["rescue"].high + pad[0])
        ax.set_ylim(-pad[1], scales["off_axis"].high + pad[1])
        ax.set_xticks(scales["rescue"].ticks)
        ax.set_yticks(scales["off_axis"].ticks)
        ax.set_xlabel("Rescue (0 diseased, 1 healthy)", fontsize=7)
        ax.set_ylabel("Off-axis (spread of healthy wells)", fontsize=7)
        ax.spines[["top", "right"]].set_visible(False)

    note = f"Numbers are ranks (the first {MAX_LABELS}). Triangles lie beyond the frame."
    return [Block(3.85, draw, keep=True), *paragraph(note, 6.5)]
