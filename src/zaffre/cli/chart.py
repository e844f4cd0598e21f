"""Curves as lines of text: dots in Braille characters, two by four of them in each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column of a character
COLOURS = ("36", "33", "35", "32", "34", "31")


@dataclass(frozen=True)
class Line:
    """One curve: least, greatest and last value at each x; None where it has nothing."""

    least: Sequence[float | None]
    greatest: Sequence[float | None]
    last: Sequence[float | None]


def chart(
    x: Sequence[float],
    lines: Sequence[Line],
    width: int,
    height: int,
    *,
    colour: bool = False,
    end: float | None = None,
) -> list[str]:
    """`height` lines of text and one below with the ends of x; `width` characters with the labels on the left.

    `end` is the greatest x, where the last one of `x` is but the beginning of a bucket.
    """
    values = [value for line in lines for side in (line.least, line.greatest) for value in side if value is not None]
    if not values:
        return ["(no values)"]
    low, high = min(values), max(values)
    labels = {0: _label(high), height // 2: _label(low / 2 + high / 2), height - 1: _label(low)}
    left = max(map(len, labels.values())) + 2
    canvas = _Canvas(max(width - left, 10), height)
    for number, line in enumerate(lines):
        _draw(canvas, x, line, low, high, number)
    rows = [f"{labels.get(row, ''):>{left - 2}} ┤{text}" for row, text in enumerate(canvas.rows(colour))]
    first, last = _label(x[0]), _label(x[-1] if end is None else end)
    return [*rows, " " * left + first + last.rjust(canvas.width - len(first))]


class _Canvas:
    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots = [[0] * width for _ in range(height)]
        self._of = [[0] * width for _ in range(height)]

    def vertical(self, column: int, top: int, bottom: int, number: int) -> None:
        """A line of dots; rows count from above."""
        for row in range(min(top, bottom), max(top, bottom) + 1):
            self._dots[row // 4][column // 2] |= DOTS[row % 4][column % 2]
            self._of[row // 4][column // 2] = number

    def rows(self, colour: bool) -> list[str]:
        return [
            "".join(self._cell(dots, number, colour) for dots, number in zip(row, of, strict=True)).rstrip()
            for row, of in zip(self._dots, self._of, strict=True)
        ]

    def _cell(self, dots: int, number: int, colour: bool) -> str:
        if not dots:
            return " "
        text = chr(0x2800 + dots)
        return f"\x1b[{COLOURS[number % len(COLOURS)]}m{text}\x1b[0m" if colour else text


def _draw(canvas: _Canvas, x: Sequence[float], line: Line, low: float, high: float, number: int) -> None:
    columns, rows = canvas.width * 2 - 1, canvas.height * 4 - 1
    span = (x[-1] - x[0]) or 1.0

    def row(value: float) -> int:
        if high == low:
            return rows // 2
        return round((high / 2 - value / 2) / (high / 2 - low / 2) * rows)  # halves: the difference may overflow

    before: tuple[int, int] | None = None
    for place, least, greatest, last in zip(x, line.least, line.greatest, line.last, strict=True):
        if least is None or greatest is None or last is None:
            continue
        column = round((place - x[0]) / span * columns)
        if before:
            _connect(canvas, *before, column, row(last), number)
        canvas.vertical(column, row(greatest), row(least), number)
        before = column, row(last)


def _connect(canvas: _Canvas, column: int, row: int, to_column: int, to_row: int, number: int) -> None:
    steps = to_column - column
    at = row
    for step in range(1, steps + 1):
        then = round(row + (to_row - row) * step / steps)
        canvas.vertical(column + step, at, then, number)
        at = then


def _label(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e9 else f"{value:.4g}"
