"""Limits on what comes from outside, in one place, each with the reason for its size."""

from __future__ import annotations

YAML_BYTES = 64 * 2**20  # a pipeline of 100,000 steps is about 20 MB
REQUEST_BYTES = 256 * 2**20  # JSON bodies; content travels in streams that are not limited
NAME_LENGTH = 255
NAME_BYTES = 240  # a file name has at most 255, and some of ours begin with more than the name
PIPELINE_STEPS = 100_000
DISTRIBUTED_PROCESSES = 256  # of one job on one machine; each has its own log, pipe and interpreter
NESTED_PIPELINES = 20  # depth; deeper is a component that contains itself
# What a run may log, as MLflow's own server limits it: clients cut their values to these.
METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100
TAGS_PER_BATCH = 100
ENTITIES_PER_BATCH = 1000
KEY_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
DATASETS_PER_BATCH = 1000
TRACKING_REQUEST_BYTES = 32 * 2**20  # the profile of a data set may have 16 MB
TAGS = 1000  # of one thing; Azure ML allows 50
FILTER_COMPARISONS = 200  # of one search; SQLite nests at most 1,000 expressions, and each may be several
FILTER_LIST = 10_000  # values of one IN; PostgreSQL takes at most 65,535 in a statement
# Scoring: what a stranger may send to an endpoint.
SCORE_BYTES = 64 * 2**20  # of one request; Azure ML allows 10 MB
SCORE_HELD_BYTES = 1024 * 2**20  # of all requests that are in memory at once
SCORE_HEAD_BYTES = 32 * 2**10  # request line and headers together
METRIC_POINTS_PER_QUERY = 10_000_000  # about 2 s of work; of a single curve, 0.5 GB of memory
METRIC_CELLS_PER_QUERY = 1_000_000  # curves x buckets: an answer of 32 MB in binary
