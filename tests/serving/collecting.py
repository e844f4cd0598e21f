"""A home with a data collector and no server, and programs that collect and die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from zaffre.base.home import Home
from zaffre.engine.serving.collected import Collected
from zaffre.engine.serving.spool import folder_for
from zaffre.plugins.datastores.remote import Remote

URI = "azureml://datastores/workspaceblobstore/paths/modelDataCollector/flowers/blue"
DEPLOYMENT = {"workspace": "default", "endpoint": "flowers", "name": "blue"}
PAIRS = {"model_inputs": {"rate": None}, "model_outputs": {"rate": None}}
WORKER = """
import json, os, sys
from zaffre.runtime.zaffre_scoring.collect import Collector
settings, deployment = json.loads(sys.stdin.readline())
collector = Collector(settings, deployment)
for line in sys.stdin:
    asked, answered, is_json = json.loads(line)
    collector.offer(bytes.fromhex(asked), bytes.fromhex(answered), is_json)
collector.finish(60)
print("written", flush=True)
sys.stdin = None
import threading
threading.Event().wait()
"""
DYING = """
import os, signal, sys
from pathlib import Path
left = int(sys.argv[1])
def tick():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
def around(original):
    def call(*given, **named):
        tick()
        found = original(*given, **named)
        tick()
        return found
    return call
os.fsync, Path.replace, Path.unlink = around(os.fsync), around(Path.replace), around(Path.unlink)
"""
DYING_SERVER = (
    DYING
    + """
sys.path.insert(0, sys.argv[3])
from collecting import context
from zaffre.engine.serving.collected import Collected
Collected(context(Path(sys.argv[2]))).turn(0.0)
"""
)
DYING_PROGRAM = DYING + "from zaffre.plugins.collected.convert import main\nmain()\n"


def context(home: Path) -> Any:
    return SimpleNamespace(home=Home(home), remote=Remote())


class Bench:
    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.ctx = context(self.home)
        self.spool = folder_for(Home(self.home), "default", "flowers", "blue", URI)
        self.store = self.home / "workspaces/default/workspaceblobstore/modelDataCollector/flowers/blue"
        self.collected = Collected(self.ctx)

    def worker(
        self, pairs: list[tuple[bytes, bytes]], *, is_json: bool = False, **settings: Any
    ) -> subprocess.Popen[str]:
        """A process that has collected these, and lives on."""
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        told = {"folder": str(self.spool), "collections": PAIRS, "rolling_rate": "hour", **settings}
        with process.stdin as stream:
            stream.write(json.dumps([told, DEPLOYMENT]) + "\n")
            stream.writelines(json.dumps([asked.hex(), answered.hex(), is_json]) + "\n" for asked, answered in pairs)
        assert process.stdout.readline() == "written\n"
        return process

    def lines(self, instance: str, *values: Any, tail: str = "", stamp: str = "2026-11-20-18") -> Path:
        """A file whose writer is gone."""
        path = self.spool / f"model_inputs.{stamp}.{instance}.jsonl"
        records = [{"id": f"{instance}-{i}", "time": "2026-11-20T18:00:00Z", "data": v} for i, v in enumerate(values)]
        path.write_text("".join(json.dumps(one) + "\n" for one in records) + tail)
        return path

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.collected.turn(0.0)

    def left(self) -> list[str]:
        return sorted(name for name in os.listdir(self.spool) if name != "place.json")

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.store)) for path in self.store.rglob("*") if path.is_file())

    def rows(self, collection: str = "model_inputs") -> list[dict[str, Any]]:
        """Of every table of a collection, read as one, as a user would."""
        import pyarrow.parquet as pq

        found: list[dict[str, Any]] = pq.read_table(self.store / collection).to_pylist()
        return found


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
