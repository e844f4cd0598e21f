"""Cut the input of a step into mini-batches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

from .files import below, size_of
from .state import fingerprint
from .stop import Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parallel_cut.py")


def cut(layout: dict[str, Any], layout_file: str) -> list[dict[str, Any]]:
    """Mini-batches of the input, in its order: of files, or pieces of a table. Raises `Stop`."""
    source = layout["input"]
    if os.path.isfile(os.path.join(source, "MLTable")):
        return _cut_table(layout, layout_file)
    if layout.get("partition_keys"):
        raise Stop(1, "parallel: partition_keys need a table as input (type: mltable)")
    if not os.path.exists(source):
        raise Stop(1, f"parallel: the input {source} does not exist")
    return _group(layout, [source] if os.path.isfile(source) else list(below(source)))


def _cut_table(layout: dict[str, Any], layout_file: str) -> list[dict[str, Any]]:
    """A program of the step's environment reads the table; finished once, its pieces are kept for later tries."""
    result = os.path.join(layout["state"], "table.json")
    key = fingerprint([layout["key"], layout.get("partition_keys"), layout["batch_bytes"]])
    marked = os.path.join(layout["state"], f"table.{key}.json")
    if not os.path.isfile(marked):
        os.makedirs(layout["state"], exist_ok=True)
        shutil.rmtree(os.path.join(layout["state"], "table"), ignore_errors=True)
        command = [sys.executable, PROGRAM, layout_file, result]
        status = subprocess.call(command)
        if status:
            raise Stop(1, f"parallel: the table could not be read (exit status {status})")
        os.replace(result, marked)
    with open(marked, encoding="utf-8") as file:
        made = json.load(file)
    if "files" in made:
        return _group(layout, made["files"])
    return list(made["tables"])


def _group(layout: dict[str, Any], paths: list[str]) -> list[dict[str, Any]]:
    """So many files each, or files of so many bytes together."""
    if layout.get("batch_files"):
        size = int(layout["batch_files"])
        groups = [paths[start : start + size] for start in range(0, len(paths), size)]
    else:
        groups, held = [], 0
        for path in paths:
            size = size_of(path)
            if not groups or held + size > layout["batch_bytes"]:
                groups.append([])
                held = 0
            groups[-1].append(path)
            held += size
    return [{"files": group, "items": len(group)} for group in groups]
