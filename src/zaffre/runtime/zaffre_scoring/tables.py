"""Rows of a table from the JSON forms of Azure ML and MLflow, checked against a model's signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .values import BadInput

KEYS = ("input_data", "dataframe_split", "dataframe_records", "instances", "inputs", "data", "rows")
NUMBERS = (int, float)
PYTHON = {
    "double": NUMBERS,
    "float": NUMBERS,
    "long": (int,),
    "integer": (int,),
    "string": (str,),
    "boolean": (bool,),
    "datetime": (str, int),
    "binary": (str,),
}
FORMS = "input_data, dataframe_split, dataframe_records, instances or inputs"


class Table:
    """`columns` is None where the caller named none. `rows` are lists; of a tensor they are its first dimension."""

    __slots__ = ("columns", "rows")

    def __init__(self, columns: tuple[str, ...] | None, rows: list[Any]) -> None:
        self.columns, self.rows = columns, rows


def table(value: Any) -> Table:
    """Raises `BadInput` for what is no table."""
    if isinstance(value, dict):
        found = [key for key in KEYS if key in value]
        if not found:
            raise BadInput("the body has none of the keys " + FORMS)
        value = value[found[0]]
    if isinstance(value, dict):
        return _from_mapping(value)
    if not isinstance(value, list):
        raise BadInput("the input is no list of rows")
    if value and isinstance(value[0], dict):
        return _from_records(value)
    return Table(None, value)


def _from_mapping(value: dict[str, Any]) -> Table:
    if "data" in value and isinstance(value["data"], list):
        columns, rows = value.get("columns"), value["data"]
        if columns is not None:
            if not isinstance(columns, list) or not all(isinstance(name, (str, int)) for name in columns):
                raise BadInput("`columns` is no list of names")
            columns = tuple(str(name) for name in columns)
            for row in rows:
                if not isinstance(row, list) or len(row) != len(columns):
                    raise BadInput("a row has another number of values than there are columns")
        return Table(columns, rows)
    lengths = {len(item) for item in value.values() if isinstance(item, list)}
    if not value or len(lengths) != 1 or not all(isinstance(item, list) for item in value.values()):
        raise BadInput("the input is no table: columns of one length, or `columns` and `data`")
    return Table(tuple(value), [list(row) for row in zip(*value.values())])


def _from_records(value: list[Any]) -> Table:
    names = tuple(value[0])
    known = set(names)
    rows = []
    for item in value:
        if not isinstance(item, dict) or item.keys() != known:
            raise BadInput("the records have different columns")
        rows.append([item[name] for name in names])
    return Table(names, rows)


class Signature:
    """The columns that a model was trained with, in their order, each with MLflow's name of its type."""

    def __init__(self, columns: Sequence[dict[str, Any]]) -> None:
        self.names = tuple(str(column.get("name", i)) for i, column in enumerate(columns))
        self.named = all("name" in column for column in columns)
        self.types = [str(column.get("type")) for column in columns]
        self.optional = [column.get("required") is False for column in columns]
        self._numeric = all(kind in ("double", "float") for kind in self.types)
        self._allowed = [PYTHON.get(kind) for kind in self.types]

    def fit(self, given: Table) -> list[list[Any]]:
        """The rows in the order of the signature. Raises `BadInput` naming a column that is missing, extra or wrong."""
        rows = given.rows
        if given.columns is not None and given.columns != self.names and self.named:
            rows = self._in_order(given)
        width = len(self.names)
        for row in rows:
            if row.__class__ is not list:
                raise BadInput("a row is no list of values")
            if len(row) != width:
                raise BadInput(f"a row has {len(row)} values; the model has {width} columns")
            if self._numeric:
                for value in row:
                    if value.__class__ is not float and value.__class__ is not int and value is not None:
                        self._check(row)
            else:
                self._check(row)
        return rows

    def _in_order(self, given: Table) -> list[list[Any]]:
        assert given.columns is not None
        place = {name: i for i, name in enumerate(given.columns)}
        missing = [name for i, name in enumerate(self.names) if name not in place and not self.optional[i]]
        if missing:
            raise BadInput("missing columns: " + ", ".join(name[:100] for name in missing[:8]))
        known = set(self.names)
        extra = [name for name in given.columns if name not in known]
        if extra:
            raise BadInput("columns that the model does not have: " + ", ".join(name[:100] for name in extra[:8]))
        order = [place.get(name) for name in self.names]
        return [[None if i is None else row[i] for i in order] for row in given.rows]

    def _check(self, row: list[Any]) -> None:
        for name, kind, allowed, value in zip(self.names, self.types, self._allowed, row):
            if value is None or allowed is None:
                continue
            if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
                raise BadInput(f"column {name[:100]}: {kind} was expected")
