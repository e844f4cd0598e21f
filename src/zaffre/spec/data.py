"""Data assets: a name and version for a file, a folder or a table."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from zaffre.spec.common import Described
from zaffre.spec.form import DataPath, Fold, Form
from zaffre.spec.inputs import data_type


class AutoDelete(Form):
    """When data that is not used any more may be deleted."""

    condition: Annotated[Literal["created_greater_than", "last_accessed_greater_than"], Fold] | None = None
    value: str | None = None  # such as 30d


class Data(Described):
    """A version of a data asset. It refers to what `path` names; local files are taken over."""

    version: str | None = None  # the next number if not given
    type: Annotated[Literal["uri_file", "uri_folder", "mltable"], BeforeValidator(data_type)] = "uri_folder"
    path: DataPath
    datastore: str | None = None
    stage: str | None = None
    auto_delete_setting: AutoDelete | None = None
    skip_validation: bool | None = None
    referenced_uris: list[str] | None = None
    mltable_schema_url: str | None = None
    properties: dict[str, Any] | None = None
