"""What all models of the language share: the base class and the types of fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from zaffre.base.errors import InvalidRequest
from zaffre.spec import reference
from zaffre.spec.loading import fault, loading_of, note

HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
PLACEHOLDER = re.compile(r"<[^<>]*>")


class Form(BaseModel):
    """A part of the language. Unknown keys are refused; numbers are taken where text is wanted, as YAML invites."""

    model_config = ConfigDict(
        extra="forbid",
        defer_build=True,
        protected_namespaces=(),
        coerce_numbers_to_str=True,
        validate_by_name=True,
        validate_by_alias=True,
    )


def folded(value: Any) -> Any:
    """Choices are written in any case and with humps: `Key`, `R2Score`, `INFO`, `RwMount`."""
    if isinstance(value, str):
        return HUMP.sub("_", value.strip()).replace("-", "_").replace(" ", "_").lower()
    return value


def checked_name(value: str) -> str:
    reason = reference.bad_name(value)
    if reason:
        raise fault(reason)
    return value


def text_of(value: Any) -> Any:
    """Text for booleans and missing values too, in maps of text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def local_path(value: str, info: ValidationInfo) -> str:
    """A local path becomes absolute and must exist; addresses and expressions stay.

    A blank that is still to be filled in (`<CODE_DIR>`) is as data that is not there yet.
    """
    if not value.strip():
        raise fault("a path must not be empty")
    blank = PLACEHOLDER.fullmatch(value.strip()) is not None
    return loading_of(info).locate(value, is_data=blank) if reference.is_local(value) else referred(value)


def data_path(value: str, info: ValidationInfo) -> str:
    """The same for data, which `zaffre validate` does not ask to exist: it is often downloaded before the job."""
    if not value.strip():
        raise fault("a path must not be empty")
    return loading_of(info).locate(value, is_data=True) if reference.is_local(value) else referred(value)


def referred(value: str, asset_type: str | None = None) -> str:
    """A reference that can be read; expressions inside are left for later."""
    if "${{" not in value:
        try:
            reference.parse_reference(value, asset_type)
        except InvalidRequest as error:
            raise fault(error.message, hint=error.hint) from None
    return value


def asset_reference(asset_type: str) -> Callable[[str], str]:
    """A validator for the name of an asset: with `azureml:`, as a long address, or bare (`name`, `name:1`)."""

    def check(value: str) -> str:
        if "${{" in value:
            return value
        if PLACEHOLDER.search(value) and "://" not in value:
            raise fault(f"`{value}` is a placeholder; put the name of one of the {asset_type} in its place")
        try:
            found = reference.parse_reference(value, asset_type, bare="asset")
        except InvalidRequest as error:
            raise fault(error.message, hint=error.hint) from None
        if found.kind not in ("asset", "registry_asset"):
            raise fault(
                f"`{value}` is not one of the {asset_type}", hint="write azureml:NAME:VERSION or azureml:NAME@latest"
            )
        return value

    return check


def resource_id(value: str) -> str:
    if PLACEHOLDER.search(value):
        raise fault(f"`{value}` has placeholders that have not been filled in")
    return value


def no_effect(name: str) -> Callable[[Any, ValidationInfo], Any]:
    """A validator that takes the value and tells once that it changes nothing here."""

    def check(value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            note(info, f"{name}: accepted, has no meaning here")
        return value

    return check


def unfilled(value: str) -> str:
    if "{{" in value.replace("${{", ""):
        raise fault(f"`{value}` is a template that has not been filled in")
    return value


Fold = BeforeValidator(folded)
Name = Annotated[str, AfterValidator(checked_name)]
Text = Annotated[str, BeforeValidator(text_of)]
TextMap = dict[str, Text]
DataPath = Annotated[str, AfterValidator(data_path)]
LocalPath = Annotated[str, AfterValidator(local_path)]
Filled = Annotated[str, AfterValidator(unfilled)]
EnvironmentName = Annotated[str, AfterValidator(asset_reference("environments"))]
ModelName = Annotated[str, AfterValidator(asset_reference("models"))]
ComponentName = Annotated[str, AfterValidator(asset_reference("components"))]
ResourceId = Annotated[str, AfterValidator(resource_id)]
