"""Load documents of the YAML language from files, as the models that they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zaffre.base import errors
from zaffre.sdk import documents
from zaffre.sdk.step import Component
from zaffre.spec.command import CommandJob
from zaffre.spec.data import Data
from zaffre.spec.environment import Environment
from zaffre.spec.model import Model
from zaffre.spec.pipeline import PipelineJob

Overrides = Sequence[Mapping[str, Any]]


def load_job(source: str | Path, *, params_override: Overrides = ()) -> CommandJob | PipelineJob:
    """A job from a YAML file; files that it names are put in place, paths become absolute.

    `params_override` replaces values first: `[{"inputs.lr": 0.1}, {"compute": "cpu"}]`. Raises `SpecError` with every
    fault, each with file, line and column.

    >>> job = load_job("job.yml", params_override=[{"display_name": "second try"}])    # doctest: +SKIP
    """
    found = _load(source, "job", params_override)
    assert isinstance(found, CommandJob | PipelineJob)
    return found


def load_component(source: str | Path, *, params_override: Overrides = ()) -> Component:
    """A component from a YAML file, or a registered one (`azureml:NAME:VERSION`); called in a pipeline it is a step.

    >>> train = load_component("azureml:train:2")
    >>> train.reference
    'azureml:train:2'
    """
    if isinstance(source, str) and source.startswith("azureml:"):
        return Component(reference=source)
    return Component(_load(source, "component", params_override))


def load_data(source: str | Path, *, params_override: Overrides = ()) -> Data:
    """A data asset from a YAML file."""
    found = _load(source, "data", params_override)
    assert isinstance(found, Data)
    return found


def load_environment(source: str | Path, *, params_override: Overrides = ()) -> Environment:
    """An environment from a YAML file."""
    found = _load(source, "environment", params_override)
    assert isinstance(found, Environment)
    return found


def load_model(source: str | Path, *, params_override: Overrides = ()) -> Model:
    """A model from a YAML file."""
    found = _load(source, "model", params_override)
    assert isinstance(found, Model)
    return found


def _load(source: str | Path, kind: str, params_override: Overrides) -> Any:
    overrides = [documents.override(path, value) for one in params_override for path, value in one.items()]
    found = documents.load(source, overrides, kind=kind)
    if found.kind.partition("/")[0] != kind:
        raise errors.InvalidRequest(f"{source} is a {found.kind}, not a {kind}", code="WrongKind")
    return found.spec
