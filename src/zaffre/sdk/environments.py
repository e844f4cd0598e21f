"""The environments of a workspace."""

from __future__ import annotations

from typing import ClassVar

from zaffre.sdk.assets import Assets
from zaffre.wire.assets import BUILD_LOG, ENVIRONMENT, BuildLogView, Operations, ReadBuildLog


class Environments(Assets):
    """`ws.environments`.

    >>> ws.environments.create_or_update(load_environment("env.yml"))   # doctest: +SKIP
    """

    kind: ClassVar[str] = "environment"
    operations: ClassVar[Operations] = ENVIRONMENT

    def build_log(
        self, name: str, version: str | None = None, label: str | None = None, *, offset: int = 0
    ) -> BuildLogView:
        """How it stands with the build of a version, and what it printed, from byte `offset` on.

        A log grows while `state` is `building`: ask again from `next_offset`. An environment is built when a job first
        needs it, and its log is kept as long as it is. Raises `NotFound`.

        >>> print(ws.environments.build_log("sklearn", "1").text)   # doctest: +SKIP
        """
        fields = self._scope.about(name=name, version=version, label=label, offset=offset)
        return self._transport.call(BUILD_LOG, ReadBuildLog(**fields))
