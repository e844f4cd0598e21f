"""Smoothing of curves, each point by those before it, so that a curve that grows does not change behind its head.

numpy is imported with this module: import it where it is used, not at the start of a server.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Whole: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
SEGMENT = 1 << 20  # points that are worked on at once: bounds the memory of a long series
HUGE = 1e290  # beyond, sums of values would overflow
SCALE = 2.0**-64


def ema(x: Floats, y: Floats, weight: float) -> Floats:
    """Exponential moving average, aware of gaps in x, without the bias of its start.

    `weight` in [0, 1) is how much of the past a point keeps, as in TensorBoard; for points that are evenly spaced this
    is TensorBoard's debiased curve. Where they are not, a point d times as far from the last one as the mean distance
    so far keeps weight^d. (Time-weighted EMA as in Eckner, "Algorithms for Unevenly Spaced Time Series", 2019; the
    mean of the distances so far as the unit makes it independent of the unit of x and of points that come later.)
    """
    if weight <= 0 or len(y) < 2:
        return y
    scale = SCALE if np.abs(y).max() > HUGE else 1.0
    smoothed = np.empty_like(y)
    sums = weights = 0.0
    for start in range(0, len(y), SEGMENT):
        part = slice(start, start + SEGMENT)
        decay = _decays(x, start, min(start + SEGMENT, len(y)), weight)
        values = np.stack([y[part] * scale, np.ones(len(decay))])
        _recur(decay, values, sums, weights)
        sums, weights = float(values[0, -1]), float(values[1, -1])
        smoothed[part] = values[0] / values[1] / scale
    return smoothed


def _decays(x: Floats, start: int, end: int, weight: float) -> Floats:
    """How much each point of x[start:end] keeps of what came before it; the very first nothing."""
    first = max(start, 1)
    index = np.arange(first, end, dtype=np.float64)
    mean = (x[first:end] - x[0]) / index
    gaps = np.divide(np.diff(x[first - 1 : end]), mean, out=np.ones(end - first), where=mean > 0)
    kept = np.power(weight, gaps)
    return np.concatenate([[0.0], kept]) if start == 0 else kept


def _recur(decay: Floats, values: Floats, *carries: float) -> None:
    """In place, for each row: v[i] += decay[i] * v[i-1], and v[-1] is its carry.

    Blocks side by side, one step of all of them at once; then each takes over from the one before. Nothing is divided,
    so that no product of decays can vanish and no outlier drown what follows it.
    """
    count = values.shape[1]
    width = math.isqrt(count) + 1
    rows = -(-count // width)
    padding = rows * width - count
    a = np.pad(decay, (0, padding)).reshape(rows, width).T.copy()
    v = np.pad(values, ((0, 0), (0, padding))).reshape(len(values), rows, width).transpose(2, 0, 1).copy()
    for i in range(1, width):
        v[i] += a[i] * v[i - 1]
        a[i] *= a[i - 1]
    taken = np.empty((len(values), rows))
    for row, carry in enumerate(carries):
        for block, (kept, last) in enumerate(zip(a[-1].tolist(), v[-1, row].tolist(), strict=True)):
            taken[row, block] = carry
            carry = last + kept * carry  # noqa: PLW2901  # the recurrence itself
    v += a[:, None, :] * taken
    values[:] = v.transpose(1, 2, 0).reshape(len(values), rows * width)[:, :count]


def mean(y: Floats, points: int) -> Floats:
    """Mean of each value and those before it, `points` in all; of fewer at the start.

    Sums go over blocks as long as the window (van Herk, 1992): an outlier is forgotten when it leaves the window.
    """
    window = min(points, len(y))
    if window < 2:
        return y
    scale = SCALE if np.abs(y).max() > HUGE else 1.0
    rows = -(-len(y) // window)
    blocks = np.pad(y * scale, (0, rows * window - len(y))).reshape(rows, window)
    before = np.cumsum(blocks, axis=1)
    after = np.cumsum(blocks[:, ::-1], axis=1)[:, ::-1]
    sums = before.ravel()[: len(y)].copy()
    rest = after.copy()
    rest[:, 0] = 0.0  # the window is exactly one block: `before` has it all
    sums[window - 1 :] += rest.ravel()[: len(y) - window + 1]
    counts = np.minimum(np.arange(1, len(y) + 1), window)
    return sums / counts / scale


def gaussian(y: Floats, sigma: float) -> Floats:
    """Mean weighted by a Gaussian over neighbours on both sides; `sigma` in points, cut off at three of them.

    The one kind that looks ahead: the last 3 sigma points of a curve change when it grows.
    """
    radius = min(math.ceil(3 * sigma), max(len(y) - 1, 0))
    if radius < 1:
        return y
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    inside = slice(radius, radius + len(y))
    reached = np.ones(len(y))
    edge = np.cumsum(kernel)[radius:]  # of a point so far from an end, the weight that lies inside
    ends = min(radius, len(y))
    reached[:ends] -= 1 - edge[:ends]
    reached[len(y) - ends :] -= 1 - edge[:ends][::-1]
    return np.convolve(y, kernel, mode="full")[inside] / reached
