"""Parquet files of a run are tables on its page, as those of CSV are."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from studio_place import HOSTILE, Studio

Open = Callable[..., Any]
ROWS = 1300


def parquet() -> bytes:
    table = pa.table(
        {
            "patient": list(range(ROWS)),
            HOSTILE: [HOSTILE] * ROWS,
            "risk": [None if at == 1 else at / 7 for at in range(ROWS)],
            "visits": [[1, 2]] * ROWS,
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=400)
    return file.getvalue()


@pytest.fixture(scope="module")
def run(studio: Studio) -> str:
    name = studio.place.run("tables", "a run with tables", {}, {"loss": [1.0]})
    for path, data in (("scores/risk.parquet", parquet()), ("scores/broken.parquet", b"PAR1 no more than this")):
        address = f"/mlflow/default/api/2.0/mlflow-artifacts/artifacts/ExperimentRun/dcid.{name}/{quote(path)}"
        studio.place.http.put(address, content=data).raise_for_status()
    return name


def test_a_parquet_file_is_a_table(visit: Open, run: str) -> None:
    page = visit(f"jobs/{run}?tab=outputs&path=scores/risk.parquet")
    page.get_by_text(f"The first 500 of {ROWS:,} rows, 4 columns").first.wait_for()
    grid = page.get_by_role("grid", name="risk.parquet")
    grid.get_by_text("double", exact=True).first.wait_for()
    grid.get_by_text("null", exact=True).first.wait_for()
    grid.get_by_text("[1, 2]").first.wait_for()
    assert page.evaluate("() => window.hacked") is None


def test_what_is_no_parquet_is_told(visit: Open, run: str) -> None:
    page = visit()
    page.expects_errors = True
    page.goto(f"{page.url.rstrip('/')}/jobs/{run}?tab=outputs&path=scores/broken.parquet")
    page.get_by_role("alert").get_by_text("broken.parquet cannot be read").first.wait_for()


def test_no_more_is_read_than_is_shown(studio: Studio, run: str) -> None:
    told = studio.place.api("GET", f"/jobs/{run}/table?path=scores/risk.parquet&max_rows=3")
    assert told["rows"] == ROWS
    assert [column["type"] for column in told["columns"]] == ["int64", "string", "double", "list<element: int64>"]
    assert told["preview"] == [[0, HOSTILE, 0.0, "[1, 2]"], [1, HOSTILE, None, "[1, 2]"], [2, HOSTILE, 2 / 7, "[1, 2]"]]
    answer = studio.place.http.get(f"/api/workspaces/default/jobs/{run}/table?path=scores/none.parquet")
    assert answer.status_code == 404
    answer = studio.place.http.get(
        f"/api/workspaces/default/jobs/{studio.made['train']}/table?path=outputs/config.json"
    )
    assert answer.json()["code"] == "NotATable"
    answer = studio.place.http.get(f"/api/workspaces/default/jobs/{run}/table?path=../../../zaffre.db")
    assert answer.status_code in (400, 404)
