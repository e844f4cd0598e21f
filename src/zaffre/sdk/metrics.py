"""The metrics of runs: keys, points, and curves fit to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from zaffre.sdk.collection import Collection
from zaffre.wire import metrics as wire

PAGE = 500_000  # points


class Metrics(Collection):
    """`ws.metrics`.

    >>> [(metric.key, metric.value) for metric in ws.metrics.list("merry_falcon")]      # doctest: +SKIP
    >>> ws.metrics.history("merry_falcon", "loss").values                               # doctest: +SKIP
    >>> found = ws.metrics.query(["run_a", "run_b"], ["loss"], smooth=("ema", 0.9))     # doctest: +SKIP
    >>> found.x, found.curves[0].columns["last"]                                        # doctest: +SKIP
    """

    def list(self, job: str) -> list[wire.Metric]:
        """Keys and latest values of a run. Raises `NotFound`."""
        request = wire.ListMetrics(**self._scope.about(name=job))
        return self._transport.call(wire.LIST, request).items

    def history(self, job: str, key: str) -> wire.History:
        """Every point, by step and time, in columns. Raises `NotFound` for the run, and for a key it never logged."""
        whole = wire.History(steps=[], timestamps=[], values=[])
        offset: int | None = 0
        while offset is not None:
            about = self._scope.about(name=job, key=key, offset=offset, max_results=PAGE)
            page = self._transport.call(wire.HISTORY, wire.ReadHistory(**about))
            whole.steps += page.steps
            whole.timestamps += page.timestamps
            whole.values += page.values
            offset = page.next_offset
        return whole

    def query(
        self,
        jobs: Sequence[str],
        keys: Sequence[str],
        *,
        x: Literal["step", "relative", "wall"] = "step",
        range: tuple[float | None, float | None] | None = None,
        buckets: int = 800,
        smooth: tuple[Literal["ema", "mean", "gaussian"], float] | None = None,
    ) -> wire.Curves:
        """Curves of all keys of all runs on one grid of x: smoothed at full resolution, then at most `buckets` wide.

        What the fields mean: `zaffre.wire.metrics`. Raises `NotFound` for a run, `InvalidRequest`, and `TooLarge` for
        more than one answer holds.
        """
        fields = self._scope.about(
            runs=list_of(jobs), keys=list_of(keys), x=x, range=range, buckets=buckets,
            smooth={"kind": smooth[0], "amount": smooth[1]} if smooth else None,
        )  # fmt: skip
        return self._transport.call(wire.QUERY, wire.QueryMetrics(**fields))


def list_of(items: Sequence[str]) -> list[str]:
    """One name alone is a list of it."""
    return [items] if isinstance(items, str) else [*items]
