"""Inputs and outputs: data with a type, a path and a mode; and plain values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo

from zaffre.spec import reference
from zaffre.spec.form import DataPath, Form, Name, folded, referred
from zaffre.spec.loading import absolute, fault, loading_of

DataType = Literal["uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"]
ParameterType = Literal["string", "integer", "number", "boolean"]
InputType = Literal[DataType, ParameterType]
DATA_TYPES = frozenset(("uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"))
InputMode = Literal["ro_mount", "rw_mount", "download", "direct", "eval_mount", "eval_download"]
OutputMode = Literal["rw_mount", "upload", "direct"]
LiteralValue = str | int | float | bool


def data_type(value: Any) -> Any:
    """`path` is an older word for a folder; `float`, `int`, `str` are Python's."""
    value = folded(value)
    names = {
        "path": "uri_folder",
        "anyfile": "uri_file",
        "float": "number",
        "int": "integer",
        "str": "string",
        "bool": "boolean",
    }
    return names.get(value, value) if isinstance(value, str) else value


def input_mode(value: Any) -> Any:
    value = folded(value)
    return "ro_mount" if value == "mount" else value


def output_mode(value: Any) -> Any:
    value = folded(value)
    return "rw_mount" if value in ("mount", "read_write_mount") else value


class Input(Form):
    """What a job is given, or what a component declares to be given."""

    type: Annotated[InputType | None, BeforeValidator(data_type)] = None
    """`uri_file`, `uri_folder`, `mltable` and models are data; the others are plain values."""
    path: DataPath | None = (
        None  # local file or folder, azureml:NAME:VERSION, azureml://..., https://..., an expression
    )
    mode: Annotated[InputMode | None, BeforeValidator(input_mode)] = None
    """How the data reaches the job; a mount of local data is the place itself, `download` a copy."""
    description: str | None = None  # of a declared input
    default: LiteralValue | None = None  # of a declared parameter
    optional: bool | None = None  # a component's input that need not be given
    min: int | float | None = None  # of a number
    max: int | float | None = None  # of a number
    enum: list[LiteralValue] | None = None  # the only values allowed
    datastore: str | None = None  # accepted in older files
    properties: dict[str, Any] | None = None  # kept


def input_value(value: Any, info: ValidationInfo) -> LiteralValue | Input:
    """A plain value, an expression (text), or a mapping with `path`."""
    if value.__class__ is dict:
        return Input.model_validate(value, context=info.context)
    if isinstance(value, (str, int, float, Input)):
        return value
    what = "nothing" if value is None else f"a {type(value).__name__}"
    raise fault(f"an input is a value or a mapping with `type` and `path`, not {what}")


def output_path(value: str, info: ValidationInfo) -> str:
    """Where an output goes. A local folder need not exist yet."""
    base = loading_of(info).base
    if not reference.is_local(value):
        return referred(value)
    return value if base is None else absolute(base, value)


class Output(Form):
    """What a job leaves behind. Without `path` it is kept with the job; with `name` it becomes an asset."""

    type: Annotated[DataType | None, BeforeValidator(data_type)] = None  # `uri_folder` if not given
    path: Annotated[str, AfterValidator(output_path)] | None = None  # azureml://datastores/..., or an expression
    mode: Annotated[OutputMode | None, BeforeValidator(output_mode)] = None  # all write to the place itself
    name: Name | None = None  # registers the output as a data asset or model of this name
    version: str | None = None  # of the asset; the next number if not given
    description: str | None = None  # of the asset
    optional: bool | None = None  # accepted in older files
    is_control: bool | None = None  # accepted without effect
    early_available: bool | None = None  # accepted without effect
    tags: dict[str, str] | None = None  # of the asset
    properties: dict[str, Any] | None = None  # of the asset


def output_value(value: Any, info: ValidationInfo) -> str | Output:
    """An expression (text), a mapping, or no body at all."""
    if value is None:
        return Output()
    if value.__class__ is dict:
        return Output.model_validate(value, context=info.context)
    if isinstance(value, (str, Output)):
        return value
    raise fault(f"an output is an expression or a mapping with `type`, not a {type(value).__name__}")


InputValue = Annotated[str | int | float | bool | Input, PlainValidator(input_value)]
OutputValue = Annotated[str | Output, PlainValidator(output_value)]


def declared(value: Any, info: ValidationInfo) -> Input:
    """An input that a component declares; a bare word is its type."""
    if isinstance(value, str):
        value = {"type": value}
    if isinstance(value, Input):
        return value
    if value.__class__ is not dict:
        raise fault("a component declares an input as a mapping with `type`")
    found = Input.model_validate(value, context=info.context)
    if found.type is None:
        raise fault("the declared input has no `type`", hint="for instance type: uri_folder, or type: number")
    return found


def declared_output(value: Any, info: ValidationInfo) -> Output:
    found = output_value({"type": value} if isinstance(value, str) else value, info)
    assert isinstance(found, Output)
    return found


InputDeclaration = Annotated[Input, PlainValidator(declared)]
OutputDeclaration = Annotated[Output, PlainValidator(declared_output)]
