"""From a folder with code and a table to a registered model, and back out again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from place import Place, ServerPlace

from zaffre.base.errors import Conflict, InvalidRequest, NotFound

SCRIPTS = Path(__file__).parent / "training"
ENVIRONMENT = {"name": "training", "requirements": ["mlflow-skinny==3.4.0", "scikit-learn==1.7.2", "pandas==2.3.3"]}
JOB = """
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
code: src
command: >-
  python train.py --table ${{inputs.table}} --alpha ${{inputs.alpha}} --model ${{outputs.model}}
  --weights ${{outputs.weights}}
environment: file:environment.yml
experiment_name: ridges
inputs:
  table:
    type: uri_file
    path: azureml:measures@latest
  alpha: 0.5
outputs:
  model:
    type: mlflow_model
    name: progression
  weights:
    type: custom_model
"""


def write_project(folder: Path) -> None:
    """Files as a user has them."""
    (folder / "src").mkdir()
    shutil.copy(SCRIPTS / "train.py", folder / "src")
    (folder / "job.yml").write_text(JOB)
    (folder / "environment.yml").write_text(json.dumps(ENVIRONMENT))
    rows = "".join(f"{n}.5,{n % 7}.0,{3 * n - 2 * (n % 7) + 2.5}\n" for n in range(40))
    (folder / "measures.csv").write_text("a,b,y\n" + rows)


def train(place: Place) -> Any:
    from zaffre import load_job

    write_project(place.project)
    place.ws.data.create_or_update(
        {"name": "measures", "type": "uri_file", "path": str(place.project / "measures.csv")}
    )
    return place.run(load_job(place.project / "job.yml"))


def extra(view: Any, key: str) -> Any:
    return (view.model_extra or {}).get(key)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_trained_model_is_registered_versioned_and_traced(place: Place) -> None:
    job = train(place)
    assert f"active run: {job.name}" in place.log(job.name)

    # The output that the file names is version 1, with what is known of an MLflow model.
    first = place.ws.models.get("progression", label="latest")
    assert (first.version, first.type, first.job_name) == ("1", "mlflow_model", job.name)
    assert extra(first, "flavors")["sklearn"]["sklearn_version"] == "1.7.2"
    assert set(extra(first, "flavors")) == {"python_function", "sklearn"}
    assert "double" in json.dumps(extra(first, "signature"))
    assert extra(job, "outputs")["model"]["asset"] == "model:progression:1"

    # Versions by hand: the same output again, as another name and as the next version of the same.
    path = f"azureml://jobs/{job.name}/outputs/model"
    second = place.ws.models.create_or_update(
        {"name": "progression", "type": "mlflow_model", "path": path, "tags": {"stage": "trial"}}
    )
    assert (second.version, second.job_name, second.tags) == ("2", job.name, {"stage": "trial"})
    custom = place.ws.models.create_or_update(
        {"name": "weights", "type": "custom_model", "path": f"azureml://jobs/{job.name}/outputs/weights"}
    )
    assert (custom.version, custom.type, extra(custom, "flavors"), extra(custom, "files")) == (
        "1",
        "custom_model",
        None,
        1,
    )
    assert [one.version for one in place.ws.models.list("progression")] == ["2", "1"]
    changed = place.ws.models.update("progression", "2", tags={"stage": None, "checked": "yes"}, description="better")
    assert (changed.tags, changed.description) == ({"checked": "yes"}, "better")
    with pytest.raises(NotFound, match="progression"):
        place.ws.models.get("progression", "3")
    with pytest.raises((NotFound, InvalidRequest), match="nothing"):
        place.ws.models.create_or_update({"name": "x", "path": f"azureml://jobs/{job.name}/outputs/nothing"})
    with pytest.raises(Conflict, match="progression:1"):
        place.ws.models.create_or_update(
            {"name": "progression", "version": "1", "type": "custom_model", "path": path.replace("model", "weights")}
        )

    # Lineage, from both ends: the job, its code, its data.
    for version in ("1", "2"):
        traced = place.ws.models.lineage("progression", version)
        assert {edge.job for edge in traced.made_by} == {job.name}, version
    (used,) = place.ws.data.lineage("measures", "1").used_by
    assert (used.job, used.port, used.ref) == (job.name, "table", "measures:1")
    assert (job.facts or {})["code"], "the code that made it"

    # Byte for byte what the job wrote.
    place.ws.models.download("progression", place.project / "got", version="1")
    place.ws.jobs.download(job.name, place.project / "all", all=True)
    downloaded = contents(place.project / "got" / "progression")
    assert {"MLmodel", "model.pkl", "requirements.txt"} <= set(downloaded)
    assert downloaded == contents(place.project / "all" / "named-outputs" / "model")
    kept = contents(place.project / "all" / "artifacts")
    assert {"outputs/said.txt", "user_logs/std_log.txt", "notes/table.json", "in_run/MLmodel"} <= set(kept)
    place.ws.models.download("weights", place.project / "got")
    assert set(contents(place.project / "got" / "weights")) == {"weights.json"}


@pytest.mark.slow
def test_the_command_line_registers_and_the_mlflow_client_reads_everything_back(server: ServerPlace) -> None:
    write_project(server.project)
    server.zaffre("data", "create", "--name", "measures", "--type", "uri_file", "--path", "measures.csv")
    job = server.zaffre("job", "create", "-f", "job.yml", "--wait", "--query", "name", "-o", "tsv").strip()
    made = server.json(
        "model", "create", "--name", "by-hand", "--type", "mlflow_model", "--path", f"azureml://jobs/{job}/outputs/model",
        "--tags", "team=risk",
    )  # fmt: skip
    assert (made["version"], made["job_name"], made["tags"]) == ("1", job, {"team": "risk"})
    shown = server.json("model", "show", "--name", "by-hand", "--version", "1")
    assert set(shown["flavors"]) == {"python_function", "sklearn"}
    assert server.json("model", "list", "--name", "progression")[0]["version"] == "1"
    traced = server.json("lineage", "show", "--type", "model", "--name", "by-hand", "--version", "1")
    assert [edge["job"] for edge in traced["made_by"]] == [job]
    server.zaffre("model", "download", "--name", "by-hand", "--version", "1", "--download-path", "got")
    assert "model.pkl" in contents(server.project / "got" / "by-hand")

    for registered in ("progression", "by-hand"):
        out = server.outside(SCRIPTS / "read_back.py", job, "ridges", registered)
        assert json.loads(out.splitlines()[-1])[0] == pytest.approx(4, abs=0.1)
