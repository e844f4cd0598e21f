"""Formats are told by content, as data: real and hostile files."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaffre.core import onnx_header
from zaffre.core.model_format import recognise


def found_in(files: dict[str, bytes]) -> Any:
    return recognise({name: len(data) for name, data in files.items()}, lambda name: io.BytesIO(files[name]))


def field(number: int, kind: int, value: bytes | int) -> bytes:
    def varint(value: int) -> bytes:
        out = bytearray()
        while True:
            value, low = value >> 7, value & 0x7F
            out.append(low | (0x80 if value else 0))
            if not value:
                return bytes(out)

    head = varint(number << 3 | kind)
    return head + (varint(value) if isinstance(value, int) else varint(len(value)) + value)


def tensor(name: str, kind: int, *sizes: int | str) -> bytes:
    shape = b"".join(field(1, 2, field(1, 0, s) if isinstance(s, int) else field(2, 2, s.encode())) for s in sizes)
    return field(1, 2, name.encode()) + field(2, 2, field(1, 2, field(1, 0, kind) + field(2, 2, shape)))


def onnx(weights: int = 10) -> bytes:
    graph = (
        field(5, 2, b"\x00" * weights) + field(11, 2, tensor("x", 1, "batch", 4)) + field(12, 2, tensor("y", 7, -1 & 1))
    )
    return field(1, 0, 8) + field(2, 2, b"test") + field(7, 2, graph) + field(8, 2, field(1, 2, b"") + field(2, 0, 17))


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def safetensors(header: dict[str, Any]) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


WEIGHTS = safetensors(
    {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"format": "pt"}}
)
PICKLE = pickle.dumps({"a": 1})
XGB = {"version": [3, 2, 0], "learner": {"feature_names": ["a", "b"], "learner_model_param": {"num_feature": "2"},
                                         "objective": {"name": "binary:logistic"}}}  # fmt: skip
CASES = {
    "onnx": ({"m.onnx": onnx()}, "onnx", []),
    "xgboost": ({"m.json": json.dumps(XGB).encode()}, "xgboost", []),
    "xgboost-ubj": ({"m.ubj": b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{"}, "xgboost", []),
    "lightgbm": ({"m.txt": b"tree\nversion=v4\nnum_class=1\nobjective=binary\nfeature_names=a b\n\nTree=0\n"}, "lightgbm", []),
    "keras": ({"m.keras": zipped(**{"config.json": b"{}", "metadata.json": b'{"keras_version": "3.1"}'})}, "tensorflow", []),
    "saved-model": ({"saved_model.pb": b"\x08\x01", "variables/variables.index": b"x"}, "tensorflow", []),
    "skops": ({"m.skops": zipped(**{"schema.json": b'{"__module__": "sklearn.tree"}'})}, "sklearn", []),
    "torchscript": ({"m.pt": zipped(**{"net/code/a.py": b"", "net/data.pkl": PICKLE})}, "pytorch", []),
    "torch-export": ({"m.pt2": zipped(**{"net/archive_format": b"pt2", "net/models/model.json": b"{}"})}, "pytorch", []),
    "torch-save": ({"m.pt": zipped(**{"net/data.pkl": PICKLE})}, "pytorch", ["m.pt"]),
    "pickle": ({"m.pkl": PICKLE}, "sklearn", ["m.pkl"]),
    "pickle by content": ({"model.bin": PICKLE}, "sklearn", ["model.bin"]),
    "joblib": ({"m.joblib": b"\x78\x9c..."}, "sklearn", ["m.joblib"]),
    "mlflow": ({"m/MLmodel": b"flavors: {}", "m/model.pkl": PICKLE}, "mlflow", ["m/model.pkl"]),
    "hugging face": ({"config.json": b'{"model_type": "bert"}', "model.safetensors": WEIGHTS}, "huggingface", []),
    "hugging face, pickled": ({"config.json": b'{"model_type": "bert"}', "pytorch_model.bin": PICKLE}, "huggingface", ["pytorch_model.bin"]),
    "safetensors": ({"w.safetensors": WEIGHTS}, "safetensors", []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_formats_are_told_by_content(case: str) -> None:
    files, format_, pickles = CASES[case]
    found = found_in(files)
    assert (found.format, found.pickles) == (format_, pickles)


def test_what_a_format_says_of_itself() -> None:
    found = found_in({"m.onnx": onnx(100_000)})
    assert found.flavors["onnx"]["opsets"] == {"ai.onnx": 17}
    assert found.signature["inputs"] == [{"name": "x", "type": "float32", "shape": ["batch", 4]}]
    boosted = found_in(CASES["xgboost"][0])
    assert boosted.flavors["xgboost"]["objective"] == "binary:logistic"
    assert [item["name"] for item in boosted.signature["inputs"]] == ["a", "b"]
    assert found_in(CASES["safetensors"][0]).flavors["safetensors"]["parameters"] == 6
    lambdas = zipped(**{"config.json": b'{"class_name": "Lambda"}', "metadata.json": b"{}"})
    assert "Lambda" in found_in({"m.keras": lambdas}).notes[0]
    custom = {"config.json": b'{"model_type": "x", "auto_map": {"AutoModel": "x.Y"}}', "m.safetensors": WEIGHTS}
    assert "Python code of its own" in found_in(custom).notes[0]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x08", b"tree", b'{"learner": 1}', b'{"learner": {"objective": [1]}}', b"PK\x03\x04broken", b"\x00" * 100,
     struct.pack("<Q", 2**63) + b"{}", b"[" * 100_000, onnx()[:-3], b'{"learner":' + b"[" * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("name", ["m.onnx", "m.json", "m.safetensors", "m.pt", "m.txt"])
def test_malformed_files_are_told_or_unknown_never_an_error(name: str, data: bytes) -> None:
    found_in({name: data})
    found_in({"config.json": data, "x.safetensors": data})


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["m.onnx", "m.json", "m.keras", "m.bin"]))
def test_anything_may_come(data: bytes, name: str) -> None:
    found_in({name: data})
    onnx_header.read(io.BytesIO(data))


def test_other_files_are_no_model(tmp_path: Path) -> None:
    assert found_in({"README.md": b"# hello", "data.csv": b"a,b\n1,2\n"}) is None
    assert found_in({}) is None
