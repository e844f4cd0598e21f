"""The rows on which the model and its conversion are compared."""

from __future__ import annotations

import json
import os
from typing import Any

from .load import Loaded
from .problem import Problem

MOST = 1000  # rows
SUFFIXES = (".csv", ".parquet", ".json", ".jsonl", ".npy")
EXAMPLES = ("input_example.json", "serving_input_example.json")


class Sample:
    """`data` is a data frame with the model's columns, or an array; `source` says in words where it is from."""

    def __init__(self, data: Any, source: str, notes: list[str]) -> None:
        self.data, self.source, self.notes = data, source, notes

    def __len__(self) -> int:
        return len(self.data)

    @property
    def is_frame(self) -> bool:
        return hasattr(self.data, "columns")

    def facts(self) -> dict[str, Any]:
        return {"rows": len(self), "source": self.source, "notes": self.notes}


def take(model: Loaded, given: str, run_data: str) -> Sample:
    """What was given, else data that the run used, else the input example, else random numbers.

    Raises `Problem` when what was given does not fit, and when nothing is stored and columns hold texts.
    """
    notes: list[str] = []
    if given:
        return Sample(_fitting(model, _read(given)), "given", notes)
    if run_data:
        try:
            return Sample(_fitting(model, _read(run_data)), "data that the run used", notes)
        except Exception as error:
            notes.append(f"the data that the run used is not taken: {error}")
    example = _example(model)
    if example is not None:
        return Sample(_fitting(model, example), "input example", notes)
    return Sample(_random(model), "random numbers: no input example is stored", notes)


def _read(path: str) -> Any:
    if os.path.isdir(path):
        names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIXES))
        if not names:
            raise Problem(f"no table in {os.path.basename(path)}: {', '.join(SUFFIXES)}")
        path = os.path.join(path, names[0])
    if path.endswith(".npy"):
        import numpy

        return numpy.load(path, allow_pickle=False)[:MOST]
    import pandas

    if path.endswith(".parquet"):
        return pandas.read_parquet(path).head(MOST)
    if path.endswith((".json", ".jsonl")):
        with open(path, encoding="utf-8") as file:
            return pandas.read_json(path, lines=True) if path.endswith("l") else _plain(json.load(file))
    return pandas.read_csv(path, nrows=MOST)


def _plain(value: Any) -> Any:
    """The forms in which MLflow keeps examples."""
    if isinstance(value, dict):
        value = value.get("dataframe_split") or value
        if "columns" in value and "data" in value:
            import pandas

            return pandas.DataFrame(value["data"], columns=value["columns"])
        value = value.get("inputs", value.get("instances", value.get("data", value)))
    if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
        import pandas

        return pandas.DataFrame(value)
    import numpy

    return numpy.asarray(value)


def _example(model: Loaded) -> Any:
    info = model.mlmodel.get("saved_input_example_info") or {}
    for name in [info.get("artifact_path"), *EXAMPLES]:
        path = os.path.join(model.folder, name) if name else ""
        if path.endswith(".json") and os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return _plain(json.load(file))
    return None


TYPES = {"double": "float64", "float": "float32", "long": "int64", "integer": "int32", "boolean": "bool"}


def _fitting(model: Loaded, data: Any) -> Any:
    """Only the model's columns, in its order, of its types."""
    if model.kind == "torch":
        import numpy

        array = numpy.asarray(data)
        return array if array.dtype.kind in "iu" else array.astype(_torch_type(model))
    columns, width = model.columns(), model.width()
    if hasattr(data, "columns"):
        data.columns = [str(name) for name in data.columns]
        if columns is not None:
            missing = [name for name in columns if name not in data.columns]
            if missing:
                raise Problem(f"the sample lacks columns {', '.join(missing[:8])}")
            data = _typed(data[columns], model.mlmodel).head(MOST)
            return data
        data = data.to_numpy()
    if width is not None and data.shape[1:] != (width,):
        raise Problem(f"the sample has shape {data.shape}; the model was fitted on {width} columns")
    if columns is not None:
        import pandas

        return pandas.DataFrame(data, columns=columns)
    return data


def _typed(frame: Any, mlmodel: dict[str, Any]) -> Any:
    """JSON knows no types: those of the signature hold."""
    try:
        fields = json.loads((mlmodel.get("signature") or {}).get("inputs") or "[]")
    except ValueError:
        fields = []
    kinds = {item.get("name"): TYPES.get(str(item.get("type"))) for item in fields if isinstance(item, dict)}
    wanted = {name: kinds[name] for name in frame.columns if kinds.get(name)}
    return frame.astype(wanted) if wanted else frame


def _torch_type(model: Loaded) -> str:
    first = next(iter(model.model.parameters()), None)
    return "float64" if first is not None and str(first.dtype) == "torch.float64" else "float32"


def _random(model: Loaded) -> Any:
    """Numbers as a normal distribution gives them: a weak sample, and said to be one."""
    import numpy

    hint = "log the model with an input_example, or give rows: --sample azureml:my-data:1"
    fields = json.loads((model.mlmodel.get("signature") or {}).get("inputs") or "[]")
    if any(str(item.get("type")) == "string" for item in fields if isinstance(item, dict)):
        raise Problem("no rows are stored to compare on, and columns hold texts", hint=hint)
    width = model.width()
    if width is None or model.kind == "torch":
        raise Problem("no rows are stored to compare on", hint=hint)
    array = numpy.random.default_rng(0).normal(size=(256, width))
    columns = model.columns()
    if columns is None:
        return array
    import pandas

    return pandas.DataFrame(array, columns=columns)
