"""One JSON line a request. A thread writes them together: a slow disk makes no answer wait."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from zaffre.gateway.front import Request

FILE_BYTES = 64 << 20  # then a new file begins; the former one is kept
LINES = 200_000  # waiting at most: a full disk must not fill the memory


class AccessLog:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="access-log")
        self._writing: Future[None] | None = None
        self.lines: list[tuple[float, bytes, str, str, int, float, int, int]] = []

    def add(
        self, request: Request, endpoint: str, deployment: str, status: int, seconds: float, taken: int, given: int
    ) -> None:
        if len(self.lines) < LINES:
            self.lines.append((time.time(), request.id, endpoint, deployment, status, seconds, taken, given))

    def flush(self, wait: bool = False) -> None:
        """Hands over what there is, unless the former lines are still being written. `wait` until they are."""
        if wait and self._writing is not None:
            self._writing.result()
        if not self.lines or (self._writing is not None and not self._writing.done()):
            return
        lines, self.lines = self.lines, []
        text = "".join(
            f'{{"at": {at:.3f}, "request_id": "{number.decode()}", "endpoint": "{endpoint}", "deployment": '
            f'"{deployment}", "status": {status}, "ms": {seconds * 1000:.2f}, "in": {taken}, "out": {given}}}\n'
            for at, number, endpoint, deployment, status, seconds, taken, given in lines
        )
        self._writing = self._writer.submit(self._write, text)
        if wait:
            self._writing.result()

    def _write(self, text: str) -> None:
        try:
            if self.path.exists() and self.path.stat().st_size > FILE_BYTES:
                self.path.replace(self.path.with_suffix(".1.log"))
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError:  # a full disk stops the log, not the scoring
            pass
