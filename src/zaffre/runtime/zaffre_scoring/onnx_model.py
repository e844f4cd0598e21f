"""ONNX models without a scoring script: one file, or several in a folder, each under its own name.

Rows of several requests are scored together when the first dimension of every input and output is free.
"""

from __future__ import annotations

import os
from typing import Any

from . import frames, infer, rows
from .values import BadInput

NUMPY = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16", "tensor(int64)": "int64",
    "tensor(int32)": "int32", "tensor(int16)": "int16", "tensor(int8)": "int8", "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16", "tensor(uint32)": "uint32", "tensor(uint64)": "uint64", "tensor(bool)": "bool",
    "tensor(string)": "object",
}  # fmt: skip


class OneModel:
    """One ONNX file."""

    def __init__(self, name: str, path: str, threads: int) -> None:
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.name = name
        self.session = onnxruntime.InferenceSession(path, options, providers=onnxruntime.get_available_providers())
        self.inputs = self.session.get_inputs()
        self.outputs = [o for o in self.session.get_outputs() if o.type in NUMPY]
        if not self.outputs:
            raise ValueError(f"{os.path.basename(path)} has no output that is a tensor: convert it without ZipMap")
        self.output_names = [o.name for o in self.outputs]
        self.first = self.output_names[:1]
        self.free = all(_free(p) for p in (*self.inputs, *self.outputs))
        self.types = {i.name: NUMPY.get(i.type, "float32") for i in self.inputs}
        single = len(self.inputs) == 1
        self.is_table = single and len(self.inputs[0].shape or ()) == 2
        self.width = self.inputs[0].shape[1] if self.is_table else None
        self.is_columns = not single and all((i.shape or [0])[1:] in ([1], []) for i in self.inputs)

    def metadata(self) -> dict[str, Any]:
        def one(port: Any) -> dict[str, Any]:
            kind = infer.NAMES.get(NUMPY.get(port.type, ""))
            return infer.described(port.name, kind, [n if isinstance(n, int) else -1 for n in port.shape or []])

        return {
            "name": self.name, "versions": ["1"], "platform": "onnx",
            "inputs": [one(i) for i in self.inputs], "outputs": [one(o) for o in self.outputs],
        }  # fmt: skip

    def feed(self, given: list[Any], columns: tuple[str, ...] | None) -> dict[str, Any]:
        import numpy

        if self.is_columns:
            if columns is None:
                columns = tuple(i.name for i in self.inputs)
            place = {name: i for i, name in enumerate(columns)}
            missing = [i.name for i in self.inputs if i.name not in place]
            if missing:
                raise BadInput("missing columns: " + ", ".join(name[:100] for name in missing[:8]))
            try:
                return {
                    i.name: numpy.array([row[place[i.name]] for row in given], dtype=self.types[i.name]).reshape(
                        (len(given), *(i.shape or [0])[1:])
                    )
                    for i in self.inputs
                }
            except (TypeError, ValueError, IndexError, OverflowError):
                raise BadInput("the values of a column do not have its type") from None
        if len(self.inputs) != 1:
            raise BadInput("the model has several inputs: name them, in the form of Open Inference v2")
        port = self.inputs[0]
        try:
            array = numpy.array(given, dtype=self.types[port.name])
        except (TypeError, ValueError, OverflowError):
            raise BadInput("the rows do not make an array of one shape and type") from None
        wanted = port.shape or []
        fits = array.ndim == len(wanted) and all(
            not isinstance(n, int) or n == m for n, m in zip(wanted[1:], array.shape[1:])
        )
        if wanted and not fits:
            raise BadInput(f"the rows have the shape {list(array.shape)}; the model takes {_shape(wanted)}")
        return {port.name: array}


