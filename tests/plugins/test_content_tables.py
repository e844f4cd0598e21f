from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.core.manifest import Entry
from zaffre.plugins.content import tables
from zaffre.plugins.content.diff import compare
from zaffre.plugins.content.store import FileContentStore
from zaffre.plugins.content.tables import Shape, diff_tables, is_tabular, shape
from zaffre.wire.data import FileChange


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


def test_versions_of_data_are_compared(tmp_path: Path) -> None:
    for version, files in {
        "1": {
            "t.csv": "a,b\n1,2\n",
            "gone.jsonl": '{"x": 1}\n',
            "old/n.txt": "name",
            "broken.csv": "a,b\n1\n",
            "same": "s",
        },
        "2": {
            "t.csv": "a,c\n1.5,2\n2,3\n",
            "new.tsv": "a\n1\n",
            "new/n.txt": "name",
            "broken.csv": "a\n1,2\n",
            "same": "s",
        },
    }.items():
        for name, text in files.items():
            (tmp_path / version / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / version / name).write_text(text)
    store = FileContentStore(tmp_path / "content")
    one, two = tmp_path / "1", tmp_path / "2"

    def compared(before: Path, after: Path) -> list[FileChange]:
        def opener(place: Path) -> Callable[[Entry], BinaryIO]:
            return lambda entry: open(place / entry.path if place.is_dir() else place, "rb")

        return compare(store.scan(before), opener(before), store.scan(after), opener(after))

    found = {item.path: item for item in compared(one, two)}
    assert {path: item.change for path, item in found.items()} == {
        "broken.csv": "changed", "gone.jsonl": "removed", "new.tsv": "added",
        "new/n.txt": "renamed", "t.csv": "changed",
    }  # fmt: skip
    table = found["t.csv"]
    assert (table.former_rows, table.rows, table.columns_added, table.columns_removed) == (1, 2, ["c"], ["b"])
    assert table.columns_retyped == ["a: int64 -> double"]
    assert (found["new.tsv"].rows, found["gone.jsonl"].former_rows, found["broken.csv"].rows) == (1, 1, None)
    assert found["new/n.txt"].former_path == "old/n.txt"
    (single,) = compared(one / "t.csv", two / "t.csv")
    assert (single.former_rows, single.rows) == (1, 2)
