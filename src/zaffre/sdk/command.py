"""`command(...)`: a command job in Python, which is a step when it is called inside of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zaffre.sdk import documents
from zaffre.sdk.step import COMMAND_FIELDS, Step, given, placed, types_of
from zaffre.spec import document
from zaffre.spec.command import CommandJob
from zaffre.spec.environment import Environment
from zaffre.spec.inputs import Input, Output


class Command(CommandJob):
    """A command job that may also be called."""

    def __call__(self, **inputs: Any) -> Step:
        """A step with this command in the pipeline that is being drawn; inputs that are not given stay as they are."""
        fields = {key: getattr(self, key) for key in COMMAND_FIELDS if getattr(self, key) is not None}
        fields["outputs"] = dict(self.outputs or {})
        fields["inputs"] = given({**(self.inputs or {}), **inputs})
        return placed(Step(self.name or "command", fields, types_of(self.outputs)))


def command(
    *,
    command: str,
    environment: str | Environment | Mapping[str, Any],
    code: str | None = None,
    inputs: Mapping[str, Input | str | int | float | bool] | None = None,
    outputs: Mapping[str, Output | str] | None = None,
    name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    experiment_name: str | None = None,
    compute: str | None = None,
    environment_variables: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    properties: Mapping[str, Any] | None = None,
    instance_count: int | None = None,
    instance_type: str | None = None,
    timeout: float | None = None,
    is_deterministic: bool | None = None,
    **fields: Any,
) -> Command:
    """A job that runs one command; `timeout` in seconds. Other fields of the YAML language may be given by name.

    Relative paths start at the current folder. Raises `SpecError` naming every fault.

    >>> hello = command(command="echo ${{inputs.word}}", inputs={"word": "hello"}, environment="azureml:sklearn@latest")
    >>> hello.inputs
    {'word': 'hello'}
    """
    data: dict[str, Any] = {
        "type": "command",
        "command": command,
        "environment": environment,
        "code": code,
        "inputs": inputs,
        "outputs": outputs,
        "name": name,
        "display_name": display_name,
        "description": description,
        "experiment_name": experiment_name,
        "compute": compute,
        "environment_variables": environment_variables,
        "tags": tags,
        "properties": properties,
        "is_deterministic": is_deterministic,
        **fields,
    }
    resources = {"instance_count": instance_count, "instance_type": instance_type}
    if any(value is not None for value in resources.values()):
        data["resources"] = {**(data.get("resources") or {}), **_present(resources)}
    if timeout is not None:
        data["limits"] = {"timeout": timeout}
    found = documents.parse(document.plain(_dicts(_present(data))), "job/command").spec
    return Command.model_construct(found.model_fields_set, **found.__dict__)


def _present(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _dicts(value: Any) -> Any:
    """Mappings of any class as `dict`, which the language asks for."""
    if isinstance(value, Mapping):
        return {key: _dicts(item) for key, item in value.items()}
    return value
