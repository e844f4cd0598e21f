"""The computes of a workspace."""

from __future__ import annotations

from typing import ClassVar

from zaffre.sdk.resources import Resources
from zaffre.wire.resources import COMPUTE, Operations


class Computes(Resources):
    """`ws.computes`; also reached as `ws.compute`.

    >>> ws.computes.create_or_update({"name": "cpu", "type": "amlcompute", "max_instances": 4})     # doctest: +SKIP
    """

    kind: ClassVar[str] = "compute"
    operations: ClassVar[Operations] = COMPUTE
