"""Zaffre: the unmodified MLflow client against `zaffre up` on SQLite, as a script has it that sets two variables."""

import json
import urllib.parse

from common import adapter

_server = adapter("idle", "zaffre")
_mlflow = adapter("tracking", "mlflow")
# The client of the peer it is compared with; skinny, for the server needs nothing of the rest.
REQUIREMENTS, DISTRIBUTION = [*_server.REQUIREMENTS, "mlflow-skinny==3.17.2"], "zaffre"
server, Client = _server.server, _mlflow.Client


def target(box, url):
    box.env["MLFLOW_TRACKING_TOKEN"] = json.loads((box.place / "zaffre" / "server.json").read_text())["token"]
    box.env["NO_PROXY"] = urllib.parse.urlsplit(url).hostname  # as jobs have it
    return url.removesuffix("/api/health") + "/mlflow/default"
