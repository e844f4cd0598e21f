"""Follow lineage through several jobs: level by level, with bounds on how wide and how large the answer gets."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import Connection

from zaffre.services.context import Context
from zaffre.store import assets, jobs, runs
from zaffre.store.assets import AssetRecord, Edge
from zaffre.wire.lineage import LineageArrow, LineageGraph, LineageNode, TraceLineage

WIDTH = 30  # neighbours of one node, in one direction
NODES = 400
VERSIONED = ("data", "model", "environment", "component")
# Where outputs go that name no path: services/places.py, default_output.
OUTPUT = re.compile(r"azureml://datastores/workspaceblobstore/paths/azureml/([^/]+)/([^/]+)(?:/.*)?")
OUTPUT_PATH = "azureml://datastores/workspaceblobstore/paths/azureml/{}/{}/"


@dataclass(frozen=True)
class Thing:
    """A job by its id, anything else by what lineage calls it."""

    kind: str
    ref: str


@dataclass
class Trace:
    connection: Connection
    workspace: str
    levels: dict[Thing, int] = field(default_factory=dict)
    arrows: dict[tuple[Thing, Thing], str] = field(default_factory=dict)
    more: set[Thing] = field(default_factory=set)


def graph(ctx: Context, request: TraceLineage) -> LineageGraph:
    """Raises `NotFound`."""
    with ctx.db.read() as connection:
        root = _root(connection, request)
        trace = Trace(connection, request.workspace, {root: 0})
        for direction in ("up", "down"):
            if request.direction in (direction, "both"):
                _follow(trace, root, direction, 2 * request.depth - (1 if root.kind != "job" else 0) + 1)
        return _told(trace, root)


def _root(connection: Connection, request: TraceLineage) -> Thing:
    if request.kind == "job":
        return Thing("job", str(jobs.get(connection, request.workspace, request.name).id))
    record = assets.get(connection, request.workspace, request.kind, request.name, request.version, None)
    return Thing(request.kind, f"{record.name}:{record.version}")


def _follow(trace: Trace, root: Thing, direction: str, steps: int) -> None:
    """The last step only finds out whether there is more."""
    sign = -1 if direction == "up" else 1
    front = [root]
    for step in range(1, steps + 1):
        found = _neighbours(trace, front, direction)
        following: list[Thing] = []
        for thing in front:
            near = found.get(thing, [])
            if step == steps or len(near) > WIDTH:
                if any(other not in trace.levels for other, _ in near):
                    trace.more.add(thing)
                near = near[: 0 if step == steps else WIDTH]
            for other, port in near:
                if other not in trace.levels:
                    if len(trace.levels) >= NODES:
                        trace.more.add(thing)
                        continue
                    trace.levels[other] = sign * step
                    following.append(other)
                pair = (other, thing) if direction == "up" else (thing, other)
                trace.arrows.setdefault(pair, port)
        front = following


def _neighbours(trace: Trace, front: list[Thing], direction: str) -> dict[Thing, list[tuple[Thing, str]]]:
    """What made these things or what they were made from; of each at most one more than is shown."""
    found: dict[Thing, list[tuple[Thing, str]]] = defaultdict(list)
    known = jobs.by_ids(trace.connection, [int(thing.ref) for thing in front if thing.kind == "job"])
    for thing in front:
        if thing.kind == "job":
            job = known.get(int(thing.ref))
            id_ = (direction == "down" and job and job.reused_from) or int(thing.ref)  # its outputs are those it reuses
            for edge in assets.edges_of_job(
                trace.connection, id_, "input" if direction == "up" else "output", WIDTH + 1
            ):
                found[thing].append((_thing(edge), edge.port))
            continue
        of_thing = "output" if direction == "up" else "input"
        record = _record(trace, thing)
        since = record.id if record else 0  # what a former version of this number was used by does not count
        for kind, ref in _names(thing):
            for edge, _, _ in assets.edges_at(
                trace.connection, trace.workspace, kind, ref, since, direction=of_thing, limit=WIDTH + 1
            ):
                found[thing].append((Thing("job", str(edge.job_id)), edge.port))
        if direction == "up" and not found[thing]:
            found[thing] += _made_by(trace, thing)
    return found


def _thing(edge: Edge) -> Thing:
    """An output is the same thing whether its job or its reader names it."""
    if edge.kind == "uri" and (match := OUTPUT.fullmatch(edge.ref)):
        return Thing("output", f"{match[1]}/{match[2]}")
    return Thing("output" if edge.kind == "job" else edge.kind, edge.ref)


def _names(thing: Thing) -> list[tuple[str, str]]:
    """As lineage may call it."""
    if thing.kind != "output":
        return [(thing.kind, thing.ref)]
    job, port = thing.ref.split("/", 1)
    folder = OUTPUT_PATH.format(job, port)
    return [("job", thing.ref), ("uri", folder), ("uri", folder[:-1]), ("uri", folder + port)]


def _made_by(trace: Trace, thing: Thing) -> list[tuple[Thing, str]]:
    """The job that a version remembers, or whose name an output bears: an edge may be lacking (a reused step)."""
    if thing.kind == "output":
        job = thing.ref.split("/", 1)[0]
        id_ = runs.ids_of(trace.connection, trace.workspace, [job]).get(job)
    else:
        record = _record(trace, thing)
        id_ = record.job_id if record else None
    return [(Thing("job", str(id_)), "")] if id_ else []


def _record(trace: Trace, thing: Thing) -> AssetRecord | None:
    if thing.kind not in VERSIONED:
        return None
    name, _, version = thing.ref.rpartition(":")
    return assets.find(trace.connection, trace.workspace, thing.kind, name, version)


def _told(trace: Trace, root: Thing) -> LineageGraph:
    known = jobs.by_ids(trace.connection, [int(thing.ref) for thing in trace.levels if thing.kind == "job"])
    nodes = []
    names: dict[Thing, str] = {}
    for thing, level in trace.levels.items():
        if thing.kind == "job":
            job = known.get(int(thing.ref))
            if job is None:  # deleted
                continue
            node = LineageNode(id=f"job:{job.name}", kind="job", name=job.name, title=job.display_name,
                               status=job.status.value, level=level)  # fmt: skip
        else:
            versioned = thing.kind in VERSIONED
            name, _, version = thing.ref.rpartition(":") if versioned else (thing.ref, "", "")
            node = LineageNode(id=f"{thing.kind}:{thing.ref}", kind=thing.kind, name=name or thing.ref,
                               version=version or None, level=level)  # fmt: skip
        node.more = thing in trace.more
        names[thing] = node.id
        nodes.append(node)
    arrows = [
        LineageArrow(source=names[source], target=names[target], port=port)
        for (source, target), port in trace.arrows.items()
        if source in names and target in names
    ]
    return LineageGraph(root=names[root], nodes=nodes, edges=arrows)