class OnnxModel:
    collects = True

    def __init__(self, config: dict[str, Any]) -> None:
        path, name = config["model"], config["deployment"]["name"]
        files = {name: path} if os.path.isfile(path) else _files(path, name)
        if not files:
            raise FileNotFoundError("the model has no .onnx file")
        threads = int(config.get("threads") or 1)
        print(f"loading {len(files)} ONNX files", flush=True)
        self.models = {key: OneModel(key, file, threads) for key, file in files.items()}
        self.main = next(iter(self.models.values())) if len(self.models) == 1 else None
        self.batches = bool(self.main and self.main.free and (self.main.is_table or self.main.is_columns))
        self.description: dict[str, Any] = {"kind": "onnx", "models": [m.metadata() for m in self.models.values()]}
        if self.main and self.main.is_table:
            row = {"type": "array", "items": {"type": "number"}}
            self.description["input_schema"] = {
                "type": "object", "properties": {"input_data": {"type": "array", "items": row}},
            }  # fmt: skip
        self._warm()

    def score(self, kind: int, payload: bytes) -> Any:
        if kind == frames.INFER:
            request, arrays = infer.parse(payload)
            model = self._chosen(request.get("model"))
            return infer.answer(request, model.name, self._run(model, arrays))
        rows.needs_json(kind)
        parsed = self.parse(kind, payload)
        assert parsed is not None
        return rows.answer(kind, self.predict(parsed.rows, parsed))

    def parse(self, kind: int, payload: bytes) -> rows.Parsed | None:
        if kind == frames.INFER:
            return None
        if self.main is None:
            raise BadInput("there are several models here: address one, as /v2/models/NAME/infer")
        parsed = rows.parse(payload, None)
        width = self.main.width
        if self.batches and parsed.rows and isinstance(width, int) and parsed.key[1] != width:
            raise BadInput(f"a row has {parsed.key[1] or 'no'} values; the model takes {width}")
        return parsed

    def predict(self, given: list[Any], parsed: rows.Parsed) -> Any:
        assert self.main is not None
        return self.main.session.run(self.main.first, self.main.feed(given, parsed.columns))[0]

    part = staticmethod(rows.part)

    @staticmethod
    def answer(kind: int, _parsed: rows.Parsed, mine: Any) -> bytes:
        return rows.answer(kind, mine)

    def _chosen(self, name: Any) -> OneModel:
        if self.main is not None:
            return self.main
        if name not in self.models:
            raise BadInput("there is no such model; there is: " + ", ".join(sorted(self.models)))
        return self.models[name]

    @staticmethod
    def _run(model: OneModel, arrays: dict[str, Any]) -> dict[str, Any]:
        names = {i.name for i in model.inputs}
        if set(arrays) != names:
            if len(arrays) != 1 or len(names) != 1:
                raise BadInput("the inputs of the model are: " + ", ".join(sorted(names)))
            arrays = {next(iter(names)): next(iter(arrays.values()))}
        feed = {}
        for port in model.inputs:
            array, wanted = arrays[port.name], port.shape or []
            kind = model.types[port.name]
            if kind not in ("object", array.dtype.name):
                array = array.astype(kind)
            if len(wanted) != array.ndim or any(isinstance(n, int) and n != m for n, m in zip(wanted, array.shape)):
                shape = list(array.shape)
                raise BadInput(f"input {port.name[:100]} has the shape {shape}; the model takes {_shape(wanted)}")
            feed[port.name] = array
        return dict(zip(model.output_names, model.session.run(model.output_names, feed)))

    def _warm(self) -> None:
        import numpy

        for model in self.models.values():
            try:
                feed = {
                    i.name: numpy.zeros([n if isinstance(n, int) else 1 for n in i.shape or []], model.types[i.name])
                    for i in model.inputs
                    if model.types[i.name] != "object"
                }
                if len(feed) == len(model.inputs):
                    model.session.run(model.output_names, feed)
            except Exception as error:
                print(f"the warm-up call failed: {type(error).__name__}: {error}", flush=True)


def _files(folder: str, alone: str) -> dict[str, str]:
    found = sorted(
        os.path.join(place, name) for place, _, names in os.walk(folder) for name in names if name.endswith(".onnx")
    )
    if len(found) == 1:
        return {alone: found[0]}
    relative = {os.path.relpath(path, folder)[: -len(".onnx")]: path for path in found}
    # Triton's layout: NAME/VERSION/model.onnx
    return {key.split(os.sep)[0] if key.endswith(os.sep + "model") else key: path for key, path in relative.items()}


def _free(port: Any) -> bool:
    return bool(port.shape) and not isinstance(port.shape[0], int)


def _shape(wanted: list[Any]) -> list[Any]:
    return [n if isinstance(n, int) else -1 for n in wanted]
