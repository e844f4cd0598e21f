"""The rules by which aliases of models move, in the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from zaffre.base.clock import now_ms
from zaffre.core.promotion import Goal, Rule
from zaffre.store.db import Database
from zaffre.store.tables.audit import promotion_rules

R = promotion_rules.c


@dataclass(frozen=True)
class AliasRule:
    """`data` names the held-out data; None means whatever the challenger was measured on last."""

    rule: Rule
    data: str | None


def get(connection: Connection, workspace: str, name: str, alias: str, *, lock: bool = False) -> AliasRule | None:
    """With `lock` whoever else moves this alias waits until this transaction has ended."""
    where = (R.workspace == workspace, R.name == name, R.alias == alias)
    if lock:
        connection.execute(update(promotion_rules).where(*where).values(metric=R.metric))
    row = connection.execute(select(R.metric, R.goal, R.min_delta, R.require_approval, R.data).where(*where)).first()
    return AliasRule(Rule(row[0], Goal(row[1]), row[2], row[3]), row[4]) if row else None


def put(db: Database, connection: Connection, workspace: str, name: str, alias: str, found: AliasRule) -> None:
    place = {"workspace": workspace, "name": name, "alias": alias}
    values = {
        "metric": found.rule.metric, "goal": str(found.rule.goal), "min_delta": found.rule.min_delta,
        "require_approval": found.rule.require_approval, "data": found.data, "changed_at": now_ms(),
    }  # fmt: skip
    statement = db.insert(promotion_rules).values(**place, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(place), set_=values))


def remove(connection: Connection, workspace: str, name: str, alias: str) -> None:
    connection.execute(delete(promotion_rules).where(R.workspace == workspace, R.name == name, R.alias == alias))
