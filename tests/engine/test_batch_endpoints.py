"""Batch endpoints: deployments of models and pipelines, and the jobs that their invocations are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lab import PLAIN, Lab, command_job, extra

from zaffre.base.errors import InvalidRequest, NotFound, SpecError
from zaffre.wire.jobs import JobView

SCORE = """
import os
def init():
    global factor
    folder = os.environ["AZUREML_MODEL_DIR"]
    factor = int(open(os.path.join(folder, "weights", "factor.txt")).read())
def run(mini_batch):
    return [f"{os.path.basename(path)} {int(open(path).read()) * factor}" for path in mini_batch]
"""
WRITE = """
import os
def run(mini_batch):
    for path in mini_batch:
        name = os.path.basename(path)
        open(os.path.join(os.environ["AZUREML_BI_OUTPUT_PATH"], name + ".scored"), "w").write(os.environ["WORD"])
    return mini_batch
"""


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    data, code, model = tmp_path / "data", tmp_path / "code", tmp_path / "weights"
    for folder in (data, code, model):
        folder.mkdir()
    for number in range(5):
        (data / f"{number}.txt").write_text(str(number))
    (code / "score.py").write_text(SCORE)
    (code / "write.py").write_text(WRITE)
    (model / "factor.txt").write_text("3")
    return {"data": data, "code": code, "model": model}


def deployment(places: dict[str, Path], name: str = "triple", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "endpoint_name": "numbers",
        "type": "model",
        "model": {"name": "factor", "path": str(places["model"])},
        "code_configuration": {"code": str(places["code"]), "scoring_script": "score.py"},
        "environment": PLAIN,
        **fields,
        "settings": {"mini_batch_size": 2, **fields.get("settings", {})},
    }


def scored(lab: Lab, job: JobView) -> list[str]:
    assert job.status == "Completed", [lab.text(step.name) for step in lab.steps(job.name).values()]
    return (lab.output(job, "score") / "predictions.csv").read_text().splitlines()


def test_a_model_with_a_script(lab: Lab, places: dict[str, Path]) -> None:
    ws = lab.ws
    with pytest.raises(NotFound, match="batch endpoint numbers not found"):
        ws.batch_deployments.create_or_update(deployment(places))
    made = ws.batch_endpoints.create_or_update({"name": "numbers", "description": "for tests"})
    assert made.provisioning_state == "Succeeded"
    with pytest.raises(InvalidRequest, match="no default deployment"):
        ws.batch_endpoints.invoke("numbers", input=places["data"])
    shown = ws.batch_deployments.create_or_update(deployment(places), set_default=True)
    assert extra(shown, "model") == "azureml:factor:1"
    assert extra(ws.batch_endpoints.get("numbers"), "defaults") == {"deployment_name": "triple"}

    job = lab.ended(ws.batch_endpoints.invoke("numbers", input=str(places["data"])).name)
    assert scored(lab, job) == [f"{number}.txt {number * 3}" for number in range(5)]
    assert job.experiment_name == "numbers"
    assert list(lab.steps(job.name)) == ["batchscoring"]
    assert [item.name for item in ws.batch_endpoints.list_jobs("numbers", "triple")] == [job.name]

    again = ws.batch_deployments.create_or_update(deployment(places, tags={"a": "b"}))
    assert (again.revision, extra(again, "model")) == (2, "azureml:factor:1"), "the same model is no new version"
    job = lab.ended(
        ws.batch_endpoints.invoke(
            "numbers", input=places["data"], mini_batch_size=1, output_file_name="predictions.csv", job_name="mine",
            output_path="azureml://datastores/workspaceblobstore/paths/today/",
        ).name
    )  # fmt: skip
    assert job.name == "mine"
    assert len(scored(lab, job)) == 5
    assert (lab.home / "workspaces/default/workspaceblobstore/today/predictions.csv").is_file()
    assert next(ws.batch_endpoints.list_jobs("numbers")).name == "mine"

    ws.batch_deployments.delete("triple", "numbers")
    assert extra(ws.batch_endpoints.get("numbers"), "defaults") == {"deployment_name": None}
    ws.batch_endpoints.delete("numbers")
    assert list(ws.batch_endpoints.list()) == []
    with pytest.raises(NotFound, match="numbers not found"):
        ws.batch_endpoints.get("numbers")
    assert ws.jobs.get("mine").status == "Completed"


def test_files_that_the_script_writes(quick_lab: Lab, places: dict[str, Path]) -> None:
    ws = quick_lab.ws
    ws.batch_endpoints.create_or_update({"name": "numbers"})
    settings = {"output_action": "summary_only", "environment_variables": {"WORD": "well"}}
    ws.batch_deployments.create_or_update(
        deployment(
            places,
            settings=settings,
            code_configuration={"code": str(places["code"]), "scoring_script": "write.py"},
        )
    )
    data = ws.data.create_or_update({"name": "numbers", "type": "uri_folder", "path": str(places["data"])})
    job = quick_lab.ended(ws.batch_endpoints.invoke("numbers", input=f"azureml:{data.name}:1").name)
    assert job.status == "Completed", "the only deployment is the default"
    found = {path.name: path.read_text() for path in quick_lab.output(job, "score").iterdir()}
    assert found == {f"{number}.txt.scored": "well" for number in range(5)}
    job = quick_lab.ended(ws.batch_endpoints.invoke("numbers", input=places["data"] / "3.txt",
                                                    environment_variables={"WORD": "other"}).name)  # fmt: skip
    assert [path.read_text() for path in quick_lab.output(job, "score").iterdir()] == ["other"]


def test_a_pipeline(quick_lab: Lab, places: dict[str, Path]) -> None:
    ws = quick_lab.ws
    step = {
        **command_job("ls ${{inputs.data}} | head -${{inputs.most}} > ${{outputs.names}}/names.txt"),
        "inputs": {"data": "${{parent.inputs.data}}", "most": "${{parent.inputs.most}}"},
        "outputs": {"names": "${{parent.outputs.names}}"},
    }
    component = {
        "type": "pipeline", "name": "names", "jobs": {"list": step}, "outputs": {"names": {"type": "uri_folder"}},
        "inputs": {"data": {"type": "uri_folder"}, "most": {"type": "integer", "default": 2}},
    }  # fmt: skip
    ws.components.create_or_update(component)
    ws.batch_endpoints.create_or_update({"name": "numbers"})
    of = {"endpoint_name": "numbers", "type": "pipeline"}
    ws.batch_deployments.create_or_update({**of, "name": "names", "component": "azureml:names@latest"})
    job = quick_lab.ended(ws.batch_endpoints.invoke("numbers", input=places["data"]).name)
    assert (quick_lab.output(job, "names") / "names.txt").read_text().split() == ["0.txt", "1.txt"]
    named = {"data": str(places["data"]), "most": 1}
    job = quick_lab.ended(ws.batch_endpoints.invoke("numbers", inputs=named).name)
    assert (quick_lab.output(job, "names") / "names.txt").read_text().split() == ["0.txt"]

    ws.batch_deployments.create_or_update({**of, "name": "again", "job_definition": f"azureml:{job.name}"})
    job = quick_lab.ended(ws.batch_endpoints.invoke("numbers", deployment_name="again", inputs={"most": 3}).name)
    assert (quick_lab.output(job, "names") / "names.txt").read_text().split() == ["0.txt", "1.txt", "2.txt"]
    with pytest.raises(InvalidRequest, match="has no input nothing"):
        ws.batch_endpoints.invoke("numbers", deployment_name="names", inputs={"nothing": 1})
    with pytest.raises(InvalidRequest, match="required and was not given"):
        ws.batch_endpoints.invoke("numbers", deployment_name="names")
    with pytest.raises(InvalidRequest, match="cannot be changed"):
        ws.batch_endpoints.invoke("numbers", deployment_name="names", input=places["data"], mini_batch_size=1)
    with pytest.raises(InvalidRequest, match="it has: names, again"):
        ws.batch_endpoints.invoke("numbers", input=places["data"])


def test_what_could_not_run_is_refused_at_once(quick_lab: Lab, places: dict[str, Path]) -> None:
    ws = quick_lab.ws
    ws.batch_endpoints.create_or_update({"name": "numbers"})
    for wrong, error, says in (
        ({"code_configuration": None}, InvalidRequest, "only an MLflow model scores without a script"),
        ({"model": "azureml:nothing@latest"}, NotFound, "model nothing"),
        ({"model": None, "code_configuration": None}, InvalidRequest, "has no model"),
        ({"compute": "azureml:nowhere"}, NotFound, "nowhere"),
        ({"settings": {"mini_batch_size": "many"}}, SpecError, "no size of a mini-batch"),
        ({"settings": {"output_file_name": "../x"}}, InvalidRequest, "no name of a file"),
        ({"type": "pipeline"}, SpecError, "not known here"),
    ):
        with pytest.raises(error, match=says):
            ws.batch_deployments.create_or_update(deployment(places, **wrong))
    assert list(ws.batch_deployments.list("numbers")) == []
    ws.batch_deployments.create_or_update(deployment(places))
    for call, error, says in (
        ({}, InvalidRequest, "what is to be scored"),
        ({"input": "/nowhere/at/all"}, InvalidRequest, "no file or folder"),
        ({"input": "azureml:nothing:1"}, NotFound, "nothing"),
        ({"input": places["data"], "deployment_name": "other"}, NotFound, "deployment other"),
        ({"input": places["data"], "output_action": "nothing"}, SpecError, "output_action"),
        ({"input": places["data"], "instance_count": "two"}, InvalidRequest, "no number of instances"),
        ({"inputs": {"a": str(places["data"]), "b": 1}}, InvalidRequest, "has no input"),
    ):
        with pytest.raises(error, match=says):
            ws.batch_endpoints.invoke("numbers", **call)
    with pytest.raises(NotFound, match="deployment other"):
        ws.batch_endpoints.update("numbers", {"defaults": {"deployment_name": "other"}})


def test_an_invocation_is_resumed_where_it_stopped(quick_lab: Lab, places: dict[str, Path], tmp_path: Path) -> None:
    ws, gate = quick_lab.ws, tmp_path / "gate"
    (places["code"] / "score.py").write_text(f"""
import os
def run(mini_batch):
    if mini_batch[0].endswith("2.txt") and not os.path.exists({str(gate)!r}):
        raise OSError("not yet")
    print("ran", mini_batch[0][-5:])
    return mini_batch
""")
    ws.batch_endpoints.create_or_update({"name": "numbers"})
    settings = {"mini_batch_size": 1, "error_threshold": 0, "retry_settings": {"max_retries": 0}}
    ws.batch_deployments.create_or_update(deployment(places, settings=settings))
    job = quick_lab.ended(ws.batch_endpoints.invoke("numbers", input=places["data"]).name)
    assert job.status == "Failed"
    gate.touch()
    again = quick_lab.ended(ws.jobs.resume(job.name).name)
    assert len(scored(quick_lab, again)) == 5
    log = quick_lab.text(quick_lab.steps(again.name)["batchscoring"].name)
    assert "ran 0.txt" not in log
    assert "ran 2.txt" in log
