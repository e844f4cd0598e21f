"""Limits on what comes from outside, in one place, each with the reason for its size."""

from __future__ import annotations

YAML_BYTES = 64 * 2**20  # a pipeline of 100,000 steps is about 20 MB
REQUEST_BYTES = 256 * 2**20  # JSON bodies; content travels in streams that are not limited
NAME_LENGTH = 255
PIPELINE_STEPS = 100_000
NESTED_PIPELINES = 20  # depth; deeper is a component that contains itself
