"""SEC-06: the server never reads a pickle, whatever a model or an artifact holds."""

from __future__ import annotations

import base64
import os
import pickle
from pathlib import Path

from attacked_server import Server


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def test_sec_06_models_are_registered_shown_and_downloaded_unread(server: Server) -> None:
    mark = server.home.parent / "exploded"
    bomb = base64.b64encode(pickle.dumps(Bomb(mark))).decode()
    yaml = base64.b64encode(f"flavors: !!python/object/apply:os.system ['touch {mark}']\n".encode()).decode()
    files = "model.pkl python_model.pkl data.joblib model.pt"
    command = (
        f"cd ${{{{outputs.m}}}}; for f in {files}; do echo {bomb} | base64 -d > $f; done; "
        f"echo {yaml} | base64 -d > MLmodel"
    )
    job = server.submit(command, outputs={"m": {"type": "mlflow_model", "name": "bomb"}})
    assert server.ended(job)["status"] == "Completed"
    body = {"name": "bomb", "source": server.ended(job)["outputs"]["m"]["path"]}
    assert server.mlflow("POST", "mlflow/model-versions/create", body).status_code == 200
    spec = {"name": "bomb", "type": "mlflow_model", "path": f"azureml://jobs/{job}/outputs/m"}
    assert server.api("POST", "/models", {"spec": spec}).status_code == 200
    body = {"name": "imported", "path": server.ended(job)["outputs"]["m"]["path"], "allow_pickle": True}
    assert server.api("POST", "/models:import", {**body, "allow_pickle": False}).json()["code"] == "PickleNotAllowed"
    assert server.api("POST", "/models:import", body).status_code == 200  # an MLflow folder: nothing of it is opened
    for path in ("/models/bomb", "/models/bomb/download", "/models/bomb/lineage", f"/jobs/{job}/download?all=true"):
        assert server.api("GET", path).status_code == 200, path
    assert not mark.exists()
