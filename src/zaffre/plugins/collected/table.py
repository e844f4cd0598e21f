"""What the data collector took, as a table: a row for each record, with the columns of its envelope.

`data` is JSON text, whatever the model takes: columns of its own for each input would differ between requests, versions
of a model and models, and files of one folder with different columns are what readers fail on. It is strict JSON, so
that every reader takes it: NaN and the infinities, which JSON does not have, are null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

TEXTS = ("id", "workspace", "endpoint", "deployment", "collection", "data", "correlationid", "xrequestid", "source",
         "type", "datacontenttype", "contentrange", "agent", "specversion")  # fmt: skip
GROUP_ROWS, GROUP_BYTES = 20_000, 8 << 20


def write(source: BinaryIO, target: Path, place: Mapping[str, str]) -> tuple[int, int]:
    """(rows, lines that were cut off by the end of their writer). Without rows there is no file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("time", pa.timestamp("us", "UTC")), *((name, pa.string()) for name in TEXTS)])
    count = torn = 0
    writer = None
    try:
        for rows in _groups(source, place):
            torn += sum(row is None for row in rows)
            whole = [row for row in rows if row is not None]
            if whole:
                writer = writer or pq.ParquetWriter(target, schema, compression="zstd")
                writer.write_table(pa.Table.from_pylist(whole, schema))
                count += len(whole)
    finally:
        if writer is not None:
            writer.close()
    return count, torn


def _groups(source: BinaryIO, place: Mapping[str, str]) -> Iterator[list[dict[str, Any] | None]]:
    rows: list[dict[str, Any] | None] = []
    held = 0
    for line in source:
        rows.append(_row(line, place))
        held += len(line)
        if held > GROUP_BYTES or len(rows) >= GROUP_ROWS:
            yield rows
            rows, held = [], 0
    if rows:
        yield rows


def _row(line: bytes, place: Mapping[str, str]) -> dict[str, Any] | None:
    """None for what is no whole line: its writer was killed, or had no space."""
    if not line.endswith(b"\n"):
        return None
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):  # no record of ours; it is kept as it stands
        return {**place, "data": json.dumps(line.decode("utf-8", "replace").rstrip("\n"))}
    row: dict[str, Any] = {name: _text(told[name]) for name in TEXTS if told.get(name) is not None and name != "data"}
    return {**row, **place, "time": _time(told.get("time")), "data": _json(told.get("data"))}


def _text(value: Any) -> str:
    """Halves of characters cannot be written as UTF-8."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace").decode()


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _json(value: Any) -> str:
    try:
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except ValueError:
            text = json.dumps(_finite(value), ensure_ascii=False)
        text.encode()
        return text
    except UnicodeEncodeError:
        return json.dumps(_finite(value))  # halves of characters, as JSON writes them
    except RecursionError:
        return json.dumps("(nested too deeply)")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value
