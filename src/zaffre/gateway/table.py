"""The routing table: which deployments an endpoint has, who gets how much, where the workers are.

The server writes the file anew, whole, whenever something changes; the gateway works from the last one that it read.
Deployments live on from one table to the next, with what waits in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zaffre.gateway.deployment import Deployment
from zaffre.gateway.pool import Pool


@dataclass
class Endpoint:
    """As requests see it. `turns` is a hundred turns that share the traffic evenly."""

    id: str  # workspace/name
    keys: tuple[bytes, ...]
    token_secret: bytes | None
    stopped: bool
    deployments: dict[str, Deployment]
    turns: tuple[Deployment, ...] = ()
    mirrors: tuple[tuple[Deployment, int], ...] = ()  # with percent
    turn: int = 0
    mirror_turn: int = 0

    def next(self) -> Deployment | None:
        if not self.turns:
            return None
        self.turn = (self.turn + 1) % len(self.turns)
        return self.turns[self.turn]


@dataclass
class Table:
    generation: int = -1
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    admin: tuple[bytes, ...] = ()  # hashes of the keys that may read the metrics of all


def read(path: Path, former: Table, pool: Pool) -> Table:
    """Raises OSError and ValueError where there is no whole table."""
    written = json.loads(path.read_bytes())
    table = Table(written["generation"], admin=tuple(bytes.fromhex(one) for one in written.get("admin", ())))
    for endpoint_id, told in written["endpoints"].items():
        found: dict[str, Deployment] = {}
        for name, settings in told["deployments"].items():
            key = f"{endpoint_id}/{name}"
            deployment = former.deployments.get(key) or Deployment(key, name, pool)
            deployment.settle(settings)
            found[name] = table.deployments[key] = deployment
        table.endpoints[endpoint_id] = Endpoint(
            endpoint_id,
            tuple(bytes.fromhex(one) for one in told["keys"]),
            bytes.fromhex(told["token_secret"]) if told.get("token_secret") else None,
            bool(told.get("stopped")),
            found,
            turns(told.get("traffic") or {}, found),
            tuple((found[name], percent) for name, percent in (told.get("mirror") or {}).items() if name in found),
        )
    for key, deployment in former.deployments.items():
        if key not in table.deployments:
            deployment.remove()
    return table


def turns(traffic: dict[str, Any], found: dict[str, Deployment]) -> tuple[Deployment, ...]:
    """A hundred turns in which each deployment comes as often as its percentage says, as evenly as possible."""
    shares = {name: int(percent) for name, percent in traffic.items() if int(percent) > 0 and name in found}
    total = sum(shares.values())
    if len(shares) == 1:
        return (found[next(iter(shares))],)
    credit = dict.fromkeys(shares, 0)
    order = []
    for _ in range(total):
        for name, share in shares.items():
            credit[name] += share
        best = max(credit, key=lambda name: credit[name])
        credit[best] -= total
        order.append(found[best])
    return tuple(order)
