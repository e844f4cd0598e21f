"""All operations, by name."""

from __future__ import annotations

from typing import Any

from zaffre.wire import assets, audit, content, data, jobs, models, resources, server
from zaffre.wire.operation import Operation

OPERATIONS: dict[str, Operation[Any, Any]] = {
    operation.name: operation
    for noun in (jobs, data, models, assets, resources, content, server, audit)
    for operation in noun.OPERATIONS
}
