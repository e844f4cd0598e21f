"""Which things became others a moment ago: a word for pages that show them, so that they look again."""

from __future__ import annotations

import threading
import time
from collections import deque

from zaffre.base.clock import now_ms

KEPT = 1000


class News:
    """The last words, numbered. In memory only: who missed some, or heard them of another process, looks at all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: deque[tuple[int, float, str, str, str]] = deque(maxlen=KEPT)
        self.last = now_ms() * 1000  # greater than any number of a server before

    def add(self, workspace: str, noun: str, name: str) -> None:
        """`workspace` "" is all of them. `name` is that of a job, so that a burst of them does not stir every page."""
        with self._lock:
            self.last += 1
            self._items.append((self.last, time.monotonic(), workspace, noun, name))

    def before(self, seconds: float) -> int:
        """The number of the last word that is older: who begins to listen now has asked for his data since."""
        with self._lock:
            young = [item[0] for item in self._items if time.monotonic() - item[1] < seconds]
            return young[0] - 1 if young else self.last

    def after(self, number: int, workspace: str) -> tuple[int, list[tuple[str, str]] | None]:
        """The number of the last word, and (noun, name) since `number`; None when some of them are forgotten."""
        with self._lock:
            first = self._items[0][0] if self._items else self.last + 1
            if not first - 1 <= number <= self.last:
                return self.last, None
            young = [item for item in self._items if item[0] > number]
            return self.last, sorted({item[3:] for item in young if item[2] in ("", workspace)})
