"""Zaffre: `zaffre data create`, which takes the bytes into its content store."""

import contextlib

from common import adapter

_server = adapter("idle", "zaffre")
REQUIREMENTS, DISTRIBUTION = _server.REQUIREMENTS, _server.DISTRIBUTION
FLAGS = []


@contextlib.contextmanager
def around(box):
    argv, url = _server.server(box)
    with box.serve(argv, url):
        yield


def prepare(box):
    pass


def version(box, path):
    return [box.bin("zaffre"), "data", "create", "--name", "asset", "--path", path, "-o", "none", *FLAGS]
