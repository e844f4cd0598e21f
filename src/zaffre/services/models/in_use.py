"""May a version of a model go away, or get another name? Not while something that runs depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from zaffre.base.errors import Conflict
from zaffre.core.job_state import LIVING
from zaffre.store import assets, endpoints, promotion_rules, registered_models
from zaffre.store.assets import AssetRecord


def refuse_if_used(connection: Connection, record: AssetRecord) -> None:
    """Raises `Conflict` while a living job uses it, or a deployment runs it."""
    version = f"{record.name}:{record.version}"
    for edge, job, status in assets.edges_at(connection, record.workspace, record.kind, version):
        if edge.direction == "input" and status in LIVING:
            raise Conflict(
                f"model {version} is used by job {job}, which is {status}",
                code="ModelInUse",
                hint=f"wait for it, or zaffre job cancel --name {job}",
            )
    names = {f"model:{version}", f"azureml:{version}"}
    deployments = (endpoints.deployments_of(connection, kind, record.workspace) for kind in ("online", "batch"))
    for deployment in chain.from_iterable(deployments):
        if names & set(_texts(deployment.plan)):
            raise Conflict(
                f"model {version} is run by deployment {deployment.name} of {deployment.kind} endpoint "
                f"{deployment.endpoint}",
                code="ModelInUse",
                hint=f"zaffre {deployment.kind}-deployment delete --name {deployment.name} "
                f"--endpoint-name {deployment.endpoint}",
            )


def refuse_if_ruled(connection: Connection, record: AssetRecord) -> None:
    """Raises `Conflict` when it has an alias with a promotion rule: the next one would be the best for being alone."""
    aliases = registered_models.aliases_of(connection, record.workspace, record.name)
    for alias in sorted(alias for alias, version in aliases.items() if version == record.version):
        if promotion_rules.get(connection, record.workspace, record.name, alias, lock=True):
            raise Conflict(
                f"model {record.name}:{record.version} is {alias}, which moves only to a better version: "
                "it has a promotion rule",
                code="AliasRuled",
                hint=f"zaffre model promote {record.name} --version V --alias {alias}, "
                'or zaffre model alias delete ... --force --reason "..."',
            )


def _texts(value: Any) -> Iterator[str]:
    """Every text in a plan."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
