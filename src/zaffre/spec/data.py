"""Data assets: a name and version for a file, a folder or a table."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from zaffre.spec.common import Described
from zaffre.spec.form import DataPath, Fold, Form
from zaffre.spec.inputs import data_type


class AutoDelete(Form):
    """When data that is not used any more may be deleted."""

    condition: Annotated[Literal["created_greater_than", "last_accessed_greater_than"], Fold] | None = (
        None  # from when its age counts
    )
    value: str | None = None  # such as 30d


class Data(Described):
    """A version of a data asset. It refers to what `path` names; local files are taken over."""

    version: str | None = None  # the next number if not given
    type: Annotated[Literal["uri_file", "uri_folder", "mltable"], BeforeValidator(data_type)] = "uri_folder"
    """`uri_file`, `uri_folder` or a folder with a file MLTable."""
    path: DataPath  # local file or folder, https://..., azureml://datastores/NAME/paths/..., or an output of a job
    datastore: str | None = None  # kept
    stage: str | None = None  # kept
    auto_delete_setting: AutoDelete | None = None  # kept
    skip_validation: bool | None = None  # accepted without effect
    referenced_uris: list[str] | None = None  # kept
    mltable_schema_url: str | None = None  # kept
    properties: dict[str, Any] | None = None
