"""The computes of a workspace."""

from __future__ import annotations

from typing import ClassVar

from zaffre.sdk.collection import Done
from zaffre.sdk.resources import Resources
from zaffre.wire.resources import COMPUTE, START_COMPUTE, STOP_COMPUTE, Operations, ResourceView


class Computes(Resources):
    """`ws.computes`; also reached as `ws.compute`.

    >>> ws.computes.create_or_update({"name": "cpu", "type": "amlcompute", "max_instances": 4})     # doctest: +SKIP
    """

    kind: ClassVar[str] = "compute"
    operations: ClassVar[Operations] = COMPUTE

    def start(self, name: str) -> ResourceView:
        """Start a compute instance."""
        return self._view(START_COMPUTE, self._ref(name))

    def stop(self, name: str) -> ResourceView:
        """Stop a compute instance."""
        return self._view(STOP_COMPUTE, self._ref(name))

    def begin_start(self, name: str) -> Done[ResourceView]:
        """Like `start`."""
        return Done(self.start(name))

    def begin_stop(self, name: str) -> Done[ResourceView]:
        """Like `stop`."""
        return Done(self.stop(name))
