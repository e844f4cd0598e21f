"""What the engine works from: the resolved form of a job, and which nodes of a pipeline may run.

A plan is JSON, so it is described by typed dictionaries. Nothing in it needs looking up any more: references to
assets, components and environments were resolved when the job was submitted. What is still open are bindings: an
input that comes from the parent (`parent`) or from another node (`node`, `port`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Required, TypedDict


class InputPlan(TypedDict, total=False):
    """Exactly one of `value` (a literal as the command sees it), `uri`, `parent`, or `node` with `port`."""

    type: str
    mode: str
    value: str | None
    uri: str
    identity: str  # of the content behind `uri`, once known
    asset: str  # kind:name:version, when it was given as an asset
    parent: str
    node: str
    port: str
    optional: bool


class OutputPlan(TypedDict, total=False):
    """`path` may hold ${{name}}, ${{output_name}} and ${{default_datastore}}; without one the default place is used."""

    type: Required[str]
    mode: str
    path: str
    name: str  # registers an asset of this name
    version: str
    parent: str  # the pipeline's output that it is


class ParallelPlan(TypedDict, total=False):
    """How a parallel step cuts its input, and what it does with the results. Ports are names of inputs and outputs."""

    entry: str | None  # the script in the code; None: an MLflow model scores by itself
    input: Required[str]  # the port that is cut
    input_type: str
    mini_batch_size: str | None
    partition_keys: list[str]
    append_to: str | None  # the port to which rows are appended
    append_name: str | None  # the file in it, where the port is a folder
    model: str | None  # the port whose folder is AZUREML_MODEL_DIR
    output_dir: str | None  # the port that is AZUREML_BI_OUTPUT_PATH
    error_threshold: int
    mini_batch_error_threshold: int
    allowed_failed_percent: float
    workers: int  # of all instances together; never more than the machine has processors
    retries: int
    timeout_s: float  # of one mini-batch
    init_timeout_s: float
    logging_level: str


class StepPlan(TypedDict, total=False):
    kind: Required[str]  # command, parallel
    command: Required[str]  # of a parallel step the arguments of its script
    parallel: ParallelPlan
    environment: Required[str]  # key into the root's `environments`
    code: str | None  # root of a tree
    inputs: dict[str, InputPlan]
    outputs: dict[str, OutputPlan]
    variables: dict[str, str]
    environment_variables: dict[str, str]  # those of the environment itself, below all others
    compute: str | None
    cpu: float
    memory_mb: float
    gpu: float
    instances: int
    distribution: dict[str, Any] | None
    timeout_s: float | None
    max_retries: int
    backoff_s: float
    deterministic: bool
    source: str  # name:version of the component, for reasons and lineage


class GraphPlan(TypedDict, total=False):
    kind: Required[str]  # pipeline
    nodes: Required[dict[str, Any]]  # name -> StepPlan or GraphPlan
    inputs: dict[str, InputPlan]
    outputs: dict[str, dict[str, Any]]  # name -> OutputPlan with node and port
    force_rerun: bool
    continue_on_failure: bool
    timeout_s: float | None
    source: str
    environments: dict[str, dict[str, Any]]  # only in the root: key -> definition
    verify: float  # only in the root: the fraction of reused steps that run all the same, to compare
    keep: dict[str, int]  # node path -> job whose result is kept (a resumed pipeline)


def needs(node: Mapping[str, Any]) -> set[str]:
    """The nodes whose outputs this one reads."""
    return {item["node"] for item in (node.get("inputs") or {}).values() if "node" in item}


class Progress:
    """Which nodes of a pipeline are ready. Each finished node costs only the edges that leave it.

    A failed node keeps what depends on it from running. Unless the pipeline continues on failure, it also keeps
    everything else from starting.
    """

    def __init__(self, nodes: Mapping[str, Mapping[str, Any]], continue_on_failure: bool) -> None:
        self.continue_on_failure = continue_on_failure
        self.waiting: dict[str, int] = {}
        self.dependents: dict[str, list[str]] = {}
        self.unfinished = len(nodes)
        self.failed: list[str] = []
        self.blocked: set[str] = set()  # will never run
        for name, node in nodes.items():
            sources = needs(node)
            self.waiting[name] = len(sources)
            for source in sources:
                self.dependents.setdefault(source, []).append(name)
        self._initial = [name for name, count in self.waiting.items() if not count]

    def ready_at_start(self) -> list[str]:
        return list(self._initial)

    def complete(self, name: str) -> list[str]:
        """Returns the nodes that have become ready, in the order of the file."""
        self.unfinished -= 1
        ready = []
        for dependent in self.dependents.get(name, ()):
            self.waiting[dependent] -= 1
            if not self.waiting[dependent] and dependent not in self.blocked:
                ready.append(dependent)
        return ready

    def fail(self, name: str) -> None:
        self.unfinished -= 1
        self.failed.append(name)
        stack = [name]
        while stack:
            for dependent in self.dependents.get(stack.pop(), ()):
                if dependent not in self.blocked:
                    self.blocked.add(dependent)
                    self.unfinished -= 1
                    stack.append(dependent)

    @property
    def may_start(self) -> bool:
        """Whether further nodes may start."""
        return self.continue_on_failure or not self.failed


def walk(plan: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Every step below a plan with its path (`outer.inner`); a step alone has the empty path."""
    if plan["kind"] != "pipeline":
        yield path, plan
        return
    for name, node in plan["nodes"].items():
        yield from walk(node, f"{path}.{name}" if path else name)


def order(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names so that each comes after what it needs (a pipeline's graph has no cycle)."""
    progress = Progress(nodes, continue_on_failure=True)
    done, queue = [], progress.ready_at_start()
    while queue:
        name = queue.pop(0)
        done.append(name)
        queue += progress.complete(name)
    return done
