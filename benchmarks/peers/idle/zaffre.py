"""Zaffre: `zaffre up` on SQLite, in a home of its own."""

import pathlib

import common

ROOT = pathlib.Path(__file__).resolve().parents[3]
# The working tree itself: remove the environment from the cache when it changes.
REQUIREMENTS, DISTRIBUTION = [str(ROOT)], "zaffre"


def server(box):
    port = common.free_port()
    box.env["ZAFFRE_HOME"] = str(box.place / "zaffre")
    return [box.bin("zaffre"), "up", "--port", port], f"http://127.0.0.1:{port}/api/health"
