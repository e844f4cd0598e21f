"""The programs of parallel steps by themselves: tables, partitions, results of every kind, old Pythons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zaffre.plugins.virtualenv.interpreters import scan, search_folders
from zaffre.runtime import parallel_driver, parallel_worker

DRIVER = str(parallel_driver.__file__)
# Stands for the package of the job's environment: as much of it as reading one CSV takes.
MLTABLE = """
import glob, os, pandas
class Table:
    def __init__(self, folder): self.folder = folder
    def to_pandas_dataframe(self):
        return pandas.concat([pandas.read_csv(path) for path in sorted(glob.glob(self.folder + "/*.csv"))])
def load(folder): return Table(folder)
"""
TABULAR = """
import os
def run(table, context):
    print("index", list(table.index)[:1], "partition", context.partition_key_value)
    return table
"""


def drive(
    folder: Path, script: str, source: Path, python: str = sys.executable, **fields: Any
) -> tuple[int, str, list[str]]:
    """(exit status, what it printed, the rows)."""
    code = folder / "code"
    code.mkdir(exist_ok=True)
    (code / "score.py").write_text(script)
    layout = {
        "entry": "score.py", "arguments": [], "input": str(source), "input_name": "data", "key": "k",
        "state": str(folder / "state"), "logs": str(folder / "logs"), "append_to": str(folder / "out/rows.txt"),
        "batch_files": 2, "batch_bytes": 1 << 20, "workers": 2, "timeout_s": 60, "init_timeout_s": 60, "shutdown_s": 5,
        "retries": 0, "error_threshold": -1, "mini_batch_error_threshold": -1, "allowed_failed_percent": 100,
        "partition_keys": [], "append_name": "rows.txt", **fields,
    }  # fmt: skip
    (folder / "layout.json").write_text(json.dumps(layout))
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW", "PYTHON"))}
    done = subprocess.run(
        [python, DRIVER, str(folder / "layout.json")],
        cwd=code, env={**clean, "PYTHONPATH": str(folder / "packages"), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
    )  # fmt: skip
    rows = folder / "out/rows.txt"
    return done.returncode, done.stdout, rows.read_text().splitlines() if rows.exists() else []


@pytest.fixture
def table(tmp_path: Path) -> Path:
    pytest.importorskip("pandas")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/mltable.py").write_text(MLTABLE)
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "MLTable").write_text(
        "paths:\n  - pattern: ./*.csv\ntransformations:\n  - read_delimited:\n      delimiter: ','\n"
    )
    lines = [f"{1000 + number % 3},{'ab'[number % 2]},{number}" for number in range(12)]
    (folder / "sales.csv").write_text("Store,Brand,Amount\n" + "\n".join(lines) + "\n")
    return folder


def test_a_table_is_cut_by_size(tmp_path: Path, table: Path) -> None:
    status, said, rows = drive(tmp_path, TABULAR, table, batch_bytes=200)
    assert status == 0, said
    assert rows == [f"{1000 + number % 3} {'ab'[number % 2]} {number}" for number in range(12)]
    assert "(12 rows)" in said
    assert said.count("index [0] partition None") > 1
    assert drive(tmp_path, TABULAR, table, batch_bytes=200)[1].count("index") == 0, "all is finished"


def test_a_table_is_cut_by_keys_whose_values_are_text(tmp_path: Path, table: Path) -> None:
    status, said, rows = drive(tmp_path, TABULAR, table, partition_keys=["Store", "Brand"])
    assert status == 0, said
    assert "partition {'Store': '1000', 'Brand': 'a'}" in said
    assert len(rows) == 12
    assert rows[:2] == ["1000 a 0", "1000 a 6"]
    status, said, rows = drive(tmp_path, TABULAR, table, partition_keys=["Town"])
    assert (status, "the table has no column Town" in said) == (1, True)


def test_tables_that_cannot_be_read(tmp_path: Path, table: Path) -> None:
    (table / "sales.csv").write_text("Store,Brand,Amount\n")
    assert "is empty: there is nothing to do" in drive(tmp_path, TABULAR, table)[1]
    (tmp_path / "packages/mltable.py").unlink()
    status, said, _ = drive(tmp_path, TABULAR, table, key="other")
    assert (status, "needs the packages mltable and pandas" in said) == (1, True)


def test_an_mltable_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    (folder / "MLTable").write_text("paths:\n  - folder: ./inner\n")
    for name in ("b.png", "a.png", "c.png"):
        (folder / "inner" / name).touch()
    status, said, rows = drive(tmp_path, "import os\ndef run(b):\n    return [os.path.basename(p) for p in b]", folder)
    assert (status, rows) == (0, ["a.png", "b.png", "c.png"]), said


def test_files_of_so_many_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}").write_text("x" * 40)
    status, said, rows = drive(tmp_path, "def run(b):\n    return [len(b)]", folder, batch_files=None, batch_bytes=100)
    assert (status, rows) == (0, ["2", "2", "2"]), said


def test_links_that_lead_nowhere_or_round(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/a").write_text("xx")
    (folder / "inner/round").symlink_to(folder)
    (folder / "nowhere").symlink_to(tmp_path / "nothing")
    (folder / "locked").touch()
    (folder / "locked").chmod(0)
    script = "def run(b):\n    return [len(open(path).read()) for path in b]"
    for files in (1, None):
        status, said, rows = drive(tmp_path, script, folder, batch_files=files, batch_bytes=1, key=str(files))
        assert status == 0, said
        assert "No such file or directory" in said
        assert rows[-1:] == ["2"], rows


def test_old_pythons(tmp_path: Path) -> None:
    """The programs run in the environment of the step, whatever its Python."""
    found = {one.minor: one for one in scan(list(search_folders(os.environ)))}
    old = [found[version] for version in ("3.7", "3.8") if version in found]
    if not old:
        pytest.skip("there is no old Python here")
    data = tmp_path / "data"
    data.mkdir()
    for number in range(5):
        (data / f"{number}.txt").touch()
    for place, one in enumerate(old):
        folder = tmp_path / str(place)
        folder.mkdir()
        script = "import sys\ndef run(batch, context):\n    return [f'{sys.version_info[1]} {context.minibatch_index}' for _ in batch]"
        status, said, rows = drive(folder, script, data, str(one.path))
        assert status == 0, said
        assert rows == [f"{one.minor[2:]} {number}" for number in (0, 0, 1, 1, 2)]


@pytest.mark.parametrize(
    ("returned", "text", "rows"),
    [
        (None, "", None),
        ([], "", 0),
        (["a", 1, None, "two\nlines"], "a\n1\nNone\ntwo\\nlines\n", 4),
        ((item for item in "ab"), "a\nb\n", 2),
        ({"b"}, "b\n", 1),
        ([[1, 2]], "[1, 2]\n", 1),
    ],
)
def test_what_run_returns_becomes_lines(returned: Any, text: str, rows: int | None) -> None:
    pieces, count = parallel_worker.text_of(returned)
    assert ("".join(pieces), count) == (text, rows)


def test_tables_and_arrays_become_lines() -> None:
    pandas, numpy = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    table = pandas.DataFrame({"x": [1.5, 2], "y": ["a b", "c"]}, index=[7, 8])
    assert parallel_worker.text_of(table) == (['1.5 "a b"\n2.0 c\n'], 2)
    assert parallel_worker.text_of(table["x"])[0] == ["1.5\n", "2.0\n"]
    assert parallel_worker.text_of(numpy.array([[1, 2], [3, 4]]))[0] == ["1 2\n", "3 4\n"]
    assert parallel_worker.text_of(numpy.array([1, 2])) == (["1\n", "2\n"], 2)


@pytest.mark.parametrize("returned", [7, "text", b"x", {"a": 1}, True])
def test_what_has_no_rows_is_refused(returned: Any) -> None:
    with pytest.raises(parallel_worker.WrongReturn, match=type(returned).__name__):
        parallel_worker.text_of(returned)


MLFLOW = """
import sys, types
class Model:
    def predict(self, table):
        return (table["x"] * 2).to_numpy() if "y" not in table else table[["x", "y"]]
