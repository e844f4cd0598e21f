"""MLflow: its own client against `mlflow server` on SQLite."""

from common import adapter

_server = adapter("idle", "mlflow")
REQUIREMENTS, DISTRIBUTION, server = _server.REQUIREMENTS, _server.DISTRIBUTION, _server.server


def target(box, url):
    return url.removesuffix("/health")


class Client:
    """Runs under the peer's own interpreter."""

    def __init__(self, target):
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        self.client, self.Metric, self.Param = MlflowClient(tracking_uri=target), Metric, Param
        found = self.client.get_experiment_by_name("bench")
        self.experiment = found.experiment_id if found else self.client.create_experiment("bench")

    def new_run(self):
        return self.client.create_run(self.experiment).info.run_id

    def log(self, run, key, value, step):
        self.client.log_metric(run, key, value, step=step)

    def log_batch(self, run, points):
        self.client.log_batch(run, metrics=[self.Metric(k, v, 0, s) for k, v, s in points])

    def store(self, params, metrics):
        run = self.new_run()
        self.client.log_batch(
            run,
            params=[self.Param(k, v) for k, v in params.items()],
            metrics=[self.Metric(k, v, 0, 0) for k, v in metrics.items()],
        )

    def search(self, limit):
        found = self.client.search_runs(
            [self.experiment], "metrics.m0 > 0.5 and params.p0 = '3'", order_by=["metrics.m1 DESC"], max_results=limit
        )
        return [run.data.metrics["m1"] for run in found]

    def order(self, limit):
        found = self.client.search_runs([self.experiment], order_by=["metrics.m1 DESC"], max_results=limit)
        return [run.data.metrics["m1"] for run in found]

    def history(self, run, key):
        return len(self.client.get_metric_history(run, key))

    def close(self):
        pass
