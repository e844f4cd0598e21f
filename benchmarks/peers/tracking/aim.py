"""Aim: its own client against `aim server` (no batch call: a batch is a loop of track calls).

Reading is left out: here the client's query found none of the runs logged through the server, and storing
a run of the search case takes half a second, so 10,000 of them are out of reach.
"""

from common import adapter

_server = adapter("idle", "aim")
REQUIREMENTS, DISTRIBUTION, server = _server.REQUIREMENTS, _server.DISTRIBUTION, _server.server

CASES = ("single", "batch", "writers")


def target(box, url):
    return url.replace("http://", "aim://").removesuffix("/status/")


class Client:
    """Runs under the peer's own interpreter."""

    def __init__(self, target):
        from aim import Run

        self.Run, self.target, self.runs = Run, target, {}

    def new_run(self):
        run = self.Run(
            repo=self.target,
            experiment="bench",
            system_tracking_interval=None,
            capture_terminal_logs=False,
            log_system_params=False,
        )
        self.runs[run.hash] = run
        return run.hash

    def log(self, run, key, value, step):
        self.runs[run].track(value, name=key, step=step)

    def log_batch(self, run, points):
        for key, value, step in points:
            self.runs[run].track(value, name=key, step=step)

    def finish(self):
        """The client queues; closing a run waits for its queue."""
        for run in self.runs.values():
            run.close()
        self.runs.clear()

    def close(self):
        self.finish()
