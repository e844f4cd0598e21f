"""What a page can follow: events of jobs and their logs, each resumed from where a client stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zaffre.base.clock import iso
from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.base.ids import first_at
from zaffre.core.job_state import TERMINAL
from zaffre.plugins.logs import read as reader
from zaffre.services.context import ANYTHING, NOBODY, THINGS, Context, Feed
from zaffre.services.environments import build_log
from zaffre.services.jobs.log import log_path, source_of
from zaffre.services.jobs.watch import watch
from zaffre.store import job_events
from zaffre.store import jobs as store
from zaffre.store.resources import get_workspace
from zaffre.wire.assets import ReadBuildLog
from zaffre.wire.jobs import WatchJob

LOG_CHUNK = 1 << 18
LOG_POLL_S = 0.15
BUILD_POLL_S = 0.25
LOOK_BACK_S = 3.0
LOOK_BACK_MS = 2000  # an event is numbered before it is committed: one that was late is still seen


@dataclass(frozen=True)
class Batch:
    """What happened since the last one. `seq` is where to resume; `gap`: something before it is lost."""

    seq: str
    data: dict[str, Any]
    gap: bool = False


def open_topic(ctx: Context, workspace: str, topic: str, since: str | None) -> Feed[Batch]:
    """Raises `NotFound` for an unknown job or topic."""
    number = _number(since)
    match topic.split("/"):
        case ["runs"]:
            return _workspace(ctx, workspace, number)
        case ["changes"]:
            return _changes(ctx, workspace, number)
        case ["runs", name]:
            return _events(ctx, WatchJob(workspace=workspace, name=name, after=number or 0, below=False))
        case ["pipelines", name, "states"]:
            return _events(ctx, WatchJob(workspace=workspace, name=name, after=number or 0))
        case ["runs", name, "log"]:
            return _log(ctx, workspace, name, number)
        case ["environments", name, version, "build-log"]:
            return _build(ctx, ReadBuildLog(workspace=workspace, name=name, version=version, offset=number or 0))
    raise NotFound(f"no topic {topic[:200]}", code="TopicNotFound")


def _number(since: str | None) -> int | None:
    if since is None:
        return None
    if not (since.isascii() and since.isdigit() and len(since) < 20):
        raise InvalidRequest("`since` is not one of ours", code="BadCursor", hint="leave it out to begin now")
    return min(int(since), 2**63 - 1)


def _events(ctx: Context, request: WatchJob) -> Feed[Batch]:
    feed = watch(ctx, request)

    def step() -> tuple[list[Batch], bool]:
        events, over = feed.step()
        if not events:
            return [], over
        items = [{**event.model_dump(exclude_none=True), "id": str(event.id)} for event in events]
        return [Batch(str(events[-1].id), {"events": items})], over

    return Feed(feed.topic, step)


def _workspace(ctx: Context, workspace: str, after: int | None) -> Feed[Batch]:
    """Jobs of the workspace that are no steps, as they change."""
    with ctx.db.read() as connection:
        get_workspace(connection, workspace)
        newest = job_events.newest_event(connection)
    seen: set[int] = set()
    last = newest or 0 if after is None else after

    def step() -> tuple[list[Batch], bool]:
        nonlocal last
        with ctx.db.read() as connection:
            rows = job_events.root_events_after(connection, workspace, max(last - first_at(LOOK_BACK_MS), 0))
        fresh = [row for row in rows if row.id not in seen]
        seen.clear()
        seen.update(row.id for row in rows)
        if not fresh:
            return [], False
        last = max(last, fresh[-1].id)
        jobs = {row.name: {"name": row.name, "status": row.status, "at": iso(row.at)} for row in fresh}
        return [Batch(str(last), {"jobs": list(jobs.values())})], False

    return Feed(ANYTHING, step)


def _changes(ctx: Context, workspace: str, after: int | None) -> Feed[Batch]:
    """The nouns of which something became another, of jobs with their names; after a gap it may have been any.

    It begins a little before now, when the page asked for what it shows; jobs it asks for again by itself.
    """
    with ctx.db.read() as connection:
        get_workspace(connection, workspace)
    news, first, last = ctx.changes.news, set[tuple[str, str]](), after or 0
    if after is None:
        last, seen = news.after(news.before(LOOK_BACK_S), workspace)
        first = {word for word in seen or () if word[0] != "jobs"}

    def step() -> tuple[list[Batch], bool]:
        nonlocal last, first
        former = last
        last, words = news.after(former, workspace)
        told, first = sorted({*first, *(words or ())}), set()
        if not told and (words is not None or last == former):
            return [], False
        return [Batch(str(last), {"changes": told}, gap=words is None)], False

    return Feed(THINGS, step)


def _log(ctx: Context, workspace: str, name: str, since: int | None) -> Feed[Batch]:
    """Text in UTF-8; a character that is cut by the end of a piece comes with the next. Begins at `since`."""
    with ctx.db.read() as connection:
        job = store.get(connection, workspace, name)
    path = log_path(ctx, source_of(ctx, job))
    offset = reader.size(path) if since is None else since

    def step() -> tuple[list[Batch], bool]:
        nonlocal offset
        with ctx.db.read() as connection:
            over = store.status_of(connection, job.id) in TERMINAL  # before reading: what comes later is read next time
        end, gap = reader.size(path), False
        if offset > end:
            offset, gap = 0, True
        piece = reader.read(path, offset, LOG_CHUNK)
        data = piece.data if over and offset + len(piece.data) >= end else _whole(piece.data)
        if not data:
            return [], over
        gap = gap or piece.next_offset - offset > len(piece.data)
        offset = piece.next_offset - (len(piece.data) - len(data))
        return [Batch(str(offset), {"text": data.decode(errors="replace")}, gap)], False

    return Feed(job.root_id, step, LOG_POLL_S)


def _build(ctx: Context, request: ReadBuildLog) -> Feed[Batch]:
    """How the build of an environment stands, and its lines as they come. Those of another build begin at 0 again."""
    _, key = build_log.key_of(ctx, request)
    offset, file, told = request.offset, 0, ""

    def step() -> tuple[list[Batch], bool]:
        nonlocal offset, file, told
        found = build_log.look(ctx, key, offset)
        gap = bool(file) and found.file != file
        if gap:
            offset = 0
            found = build_log.look(ctx, key, offset)
        file = found.file
        if not found.data and not gap and found.state == told:
            return [], False
        offset, told = offset + len(found.data), found.state
        data = {"text": found.data.decode(errors="replace"), "state": found.state, "error": found.error}
        return [Batch(str(offset), {**data, "ended_at": found.ended_at}, gap)], False

    return Feed(NOBODY, step, BUILD_POLL_S)


def _whole(data: bytes) -> bytes:
    """Without the beginning of a character whose rest has not come."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 2 if byte >> 5 == 0b110 else 3 if byte >> 4 == 0b1110 else 4 if byte >> 3 == 0b11110 else 1
        return data[:-back] if length > back else data
    return data
