"""`zaffre demo`: the main job, seen once. A project on real patient data, run, reused, changed, compared.

What it does it does by the commands that a person would type, and shows them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zaffre.app import demo_serving
from zaffre.base.errors import Conflict, InvalidRequest, ZaffreError
from zaffre.base.home import VARIABLE, Home
from zaffre.sdk.connect import Address, connect
from zaffre.sdk.workspace import Workspace
from zaffre.wire.jobs import JobView

if TYPE_CHECKING:
    from rich.console import Console

FOLDER = "zaffre-demo"
EXPERIMENT, MODEL = "diabetes", "diabetes-progression"
SUBMIT = "job create -f pipeline.yml --stream"


def run(folder: str | None, *, home: str | None = None) -> None:
    """Write the project to `folder` (kept as it is when it is there already) and run it in front of the reader.

    Without `home` (or `ZAFFRE_HOME`, `ZAFFRE_URL`) the project has its own server. Raises `ZaffreError` when a step of
    the demo fails; what was made until then stays.
    """
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    where = Path(folder or FOLDER).expanduser().absolute()
    _write(where)
    console.print(f"Real data: 442 patients, ten measures each. Who gets worse within a year?\nThe project: {where}")
    console.print("  pipeline.yml, components/, environment.yml, src/ are yours to read and edit", style="dim")
    demo = Demo(console, where, home, *_connect(where, home))

    demo.head("1. Run it: prepare, train, evaluate, register", "the first time, the packages are installed")
    demo.zaffre(SUBMIT)
    first = demo.newest()
    demo.show(first)
    demo.zaffre(f"model list --name {MODEL} -o table")

    demo.head("2. Run it again: nothing has changed")
    demo.zaffre(SUBMIT)
    demo.say_saved(demo.newest())

    depth, other = demo.depths(first)
    demo.head(f"3. Change one value: trees of depth {other} instead of {depth}. What would run, and why?")
    demo.zaffre(f"job plan -f pipeline.yml --set inputs.depth={other} -o table")
    demo.zaffre(f"{SUBMIT} --set inputs.depth={other}")
    second = demo.newest()
    demo.say_saved(second)

    demo.head("4. Did it help?")
    demo.compare(first, second, (f"depth {depth}", f"depth {other}"))
    demo_serving.serve(demo, MODEL)
    demo_serving.score_file(demo)
    demo.farewell()


@dataclass
class Demo:
    """The server and the project that are shown, and to whom."""

    console: Console
    folder: Path
    home: str | None
    address: Address
    workspace: Workspace
    facts: dict[str, dict[str, float | str]] = field(default_factory=dict)

    def head(self, title: str, note: str = "") -> None:
        self.console.print(f"\n[bold]{title}[/bold]" + (f" [dim]({note})[/dim]" if note else ""))

    def zaffre(self, words: str) -> None:
        """Show a command and run it. Raises `ZaffreError` when it fails; it has said why itself."""
        if self.home:
            words += f" --home {shlex.quote(str(Path(self.home).expanduser().absolute()))}"
        self.console.print(f"[bold cyan]$ zaffre {words}[/bold cyan]")
        sys.stdout.flush()
        command = [sys.executable, "-m", "zaffre", *shlex.split(words)]
        code = subprocess.run(command, cwd=self.folder, check=False).returncode
        if code:
            raise ZaffreError(
                f"the demo stops: `zaffre {words}` ended with status {code}", code="DemoFailed",
                hint=f"the reason stands above; mend it and run `zaffre demo {shlex.quote(str(self.folder))}` again: "
                     "what completed is kept",
            )  # fmt: skip

    def newest(self) -> JobView:
        return next(self.workspace.jobs.list(experiment_name=EXPERIMENT, max_results=1))

    def depths(self, job: JobView) -> tuple[int, int]:
        """That of a run, and one that no run has had yet: there is nothing to see where everything is known."""
        depth = int(_inputs(job)["depth"])
        jobs = self.workspace.jobs.list(experiment_name=EXPERIMENT, max_results=500)
        tried = {_inputs(one).get("depth") for one in jobs}
        other = depth + 2
        while other in tried:
            other += 1
        return depth, other

    def show(self, job: JobView) -> None:
        """The figures that the steps have logged."""
        known = self.known(job)
        self.console.print("  ".join(f"[bold]{name}[/bold] {_text(value)}" for name, value in known.items()))

    def known(self, job: JobView) -> dict[str, float | str]:
        """Parameters and last metrics of all steps, by name. A reused step has those of the run that it reuses."""
        if job.name not in self.facts:
            found: dict[str, float | str] = {}
            steps = self.workspace.jobs.list(parent_job_name=job.name)
            for step in sorted(steps, key=lambda one: one.created_at or ""):
                data = self._run(step.reused_from or step.name)
                found |= {item["key"]: item["value"] for item in data.get("params", ())}
                found |= {item["key"]: float(item["value"]) for item in data.get("metrics", ())}
            self.facts[job.name] = found
        return self.facts[job.name]

    def _run(self, name: str) -> Mapping[str, Any]:
        """A job is a run of MLflow's: asked for as MLflow's client does."""
        url = f"{self.address.url}/mlflow/{self.workspace.name}/api/2.0/mlflow/runs/get?run_id={name}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.address.token}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  our own server
            data: Mapping[str, Any] = json.load(answer)["run"].get("data", {})
        return data

    def say_saved(self, job: JobView) -> None:
        steps = list(self.workspace.jobs.list(parent_job_name=job.name))
        reused = [step for step in steps if step.reused_from]
        saved = sum(step.saved_s or 0 for step in reused)
        words = f"{len(reused)} of {len(steps)} steps reused, {saved:.1f} s of work saved"
        self.console.print(f"[green]{words}[/green]; this run took {job.duration_s or 0:.2f} s")

    def compare(self, first: JobView, second: JobView, heads: tuple[str, str]) -> None:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("")
        for head in (*heads, "change"):
            table.add_column(head, justify="right")
        old, new = self.known(first), self.known(second)
        for name in dict.fromkeys([*old, *new]):
            before, after = old.get(name, ""), new.get(name, "")
            change = f"{after - before:+.3f}" if isinstance(before, float) and isinstance(after, float) else ""
            style = "" if change in ("", "+0.000", "-0.000") else "green" if change[0] == "+" else "red"
            table.add_row(name, _text(before), _text(after), f"[{style}]{change}[/{style}]" if style else change)
        self.console.print(table)

    def farewell(self) -> None:
        lines = [f"cd {shlex.quote(os.path.relpath(self.folder))}"]
        if shutil.which("zaffre") is None:
            lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
        if self.home:
            lines.append(f"export {VARIABLE}={shlex.quote(str(Path(self.home).expanduser().absolute()))}")
        self.head("Try next", "the server goes on; `zaffre down` stops it")
        for line in lines:
            self.console.print(f"  {line}")
        for command, meaning in (
            ("job plan -f pipeline.yml", "after an edit: names file and line"),
            ("job list", "what ran"),
            (f"model download --name {MODEL} --label latest", "the model, as MLflow wrote it"),
            (f"lineage show --type model --name {MODEL}", "what made it"),
            ("online-endpoint show --name diabetes --snippet curl", "how others call it"),
            ("online-endpoint rollback --name diabetes", "back to what answered before"),
            ("online-endpoint delete --name diabetes --yes", "it would serve on without the server"),
            ("status", "the address of the server"),
        ):
            self.console.print(f"  zaffre {command:58} [dim]{meaning}[/dim]")


def _write(folder: Path) -> None:
    """Files that are there already stay as they are: somebody may have edited them."""
    marks = ("pipeline.yml", "components/register.yml")
    try:
        taken = folder.exists() and any(not item.name.startswith(".") for item in folder.iterdir())
        if taken and not all((folder / mark).is_file() for mark in marks):
            raise Conflict(f"{folder} is not empty and no project of the demo", code="FolderTaken",
                           hint="name a new folder: zaffre demo my-folder")  # fmt: skip
        with as_file(files("zaffre.app") / "demo-project") as source:
            for path in sorted(source.rglob("*")):
                target = folder / path.relative_to(source)
                if path.is_file() and "__pycache__" not in path.parts and not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
        if not os.environ.get(VARIABLE):
            (folder / ".zaffre").mkdir(exist_ok=True)  # the home of this project: its server, jobs and models
            (folder / ".zaffre" / ".gitignore").write_text("*\n")
    except OSError as error:
        raise InvalidRequest(f"{folder} cannot be written: {error.strerror}", code="FolderReadOnly",
                             hint="name another folder: zaffre demo DIR") from None  # fmt: skip


def _connect(folder: Path, home: str | None) -> tuple[Address, Workspace]:
    """The server that the commands will find: they run in the project's folder."""
    if home is None and not os.environ.get("ZAFFRE_URL"):
        home = os.environ.get(VARIABLE) or str(folder / ".zaffre")
    address, transport = connect(Path(home).expanduser().absolute() if home else None)
    content = Home(address.home.root).content if address.home else None
    return address, Workspace(transport, os.environ.get("ZAFFRE_WORKSPACE") or "default", content=content)


def _inputs(job: JobView) -> Mapping[str, Any]:
    return (job.model_extra or {}).get("inputs") or {}


def _text(value: float | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else value
