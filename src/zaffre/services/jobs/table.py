"""The first rows of a table that a job wrote, read no further than they are shown."""

from __future__ import annotations

from zaffre.base.errors import InvalidRequest
from zaffre.plugins.content.profile import first_rows
from zaffre.plugins.content.tables import SUFFIXES, is_tabular
from zaffre.services.context import Context
from zaffre.services.jobs.files import read_file
from zaffre.wire.files import PreviewTable, ReadFile, TablePreview


def preview(ctx: Context, request: PreviewTable) -> TablePreview:
    """Raises `NotFound`, `InvalidRequest` for a file that is no table, `Unavailable` without pyarrow."""
    opened = read_file(ctx, ReadFile(**request.model_dump(include=set(ReadFile.model_fields))))
    with opened.file:
        if not is_tabular(opened.name):
            raise InvalidRequest(
                f"{opened.name} is no table; tables end in {', '.join(SUFFIXES)}",
                code="NotATable",
                hint="zaffre job download",
            )
        return TablePreview.model_validate(first_rows(opened.name, opened.file, request.max_rows))
