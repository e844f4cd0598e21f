"""The script of a batch deployment that has none: an MLflow model scores the rows of files by itself.

Every file is a table (.csv, .tsv, .json, .jsonl, .parquet); a mini-batch may be a DataFrame as well. One line for each
row comes out: its number in the file, what the model says of it, the name of the file. Large CSV files are read in
pieces. AZUREML_MODEL_DIR names the folder around the model.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

SEPARATOR = ","
PIECE_ROWS = 100_000
MODEL: Any = None


def init() -> None:
    global MODEL  # noqa: PLW0603  the form that scripts have
    import mlflow

    MODEL = mlflow.pyfunc.load_model(model_folder(os.environ["AZUREML_MODEL_DIR"]))


def model_folder(parent: str) -> str:
    """The folder with the file MLmodel: this one, or one below."""
    for place, folders, names in os.walk(parent, followlinks=True):
        if "MLmodel" in names:
            return place
        folders.sort()
    raise FileNotFoundError("the model has no file MLmodel: it is no MLflow model; give the deployment a script")


def run(mini_batch: Any) -> Any:
    import pandas

    if not isinstance(mini_batch, list):
        return scored(mini_batch, 0, "")
    parts = []
    for path in mini_batch:
        row = 0
        for piece in pieces(path):
            if len(piece):
                parts.append(scored(piece, row, os.path.basename(path)))
            row += len(piece)
    return pandas.concat(parts) if parts else pandas.DataFrame()


def pieces(path: str) -> Iterator[Any]:
    """The rows of a file. Raises `ValueError` for one that is no table."""
    import pandas

    kind = os.path.splitext(path)[1].lower()
    if kind in (".csv", ".tsv"):
        yield from pandas.read_csv(path, sep="\t" if kind == ".tsv" else ",", chunksize=PIECE_ROWS)
    elif kind in (".parquet", ".pqt"):
        yield pandas.read_parquet(path)
    elif kind in (".jsonl", ".json"):
        yield pandas.read_json(path, lines=kind == ".jsonl")
    else:
        raise ValueError(f"{path} is no table that a model can be given (.csv, .tsv, .parquet, .json, .jsonl)")


def scored(table: Any, first: int, name: str) -> Any:
    """Number, prediction, file. Several columns of predictions stay several."""
    import pandas

    made = MODEL.predict(table)
    if getattr(made, "ndim", 1) > 1:
        frame = pandas.DataFrame(made).reset_index(drop=True)
    else:
        frame = pandas.DataFrame({"prediction": list(made) if isinstance(made, tuple) else made})
        frame = frame.reset_index(drop=True)
    frame.insert(0, "_row", range(first, first + len(frame)))
    frame["_file"] = name
    return frame
