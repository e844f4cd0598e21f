"""Data imports: data of a database or a file system taken in as a data asset."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from zaffre.spec.common import Described
from zaffre.spec.data import AutoDelete
from zaffre.spec.form import Fold, Form, LocalPath
from zaffre.spec.loading import fault


class ImportSource(Form):
    """Where the data is: a query of a database, or a path of a file system, through a connection."""

    type: Annotated[Literal["database", "file_system"], Fold]
    connection: str
    query: str | None = None
    stored_procedure: str | None = None
    stored_procedure_params: list[dict[str, str]] | None = None
    path: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> ImportSource:
        if self.type == "database" and not (self.query or self.stored_procedure):
            raise fault("a source of type database needs `query`")
        if self.type == "file_system" and not self.path:
            raise fault("a source of type file_system needs `path`")
        return self


class DataImport(Described):
    """An import and the data asset it makes."""

    version: str | None = None
    type: Annotated[Literal["mltable", "uri_folder", "uri_file"], Fold]
    source: ImportSource
    path: LocalPath
    auto_delete_setting: AutoDelete | None = None
