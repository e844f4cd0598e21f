"""Smoothing and buckets against plain definitions."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from zaffre.core import smoothing
from zaffre.core.buckets import Extent, bucketed


def _ema(x: list[float], y: list[float], weight: float) -> list[float]:
    """Word by word: what a point d mean distances after the last one keeps is weight^d."""
    sums = weights = 0.0
    found = []
    for i, value in enumerate(y):
        mean = (x[i] - x[0]) / i if i else 0.0
        decay = 0.0 if i == 0 else weight ** ((x[i] - x[i - 1]) / mean) if mean else weight
        sums, weights = sums * decay + value, weights * decay + 1
        found.append(sums / weights)
    return found


def _tensorboard(y: list[float], weight: float) -> list[float]:
    """https://github.com/tensorflow/tensorboard/blob/master/tensorboard/components/vz_line_chart2/line-chart.ts"""
    last, found = 0.0, []
    for i, value in enumerate(y, 1):
        last = last * weight + (1 - weight) * value
        found.append(last / (1 - weight**i))
    return found


@pytest.mark.parametrize("weight", [0.01, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("count", [2, 3, 10, 997])
def test_the_average_is_its_definition(weight: float, count: int) -> None:
    chance = random.Random(count)
    x = sorted(chance.choice([float(i), i + chance.random() * 50, 7.0]) for i in range(count))
    y = [chance.gauss(0, 1) for _ in range(count)]
    assert smoothing.ema(np.array(x), np.array(y), weight) == pytest.approx(_ema(x, y, weight), rel=1e-9, abs=1e-12)
    even = np.arange(count) * 25.0
    assert smoothing.ema(even, np.array(y), weight) == pytest.approx(_tensorboard(y, weight), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("segment", [1 << 20, 100, 7])
def test_the_smoothed_prefix_is_the_prefix_of_the_smoothed(monkeypatch: pytest.MonkeyPatch, segment: int) -> None:
    monkeypatch.setattr(smoothing, "SEGMENT", segment)
    chance = np.random.default_rng(3)
    x = np.cumsum(chance.exponential(10, 2000))
    y = chance.normal(size=2000)
    for smooth in (
        lambda n: smoothing.ema(x[:n], y[:n], 0.95),
        lambda n: smoothing.mean(y[:n], 40),
        lambda n: smoothing.mean(y[:n], 1500),
        lambda n: smoothing.gaussian(y[: n + 30], 10)[:n],
    ):
        whole = smooth(1970)
        for end in (1, 2, 39, 40, 41, 1000, 1969):
            assert smooth(end) == pytest.approx(whole[:end], rel=1e-9, abs=1e-12)


def test_the_mean_and_the_gaussian_are_their_definitions() -> None:
    y = np.random.default_rng(1).normal(size=211)
    for points in (1, 2, 7, 50, 211, 10_000):
        wanted = [y[max(0, i - points + 1) : i + 1].mean() for i in range(len(y))]
        assert smoothing.mean(y, points) == pytest.approx(wanted)
    for sigma in (0.3, 2.0, 100.0):
        weights = [
            [math.exp(-0.5 * ((i - j) / sigma) ** 2) if abs(i - j) <= math.ceil(3 * sigma) else 0 for j in range(211)]
            for i in range(211)
        ]
        wanted = [np.average(y, weights=row) for row in weights]
        assert smoothing.gaussian(y, sigma) == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_outliers_and_huge_values_drown_nothing() -> None:
    y = np.ones(5000)
    y[10] = 1.7e308
    assert smoothing.ema(np.arange(5000.0), y, 0.5)[2000] == pytest.approx(1.0)
    assert smoothing.mean(y, 100)[200:] == pytest.approx(np.ones(4800))
    y[:] = 1.7e308
    for found in (smoothing.ema(np.arange(5000.0), y, 0.99), smoothing.mean(y, 4000), smoothing.gaussian(y, 50)):
        assert found == pytest.approx(y)


def test_few_points_stay_as_they_are() -> None:
    for count in (0, 1):
        y = np.full(count, 3.0)
        for found in (smoothing.ema(y, y, 0.9), smoothing.mean(y, 10), smoothing.gaussian(y, 3)):
            assert found.tolist() == y.tolist()


@pytest.mark.parametrize("most", [2, 3, 10, 800])
@pytest.mark.parametrize(
    "x",
    [
        [0],
        [5, 5, 5],
        [-(2**63), 2**63 - 1],
        [-(2**63), 0, 1, 2, 2**63 - 1],
        list(range(-1000, 1000)),
        [2**63 - 1 - i for i in range(999, -1, -1)],
        [i * i for i in range(2000)],
        [-(2**63) + i * (2**64 // 5000) for i in range(5000)],
    ],
)
def test_every_point_has_its_bucket(most: int, x: list[int]) -> None:
    extent = Extent(most)
    for start in range(0, len(x), 700):
        extent.add(np.array(x[start : start + 700], np.int64))
    grid = extent.grid()
    assert 1 <= grid.count <= most
    assert len(grid.x) == grid.count
    places = grid.index(np.array(x, np.int64)).tolist()
    if grid.exact is None:
        assert places == [(value - grid.low) // grid.width for value in x]
        assert len(set(x)) > most
    else:
        assert [int(grid.exact[place]) for place in places] == x
    found = bucketed(grid, np.array(x, np.int64), np.arange(len(x), dtype=float))
    assert found.count.sum() == len(x)
    assert found.greatest.tolist() == found.last.tolist()
    assert found.last[-1] == len(x) - 1


def test_buckets_stay_where_they_are_while_a_run_goes_on() -> None:
    grids = []
    for end in (90_001, 90_050):
        extent = Extent(800)
        extent.add(np.arange(3, end))
        grids.append(extent.grid())
    assert grids[0].width == grids[1].width
    assert grids[0].low == grids[1].low
    assert grids[0].low % grids[0].width == 0
