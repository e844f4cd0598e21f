"""The filter language over things in memory: experiments, models; there are few of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from zaffre.core.search_filter import Clause, Op, Order

Lookup = Callable[[str, str], Any]  # (entity, key) -> value, or None when there is none

_COMPARE: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.IN: lambda value, many: value in many,
    Op.NOT_IN: lambda value, many: value not in many,
}


def matches(lookup: Lookup, clauses: Sequence[Clause]) -> bool:
    return all(_holds(lookup(clause.entity, clause.key), clause) for clause in clauses)


def _holds(value: Any, clause: Clause) -> bool:
    if clause.op is Op.IS_NULL:
        return value is None
    if clause.op is Op.IS_NOT_NULL:
        return value is not None
    if value is None:
        return False
    if clause.op in (Op.LIKE, Op.ILIKE):
        return _like(str(value), str(clause.value), clause.op is Op.ILIKE)
    return _COMPARE[clause.op](value, clause.value)


def _like(value: str, pattern: str, ignore_case: bool) -> bool:
    pieces = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in re.sub("%+", "%", pattern))
    return re.fullmatch("".join(pieces), value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def ordered(items: list[Any], lookup_of: Callable[[Any], Lookup], orders: Sequence[Order]) -> list[Any]:
    """Sorted by every order, the first one weighing most; what has no value comes last in either direction."""
    for order in reversed(orders):
        values = [(lookup_of(item)(order.entity, order.key), item) for item in items]
        there = [pair for pair in values if pair[0] is not None]
        there.sort(key=lambda pair: pair[0], reverse=not order.ascending)
        items = [item for _, item in there] + [item for value, item in values if value is None]
    return items
