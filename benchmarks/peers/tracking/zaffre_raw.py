"""Zaffre, asked by a bare keep-alive client: what the server does without the time of MLflow's client."""

from common import adapter

_sync = adapter("tracking", "zaffre")
REQUIREMENTS, DISTRIBUTION, server, target = _sync.REQUIREMENTS, _sync.DISTRIBUTION, _sync.server, _sync.target


class Client:
    """Runs under the peer's own interpreter."""

    def __init__(self, target):
        import http.client
        import os
        import urllib.parse

        import orjson

        self.json, parts = orjson, urllib.parse.urlsplit(target)
        self.http = http.client.HTTPConnection(parts.netloc)
        self.root = parts.path + "/api/2.0/mlflow/"
        self.headers = {
            "Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}",
            "Content-Type": "application/json",
        }

    def _do(self, path, body, method="POST"):
        self.http.request(method, self.root + path, body and self.json.dumps(body), self.headers)
        answer = self.http.getresponse()
        content = self.json.loads(answer.read())
        assert answer.status == 200, content
        return content

    def new_run(self):
        return self._do("runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]

    def log(self, run, key, value, step):
        self._do("runs/log-metric", {"run_id": run, "key": key, "value": value, "timestamp": 0, "step": step})

    def log_batch(self, run, points):
        metrics = [{"key": k, "value": v, "timestamp": 0, "step": s} for k, v, s in points]
        self._do("runs/log-batch", {"run_id": run, "metrics": metrics})

    def store(self, params, metrics):
        self._do("runs/log-batch", {
            "run_id": self.new_run(), "params": [{"key": k, "value": v} for k, v in params.items()],
            "metrics": [{"key": k, "value": v, "timestamp": 0, "step": 0} for k, v in metrics.items()],
        })  # fmt: skip

    def search(self, limit):
        return self.order(limit, filter="metrics.m0 > 0.5 and params.p0 = '3'")

    def order(self, limit, **more):
        asked = {"experiment_ids": ["0"], "order_by": ["metrics.m1 DESC"], "max_results": limit, **more}
        found = self._do("runs/search", asked)["runs"]
        return [next(m["value"] for m in run["data"]["metrics"] if m["key"] == "m1") for run in found]

    def history(self, run, key):
        return len(self._do(f"metrics/get-history?run_id={run}&metric_key={key}", None, "GET")["metrics"])

    def close(self):
        self.http.close()
