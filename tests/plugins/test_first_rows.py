"""Values of a table that no page can show are told, whatever the table says of itself."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.plugins.content.profile import first_rows

BYTES = [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]


def parquet(column: Any) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(pa.table({"odd": column}), file)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    "column",
    [pa.Array.from_buffers(pa.string(), 1, BYTES), pa.array([2**62], pa.timestamp("us")), pa.array([2**31 - 1], pa.date32())],
    ids=["no text", "no time", "no day"],
)  # fmt: skip
def test_what_is_no_value_is_told(column: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"odd\.parquet cannot be read") as told:
        first_rows("odd.parquet", parquet(column), 5)
    assert told.value.code == "NotATable"
