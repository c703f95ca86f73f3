"""A waterfall in text: one bar a step, each beginning where the one before ended."""

from collections.abc import Sequence

from rich.cells import cell_len

WIDTH = 40
"""Characters from the lowest to the highest weight reached."""
FOR, AGAINST = "█", "░"


def pad(text: str, cells: int) -> str:
    """``text`` filled up to a width on the screen, where a Chinese character takes two cells."""
    return text + " " * max(cells - cell_len(text), 0)


def waterfall_lines(steps: Sequence[tuple[str, str, float]], total: tuple[str, float]) -> list[str]:
    """Lines for (name, level, match weight in bits) in their order, and for the sum ``total`` (name, weight)."""
    reached = [0.0]
    for _, _, weight in steps:
        reached.append(reached[-1] + weight)
    low, high = min(reached), max(reached)
    scale = WIDTH / ((high - low) or 1)
    names = max(cell_len(name) for name, _, _ in [*steps, (total[0], "", 0.0)])
    levels = max(cell_len(level) for _, level, _ in steps)

    def line(name: str, level: str, weight: float, start: float, end: float) -> str:
        left, right = (round((edge - low) * scale) for edge in sorted((start, end)))
        bar = " " * left + (FOR if end >= start else AGAINST) * max(right - left, 1)
        return f"{pad(name, names)}  {pad(level, levels)}  {weight:+7.2f}  {bar}"

    bars = [line(*step, start, end) for step, start, end in zip(steps, reached, reached[1:], strict=False)]
    return [*bars, line(total[0], "", total[1], 0.0, total[1])]
