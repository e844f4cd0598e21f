"""What may be asked of runs, experiments, models and traces, in a filter or an order (`search_filter`).

Each has its `Grammar`. That of jobs (`JOBS`, docs/filter.md) also compares parameters with numbers and moments with
dates, and takes IN and IS NULL everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Entity = Literal["attribute", "metric", "param", "tag", "dataset", "metadata", "span", "feedback", "expectation"]

ENTITIES: Mapping[str, Entity] = {
    "attribute": "attribute", "attributes": "attribute", "attr": "attribute", "run": "attribute",
    "metric": "metric", "metrics": "metric",
    "param": "param", "params": "param", "parameter": "param", "parameters": "param",
    "tag": "tag", "tags": "tag",
    "dataset": "dataset", "datasets": "dataset",
}  # fmt: skip
TRACE_ENTITIES: Mapping[str, Entity] = {
    "attribute": "attribute", "attributes": "attribute", "trace": "attribute",
    "tag": "tag", "tags": "tag",
    "metadata": "metadata", "request_metadata": "metadata",
    "span": "span", "feedback": "feedback", "expectation": "expectation",
}  # fmt: skip


@dataclass(frozen=True)
class Grammar:
    """What a search understands: its entities, and its attributes, those that are numbers and those that are text.

    `moments` are numbers (milliseconds since 1970) that may be given as a date. `wide` is more than MLflow has: IN and
    IS NULL for everything, numbers for parameters.
    """

    entities: frozenset[Entity]
    texts: frozenset[str]
    numbers: frozenset[str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, Entity] = field(default_factory=lambda: ENTITIES)
    moments: frozenset[str] = frozenset()
    wide: bool = False
    hint: str = "https://mlflow.org/docs/latest/search-runs.html"

    @property
    def attributes(self) -> frozenset[str]:
        return self.texts | self.numbers | self.moments


RUNS = Grammar(
    frozenset({"attribute", "metric", "param", "tag", "dataset"}),
    texts=frozenset({"run_id", "run_name", "status", "user_id", "artifact_uri"}),
    numbers=frozenset({"start_time", "end_time"}),
    aliases={"created": "start_time", "Created": "start_time", "run name": "run_name", "Run name": "run_name",
             "Run Name": "run_name"},
)  # fmt: skip
JOBS = Grammar(
    frozenset({"attribute", "metric", "param", "tag", "dataset"}),
    texts=frozenset({"name", "display_name", "type", "status", "experiment_name", "parent_job_name", "node",
                     "created_by", "compute", "reused_from"}),
    numbers=frozenset({"duration_s"}),
    moments=frozenset({"created_at", "started_at", "ended_at"}),
    aliases={"run_id": "name", "run_name": "display_name", "experiment": "experiment_name", "created": "created_at",
             "parent": "parent_job_name", "started": "started_at", "start_time": "started_at", "ended": "ended_at",
             "end_time": "ended_at", "duration": "duration_s", "creator": "created_by", "user_id": "created_by"},
    wide=True,
    hint="`zaffre run list --help` has examples",
)  # fmt: skip
EXPERIMENTS = Grammar(
    frozenset({"attribute", "tag"}),
    texts=frozenset({"name", "experiment_id"}),
    numbers=frozenset({"creation_time", "last_update_time"}),
)
LOGGED_MODELS = Grammar(
    frozenset({"attribute", "metric", "param", "tag"}),
    texts=frozenset({"name", "model_id", "model_type", "status", "source_run_id"}),
    numbers=frozenset({"creation_timestamp", "last_updated_timestamp"}),
    aliases={"creation_time": "creation_timestamp", "last_updated_time": "last_updated_timestamp"},
)
MODELS = Grammar(
    frozenset({"attribute", "tag"}),
    texts=frozenset({"name"}),
    numbers=frozenset({"creation_timestamp", "last_updated_timestamp"}),
    aliases={"timestamp": "last_updated_timestamp"},
)
MODEL_VERSIONS = Grammar(
    frozenset({"attribute", "tag"}),
    texts=frozenset({"name", "run_id", "source_path"}),
    numbers=frozenset({"version_number", "creation_timestamp", "last_updated_timestamp"}),
)
TRACES = Grammar(
    frozenset({"attribute", "tag", "metadata", "span", "feedback", "expectation"}),
    texts=frozenset({"trace_id", "state", "name", "run_id", "client_request_id", "text"}),
    numbers=frozenset({"timestamp_ms", "execution_time_ms", "end_time_ms"}),
    aliases={"request_id": "trace_id", "status": "state", "timestamp": "timestamp_ms", "request_time": "timestamp_ms",
             "execution_time": "execution_time_ms", "execution_duration": "execution_time_ms",
             "end_time": "end_time_ms"},
    prefixes=TRACE_ENTITIES,
)  # fmt: skip
