"""Zaffre: train, track and reuse. Names are loaded when they are first used: `import zaffre` costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zaffre.app.workspace import Workspace as Workspace
    from zaffre.sdk.command import command as command
    from zaffre.sdk.load import load_component as load_component
    from zaffre.sdk.load import load_data as load_data
    from zaffre.sdk.load import load_environment as load_environment
    from zaffre.sdk.load import load_job as load_job
    from zaffre.sdk.load import load_model as load_model
    from zaffre.sdk.pipeline import pipeline as pipeline
    from zaffre.spec.data import Data as Data
    from zaffre.spec.environment import Environment as Environment
    from zaffre.spec.inputs import Input as Input
    from zaffre.spec.inputs import Output as Output
    from zaffre.spec.model import Model as Model

_PLACES = {
    "Data": "zaffre.spec.data",
    "Environment": "zaffre.spec.environment",
    "Input": "zaffre.spec.inputs",
    "Model": "zaffre.spec.model",
    "Output": "zaffre.spec.inputs",
    "Workspace": "zaffre.app.workspace",
    "command": "zaffre.sdk.command",
    "load_component": "zaffre.sdk.load",
    "load_data": "zaffre.sdk.load",
    "load_environment": "zaffre.sdk.load",
    "load_job": "zaffre.sdk.load",
    "load_model": "zaffre.sdk.load",
    "pipeline": "zaffre.sdk.pipeline",
}
__all__ = [
    "Data",
    "Environment",
    "Input",
    "Model",
    "Output",
    "Workspace",
    "command",
    "load_component",
    "load_data",
    "load_environment",
    "load_job",
    "load_model",
    "pipeline",
]


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'zaffre' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(place), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
