"""The profile of a tabular file, made from its first rows: as many as fit into a bounded piece of memory."""

from __future__ import annotations

import math
from typing import Any, BinaryIO

from zaffre.base.errors import InvalidRequest, Unavailable

ROWS = 200_000  # that are profiled
READ_BYTES = 64 * 2**20  # of a text file
BINS = 24
TOP = 8
COLUMNS = 1000  # that are shown
PIECE = 1 << 20
TEXT = 200  # characters of a value that is shown


def profile(name: str, file: BinaryIO, preview: int) -> dict[str, Any]:
    """`rows` (none for a text file that is not read whole), `profiled`, `columns`, `preview`: as TableProfile.

    Raises `InvalidRequest` for a file that is not what its name says, `Unavailable` without pyarrow.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise Unavailable(
            "profiling tables needs the package 'pyarrow', which is not installed",
            code="MissingExtra",
            hint="pip install zaffre[tables]",
        ) from error
    try:
        table, rows = _read(name.lower().rpartition(".")[2], file)
    except pa.ArrowInvalid as error:
        raise InvalidRequest(f"{name} cannot be read: {error}", code="NotATable") from error
    return {
        "rows": rows,
        "profiled": table.num_rows,
        "columns": [_column(field.name, table.column(at)) for at, field in enumerate(table.schema)],
        "preview": [[_shown(value) for value in row.values()] for row in _rows(table.slice(0, preview))],
    }


def first_rows(name: str, file: BinaryIO, most: int) -> dict[str, Any]:
    """`rows` (none where it is not known), `columns` with their types, `preview`: no more is read than that takes.

    Raises as `profile`.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise Unavailable(
            "showing tables needs the package 'pyarrow', which is not installed",
            code="MissingExtra",
            hint="pip install zaffre[tables]",
        ) from error
    rows: int | None
    try:
        if name.lower().endswith(".parquet"):
            table, rows = _head_of_parquet(file, most)
        else:
            table, rows = _read(name.lower().rpartition(".")[2], file)
        table = table.select(range(min(table.num_columns, COLUMNS))).slice(0, most)
        preview = [[_shown(value) for value in row.values()] for row in _rows(table)]
    except (pa.ArrowException, ValueError, OverflowError, OSError) as error:  # text that is none, days of no calendar
        raise InvalidRequest(f"{name} cannot be read: {error}", code="NotATable") from error
    columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
    return {"rows": rows, "columns": columns, "preview": preview}


def _head_of_parquet(file: BinaryIO, most: int) -> tuple[Any, int]:
    """Read in small pieces: a group of rows may be far larger than what is shown of it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = pq.ParquetFile(file, buffer_size=PIECE, pre_buffer=False)
    names = found.schema_arrow.names[:COLUMNS]
    batches, held = [], 0
    for batch in found.iter_batches(batch_size=max(most, 1), columns=names if len(set(names)) == len(names) else None):
        batches.append(batch)
        held += batch.num_rows
        if held >= most:
            break
    table = pa.Table.from_batches(batches) if batches else found.schema_arrow.empty_table()
    return table, found.metadata.num_rows


def _rows(table: Any) -> list[dict[int, Any]]:
    columns = [column.to_pylist() for column in table.columns]  # names may be there twice
    return [dict(enumerate(values)) for values in zip(*columns, strict=True)]


def _read(suffix: str, file: BinaryIO) -> tuple[Any, int | None]:
    """(the first rows, how many there are in all where that is known)."""
    import io

    import pyarrow as pa

    if suffix == "parquet":
        import pyarrow.parquet as pq

        found = pq.ParquetFile(file)
        batches, held = [], 0
        for batch in found.iter_batches(batch_size=20_000):
            batches.append(batch)
            held += batch.num_rows
            if held >= ROWS or sum(item.nbytes for item in batches) > READ_BYTES:
                break
        return pa.Table.from_batches(batches, found.schema_arrow).slice(0, ROWS), found.metadata.num_rows
    data = file.read(READ_BYTES)
    whole = len(data) < READ_BYTES
    if not whole:
        data = data.rpartition(b"\n")[0]
    if not data.strip():
        return pa.table({}), 0
    if suffix == "jsonl":
        import pyarrow.json as pj

        table = pj.read_json(io.BytesIO(data))
    else:
        import pyarrow.csv as pc

        parse = pc.ParseOptions(delimiter="\t" if suffix == "tsv" else ",", newlines_in_values=True)
        table = pc.read_csv(io.BytesIO(data), parse_options=parse)
    return table.slice(0, ROWS), table.num_rows if whole else None


def _column(name: str, column: Any) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    told: dict[str, Any] = {"name": name, "type": str(kind), "nulls": column.null_count, "distinct": 0}
    if pa.types.is_nested(kind) or pa.types.is_null(kind):
        return told
    told["distinct"] = pc.count_distinct(column, mode="only_valid").as_py()
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if numeric or pa.types.is_temporal(kind):
        ends = pc.min_max(column).as_py()
        told |= {"min": _shown(ends["min"]), "max": _shown(ends["max"])}
    if numeric:
        mean = pc.mean(column).as_py()
        told["mean"] = mean if mean is not None and math.isfinite(mean) else None
        told["histogram"] = _histogram(column)
    else:
        counts = pc.value_counts(column.drop_null()).to_pylist()
        best = sorted(counts, key=lambda item: -item["counts"])[:TOP]
        told["top"] = [{"value": str(item["values"])[:TEXT], "count": item["counts"]} for item in best]
    return told


def _histogram(column: Any) -> list[dict[str, Any]]:
    import numpy as np

    values = column.drop_null().to_numpy().astype("float64")
    values = values[np.isfinite(values)]
    if not len(values):
        return []
    counts, edges = np.histogram(values, bins=BINS)
    return [
        {"low": float(low), "high": float(high), "count": int(count)}
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)[:TEXT]
