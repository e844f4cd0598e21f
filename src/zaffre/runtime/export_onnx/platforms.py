"""Where the ONNX model runs: Linux, Android, iOS. What is checked, and what is not, stands in the report.

Linux: the model ran here, on the CPU, with the onnxruntime that the report names.
Android and iOS: the standard packages of onnxruntime (onnxruntime-android, onnxruntime-c) hold all operators and types
of the standard, as their pages say, so that a model which ran here can run there with the same release or a later one;
the reduced package onnxruntime-mobile ended with release 1.18. What a phone's accelerator takes over is decided by the
lists that onnxruntime itself ships (onnxruntime/tools/mobile_helpers: NNAPI, Core ML). Nothing ran on a phone.
"""

from __future__ import annotations

import os
import re
from typing import Any

STANDARD = ("", "ai.onnx", "ai.onnx.ml")
LARGE = 100 << 20  # bytes that an app should not bring along without a thought
LISTS = {
    "android": ("nnapi_supported_ops.md", "NNAPI"),
    "ios": ("coreml_supported_mlprogram_ops.md", "Core ML (ML Program)"),
}
PACKAGES = {"android": "onnxruntime-android", "ios": "onnxruntime-c / onnxruntime-objc"}


def describe(data: bytes) -> dict[str, Any]:
    """Opsets, operators, inputs and outputs, size. Raises what onnx.checker raises for a malformed model."""
    import onnx

    model = onnx.load_model_from_string(data)
    onnx.checker.check_model(model)
    shapes = [_value(item) for item in model.graph.input]
    operators: dict[str, int] = {}
    for node in _nodes(model.graph):
        name = f"{node.domain or 'ai.onnx'}:{node.op_type}"
        operators[name] = operators.get(name, 0) + 1
    return {
        "bytes": len(data), "ir_version": model.ir_version,
        "opsets": {item.domain or "ai.onnx": item.version for item in model.opset_import},
        "operators": operators, "inputs": shapes, "outputs": [_value(item) for item in model.graph.output],
        "dynamic_batch": all(item["shape"] and not isinstance(item["shape"][0], int) for item in shapes),
    }  # fmt: skip


def _nodes(graph: Any) -> list[Any]:
    """Of the graph and of those inside of loops and branches."""
    found = []
    for node in graph.node:
        found.append(node)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += _nodes(attribute.g)
    return found


def _value(item: Any) -> dict[str, Any]:
    import onnx

    tensor = item.type.tensor_type
    sizes = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "any" for dim in tensor.shape.dim]
    return {"name": item.name, "type": onnx.TensorProto.DataType.Name(tensor.elem_type).lower(), "shape": sizes}


def check(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A verdict a platform: `runs` (it ran), `fits` (everything that can be checked here holds), `does not fit`."""
    import onnxruntime

    release = onnxruntime.__version__
    foreign = sorted(name for name in found["operators"] if name.rpartition(":")[0] not in STANDARD)
    fixed = [] if found["dynamic_batch"] else ["the batch size is fixed"]
    shown = {"linux": _verdict("runs", [f"ran here on onnxruntime {release}, CPU", *fixed])}
    for platform, (file, accelerator) in LISTS.items():
        notes = [f"{PACKAGES[platform]} {release} or later"]
        if found["bytes"] > LARGE:
            notes.append(f"{found['bytes'] >> 20} MB are much for an app")
        taken, known = _accelerated(found["operators"], file)
        if not known:
            notes.append(f"the list of {accelerator} was not found")
        elif taken == len(found["operators"]):
            notes.append(f"{accelerator} lists every operator")
        else:
            notes.append(f"{accelerator} lists {taken} of {len(found['operators'])} operators, the CPU takes the rest")
        texts = [item["name"] for item in found["inputs"] if item["type"] == "string"]
        if texts:
            notes.append(f"text inputs ({', '.join(texts[:3])}) run on the CPU only")
        if foreign:
            shown[platform] = _verdict("does not fit", [f"operators outside of the standard: {', '.join(foreign)}"])
        else:
            shown[platform] = _verdict("fits", [*notes, "not run on a device"])
    return shown


def _verdict(word: str, why: list[str]) -> dict[str, Any]:
    return {"verdict": word, "why": "; ".join(why)}


def _accelerated(operators: dict[str, int], file: str) -> tuple[int, bool]:
    """How many kinds of operators a list of onnxruntime names; whether there is such a list."""
    import onnxruntime

    path = os.path.join(os.path.dirname(onnxruntime.__file__), "tools", "mobile_helpers", file)
    if not os.path.isfile(path):
        return 0, False
    with open(path, encoding="utf-8") as text:
        listed = {name.lower() for name in re.findall(r"^\|([\w.]+:\w+)\|", text.read(), re.MULTILINE)}
    return sum(name.lower() in listed for name in operators), True
