"""What a model's files are, told by their content. Nothing is unpickled, imported or run: headers, JSON and names only.

`signature` is given where a format itself says what it takes (ONNX, XGBoost, LightGBM, safetensors).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from zaffre.core import onnx_header

FORMATS = ("mlflow", "huggingface", "tensorflow", "onnx", "xgboost", "lightgbm", "pytorch", "safetensors", "sklearn")
HEADER_BYTES = 16 << 20  # of a text or JSON header that is read whole
MEMBERS = 100_000  # of a zip archive
PICKLE_HEADS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
PICKLE_NAMES = (".pkl", ".pickle", ".joblib", ".sav")
Open = Callable[[str], BinaryIO]


@dataclass
class Found:
    """`format` is one of FORMATS; `pickles` are the files that run a program when they are opened."""

    format: str
    flavors: dict[str, Any] = field(default_factory=dict)
    signature: dict[str, Any] | None = None
    pickles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def recognise(sizes: Mapping[str, int], opening: Open) -> Found | None:
    """`sizes` are the files by relative path; `opening` opens one. None for what is of no known format."""
    names = {name.rpartition("/")[2] for name in sizes if name.count("/") <= 1}
    found = _of_folder(sizes, names, opening)
    if found is None:
        found = next(filter(None, (_of_file(name, size, opening) for name, size in sorted(sizes.items()))), None)
    pickles = [name for name, size in sorted(sizes.items()) if size and _is_pickle(name, opening)]
    if found is None and pickles:
        found = Found("sklearn", {"pickle": {"data": pickles[0]}})
    if found is not None:
        found.pickles = pickles
    return found


def _of_folder(sizes: Mapping[str, int], names: set[str], opening: Open) -> Found | None:
    if "MLmodel" in names:
        return Found("mlflow")
    if "saved_model.pb" in names:
        return Found("tensorflow", {"tensorflow": {"saved_model": True}})
    if "config.json" in names and any(name.endswith((".safetensors", "pytorch_model.bin")) for name in names):
        return _huggingface(sizes, opening)
    return None


def _huggingface(sizes: Mapping[str, int], opening: Open) -> Found | None:
    path = min((name for name in sizes if name.rpartition("/")[2] == "config.json"), key=len)
    config = _json(opening, path, sizes[path])
    if not isinstance(config, dict) or not ("model_type" in config or "architectures" in config):
        return None
    facts = {key: config.get(key) for key in ("model_type", "architectures", "torch_dtype", "transformers_version")}
    found = Found("huggingface", {"transformers": {key: value for key, value in facts.items() if value}})
    total = 0
    for name in sizes:
        if name.endswith(".safetensors") and (header := _safetensors_header(opening, name)):
            total += _parameters(header)
    if total:
        found.flavors["transformers"]["parameters"] = total
    if config.get("auto_map"):
        found.notes.append("config.json names Python code of its own (auto_map): it runs when the model is loaded")
    return found


def _of_file(name: str, size: int, opening: Open) -> Found | None:
    with opening(name) as file:
        head = file.read(4096)
    if head.startswith(b"tree\n"):
        return _lightgbm(opening, name)
    if head.lstrip()[:1] == b"{" and b'"learner"' in head:
        return _xgboost(opening, name, size)
    if head.startswith(b"{") and b"learner" in head[:64]:
        return Found("xgboost", {"xgboost": {"data": name, "model_format": "ubj"}},
                     notes=["the signature of UBJSON is not read here"])  # fmt: skip
    if head.startswith(b"PK\x03\x04"):
        return _archive(opening, name)
    if head.startswith(b"\x89HDF") and name.endswith((".h5", ".hdf5", ".keras")):
        notes = ["HDF5 of Keras 2 may hold Python code (Lambda layers): Keras refuses it unless told otherwise"]
        return Found("tensorflow", {"keras": {"data": name, "keras_format": "h5"}}, notes=notes)
    if name.endswith(".safetensors") and (header := _safetensors_header(opening, name)) is not None:
        facts = {"data": name, "tensors": len(header), "parameters": _parameters(header)}
        return Found("safetensors", {"safetensors": facts}, notes=["weights without a network"])
    if name.endswith(".onnx") or head[:1] == b"\x08":
        return _onnx(opening, name)
    return None


def _onnx(opening: Open, name: str) -> Found | None:
    with opening(name) as file:
        header = onnx_header.read(file)
    if header is None:
        return None
    facts = {"data": name, "ir_version": header.ir_version, "opsets": header.opsets, "producer": header.producer}
    inputs, outputs = ([vars(value) for value in values] for values in (header.inputs, header.outputs))
    return Found("onnx", {"onnx": facts}, {"inputs": inputs, "outputs": outputs})


def _lightgbm(opening: Open, name: str) -> Found:
    with opening(name) as file:
        text = file.read(HEADER_BYTES).split(b"\n\n", 1)[0].decode("utf-8", errors="replace")
    given = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    facts = {key: given.get(key) for key in ("version", "objective", "num_class")}
    columns = given.get("feature_names", "").split()
    return Found("lightgbm", {"lightgbm": {"data": name, **{k: v for k, v in facts.items() if v}}}, _columns(columns))


def _xgboost(opening: Open, name: str, size: int) -> Found | None:
    value = _json(opening, name, size)
    if not isinstance(value, dict):
        return Found("xgboost", {"xgboost": {"data": name}}, notes=["too large for its signature to be read here"])
    learner = _mapping(value.get("learner"))
    parameters = _mapping(learner.get("learner_model_param"))
    version = ".".join(map(str, value.get("version") or []))
    facts = {"data": name, "xgb_version": version, "objective": _mapping(learner.get("objective")).get("name"),
             "num_class": parameters.get("num_class"), "num_feature": parameters.get("num_feature")}  # fmt: skip
    columns = [str(item) for item in learner.get("feature_names") or []]
    if not columns and str(parameters.get("num_feature", "")).isdigit():
        columns = [f"f{number}" for number in range(min(int(parameters["num_feature"]), 100_000))]
    return Found("xgboost", {"xgboost": {key: item for key, item in facts.items() if item}}, _columns(columns))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _columns(names: list[str]) -> dict[str, Any] | None:
    return {"inputs": [{"name": name, "type": "double"} for name in names]} if names else None


def _archive(opening: Open, name: str) -> Found | None:
    """A zip file: Keras, PyTorch in its three forms, skops."""
    with opening(name) as file:
        try:
            archive = zipfile.ZipFile(file)
            members = archive.namelist()[:MEMBERS]
            bare = {member.partition("/")[2] or member for member in members} | set(members)
            if "config.json" in members and "metadata.json" in members:
                return _keras(archive, name)
            if "schema.json" in members:
                return _skops(archive, name)
            if "archive_format" in bare or any(member.endswith("models/model.json") for member in members):
                return Found("pytorch", {"pytorch": {"data": name, "form": "torch.export"}})
            if any(member.startswith("code/") for member in bare) and "data.pkl" in bare:
                return Found("pytorch", {"pytorch": {"data": name, "form": "TorchScript"}},
                             notes=["TorchScript is a program for PyTorch's own interpreter"])  # fmt: skip
            if "data.pkl" in bare:
                return Found("pytorch", {"pytorch": {"data": name, "form": "torch.save"}})
        except (zipfile.BadZipFile, OSError, ValueError, KeyError, RuntimeError):
            return None
    return None


def _keras(archive: zipfile.ZipFile, name: str) -> Found:
    config = _member(archive, "config.json")
    metadata = _member(archive, "metadata.json")
    metadata = metadata if isinstance(metadata, dict) else {}
    facts = {"data": name, "keras_version": metadata.get("keras_version"), "keras_format": "keras"}
    notes = []
    if '"Lambda"' in json.dumps(config):
        notes.append("it holds Python code (a Lambda layer): Keras refuses it unless told otherwise")
    return Found("tensorflow", {"keras": {key: value for key, value in facts.items() if value}}, notes=notes)


def _skops(archive: zipfile.ZipFile, name: str) -> Found:
    text = json.dumps(_member(archive, "schema.json"))
    types = sorted(set(re.findall(r'"__module__": "([\w.]+)"', text)))
    facts = {"data": name, "form": "skops", "modules": types[:200]}
    return Found("sklearn", {"sklearn": facts}, notes=["skops opens only types that are trusted by name"])


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    """A JSON member, never more of it than a header may have, whatever the archive says of its size."""
    with archive.open(name) as file:
        data = file.read(HEADER_BYTES + 1)
    try:
        return json.loads(data) if len(data) <= HEADER_BYTES else None
    except (ValueError, RecursionError):
        return None


def _safetensors_header(opening: Open, name: str) -> dict[str, Any] | None:
    with opening(name) as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= HEADER_BYTES:
            return None
        try:
            header = json.loads(file.read(size))
        except (ValueError, RecursionError):
            return None
    return {key: value for key, value in header.items() if key != "__metadata__"} if isinstance(header, dict) else None


def _parameters(header: Mapping[str, Any]) -> int:
    total = 0
    for tensor in header.values():
        count = 1
        for size in tensor.get("shape") or [] if isinstance(tensor, dict) else []:
            count *= size if isinstance(size, int) else 0
        total += count
    return total


def _json(opening: Open, name: str, size: int) -> Any:
    if size > HEADER_BYTES * 4:
        return None
    with opening(name) as file:
        try:
            return json.load(io.TextIOWrapper(file, encoding="utf-8", errors="replace"))
        except (ValueError, RecursionError):
            return None


def _is_pickle(name: str, opening: Open) -> bool:
    """By its name, its first bytes, or a pickle inside of a PyTorch archive (TorchScript's is read by C++, as data)."""
    if name.lower().endswith(PICKLE_NAMES):
        return True
    with opening(name) as file:
        head = file.read(64)
        if head.startswith(PICKLE_HEADS):
            return True
        if not head.startswith(b"PK\x03\x04"):
            return False
        try:
            members = zipfile.ZipFile(file).namelist()[:MEMBERS]
        except (zipfile.BadZipFile, OSError, ValueError):
            return False
    bare = {member.partition("/")[2] for member in members} | set(members)
    return "data.pkl" in bare and not any(member.startswith("code/") for member in bare)
