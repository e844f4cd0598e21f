"""All operations, by name."""

from __future__ import annotations

from typing import Any

from zaffre.wire import (
    assets,
    audit,
    batch,
    content,
    data,
    files,
    graphs,
    jobs,
    lineage,
    logs,
    metrics,
    models,
    online,
    resources,
    runs,
    server,
    views,
)
from zaffre.wire.operation import Operation

OPERATIONS: dict[str, Operation[Any, Any]] = {
    operation.name: operation
    for noun in (
        jobs, files, graphs, lineage, logs, runs, views, metrics, data, models, assets, resources,
        batch, online, content, audit, server,
    )
    for operation in noun.OPERATIONS
}  # fmt: skip
