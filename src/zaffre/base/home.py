"""Where everything lies below the home folder of a server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "ZAFFRE_HOME"


def default_home() -> Path:
    """`ZAFFRE_HOME`, else `.zaffre` of this folder or the nearest one above that has it, else `~/.zaffre`."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".zaffre").is_dir():
            return folder / ".zaffre"
    return Path.home() / ".zaffre"


@dataclass(frozen=True)
class Home:
    """The paths below a home folder. Nothing is made by asking for one."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "zaffre.db"

    @property
    def content(self) -> Path:
        return self.root / "content"

    @property
    def environments(self) -> Path:
        return self.root / "environments"

    @property
    def cache(self) -> Path:
        """Copies of remote data; may be deleted at any time."""
        return self.root / "cache"

    @property
    def key(self) -> Path:
        """The secret that signs job tokens and encrypts credentials; mode 0600."""
        return self.root / "key"

    @property
    def server_file(self) -> Path:
        """Url, token and pid of the running server; mode 0600."""
        return self.root / "server.json"

    @property
    def lock(self) -> Path:
        """Held by the one process whose engine works on this home."""
        return self.root / "engine.lock"

    def job(self, workspace: str, name: str) -> Path:
        """Scratch of a job: working folder, environment layer, control files. Goes when the job is collected."""
        return self.root / f"jobs/{workspace}/{name}"  # one join: asked for many times a step

    def store(self, workspace: str, name: str) -> Path:
        """The folder behind a built-in datastore (`workspaceblobstore`, `workspaceartifactstore`)."""
        return self.root / f"workspaces/{workspace}/{name}"

    def artifacts(self, workspace: str, job: str) -> Path:
        """Default artifacts of a job, and what MLflow logs: `outputs/`, `logs/`, `user_logs/`, models."""
        return self.root / f"workspaces/{workspace}/workspaceartifactstore/ExperimentRun/dcid.{job}"

    def log(self, workspace: str, job: str) -> Path:
        """What the job's command printed."""
        return self.artifacts(workspace, job) / "user_logs/std_log.txt"

    @property
    def serving(self) -> Path:
        """The gateway's routing table, log and sockets; below it a folder for each deployment."""
        return self.root / "serving"

    @property
    def collected(self) -> Path:
        """What data collectors took and its datastore does not have yet."""
        return self.root / "collected"

    def deployment(self, workspace: str, endpoint: str, name: str) -> Path:
        """Log, code, model and control files of an online deployment."""
        return self.root / f"serving/{workspace}/{endpoint}/{name}"