pyfunc = types.SimpleNamespace(load_model=lambda folder: Model() if folder.endswith("forest") else None)
"""


def test_a_model_that_scores_by_itself(tmp_path: Path) -> None:
    """As a batch deployment of an MLflow model without a script: number of the row, predictions, file."""
    pandas = pytest.importorskip("pandas")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/mlflow.py").write_text(MLFLOW)
    (tmp_path / "models/forest").mkdir(parents=True)
    (tmp_path / "models/forest/MLmodel").touch()
    data = tmp_path / "data"
    data.mkdir()
    table = pandas.DataFrame({"x": [1, 2]})
    table.to_csv(data / "1.csv", index=False)
    table.to_csv(data / "2.tsv", index=False, sep="\t")
    table.to_json(data / "3.jsonl", lines=True, orient="records")
    table.to_json(data / "4.json", orient="records")
    (data / "5.csv").write_text("x\n")
    pandas.DataFrame({"x": [1], "y": [5]}).to_csv(data / "6.csv", index=False)
    (data / "7.png").touch()
    variables = {"AZUREML_MODEL_DIR": str(tmp_path / "models")}
    status, said, rows = drive(tmp_path, "", data, entry=None, batch_files=1, variables=variables)
    assert status == 0, said
    assert rows == [
        *(f"{row},{2 * (row + 1)},{name}" for name in ("1.csv", "2.tsv", "3.jsonl", "4.json") for row in (0, 1)),
        "0,1,5,6.csv",
    ]
    assert "7.png is no table that a model can be given" in said
    (tmp_path / "models/forest/MLmodel").unlink()
    status, said, _ = drive(tmp_path, "", data, entry=None, variables=variables, key="other")
    assert (status, "it is no MLflow model" in said) == (1, True)
