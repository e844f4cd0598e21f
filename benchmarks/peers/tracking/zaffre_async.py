"""Zaffre with the MLflow client's own asynchronous logging, buffered for a second; emptying the queue is timed too.

What it may lose, and when: docs/decisions/0014-logging-metrics.md.
"""

from common import adapter

_sync = adapter("tracking", "zaffre")
REQUIREMENTS, DISTRIBUTION, server = _sync.REQUIREMENTS, _sync.DISTRIBUTION, _sync.server
CASES = ("single", "writers")


def target(box, url):
    box.env["MLFLOW_ENABLE_ASYNC_LOGGING"] = "true"
    box.env["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "1"
    return _sync.target(box, url)


class Client(_sync.Client):
    """Runs under the peer's own interpreter."""

    def __init__(self, target):
        import mlflow

        mlflow.set_tracking_uri(target)
        super().__init__(target)
        self.flush = mlflow.flush_async_logging

    def finish(self):
        self.flush()
