"""The environments of a workspace."""

from __future__ import annotations

from typing import ClassVar

from zaffre.sdk.assets import Assets
from zaffre.wire.assets import ENVIRONMENT, Operations


class Environments(Assets):
    """`ws.environments`.

    >>> ws.environments.create_or_update(load_environment("env.yml"))   # doctest: +SKIP
    """

    kind: ClassVar[str] = "environment"
    operations: ClassVar[Operations] = ENVIRONMENT
