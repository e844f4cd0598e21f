"""Which versions of assets have their bytes at an address."""

from __future__ import annotations

from sqlalchemy import Connection, func, literal, or_, select

from zaffre.store.tables.assets import asset_versions

V = asset_versions.c


def versions_at(connection: Connection, workspace: str, uri: str, limit: int = 10) -> list[tuple[str, str, str]]:
    """(kind, name, version) of those that are kept there, below it, or in a folder around it."""
    below = func.substr(V.uri, 1, len(uri) + 1) == f"{uri}/"
    around = func.substr(literal(uri), 1, func.length(V.uri) + 1) == V.uri + "/"
    where = (V.workspace == workspace, or_(V.uri == uri, below, around))
    query = select(V.kind, V.name, V.version).where(*where).order_by(V.id).limit(limit)
    return [(kind, name, version) for kind, name, version in connection.execute(query)]
