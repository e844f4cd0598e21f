"""Open Inference v2: tensors as JSON or as raw bytes after it."""

from __future__ import annotations

from typing import Any

from . import frames
from .values import Answer, BadInput, read, write

NUMPY = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
NAMES = {value: key for key, value in NUMPY.items()}


def parse(payload: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the request, name -> array). Raises `BadInput`."""
    head, body = frames.split_head(payload)
    size = head.get("binary")
    text, rest = (body, b"") if size is None else (body[:size], body[size:])
    if size is not None and size > len(body):
        raise BadInput("Inference-Header-Content-Length is larger than the body")
    request = read(text)
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list) or not request["inputs"]:
        raise BadInput("the request has no list `inputs`")
    arrays: dict[str, Any] = {}
    for tensor in request["inputs"]:
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise BadInput("an input has no name")
        array, rest = _tensor(tensor, rest)
        arrays[tensor["name"]] = array
    if rest:
        raise BadInput("there are more bytes than the tensors take")
    request["model"] = head.get("model")
    return request, arrays


def _tensor(tensor: dict[str, Any], rest: bytes) -> tuple[Any, bytes]:
    import numpy

    name, kind, shape = tensor["name"][:100], tensor.get("datatype"), tensor.get("shape")
    if (
        not isinstance(shape, list)
        or not all(n.__class__ is int and 0 <= n < 1 << 31 for n in shape)
        or len(shape) > 32
    ):
        raise BadInput(f"input {name}: the shape is no list of sizes")
    count = 1
    for n in shape:
        count *= n
    size = (tensor.get("parameters") or {}).get("binary_data_size")
    if kind == "BYTES":
        if size is None:
            flat = _flat(tensor.get("data"), count, name)
            return numpy.array([str(v) for v in flat], dtype=object).reshape(shape), rest
        if size.__class__ is not int or size < 0 or size > len(rest):
            raise BadInput(f"input {name}: the bytes are cut off")
        return numpy.array(_texts(rest[:size], count, name), dtype=object).reshape(shape), rest[size:]
    if kind not in NUMPY:
        raise BadInput(f"input {name}: there is no datatype {str(kind)[:40]}")
    dtype = numpy.dtype(NUMPY[kind]).newbyteorder("<")
    if size is not None:
        if size != count * dtype.itemsize or size > len(rest):
            raise BadInput(f"input {name}: {str(size)[:20]} bytes do not make the shape")
        return numpy.frombuffer(rest[:size], dtype=dtype).reshape(shape), rest[size:]
    flat = _flat(tensor.get("data"), count, name)
    try:
        return numpy.array(flat, dtype=dtype).reshape(shape), rest
    except (TypeError, ValueError, OverflowError):
        raise BadInput(f"input {name}: the values are no {kind}") from None


def _is_size(n: Any) -> bool:
    return n.__class__ is int and 0 <= n < 1 << 31


def _flat(data: Any, count: int, name: str) -> list[Any]:
    if not isinstance(data, list):
        raise BadInput(f"input {name} has no data")
    while data and isinstance(data[0], list):
        if not all(isinstance(item, list) for item in data):
            raise BadInput(f"input {name}: the data is ragged")
        data = [value for item in data for value in item]
    if len(data) != count:
        raise BadInput(f"input {name}: {len(data)} values do not make the shape")
    return list(data)


def _texts(content: bytes, count: int, name: str) -> list[str]:
    found: list[str] = []
    place = 0
    while place + 4 <= len(content) and len(found) < count:
        size = frames.LENGTH.unpack_from(content, place)[0]
        if place + 4 + size > len(content):
            break
        found.append(content[place + 4 : place + 4 + size].decode("utf-8", "replace"))
        place += 4 + size
    if len(found) != count or place != len(content):
        raise BadInput(f"input {name}: the bytes do not make the shape")
    return found


def answer(request: dict[str, Any], model: str, outputs: dict[str, Any]) -> Answer:
    """Binary where it was asked for, of the whole answer or of one output."""
    import numpy

    everything = bool((request.get("parameters") or {}).get("binary_data_output"))
    asked = {o["name"]: o for o in request.get("outputs") or [] if isinstance(o, dict) and "name" in o}
    unknown = [name for name in asked if name not in outputs]
    if unknown:
        raise BadInput("the model has no output " + str(unknown[0])[:100])
    listed: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for name in asked or outputs:
        array = numpy.asarray(outputs[name])
        binary = (asked.get(name, {}).get("parameters") or {}).get("binary_data", everything)
        datatype = NAMES.get(array.dtype.name)
        item: dict[str, Any] = {"name": name, "datatype": datatype or "BYTES", "shape": list(array.shape)}
        if binary and datatype:
            content = numpy.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
            item["parameters"] = {"binary_data_size": len(content)}
            tail.append(content)
        elif datatype:
            item["data"] = array.ravel().tolist()
        else:
            item["data"] = [str(value) for value in array.ravel().tolist()]
        listed.append(item)
    said: dict[str, Any] = {"model_name": model, "outputs": listed}
    if isinstance(request.get("id"), str):
        said["id"] = request["id"][:200]
    text = write(said)
    headers = [["content-type", "application/octet-stream" if tail else "application/json"]]
    if tail:
        headers.append(["inference-header-content-length", str(len(text))])
    return Answer(200, headers, text + b"".join(tail))


def described(name: str, datatype: str | None, shape: list[int]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype or "BYTES", "shape": shape}
