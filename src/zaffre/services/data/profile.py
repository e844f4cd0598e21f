"""What a table of a version is like: columns, nulls, distributions, first rows."""

from __future__ import annotations

from zaffre.base.errors import InvalidRequest
from zaffre.plugins.content import profile as reader
from zaffre.plugins.content.tables import SUFFIXES, is_tabular
from zaffre.services.context import Context
from zaffre.services.data import files
from zaffre.wire.assets import ReadAssetFile
from zaffre.wire.data import ProfileData, TableProfile


def profile(ctx: Context, request: ProfileData) -> TableProfile:
    """Raises `NotFound`, `InvalidRequest` for a file that is no table, `Unavailable` without pyarrow."""
    asked = request.model_dump(include=set(ReadAssetFile.model_fields))
    opened = files.reader("data")(ctx, ReadAssetFile(**asked))
    with opened.file:
        if not is_tabular(opened.name):
            raise InvalidRequest(
                f"{opened.name} is no table; tables end in {', '.join(SUFFIXES)}",
                code="NotATable",
                hint="zaffre data download",
            )
        found = reader.profile(opened.name, opened.file, request.preview_rows)
    return TableProfile.model_validate({"path": request.path or opened.name, **found})
