"""Comparisons of the filter language as SQL, alike on both databases. Values always travel as parameters."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func
from sqlalchemy.sql.elements import ColumnElement

from zaffre.core.search_filter import Op, Value

_BIG = 2**63  # beyond it a whole number is no column's value: compare as floating point


def compare(  # noqa: PLR0912  one branch an operator
    sqlite: bool, column: ColumnElement[Any], op: Op, value: Value
) -> ColumnElement[bool]:
    """LIKE heeds letter case, ILIKE does not; `%` and `_` are their only special characters."""
    if isinstance(value, int) and not -_BIG <= value < _BIG:
        value = float(value)
    match op:
        case Op.EQ:
            return column == value
        case Op.NE:
            return column != value
        case Op.GT:
            return column > value
        case Op.GE:
            return column >= value
        case Op.LT:
            return column < value
        case Op.LE:
            return column <= value
        case Op.IN:
            return column.in_(value if isinstance(value, tuple) else ())
        case Op.NOT_IN:
            return column.not_in(value if isinstance(value, tuple) else ())
        case Op.IS_NULL:
            return column.is_(None)
        case Op.IS_NOT_NULL:
            return column.isnot(None)
        case Op.LIKE:
            return column.op("GLOB", is_comparison=True)(_glob(str(value))) if sqlite else column.like(value, escape="")
        case Op.ILIKE:
            return func.lower(column).like(func.lower(value)) if sqlite else column.ilike(value, escape="")


def _glob(pattern: str) -> str:
    """SQLite's LIKE ignores letter case, its GLOB does not."""
    wild = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(wild.get(character, character) for character in pattern)
