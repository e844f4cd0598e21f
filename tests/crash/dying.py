"""A platform in a child process that kills itself with SIGKILL at a given point of its work."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zaffre.app.embedded import InProcess
from zaffre.app.platform import open_platform
from zaffre.engine import finish, prepare
from zaffre.engine.batch import Batch
from zaffre.plugins.local_process.backend import LocalProcessBackend
from zaffre.sdk.workspace import Workspace
from zaffre.services.context import Settings

POINTS: list[tuple[Any, str]] = [
    (Batch, "commit"),
    (LocalProcessBackend, "start"),
    (prepare, "prepare"),
    (finish, "finish"),
]


class Countdown:
    """Every point has a moment before and a moment after; at the given one the process dies."""

    def __init__(self, left: int) -> None:
        self.left = left

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if isinstance(args[0], Batch) and args[0].empty:
                return original(*args, **kwargs)
            self.tick()
            found = original(*args, **kwargs)
            self.tick()
            return found

        return call


def live(home: Path, moment: int, act: Callable[[Workspace], None]) -> bool:
    """Open the platform in a child process, let it `act`, and die at `moment` (0: never). False if it died."""
    child = os.fork()
    if child == 0:
        try:
            countdown = Countdown(moment)
            for owner, name in POINTS:
                setattr(owner, name, countdown.around(getattr(owner, name)))
            workspace = Workspace(
                InProcess(open_platform(home, Settings("http://127.0.0.1:9"))), content=home / "content"
            )
            act(workspace)
            workspace.close()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "the platform failed by itself: see its output"
    return True
