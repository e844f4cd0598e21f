from __future__ import annotations

import io

import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.plugins.content import tables
from zaffre.plugins.content.tables import Shape, diff_tables, is_tabular, shape


def read(path: str, data: bytes) -> Shape:
    return shape(path, io.BytesIO(data))


def test_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read("a.csv", b'x,y\n1,"a\nb"\n2,c\n') == Shape(2, {"x": "int64", "y": "string"})
    assert read("a.TSV", b"x\ty\n1\t2.5\n") == Shape(1, {"x": "int64", "y": "double"})
    assert read("a.jsonl", b'{"x": 1}\n\n{"x": 2}') == Shape(2, {"x": "int64"})
    assert read("a.csv", b"") == read("a.jsonl", b"") == Shape(0, {})
    monkeypatch.setattr(tables, "BLOCK", 1000)
    rows = b"".join(b"%d,1\n" % number for number in range(5000)) + b"odd,\xff\n"
    assert read("a.csv", b"x,y\n" + rows) == Shape(5001, {"x": "int64", "y": "int64"})
    lines = b"".join(b'{"x": %d}\n' % number for number in range(5000))
    assert read("a.jsonl", lines) == Shape(5000, {"x": "int64"})


def test_parquet() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"x": [1, 2, 3], "s": ["a", "b", None]}), sink)
    assert read("t.parquet", sink.getvalue()) == Shape(3, {"x": "int64", "s": "string"})


def test_what_is_no_table_is_named() -> None:
    for path, data in {"a.parquet": b"not", "b.jsonl": b"{", "c.csv": b"x,y\n1\n"}.items():
        with pytest.raises(InvalidRequest, match=path):
            read(path, data)
    with pytest.raises(InvalidRequest, match="no table"):
        read("a.png", b"")
    assert is_tabular("d/A.CSV")
    assert not is_tabular("csv")


def test_diff() -> None:
    found = diff_tables(Shape(3, {"a": "int64", "b": "string"}), Shape(5, {"a": "double", "c": "bool"}))
    assert (found.rows, found.added, found.removed) == ((3, 5), ("c",), ("b",))
    assert found.retyped == {"a": ("int64", "double")}
