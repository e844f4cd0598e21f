"""How a distributed command is spread: which processes it runs as, and the variables by which they find each other.

The variables are those of Azure ML: of torch's `env://` start, of Open MPI, and TF_CONFIG. All nodes are this machine,
so every address is the loopback's. Port numbers are not known before the processes start: `${PORT_0}`, `${PORT_1}` ...
stand for them until then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.base.limits import DISTRIBUTED_PROCESSES

HOST = "127.0.0.1"
LOOPBACK_ONLY = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}  # else they listen on every interface


@dataclass(frozen=True)
class Rank:
    """One process; `serves` is one that never ends by itself, such as a parameter server: it ends after the others."""

    node: int
    variables: Mapping[str, str]
    serves: bool = False


@dataclass(frozen=True)
class Arrangement:
    ranks: tuple[Rank, ...]
    ports: int  # how many free ports the variables speak of


def is_distributed(step: Mapping[str, Any]) -> bool:
    return not step.get("parallel") and (bool(step.get("distribution")) or nodes(step) > 1)


def nodes(step: Mapping[str, Any]) -> int:
    return int(step.get("instances") or 1)


def processes(step: Mapping[str, Any]) -> int:
    """How many processes the step runs as. Raises `InvalidRequest` as `arrange` does."""
    if step.get("parallel"):
        return int(step["parallel"]["workers"])
    wish = step.get("distribution") or {}
    kind = _kind(wish)
    if kind == "tensorflow":
        count = _count(wish, "worker_count", nodes(step)) + _count(wish, "parameter_server_count", 0)
    else:
        count = nodes(step) * _count(wish, "process_count_per_instance", 1)
    if count > DISTRIBUTED_PROCESSES:
        raise InvalidRequest(
            f"a distributed job of {count} processes: at most {DISTRIBUTED_PROCESSES} run together on one machine",
            code="TooManyProcesses", hint="lower instance_count or process_count_per_instance",
        )  # fmt: skip
    return count


def arrange(step: Mapping[str, Any]) -> Arrangement:
    """The processes of a step, rank 0 first.

    Several instances without a distribution are one process each, with the variables of torch. Raises
    `InvalidRequest` for a kind of distribution that is not offered, and for counts that are no numbers.
    """
    total = processes(step)
    wish = step.get("distribution") or {}
    kind = _kind(wish)
    if kind == "tensorflow":
        return _tensorflow(step, _count(wish, "worker_count", nodes(step)), total)
    per_node = total // nodes(step)
    known = step.get("variables") or {}
    loopback = {name: value for name, value in LOOPBACK_ONLY.items() if name not in known}
    named = _mpi if kind == "mpi" else _torch
    ranks = []
    for rank in range(total):
        node, local = divmod(rank, per_node)
        own = named(rank, local, total, per_node, node)
        ranks.append(Rank(node, {**_common(step, rank, node), **loopback, **own}))
    return Arrangement(tuple(ranks), 1)


def _kind(wish: Mapping[str, Any]) -> str:
    kind = str(wish.get("type") or "pytorch").lower()
    if kind not in ("pytorch", "mpi", "tensorflow"):
        raise InvalidRequest(
            f"distribution of type {kind} is read and checked by this release, but not run",
            code="DistributionNotOffered",
            hint="offered are pytorch, mpi and tensorflow; a command may start ray itself: ray start --head",
        )
    return kind


def _count(wish: Mapping[str, Any], field: str, default: int) -> int:
    value = wish.get(field)
    return default if value is None else number(value, f"distribution.{field}")


def number(value: Any, field: str) -> int:
    """Raises `InvalidRequest` for an expression: what it stands for is known only when the job has its inputs."""
    try:
        return int(value)
    except ValueError:
        raise InvalidRequest(f"{field}: {value} is not a number", code="CountNotKnown",
                             hint="expressions are not filled in here: write the number") from None  # fmt: skip


def _common(step: Mapping[str, Any], rank: int, node: int) -> dict[str, str]:
    return {
        "AZUREML_CR_NODE_RANK": str(node),
        "AZUREML_NODE_COUNT": str(nodes(step)),
        "AZUREML_PROCESS_NAME": f"rank_{rank}",
    }


def _torch(rank: int, local: int, total: int, per_node: int, node: int) -> dict[str, str]:
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(local),
        "WORLD_SIZE": str(total),
        "LOCAL_WORLD_SIZE": str(per_node),
        "NODE_RANK": str(node),
        "MASTER_ADDR": HOST,
        "MASTER_PORT": "${PORT_0}",
    }


def _mpi(rank: int, local: int, total: int, per_node: int, _node: int) -> dict[str, str]:
    return {
        "OMPI_COMM_WORLD_RANK": str(rank),
        "OMPI_COMM_WORLD_SIZE": str(total),
        "OMPI_COMM_WORLD_LOCAL_RANK": str(local),
        "OMPI_COMM_WORLD_LOCAL_SIZE": str(per_node),
        "AZ_BATCHAI_MPI_MASTER_NODE": HOST,
        "AZ_BATCH_MASTER_NODE": f"{HOST}:${{PORT_0}}",
        "MASTER_ADDR": HOST,
        "MASTER_PORT": "${PORT_0}",
    }


def _tensorflow(step: Mapping[str, Any], workers: int, total: int) -> Arrangement:
    addresses = [f"{HOST}:${{PORT_{number}}}" for number in range(total)]
    cluster = {"worker": addresses[:workers]} | ({"ps": addresses[workers:]} if total > workers else {})
    ranks = []
    for rank in range(total):
        serves = rank >= workers
        index, group = (rank - workers, total - workers) if serves else (rank, workers)
        node = index * nodes(step) // group  # each group is spread evenly
        task = {"type": "ps" if serves else "worker", "index": index}
        config = json.dumps({"cluster": cluster, "task": task, "environment": "cloud"})
        ranks.append(Rank(node, {**_common(step, rank, node), "TF_CONFIG": config}, serves))
    return Arrangement(tuple(ranks), total)
