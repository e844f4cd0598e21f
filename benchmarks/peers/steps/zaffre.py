"""Zaffre: a pipeline file, submitted by the command line to a server already up, as a user has it."""

import contextlib
import json
import os

import common

_server = common.adapter("idle", "zaffre")
REQUIREMENTS, DISTRIBUTION = _server.REQUIREMENTS, _server.DISTRIBUTION
HELP, IMPORT = ["zaffre", "--help"], "zaffre"
REUSE = "is_deterministic, by content"


@contextlib.contextmanager
def around(box, server):
    argv, url = server.server(box)
    box.env["PATH"] = f"{os.path.dirname(os.path.realpath(box.python))}:{box.env['PATH']}"
    with box.serve(argv, url):
        yield


def prepare(box):
    pass


def write(box, shape, size, workers):
    """Every step is one Python process; a step waits for another by reading its (empty) output, as pipelines do."""

    def step(needs, makes):
        node = {"type": "command", "command": "python -I -c pass", "environment": {"image": "python:3.11"}}
        if needs:
            node["inputs"] = {n: {"type": "uri_folder", "path": f"${{{{parent.jobs.{n}.outputs.out}}}}"} for n in needs}
        if makes:
            node["outputs"] = {"out": {"type": "uri_folder"}}
        return node

    if shape == "chain":
        jobs = {f"s{i}": step([f"s{i - 1}"] if i else [], i < size - 1) for i in range(size)}
    else:
        jobs = {f"s{i}": step([], True) for i in range(size)}
        jobs["joined"] = step(list(jobs), False)
    for name, fresh in (("fresh.yml", True), ("again.yml", False)):
        box.write(name, json.dumps({"type": "pipeline", "settings": {"force_rerun": fresh}, "jobs": jobs}))


def command(box, again=False):
    return [box.bin("zaffre"), "job", "create", "--file", "again.yml" if again else "fresh.yml", "--wait", "-o", "none"]
