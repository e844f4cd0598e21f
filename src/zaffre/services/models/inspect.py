"""What can be learned of a model without running any of it: YAML and file names only, never a pickle (SEC-06)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from zaffre.core.manifest import Manifest
from zaffre.spec.foreign import BYTES, foreign

REPORT = "onnx_report.json"  # beside the MLmodel of a converted model
REPORT_BYTES = 1 << 20


def facts_of_model(folder: Path) -> dict[str, Any]:
    """`flavors` and `signature` of an MLflow model folder (or of the one folder in it); nothing for other models."""
    places = [folder / "MLmodel", *sorted(folder.glob("*/MLmodel"))] if folder.is_dir() else []
    for place in places:
        if place.is_file() and place.stat().st_size <= BYTES:
            report = place.parent / REPORT
            small = report.is_file() and not report.is_symlink() and report.stat().st_size <= REPORT_BYTES
            return _facts(place.read_bytes()) | (_conversion(report.read_bytes()) if small else {})
    return {}


def facts_of_stored_model(tree: Manifest, read: Callable[[str], BinaryIO]) -> dict[str, Any]:
    """The same of a stored tree; `read` opens an object by its hash."""
    found = [entry for entry in tree.entries if entry.path == "MLmodel" or entry.path.count("/") == 1]
    found = [entry for entry in found if entry.path.rpartition("/")[2] == "MLmodel" and entry.size <= BYTES]
    if not found:
        return {}
    first = min(found, key=lambda entry: (entry.path.count("/"), entry.path))
    with read(first.hash) as file:
        facts = _facts(file.read())
    beside = first.path.rpartition("/")[0] + "/" + REPORT
    for entry in tree.entries:
        if beside in (f"/{entry.path}", entry.path):
            with read(entry.hash) as file:
                facts |= _conversion(file.read(REPORT_BYTES))
    return facts


def _conversion(text: bytes) -> dict[str, Any]:
    """The report of an export, as data."""
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(report, dict):
        return {}
    kept = ("source", "sample", "comparison", "onnx", "platforms")
    return {"conversion": {key: report[key] for key in kept if isinstance(report.get(key), dict | str)}}


def _facts(text: bytes) -> dict[str, Any]:
    document = foreign(text)
    if isinstance(flavors := document.get("flavors"), dict):
        document["flavors"] = {name: said if isinstance(said, dict) else {} for name, said in flavors.items()}
    known = {"flavors": dict, "signature": dict, "mlflow_version": str, "run_id": str, "saved_input_example_info": dict}
    facts = {key: document.get(key) for key, form in known.items() if isinstance(document.get(key), form)}
    facts["input_example"] = facts.pop("saved_input_example_info", None)
    return {key: value for key, value in facts.items() if value}
