"""Lineage over several jobs: complete within its depth, bounded, and `more` where it was cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from zaffre.base.errors import NotFound
from zaffre.base.home import Home
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.lineage import graph as service
from zaffre.services.tracking.create_run import create_run
from zaffre.store import assets, resources
from zaffre.store.assets import Edge
from zaffre.store.db import Database
from zaffre.wire.lineage import LineageGraph, TraceLineage

OUTPUT = "azureml://datastores/workspaceblobstore/paths/azureml/{}/{}/"


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    with database.write() as connection:
        resources.put_workspace(database, connection, "default", {})
    unused: Any = None
    return Context(db=database, home=Home(tmp_path), content=unused, environments=unused, remote=unused, vault=unused,
                   settings=Settings(), changes=Changes())  # fmt: skip


def _job(context: Context) -> tuple[str, int]:
    record = create_run(
        context, "default", experiment_id="0", run_name=None, user=None, start_time=None, tags={}
    ).record
    return record.name, record.id


def _edges(context: Context, *edges: Edge) -> None:
    with context.db.write() as connection:
        assets.add_edges(connection, "default", edges)


def _chain(context: Context, length: int) -> list[str]:
    """Each job reads what the one before wrote, as pipelines remember it."""
    names: list[str] = []
    for at in range(length):
        name, id_ = _job(context)
        if at:
            _edges(context, Edge(id_, "input", "table", "uri", OUTPUT.format(names[-1], "out")))
        _edges(context, Edge(id_, "output", "out", "job", f"{name}/out"))
        names.append(name)
    return names


def _ask(context: Context, **fields: Any) -> LineageGraph:
    return service.graph(context, TraceLineage(**fields))


def _jobs(found: LineageGraph) -> dict[str, int]:
    return {node.name: node.level for node in found.nodes if node.kind == "job"}


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_as_many_jobs_away_as_asked_for(context: Context, depth: int) -> None:
    names = _chain(context, 13)
    found = _ask(context, kind="job", name=names[6], depth=depth)
    assert _jobs(found) == {names[6 + at]: 2 * at for at in range(-depth, depth + 1)}
    cut = {node.name for node in found.nodes if node.more}
    assert cut == {names[6 - depth], names[6 + depth]}
    assert len(found.edges) == len(found.nodes) - 1
    whole = _ask(context, kind="job", name=names[6], depth=depth, direction="up")
    assert set(_jobs(whole)) == set(names[6 - depth : 7])


def test_a_chain_that_ends_says_so(context: Context) -> None:
    names = _chain(context, 4)
    found = _ask(context, kind="job", name=names[0], depth=5)
    assert set(_jobs(found)) == set(names)
    assert not any(node.more for node in found.nodes)


def test_a_thing_in_a_circle_is_shown_once(context: Context) -> None:
    """A job that reads and writes the same version (it may: `rw_mount`)."""
    name, id_ = _job(context)
    _edges(context, Edge(id_, "input", "a", "uri", "file:///x"), Edge(id_, "output", "b", "uri", "file:///x"))
    found = _ask(context, kind="job", name=name, depth=5)
    assert len(found.nodes) == 2
    assert {(edge.source, edge.target) for edge in found.edges} == {
        ("uri:file:///x", f"job:{name}"), (f"job:{name}", "uri:file:///x")}  # fmt: skip


def test_what_thousands_used_is_cut(context: Context) -> None:
    name, maker = _job(context)
    _edges(context, Edge(maker, "output", "out", "job", f"{name}/out"))
    for _ in range(service.WIDTH + 5):
        _, reader = _job(context)
        _edges(context, Edge(reader, "input", "t", "uri", OUTPUT.format(name, "out")))
    found = _ask(context, kind="job", name=name)
    assert len(_jobs(found)) == 1 + service.WIDTH
    assert [node.name for node in found.nodes if node.more] == [f"{name}/out"]


def test_what_is_not_there_and_how_deep_one_may_ask(context: Context) -> None:
    with pytest.raises(NotFound):
        _ask(context, kind="job", name="nobody")
    with pytest.raises(NotFound):
        _ask(context, kind="data", name="nothing")
    with pytest.raises(ValidationError):
        TraceLineage(kind="job", name="x", depth=6)
