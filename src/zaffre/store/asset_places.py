"""Which versions of assets have their bytes at an address."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from zaffre.store.tables.assets import INDEXED, PLACE, asset_versions

V = asset_versions.c


def versions_at(connection: Connection, workspace: str, uri: str, limit: int = 10) -> list[tuple[str, str, str]]:
    """(kind, name, version) of those that are kept there, below it, or in a folder around it."""
    below = func.substr(V.uri, 1, len(uri) + 1) == f"{uri}/"
    return _versions(connection, workspace, or_(_around(uri), below), limit)


def versions_around(connection: Connection, workspace: str, uri: str, limit: int = 10) -> list[tuple[str, str, str]]:
    """(kind, name, version) of those that a file at this address is part of."""
    return _versions(connection, workspace, _around(uri), limit)


def _around(uri: str) -> ColumnElement[bool]:
    places = uri.split("/")
    around = ["/".join(places[:end]) + slash for end in range(1, len(places) + 1) for slash in ("", "/")]
    return and_(PLACE.in_({place[:INDEXED] for place in around}), V.uri.in_(around))


def _versions(
    connection: Connection, workspace: str, where: ColumnElement[bool], limit: int
) -> list[tuple[str, str, str]]:
    query = select(V.kind, V.name, V.version).where(V.workspace == workspace, where).order_by(V.id).limit(limit)
    return [(kind, name, version) for kind, name, version in connection.execute(query)]
