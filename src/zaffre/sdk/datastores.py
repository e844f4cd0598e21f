"""The datastores of a workspace."""

from __future__ import annotations

from typing import ClassVar

from zaffre.sdk.resources import Resources
from zaffre.wire.resources import DATASTORE, Operations, ResourceView


class Datastores(Resources):
    """`ws.datastores`.

    >>> ws.datastores.get("workspaceblobstore").type    # doctest: +SKIP
    """

    kind: ClassVar[str] = "datastore"
    operations: ClassVar[Operations] = DATASTORE

    def get_default(self) -> ResourceView:
        """`workspaceblobstore`, which every workspace has."""
        return self.get("workspaceblobstore")
