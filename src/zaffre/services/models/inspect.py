"""What can be learned of a model without running any of it: YAML and file names only, never a pickle (SEC-06)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from zaffre.base.limits import YAML_BYTES
from zaffre.core.manifest import Manifest


def facts_of_model(folder: Path) -> dict[str, Any]:
    """`flavors` and `signature` of an MLflow model folder (or of the one folder in it); nothing for other models."""
    places = [folder / "MLmodel", *sorted(folder.glob("*/MLmodel"))] if folder.is_dir() else []
    for place in places:
        if place.is_file() and place.stat().st_size <= YAML_BYTES:
            return _facts(place.read_bytes())
    return {}


def facts_of_stored_model(tree: Manifest, read: Callable[[str], BinaryIO]) -> dict[str, Any]:
    """The same of a stored tree; `read` opens an object by its hash."""
    found = [entry for entry in tree.entries if entry.path == "MLmodel" or entry.path.count("/") == 1]
    found = [entry for entry in found if entry.path.rpartition("/")[2] == "MLmodel" and entry.size <= YAML_BYTES]
    if not found:
        return {}
    with read(min(found, key=lambda entry: (entry.path.count("/"), entry.path)).hash) as file:
        return _facts(file.read())


def _facts(text: bytes) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text.decode())
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    if not isinstance(document, dict):
        return {}
    facts = {key: document.get(key) for key in ("flavors", "signature", "mlflow_version", "run_id")}
    return {key: value for key, value in facts.items() if value}
