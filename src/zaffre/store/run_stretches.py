"""The parts of an order by what runs logged, each of which an index can be walked along: numbers, others, none; in the
order of MLflow, to which numbers are texts: what is there, none.

A key is where a page ends: rank of the stretch, a value for each slot, start and id of the run. A slot is a column by
which its stretch is sorted, or what stands in its place where the stretch is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from zaffre.core.search_filter import Order
from zaffre.store.run_conditions import Conditions, Sort
from zaffre.store.tables.tracking import INDEXED, metric_latest, params

M, P = metric_latest.c, params.c
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Stretch:
    """Without `where`: the runs that logged nothing under this key. `lead` is a column of the index that is the same in
    the whole stretch."""

    rank: int
    table: Table
    slots: tuple[Sort | float | None, ...]
    where: tuple[ColumnElement[bool], ...] = ()
    lead: tuple[Sort, ...] = ()

    @property
    def sorts(self) -> list[Sort]:
        return [slot for slot in self.slots if isinstance(slot, Sort)]

    def key(self, found: Key) -> Key:
        """The key of a run from the values of the sorts, its start and its id."""
        values, rest = iter(found), found[len(self.sorts) :]
        return (self.rank, *(next(values) if isinstance(slot, Sort) else slot for slot in self.slots), *rest)

    def behind(self, key: Key) -> Key | None:
        """The values of the sorts in a key, start and id; None for a cursor that nobody was given."""
        values = [value for slot, value in zip(self.slots, key[1:], strict=False) if isinstance(slot, Sort)]
        return None if None in values else (*values, *key[1 + len(self.slots) :])


def stretches(connection: Connection, build: Conditions, order: Order) -> Sequence[Stretch]:
    """In the order of their ranks; none where no index has this order."""
    up = order.ascending
    if order.entity == "metric":
        number = Sort(M.value, up, "number")
        held = M.key == order.key
        return (
            Stretch(0, metric_latest, (number,), (held, M.is_nan == False)),  # noqa: E712
            Stretch(1, metric_latest, (0.0,), (held, M.is_nan == True)),  # noqa: E712
            Stretch(2, metric_latest, (None,)),
        )
    if order.entity == "param" and not _has_long(connection, order.key):
        number, value = Sort(P.number, up, "number"), Sort(P.value, up, "text")
        short = (P.key == order.key, func.length(P.value) <= INDEXED)
        if build.mlflow:
            return Stretch(0, params, (value,), short), Stretch(1, params, (None,))
        return (
            Stretch(0, params, (number, value), (*short, P.number.isnot(None))),
            Stretch(1, params, (None, value), (*short, P.number.is_(None)), (number,)),
            Stretch(2, params, (None, None)),
        )
    return ()


def _has_long(connection: Connection, key: str) -> bool:
    """Whether some run has a value that is too long for the index."""
    query = select(P.job_id).where(P.key == key, func.length(P.value) > INDEXED).limit(1)
    return connection.execute(query).first() is not None
