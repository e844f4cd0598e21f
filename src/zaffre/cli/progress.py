"""Show a job while it runs: its log, and for a pipeline every step with state, time and what reuse saved."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from zaffre.base.errors import ZaffreError
from zaffre.sdk.follow import NESTED, follow
from zaffre.sdk.jobs import ENDED
from zaffre.wire.jobs import JobEvent, JobView, PlanView

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from zaffre.sdk.jobs import Jobs

MARKS = {"Completed": "✓", "Failed": "✗", "Canceled": "–", "NotResponding": "?", "Running": "▶"}
STYLES = {"Completed": "green", "Failed": "bold red", "Canceled": "yellow", "Running": "cyan", "Preparing": "blue"}
TOLD = ENDED | {"Preparing", "Running"}  # the other states last milliseconds, unless they have a reason


def watch(jobs: Jobs, job: JobView, to: TextIO) -> JobView:
    """Show a job until it has ended, and how it ended. On a terminal a pipeline is a live tree, else plain lines."""
    if job.type in NESTED and to.isatty():
        _watch_live(jobs, job, to)
    else:
        _watch_plainly(jobs, job, to)
    ended = jobs.wait(job.name)
    to.write(summary(ended) + "\n")
    to.flush()
    return ended


def summary(job: JobView) -> str:
    """`Completed in 14 s: merry_falcon_x7k2m9p4qr`"""
    took = f" in {seconds(job.duration_s)}" if job.duration_s is not None else ""
    reused = f", reused from {job.reused_from}" if job.reused_from else ""
    saved = f", {seconds(job.saved_s)} saved" if job.saved_s else ""
    return f"{job.status}{took}{reused}{saved}: {job.name}"


def seconds(value: float | None) -> str:
    """`42 ms`, `0.42 s`, `14 s`, `3 min 20 s`, `2 h 5 min`"""
    if value is None:
        return ""
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    if value < 10:
        return f"{value:.2g} s"
    if value < 60:
        return f"{value:.0f} s"
    if value < 3600:
        return f"{value // 60:.0f} min {value % 60:.0f} s"
    return f"{value // 3600:.0f} h {value % 3600 // 60:.0f} min"


def plan_lines(view: PlanView) -> list[str]:
    """One line a step: what happens to it, and why."""
    width = max((len(step.step) for step in view.steps), default=0)
    words = {True: "runs  ", False: "reused", None: "open  "}
    lines = [f"{step.step:{width}}  {words[step.runs]}  {step.cause}".rstrip() for step in view.steps]
    saved = f", {seconds(view.saved_s)} saved" if view.saved_s else ""
    unknown = f", {view.unknown} decided by the results of earlier ones" if view.unknown else ""
    return [*lines, f"{view.will_run} to run, {view.reused} reused{saved}{unknown}"]


def _watch_plainly(jobs: Jobs, job: JobView, to: TextIO) -> None:
    def write(text: str) -> None:
        to.write(text)
        to.flush()

    def say(event: JobEvent) -> None:
        if event.node and (event.reason or event.status in TOLD):
            write(f"[{event.node}] {state(event)}\n")

    if job.type in NESTED:
        follow(jobs, job, write, say)
    else:
        with _said_beside(jobs, job):
            follow(jobs, job, write)


def state(event: JobEvent) -> str:
    """`Preparing: building the environment`, `Completed (reused from merry_falcon, 14 s saved)`"""
    saved = f", {seconds(event.saved_s)} saved" if event.saved_s else ""
    reused = f" (reused from {event.reused_from}{saved})" if event.reused_from and event.status == "Completed" else ""
    why = f": {event.reason}" if event.reason and event.status != "Completed" else ""
    return f"{event.status}{reused}{why}"


@contextmanager
def _said_beside(jobs: Jobs, job: JobView) -> Iterator[None]:
    """Tell on stderr what a single job waits for, while its log is followed."""

    def tell() -> None:
        with suppress(ZaffreError):  # the log tells what is wrong with the connection
            for event in jobs.events(job.name):
                if event.status not in ENDED and (event.reason or event.status in TOLD):
                    print(f"· {state(event)}", file=sys.stderr, flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    yield
    teller.join(1)


@dataclass
class Step:
    """What is known of one step."""

    status: str = "NotStarted"
    reason: str | None = None
    begun: float | None = None
    took: float | None = None
    reused_from: str | None = None
    saved_s: float | None = None


@dataclass
class Board:
    """The steps of a pipeline, in the order they were first heard of, by their path `outer.inner`."""

    name: str
    started: float = field(default_factory=time.monotonic)
    status: str = "NotStarted"
    steps: dict[str, Step] = field(default_factory=dict)

    def heard(self, event: JobEvent) -> None:
        if not event.node:
            self.status = event.status
            return
        step, now = self.steps.setdefault(event.node, Step()), time.monotonic()
        if event.status == "Running" and step.begun is None:
            step.begun = now
        if event.status in ENDED and step.begun is not None:
            step.took = now - step.begun
        step.status, step.reason = event.status, event.reason
        step.reused_from = event.reused_from or step.reused_from
        step.saved_s = event.saved_s or step.saved_s

    def lines(self, limit: int) -> list[tuple[str, str]]:
        """(style, text), at most `limit`: of many steps those that live or failed are shown, the others counted."""
        done = sum(step.status in ENDED for step in self.steps.values())
        passed = seconds(time.monotonic() - self.started)
        head = ("bold", f"{self.name}  {self.status}  {done} of {len(self.steps)} steps  {passed}")
        shown = list(self.steps.items())
        if len(shown) > limit - 1:
            loud = [item for item in shown if item[1].status not in ("Completed", "NotStarted", "Queued")]
            quiet = len(shown) - len(loud[: limit - 2])
            return [head, *(self._line(*item) for item in loud[: limit - 2]), ("dim", f"  and {quiet} more")]
        return [head, *(self._line(*item) for item in shown)]

    @staticmethod
    def _line(path: str, step: Step) -> tuple[str, str]:
        *parents, last = path.split(".")
        took = step.took if step.took is not None else time.monotonic() - step.begun if step.begun else None
        words = [f"{'  ' * (len(parents) + 1)}{MARKS.get(step.status, '·')} {last:24} {step.status:12}", seconds(took)]
        if step.reused_from:
            saved = f", saved {seconds(step.saved_s)}" if step.saved_s else ""
            words = [*words[:1], f"reused from {step.reused_from}{saved}"]
        elif step.reason and step.status not in ("Completed", "Running"):
            words.append(step.reason)
        return ("dim green" if step.reused_from else STYLES.get(step.status, "dim"), "  ".join(words).rstrip())


def _watch_live(jobs: Jobs, job: JobView, to: TextIO) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(file=to, highlight=False)
    board = Board(job.display_name or job.name)
    picture: Any = _Picture(board, console)
    with Live(picture, console=console, refresh_per_second=8, transient=False) as live:

        def write(text: str) -> None:
            live.console.print(text.rstrip("\n"), markup=False, style="dim", soft_wrap=True)

        follow(jobs, job, write, board.heard)
        board.status = jobs.get(job.name).status


class _Picture:
    """Drawn anew at every refresh, so that times go on."""

    def __init__(self, board: Board, console: Console) -> None:
        self._board, self._console = board, console

    def __rich__(self) -> Text:
        from rich.text import Text

        lines = self._board.lines(max(self._console.size.height - 2, 5))
        text = Text("\n").join(Text(line, style=style, no_wrap=True, overflow="ellipsis") for style, line in lines)
        text.no_wrap = True
        return text
