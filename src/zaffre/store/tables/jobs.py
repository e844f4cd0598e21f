"""Jobs and what happened to them. A run is a job: MLflow's runs are rows here too."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    func,
)

from zaffre.store.tables.base import BigId, Json, Name, metadata, moment

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),  # base.ids.sequence(): grows with time
    Column("workspace", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("type", String(32), nullable=False),  # command, pipeline, interactive (a run made by a bare client)
    Column("status", String(32), nullable=False),
    Column("reason", Text),  # why it has this status, in words; status and reason are two fields
    Column("parent_id", BigId),
    Column("root_id", BigId, nullable=False),
    Column("node", Name),  # its name in the parent's pipeline
    Column("display_name", Text),
    Column("experiment_id", BigId, nullable=False),
    Column("description", Text),
    Column("compute", Name),
    Column("priority", Integer, nullable=False, default=0),
    Column("created_by", Name),
    moment("created_at", nullable=False),
    moment("started_at"),
    moment("ended_at"),
    moment("changed_at", nullable=False),
    Column("archived", Boolean, nullable=False, default=False),
    Column("spec", Json, nullable=False),  # what the user said, closed: files are content references
    Column("plan", Json),  # what the engine works from: the resolved step, or the graph of a pipeline
    Column("outputs", Json),  # name -> {type, uri, root, files, bytes, asset}
    Column("facts", Json),  # code, git, environment lock, hardware, parameters, seed
    Column("error", Json),  # {code, message, hint}
    Column("attempt", Integer, nullable=False, default=0),
    Column("handle", Json),  # of the compute backend, for the attempt under way
    moment("not_before"),  # a retry waits until then
    Column("cancel", Boolean, nullable=False, default=False),  # somebody asked for its end
    Column("reuse_key", String(64)),
    Column("reuse_parts", Json),
    Column("reused_from", BigId),
    Column("saved_s", Float),  # what the reuse saved, seconds
    Column("lease_owner", String(64)),  # only roots are leased: the tree under a root belongs to one engine
    moment("lease_until"),
    Column("keys_counted", Boolean, nullable=False, server_default=false()),  # in store/run_key_counts.py
    UniqueConstraint("workspace", "name"),
)
Index("ix_jobs_parent", jobs.c.parent_id)
Index("ix_jobs_root_status", jobs.c.root_id, jobs.c.status)
Index("ix_jobs_workspace_created", jobs.c.workspace, jobs.c.parent_id, jobs.c.id)
Index(
    "ix_jobs_status", jobs.c.status, sqlite_where=jobs.c.ended_at.is_(None), postgresql_where=jobs.c.ended_at.is_(None)
)
Index("ix_jobs_reuse", jobs.c.workspace, jobs.c.reuse_key, sqlite_where=jobs.c.reuse_key.isnot(None),
      postgresql_where=jobs.c.reuse_key.isnot(None))  # fmt: skip
Index("ix_jobs_experiment", jobs.c.experiment_id, jobs.c.id)
STARTED = func.coalesce(jobs.c.started_at, jobs.c.created_at)  # lists of runs are sorted by it
SOURCE = func.coalesce(jobs.c.reused_from, jobs.c.id)  # the job that logged what this one shows
Index("ix_jobs_newest", jobs.c.workspace, STARTED, jobs.c.id)
Index("ix_jobs_experiment_newest", jobs.c.experiment_id, STARTED, jobs.c.id)
UNCOUNTED = and_(jobs.c.keys_counted.is_(False), jobs.c.archived.is_(False))
Index("ix_jobs_uncounted", jobs.c.workspace, jobs.c.experiment_id, jobs.c.id, sqlite_where=UNCOUNTED,
      postgresql_where=UNCOUNTED)  # fmt: skip
Index("ix_jobs_source", SOURCE, jobs.c.workspace, jobs.c.experiment_id, jobs.c.archived)

job_events = Table(
    "job_events",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("root_id", BigId, nullable=False),
    moment("at", nullable=False),
    Column("status", String(32), nullable=False),
    Column("reason", Text),
)
Index("ix_job_events_root", job_events.c.root_id, job_events.c.id)
Index("ix_job_events_job", job_events.c.job_id, job_events.c.id)

texts = Table(
    "texts",
    metadata,
    Column("hash", String(64), primary_key=True),  # BLAKE3 of the text
    Column("text", Text, nullable=False),  # environment locks, uncommitted diffs: shared by many jobs
)
