"""Which fields of runs were asked for: `status`, `metrics.loss`, `tags.*`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zaffre.base.errors import Fault, InvalidRequest
from zaffre.core.search_grammar import JOBS

ATTRIBUTES = (
    "name", "display_name", "type", "status", "experiment_name", "created_at", "started_at", "ended_at", "duration_s",
    "parent_job_name", "node", "created_by", "compute", "reused_from", "archived",
)  # fmt: skip
LOGGED: Mapping[str, str] = {
    "metrics": "metrics", "metric": "metrics", "params": "params", "param": "params", "tags": "tags", "tag": "tags",
}  # fmt: skip


@dataclass(frozen=True)
class Fields:
    """`metrics`, `params` and `tags` are the keys that were asked for; None is all of them."""

    attributes: frozenset[str]
    metrics: frozenset[str] | None = frozenset()
    params: frozenset[str] | None = frozenset()
    tags: frozenset[str] | None = frozenset()


def parse_fields(names: Sequence[str] | None) -> Fields:
    """Without names every attribute. Raises `InvalidRequest` for a field that no run has."""
    if names is None:
        return Fields(frozenset(ATTRIBUTES))
    attributes, keys = {"name"}, {"metrics": set[str](), "params": set[str](), "tags": set[str]()}
    for name in names:
        noun, dot, key = name.partition(".")
        if dot and noun in LOGGED and key:
            keys[LOGGED[noun]].add(key[1:-1] if len(key) > 2 and key[0] == key[-1] and key[0] in "`\"'" else key)
        elif (known := JOBS.aliases.get(name, name)) in ATTRIBUTES:
            attributes.add(known)
        else:
            what = f"no run has a field {name!r:.100}: there are {', '.join(ATTRIBUTES)}, metrics., params. and tags."
            raise InvalidRequest(what, code="UnknownField", faults=[Fault(what, field="fields")])
    chosen = {noun: None if "*" in wanted else frozenset(wanted) for noun, wanted in keys.items()}
    return Fields(frozenset(attributes), **chosen)
