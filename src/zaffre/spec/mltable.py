"""MLTable files: how files are read as a table."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from zaffre.spec.form import Form


class TablePath(Form):
    """One place of a table; relative paths start at the folder of the MLTable file."""

    file: str | None = None
    pattern: str | None = None
    folder: str | None = None


class MLTable(Form):
    """Paths and the steps that turn their files into a table (`read_delimited`, `read_parquet`, `take` ...)."""

    type: str | None = None
    paths: Annotated[list[TablePath], Field(min_length=1)]
    transformations: list[str | dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None
    query_source: dict[str, Any] | None = None
    extract_columns_from_partition_format: str | None = None
