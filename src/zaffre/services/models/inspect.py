"""What can be learned of a model without running any of it: YAML and file names only, never a pickle (SEC-06)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from zaffre.base.limits import YAML_BYTES


def facts_of_model(folder: Path) -> dict[str, Any]:
    """`flavors` and `signature` of an MLflow model folder (or of the one folder in it); nothing for other models."""
    places = [folder / "MLmodel", *sorted(folder.glob("*/MLmodel"))] if folder.is_dir() else []
    for place in places:
        if place.is_file() and place.stat().st_size <= YAML_BYTES:
            try:
                document = yaml.safe_load(place.read_text(encoding="utf-8"))
            except (yaml.YAMLError, UnicodeDecodeError):
                return {}
            if not isinstance(document, dict):
                return {}
            facts = {
                "flavors": document.get("flavors"),
                "signature": document.get("signature"),
                "mlflow_version": document.get("mlflow_version"),
                "run_id": document.get("run_id"),
            }
            return {key: value for key, value in facts.items() if value}
    return {}
