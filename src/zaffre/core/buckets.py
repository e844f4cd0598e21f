"""Many points become few: one grid of x for all curves, and what happened within each of its buckets.

numpy is imported with this module: import it where it is used, not at the start of a server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zaffre.core.smoothing import Floats, Whole

_WORD = 2**64


@dataclass(frozen=True)
class Grid:
    """Where the buckets begin. Whole numbers all along: steps, or milliseconds.

    `exact` has every x that occurs, when these are few; else bucket i is [low + i width, low + (i + 1) width).
    """

    low: int
    width: int
    count: int
    exact: Whole | None = None

    @property
    def x(self) -> Floats:
        if self.exact is not None:
            return self.exact.astype(np.float64)
        return np.array([float(self.low + i * self.width) for i in range(self.count)])

    def index(self, x: Whole) -> Whole:
        """The bucket of each x, which lies within the grid."""
        if self.exact is not None:
            return np.searchsorted(self.exact, x)
        distance = x.astype(np.uint64) - np.uint64(self.low % _WORD)  # modulo 2^64: right over the whole range
        return (distance // np.uint64(self.width)).astype(np.int64)


class Extent:
    """What is seen of all x before there is a grid."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._few: Whole | None = np.empty(0, np.int64)
        self.low: int | None = None
        self.high = 0

    def add(self, x: Whole) -> None:
        """`x` ascending."""
        if not len(x):
            return
        low, high = int(x[0]), int(x[-1])
        self.high = high if self.low is None else max(self.high, high)
        self.low = low if self.low is None else min(self.low, low)
        if self._few is not None:
            new = np.flatnonzero(x[1:] != x[:-1])
            few = np.union1d(self._few, x[np.append(new, -1)]) if len(new) < self._most else None
            self._few = few if few is not None and len(few) <= self._most else None

    def grid(self) -> Grid:
        """At most `most` buckets, beginning at multiples of their width: they stay as a run goes on."""
        if self.low is None:
            return Grid(0, 1, 0, np.empty(0, np.int64))
        if self._few is not None:
            return Grid(self.low, 1, len(self._few), self._few)
        width = min(-(-(self.high - self.low + 1) // (self._most - 1)), _WORD - 1)
        low = self.low // width * width
        if self.high - low >= _WORD:
            low = self.low
        return Grid(low, width, (self.high - low) // width + 1)


@dataclass(frozen=True)
class Buckets:
    """Of one curve: the buckets that hold points, and of each the least, the greatest and the last of its values."""

    index: Whole
    count: Whole
    least: Floats
    greatest: Floats
    last: Floats

    def spread(self, rows: int) -> dict[str, Floats]:
        """On the whole grid; NaN (for the count 0) where there are no points."""
        columns: dict[str, Floats] = {}
        for name, column in (("min", self.least), ("max", self.greatest), ("last", self.last)):
            columns[name] = np.full(rows, np.nan)
            columns[name][self.index] = column
        columns["count"] = np.zeros(rows)
        columns["count"][self.index] = self.count
        return columns


def bucketed(grid: Grid, x: Whole, y: Floats) -> Buckets:
    """`x` ascending; of equal ones the last counts as `last`."""
    if not len(x):
        nothing: Any = np.empty(0)
        return Buckets(nothing.astype(np.int64), nothing.astype(np.int64), nothing, nothing, nothing)
    places = grid.index(x)
    begins = np.concatenate([[0], np.flatnonzero(np.diff(places)) + 1])
    ends = np.concatenate([begins[1:], [len(x)]])
    return Buckets(
        places[begins],
        ends - begins,
        np.minimum.reduceat(y, begins),
        np.maximum.reduceat(y, begins),
        y[ends - 1],
    )
