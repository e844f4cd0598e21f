"""The public `Workspace`: the client of a server, or the whole platform in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from zaffre.base.home import Home, default_home
from zaffre.sdk.workspace import Workspace as Client


class Workspace(Client):
    """A workspace of a server (`from_home`, `connect`), or embedded in this process (`local`).

    >>> with Workspace.local("/tmp/project/.zaffre") as ws:                 # doctest: +SKIP
    ...     job = ws.jobs.create_or_update(load_job("job.yml"))
    ...     ws.jobs.stream(job.name)
    """

    @classmethod
    def local(
        cls,
        home: str | Path | None = None,
        workspace: str = "default",
        *,
        url_rewrites: Mapping[str, str] | None = None,
        allow_private_addresses: bool = False,
    ) -> Self:
        """The same services and engine without a server. Jobs that still run when it is closed go on; whoever opens
        the home next adopts them. `url_rewrites` maps a prefix of addresses to a folder or address where they are
        read instead; data may come from this machine and private networks only with `allow_private_addresses`.
        Raises `Conflict` when a server or another process works on this home.
        """
        from zaffre.app.embedded import open_embedded

        root = (Path(home) if home is not None else default_home()).expanduser().absolute()
        return cls(
            open_embedded(root, url_rewrites, allow_private_addresses=allow_private_addresses),
            workspace,
            content=Home(root).content,
        )
