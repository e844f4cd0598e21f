"""The folder of the ONNX model: model.onnx, an MLmodel that MLflow opens, the input example, the report."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import sys
import uuid
from typing import Any

from .load import Loaded

TIME = "%Y-%m-%d %H:%M:%S.%f"
KEPT = ("input_example.json", "serving_input_example.json")


def write(folder: str, model: Loaded, data: bytes, report: dict[str, Any]) -> None:
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(data)
    mlmodel = _mlmodel(model, report)
    for name in KEPT:
        if os.path.isfile(os.path.join(model.folder, name)):
            shutil.copy(os.path.join(model.folder, name), folder)
            info = model.mlmodel.get("saved_input_example_info")
            mlmodel.update({"saved_input_example_info": info} if info else {})
    packages = [f"onnx=={_version('onnx')}", f"onnxruntime=={_version('onnxruntime')}", f"numpy=={_version('numpy')}"]
    python = ".".join(map(str, sys.version_info[:3]))
    _text(folder, "requirements.txt", "".join(f"{line}\n" for line in ["mlflow", *packages]))
    virtual = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    conda: dict[str, Any] = {"channels": ["conda-forge"], "name": "mlflow-env"}
    conda["dependencies"] = [f"python={python}", "pip", {"pip": ["mlflow", *packages]}]
    _text(folder, "python_env.yaml", json.dumps(virtual, indent=1))  # JSON is YAML
    _text(folder, "conda.yaml", json.dumps(conda, indent=1))
    _text(folder, "onnx_report.json", json.dumps(report, indent=1, default=str))
    _text(folder, "MLmodel", json.dumps(mlmodel, indent=1))


def _mlmodel(model: Loaded, report: dict[str, Any]) -> dict[str, Any]:
    env = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
    found: dict[str, Any] = {
        "artifact_path": "model",
        "flavors": {
            "onnx": {"code": None, "data": "model.onnx", "onnx_version": _version("onnx"), "onnx_session_options": None,
                     "providers": ["CPUExecutionProvider"]},
            "python_function": {"loader_module": "mlflow.onnx", "data": "model.onnx", "env": env,
                                "python_version": ".".join(map(str, sys.version_info[:3]))},
        },
        "metadata": {"source": report["source"], "opset": report["onnx"]["opsets"]},
        "model_size_bytes": report["onnx"]["bytes"],
        "model_uuid": uuid.uuid4().hex,
        "utc_time_created": datetime.datetime.now(datetime.timezone.utc).strftime(TIME),
    }  # fmt: skip
    found["signature"] = {key: json.dumps(_tensors(report["onnx"][key])) for key in ("inputs", "outputs")}
    if model.mlmodel.get("signature"):
        found["metadata"]["signature_of_source"] = model.mlmodel["signature"]
    return found


DTYPES = {"float": "float32", "double": "float64", "string": "object"}


def _tensors(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As MLflow writes tensors: a size that is not fixed is -1."""
    found = []
    for item in values:
        shape = [size if isinstance(size, int) else -1 for size in item["shape"]]
        spec = {"dtype": DTYPES.get(item["type"], item["type"]), "shape": shape}
        found.append({"name": item["name"], "type": "tensor", "tensor-spec": spec})
    return found


def _version(package: str) -> str:
    module = __import__(package)
    return str(module.__version__)


def _text(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)
