"""What an ONNX file says of itself, read from its protobuf without the package `onnx`: opsets, inputs, outputs.

Weights are skipped, not read: a model of any size costs a few seeks. Field numbers are those of onnx.proto
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

MOST_BYTES = 1 << 20  # of a name, a shape, an operator set
MOST_FIELDS = 5_000_000  # of a graph: nodes and weights
TYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
         10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16"}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """An input or output; a size that is not fixed is its name, or -1."""

    name: str
    type: str
    shape: list[int | str]


@dataclass
class Header:
    ir_version: int = 0
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)


class _Malformed(Exception):
    pass


def read(file: BinaryIO) -> Header | None:
    """None when this is no ONNX model."""
    header = Header()
    seen_graph = False
    try:
        size = file.seek(0, 2)
        for number, kind, start, length in _fields(file, 0, size):
            if number == 1 and kind == 0:
                header.ir_version = length
            elif number == 2 and kind == 2:
                header.producer = _text(file, start, length)
            elif number == 7 and kind == 2:
                seen_graph = True
                _graph(file, start, start + length, header)
            elif number == 8 and kind == 2:
                domain, version = _opset(file, start, start + length)
                header.opsets[domain or "ai.onnx"] = version
    except (_Malformed, OSError, ValueError):
        return None
    return header if seen_graph and header.opsets else None


def _graph(file: BinaryIO, start: int, end: int, header: Header) -> None:
    """Weights may be listed among the inputs (up to IR version 3): those are no inputs of the model."""
    weights: set[str] = set()
    for number, kind, at, length in _fields(file, start, end):
        if kind != 2:
            continue
        if number == 11:
            header.inputs.append(_value(file, at, at + length))
        elif number == 12:
            header.outputs.append(_value(file, at, at + length))
        elif number == 5 and header.ir_version < 4:
            inside = _fields(file, at, at + length)
            weights |= {_text(file, inner, size) for n, k, inner, size in inside if n == 8 and k == 2}
    header.inputs = [value for value in header.inputs if value.name not in weights]


def _value(file: BinaryIO, start: int, end: int) -> Value:
    name, kind_name, shape = "", "unknown", list[int | str]()
    for number, kind, at, length in _fields(file, start, end):
        if number == 1 and kind == 2:
            name = _text(file, at, length)
        elif number == 2 and kind == 2:
            for n, k, inner, size in _fields(file, at, at + length):
                if n == 1 and k == 2:  # a tensor; sequences and maps have other numbers
                    kind_name, shape = _tensor(file, inner, inner + size)
    return Value(name, kind_name, shape)


def _tensor(file: BinaryIO, start: int, end: int) -> tuple[str, list[int | str]]:
    kind_name, shape = "unknown", list[int | str]()
    for number, kind, at, length in _fields(file, start, end):
        if number == 1 and kind == 0:
            kind_name = TYPES.get(length, str(length))
        elif number == 2 and kind == 2:
            for n, k, inner, size in _fields(file, at, at + length):
                if n == 1 and k == 2:
                    shape.append(_dimension(file, inner, inner + size))
    return kind_name, shape


def _dimension(file: BinaryIO, start: int, end: int) -> int | str:
    for number, kind, at, length in _fields(file, start, end):
        if number == 1 and kind == 0:
            return length
        if number == 2 and kind == 2:
            return _text(file, at, length)
    return -1


def _opset(file: BinaryIO, start: int, end: int) -> tuple[str, int]:
    domain, version = "", 0
    for number, kind, at, length in _fields(file, start, end):
        if number == 1 and kind == 2:
            domain = _text(file, at, length)
        elif number == 2 and kind == 0:
            version = length
    return domain, version


def _fields(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(number, wire type, where its content starts, its length; of a varint its value). Raises `_Malformed`."""
    at, count = start, 0
    while at < end:
        count += 1
        if count > MOST_FIELDS:
            raise _Malformed
        file.seek(at)
        tag, used = _varint(file)
        at += used
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, used = _varint(file)
            yield number, kind, at, value
            at += used
        elif kind == 2:
            length, used = _varint(file)
            at += used
            if at + length > end:
                raise _Malformed
            yield number, kind, at, length
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise _Malformed


def _varint(file: BinaryIO) -> tuple[int, int]:
    value = 0
    for position in range(10):
        byte = file.read(1)
        if not byte:
            raise _Malformed
        value |= (byte[0] & 0x7F) << (7 * position)
        if not byte[0] & 0x80:
            return value, position + 1
    raise _Malformed


def _text(file: BinaryIO, start: int, length: int) -> str:
    if length > MOST_BYTES:
        raise _Malformed
    file.seek(start)
    return file.read(length).decode("utf-8", errors="replace")
