"""Live data: one WebSocket a tab, JSON frames. It shows what the feeds of the services show, resumed by `since`.

    client  {"op": "sub", "topic": T, "since": S?}   {"op": "unsub", "topic": T}   {"op": "ping"}
    server  {"op": "evt", "topic": T, "seq": S, "data": {...}}   {"op": "end", "topic": T}
            {"op": "gap", "topic": T, "seq": S}   {"op": "err", "topic": T, "code": C, "message": M}   {"op": "pong"}

Topics: `changes` (the nouns of which something became another), `runs` (whatever happens to jobs of the workspace),
`runs/{name}`, `runs/{name}/log`, `pipelines/{name}/states`,
`environments/{name}/{version}/build-log`.
A `seq` is a text that grows within its topic: the number of an event, or the byte of a log that comes next. Events and
logs are read from where they are kept, so that any `since` can be resumed; `gap` says that part of a log is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from zaffre.api.auth import Gate
from zaffre.base.errors import Conflict, ZaffreError
from zaffre.core.permissions import Permission
from zaffre.services.context import Context
from zaffre.services.jobs.live import Batch, open_topic

PATH = "/api/workspaces/{workspace}/live"
TOPICS = 64  # of one socket: a page shows far fewer
FRAME_BYTES = 4096
PAUSE_S = 0.1  # between batches of a topic: what happens meanwhile comes together
log = logging.getLogger("zaffre.api")


def live_route(ctx: Context, gate: Gate) -> WebSocketRoute:
    async def endpoint(socket: WebSocket) -> None:
        try:
            gate.check_host(socket)
            principal = gate.principal(socket)
            workspace = socket.path_params["workspace"]
            gate.require(principal, Permission.JOBS_READ, workspace)
        except ZaffreError as error:
            await socket.send_denial_response(JSONResponse(error.body(), status_code=error.status))
            return
        await socket.accept()
        await _Talk(replace(ctx, principal=principal), workspace, socket).run()

    return WebSocketRoute(PATH, endpoint, name="live")


@dataclass
class _Talk:
    """One open socket and the topics it follows."""

    ctx: Context
    workspace: str
    socket: WebSocket

    def __post_init__(self) -> None:
        self._topics: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        try:
            while True:
                await self._hear(await self.socket.receive_text())
        except (WebSocketDisconnect, RuntimeError, KeyError):  # gone, or it sent bytes
            pass
        finally:
            for task in self._topics.values():
                task.cancel()

    async def _hear(self, text: str) -> None:
        try:
            said: dict[str, Any] = json.loads(text[:FRAME_BYTES])
            op, topic = said["op"], str(said.get("topic", ""))[:600]
        except (ValueError, TypeError, KeyError, AttributeError):
            await self._say(op="err", topic="", code="MalformedRequest", message="not a frame of this protocol")
            return
        if op == "ping":
            await self._say(op="pong")
        elif op == "unsub":
            if task := self._topics.pop(topic, None):
                task.cancel()
        elif op == "sub":
            if former := self._topics.pop(topic, None):
                former.cancel()
            since = said.get("since")
            self._topics[topic] = asyncio.create_task(self._follow(topic, None if since is None else str(since)))
        else:
            await self._say(op="err", topic=topic, code="MalformedRequest", message="sub, unsub or ping")

    async def _follow(self, topic: str, since: str | None) -> None:
        try:
            if len(self._topics) > TOPICS:
                raise Conflict(f"a socket follows at most {TOPICS} topics", code="TooManyTopics")
            feed = await run_in_threadpool(open_topic, self.ctx, self.workspace, topic, since)
            loop, changed = asyncio.get_running_loop(), asyncio.Event()
            end = self.ctx.changes.subscribe(feed.topic, _waker(loop, changed))
            try:
                over = False
                while not over:
                    changed.clear()
                    batches, over = await run_in_threadpool(feed.step)
                    for batch in batches:
                        await self._tell(topic, batch)
                    if batches:
                        await asyncio.sleep(PAUSE_S)
                    elif not over:
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(changed.wait(), feed.poll_s)
                await self._say(op="end", topic=topic)
            finally:
                end()
        except (WebSocketDisconnect, RuntimeError):
            return
        except ZaffreError as error:
            await self._say(op="err", topic=topic, code=error.code, message=str(error))
        except Exception:
            log.exception("live topic %s failed", topic)
            await self._say(op="err", topic=topic, code="InternalError", message="the server failed on this topic")
        finally:
            if self._topics.get(topic) is asyncio.current_task():
                del self._topics[topic]

    async def _tell(self, topic: str, batch: Batch) -> None:
        if batch.gap:
            await self._say(op="gap", topic=topic, seq=batch.seq)
        await self._say(op="evt", topic=topic, seq=batch.seq, data=batch.data)

    async def _say(self, **frame: Any) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.socket.send_text(json.dumps(frame))


def _waker(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> Callable[[], None]:
    """Called in the thread that committed."""

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server ends
            loop.call_soon_threadsafe(changed.set)

    return wake
