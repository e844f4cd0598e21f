"""The unmodified `mlflow` client against a real server."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from zaffre.base.clock import now_ms
from zaffre.base.ids import sequence
from zaffre.core.job_state import Status
from zaffre.mlflow.not_offered import NOT_OFFERED, why_not
from zaffre.mlflow.routes import table
from zaffre.store import experiments, jobs
from zaffre.store.jobs import JobRecord, Transition

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("release", ["3.17.2-skinny", "3.0.1"])
def test_the_newest_and_the_lowest_client_log_and_read_back(run_script: Callable[..., str], release: str) -> None:
    assert "done 3." in run_script("log_everything.py", release)


@pytest.mark.parametrize("release", ["3.17.2-skinny", "3.0.1"])
def test_traces(run_script: Callable[..., str], release: str) -> None:
    said = run_script("trace.py", release)
    assert "done 3." in said
    other = "3.0.1" if release != "3.0.1" else "3.17.2-skinny"
    run_script("trace.py", other, TRACE_OF_ANOTHER_CLIENT=said.split("kept ")[1].split()[0], EXPERIMENT="other")


@on_sqlite
@pytest.mark.parametrize("release", ["3.17.2-skinny", "3.0.1"])
def test_every_call_of_the_client_is_offered_or_refused_with_a_reason(
    run_script: Callable[..., str], release: str
) -> None:
    """docs/mlflow.md lists both."""
    answered = {(method, _shape(path.removeprefix("/api/2.0"))) for method, path, _ in table()}
    lines = [line.split()[1:] for line in run_script("calls.py", release).splitlines() if line.startswith("call ")]
    assert len(lines) >= 80
    for method, path in lines:
        offered = (method, _shape(path)) in answered
        reason = why_not(path.removeprefix("/mlflow/"))
        refused = reason in NOT_OFFERED.values()
        assert offered != refused, (method, path, reason)


def _shape(path: str) -> str:
    return re.sub(r"{[^}]+}|<[^>]+>", "{}", path)


@on_sqlite
@pytest.mark.parametrize("release", ["2.17.2-skinny", "1.30.1-skinny"])
def test_older_clients_log_and_read_back(run_script: Callable[..., str], release: str) -> None:
    assert f"done {release[0]}." in run_script("log_everything.py", release)


@pytest.mark.slow
@on_sqlite
@pytest.mark.parametrize("release", ["3.17.2", "3.0.1"])
def test_models_are_logged_loaded_and_registered(run_script: Callable[..., str], release: str) -> None:
    assert "done 3." in run_script("log_models.py", release)


@pytest.mark.slow
@on_sqlite
@pytest.mark.parametrize(
    "script", ["autolog_sklearn.py", "autolog_boosting.py xgboost", "autolog_boosting.py lightgbm", "autolog_torch.py"]
)
def test_autolog(run_script: Callable[..., str], script: str) -> None:
    quick = {"MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1"}  # what a model needs is not looked up: that takes a minute
    assert "done 3." in run_script(script, "3.17.2-autolog", **quick)


def test_a_script_in_a_job_logs_into_its_job(run_script: Callable[..., str], door: Any) -> None:
    """It says RUNNING and FINISHED, but only the engine ends a job."""
    job = _running_job(door, "brave_owl_1")
    run_script(
        "inside_a_job.py", "3.17.2-skinny", token="job-token", MLFLOW_RUN_ID=job.name, MLFLOW_EXPERIMENT_NAME="trial"
    )
    with door.context.db.read() as connection:
        after = jobs.get(connection, "default", job.name)
        (below,) = jobs.children(connection, job.id)
    assert (after.status, after.ended_at) == (Status.RUNNING, None)
    assert (below.type, below.status, below.root_id) == ("interactive", Status.COMPLETED, below.id)


def _running_job(door: Any, name: str) -> JobRecord:
    db = door.context.db
    now, id_ = now_ms(), sequence()
    with db.write() as connection:
        experiment = experiments.ensure(db, connection, "default", "trial")
        job = JobRecord(id=id_, workspace="default", name=name, type="command", status=Status.QUEUED, root_id=id_,
                        experiment_id=experiment.id, spec={}, created_at=now, changed_at=now)  # fmt: skip
        jobs.insert(connection, [job])
    with db.write() as connection:
        jobs.record(connection, [Transition(job, Status.QUEUED, Status.RUNNING)])
    return job
