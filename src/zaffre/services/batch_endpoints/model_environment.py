"""The environment that an MLflow model says it needs, as a document says environments. Nothing of the model is run."""

from __future__ import annotations

from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.spec.foreign import BYTES, foreign
from zaffre.store.assets import AssetRecord

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"  # any base will do: it carries the conda file


def environment_of_model(ctx: Context, model: AssetRecord) -> dict[str, Any]:
    """From `conda.yaml` beside the file MLmodel, else from `requirements.txt`. Raises `InvalidRequest`."""
    folder = places.local_path(ctx, model.workspace, str(model.uri), [])
    for place in (folder, *sorted(item for item in folder.iterdir() if item.is_dir())):
        if not (place / "MLmodel").is_file():
            continue
        conda, requirements = place / "conda.yaml", place / "requirements.txt"
        if conda.is_file() and conda.stat().st_size <= BYTES and (content := foreign(conda.read_bytes())):
            return {"image": IMAGE, "conda_file": content}
        if requirements.is_file() and requirements.stat().st_size <= BYTES:
            lines = [line.strip() for line in requirements.read_text(encoding="utf-8", errors="replace").splitlines()]
            return {"image": IMAGE, "conda_file": {"dependencies": ["pip", {"pip": [line for line in lines if line]}]}}
    raise InvalidRequest(
        f"model {model.name}:{model.version} has neither conda.yaml nor requirements.txt beside its MLmodel",
        code="EnvironmentMissing",
        hint="give the deployment an environment",
    )
