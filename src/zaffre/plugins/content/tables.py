"""Rows and columns of a tabular file, and how two of them differ; read in a stream, whatever their size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from zaffre.base.errors import InvalidRequest, Unavailable

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")
BLOCK = 8 * 2**20  # bytes read at once


@dataclass(frozen=True)
class Shape:
    """How many rows, and the type of each column, in order."""

    rows: int
    columns: dict[str, str]


@dataclass(frozen=True)
class TableDiff:
    """`rows_changed` pairs are (before, after); `retyped` has column -> (type before, type after)."""

    rows: tuple[int, int]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    retyped: dict[str, tuple[str, str]]


def is_tabular(path: str) -> bool:
    return path.lower().endswith(SUFFIXES)


def diff_tables(before: Shape, after: Shape) -> TableDiff:
    both = [name for name in before.columns if name in after.columns]
    return TableDiff(
        rows=(before.rows, after.rows),
        added=tuple(name for name in after.columns if name not in before.columns),
        removed=tuple(name for name in before.columns if name not in after.columns),
        retyped={
            name: (before.columns[name], after.columns[name])
            for name in both
            if before.columns[name] != after.columns[name]
        },
    )


def shape(path: str, file: BinaryIO) -> Shape:
    """Read the shape of a file; `path` tells the format. Types of csv, tsv and jsonl are those of the first block.

    Raises `InvalidRequest` naming the file if it is not what its name says, `Unavailable` without pyarrow.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise Unavailable(
            "comparing tables needs the package 'pyarrow', which is not installed",
            code="MissingExtra",
            hint="pip install zaffre[tables]",
        ) from error
    suffix = path.lower().rpartition(".")[2]
    try:
        if suffix == "parquet":
            import pyarrow.parquet as pq

            found = pq.ParquetFile(file)
            return Shape(found.metadata.num_rows, columns(found.schema_arrow))
        if suffix in ("csv", "tsv"):
            return csv_shape(file, "\t" if suffix == "tsv" else ",")
        if suffix == "jsonl":
            return jsonl_shape(file)
    except pa.ArrowInvalid as error:
        raise InvalidRequest(f"{path} cannot be read as {suffix}: {error}", code="NotATable") from error
    raise InvalidRequest(f"{path} is no table; tables end in {', '.join(SUFFIXES)}", code="NotATable")


def columns(schema: Any) -> dict[str, str]:
    return {field.name: str(field.type) for field in schema}


def csv_shape(file: BinaryIO, delimiter: str) -> Shape:
    """Columns are read as text once the types are known, so that an odd value far down is no error."""
    import pyarrow.csv as pc

    first = file.read(1)
    if not first:
        return Shape(0, {})
    file.seek(0)
    parse = pc.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    read = pc.ReadOptions(block_size=BLOCK)
    found = columns(pc.open_csv(file, read_options=read, parse_options=parse).schema)
    file.seek(0)
    text = pc.ConvertOptions(column_types=dict.fromkeys(found, "string"), check_utf8=False)
    reader = pc.open_csv(file, read_options=read, parse_options=parse, convert_options=text)
    return Shape(sum(batch.num_rows for batch in reader), found)


def jsonl_shape(file: BinaryIO) -> Shape:
    """Rows are the lines that hold something; columns are those of the first block."""
    import io

    import pyarrow.json as pj

    lines = whole_lines(file)
    head = next(lines, b"")
    if not head.strip():
        return Shape(0, {})
    found = columns(pj.read_json(io.BytesIO(head)).schema)
    rows = count_lines(head) + sum(count_lines(block) for block in lines)
    return Shape(rows, found)


def whole_lines(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while block := file.read(BLOCK):
        head, newline, tail = block.rpartition(b"\n")
        if newline:
            yield rest + head + newline
            rest = tail
        else:
            rest += block
    if rest:
        yield rest


def count_lines(block: bytes) -> int:
    return sum(1 for line in block.split(b"\n") if line.strip())
