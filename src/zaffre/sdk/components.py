"""The components of a workspace."""

from __future__ import annotations

from typing import ClassVar

from zaffre.sdk.assets import Assets
from zaffre.wire.assets import COMPONENT, Operations


class Components(Assets):
    """`ws.components`.

    >>> ws.components.create_or_update(load_component("train.yml"))     # doctest: +SKIP
    """

    kind: ClassVar[str] = "component"
    operations: ClassVar[Operations] = COMPONENT
