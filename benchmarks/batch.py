"""A million rows through a model: the mini-batches of a batch endpoint beside a loop over pandas chunks.

    python benchmarks/batch.py --python VENV/bin/python [--rows 1000000] [--files 100] [--repeat 3]

VENV has mlflow, scikit-learn and pandas. Both read the same CSV files and write a line for each row, in the same
environment, with the same two models of the diabetes table: a forest as in `zaffre demo`, and a linear model, whose
own work is next to nothing. CPU time (user and system, all processes) is compared: `ratio` is the loop's by ours, 1 is
equal, more is better. Each line is JSON: model, ours_cpu_s, loop_cpu_s, ratio, ours_wall_s, loop_wall_s, rows.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DRIVER = Path(__file__).resolve().parent.parent / "src/zaffre/runtime/parallel_driver.py"
PREPARE = """
import os, sys
import mlflow, numpy, pandas
from mlflow.models import infer_signature
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
folder, rows, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
table, target = load_diabetes(return_X_y=True, as_frame=True)
for name, model, wanted in (("forest", RandomForestClassifier(40, max_depth=4, random_state=7), target > 150),
                            ("linear", LinearRegression(), target)):
    model.fit(table, wanted)
    mlflow.sklearn.save_model(model, f"{folder}/{name}/model", signature=infer_signature(table, model.predict(table)),
                              pip_requirements=["scikit-learn"], serialization_format="cloudpickle")
many = table.iloc[numpy.random.default_rng(7).integers(0, len(table), rows)]
os.makedirs(f"{folder}/data")
for number, part in enumerate(numpy.array_split(numpy.arange(rows), files)):
    many.iloc[part].to_csv(f"{folder}/data/{number:04}.csv", index=False)
"""
LOOP = """
import glob, sys
import mlflow, pandas
model = mlflow.sklearn.load_model(sys.argv[1])
with open(sys.argv[3], "w") as out:
    for path in sorted(glob.glob(sys.argv[2] + "/*.csv")):
        for chunk in pandas.read_csv(path, chunksize=100_000):
            pandas.DataFrame({"row": range(len(chunk)), "prediction": model.predict(chunk), "file": path.split("/")[-1]}
                             ).to_csv(out, header=False, index=False)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of the environment to measure")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run(options.python, "-c", PREPARE, folder, options.rows, options.files)
        for model in ("forest", "linear"):
            ours, loops = [], []
            for _ in range(options.repeat):
                ours.append(batch(options.python, folder, model))
                loops.append(
                    run(options.python, "-c", LOOP, folder / model / "model", folder / "data", folder / "loop.csv")
                )
                assert lines(folder / "out.csv") == lines(folder / "loop.csv") == options.rows
            (our_cpu, our_wall), (cpu, wall) = (map(statistics.median, zip(*times)) for times in (ours, loops))
            print(
                json.dumps(
                    {
                        "model": model,
                        "ours_cpu_s": our_cpu,
                        "loop_cpu_s": cpu,
                        "ratio": round(cpu / our_cpu, 2),
                        "ours_wall_s": our_wall,
                        "loop_wall_s": wall,
                        "rows": options.rows,
                    }
                ),
                flush=True,
            )


def batch(python: Path, folder: Path, model: str) -> tuple[float, float]:
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    layout = {
        "entry": None, "arguments": [], "input": str(folder / "data"), "input_name": "data", "key": model,
        "state": str(state), "logs": str(folder / "logs"), "append_to": str(folder / "out.csv"), "batch_files": 10,
        "batch_bytes": 1 << 20, "workers": os.cpu_count(), "timeout_s": 600, "init_timeout_s": 600, "shutdown_s": 30,
        "retries": 0, "error_threshold": 0, "mini_batch_error_threshold": 0, "allowed_failed_percent": 0,
        "partition_keys": [], "append_name": "x", "variables": {"AZUREML_MODEL_DIR": str(folder / model)},
    }  # fmt: skip
    (folder / "layout.json").write_text(json.dumps(layout))
    return run(python, DRIVER, folder / "layout.json")


def run(*words: object) -> tuple[float, float]:
    """(CPU, wall) in seconds of a program with all that it starts."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")})  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(cpu, 2), round(time.perf_counter() - start, 2)


def lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


if __name__ == "__main__":
    main()
