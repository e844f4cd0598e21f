"""Which runs a request means."""

from __future__ import annotations

from sqlalchemy import Connection

from zaffre.base.errors import NotFound
from zaffre.core.search_filter import parse_filter
from zaffre.core.search_grammar import JOBS
from zaffre.store import experiments
from zaffre.store import jobs as store
from zaffre.store.resources import get_workspace
from zaffre.store.run_search import Choice
from zaffre.wire.runs import ChooseRuns

ARCHIVED = {"active": False, "archived": True, "all": None}


def chosen(connection: Connection, request: ChooseRuns) -> Choice:
    """Raises `NotFound` for an unknown workspace, experiment or parent, `InvalidRequest` for a wrong filter."""
    clauses = parse_filter(request.filter, JOBS)
    get_workspace(connection, request.workspace)
    ids = [experiment_id(connection, request.workspace, name) for name in request.experiment_names] or None
    parent = 0 if request.top_level else None
    if request.parent_job_name:
        parent = store.get(connection, request.workspace, request.parent_job_name).id
    return Choice(request.workspace, ids, clauses, ARCHIVED[request.listed], parent)


def experiment_id(connection: Connection, workspace: str, name: str) -> int:
    found = experiments.find(connection, workspace, name)
    if found is None:
        raise NotFound(f"experiment {name:.300} not found", code="ExperimentNotFound")
    return found.id
