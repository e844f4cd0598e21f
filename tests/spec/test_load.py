import subprocess
import sys

import pytest

from zaffre.base.errors import SpecError
from zaffre.spec import document
from zaffre.spec.command import CommandComponent, CommandJob
from zaffre.spec.environment import Environment
from zaffre.spec.inputs import Input, Output
from zaffre.spec.node import CommandNode
from zaffre.spec.pipeline import PipelineComponent, PipelineJob, PipelineNode

COMPONENT = """
    name: train
    version: 1.10
    type: command
    code: ./src
    command: python train.py ${{inputs.data}} $[[--lr ${{inputs.lr}}]] ${{outputs.model}}
    environment: file:../env.yml
    inputs:
      data: {type: uri_folder}
      lr: {type: number, optional: true, min: 0, max: 1}
    outputs:
      model: {type: mlflow_model}
"""
ENVIRONMENT = """
    name: env
    image: python
    conda_file: conda.yml
"""
CONDA = "dependencies: [python=3.10, {pip: [numpy]}]"
PIPELINE = """
    type: pipeline
    inputs: {raw: {type: uri_folder, path: data}, rate: 0.1}
    outputs: {model: }
    settings: {default_datestore: x, force_rerun: true}
    jobs:
      train:
        component: ./parts/train.yml
        inputs: {data: "${{parent.inputs.raw}}", lr: "${{parent.inputs.rate}}"}
        outputs: {model: "${{parent.outputs.model}}"}
        identity: {type: user_identity}
      show:
        command: ls ${{inputs.m}}
        environment: azureml:env@latest
        inputs: {m: {path: "${{parent.jobs.train.outputs.model}}", type: mlflow_model, mode: mount}}
"""


@pytest.fixture
def pipeline(write, tmp_path):
    (tmp_path / "parts/src").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    return write(conda=CONDA, env=ENVIRONMENT, parts__train=COMPONENT, main=PIPELINE)


def test_a_pipeline_with_everything_it_names(pipeline, tmp_path):
    found = document.load(pipeline)
    spec = found.spec
    assert (found.kind, found.path) == ("job/pipeline", pipeline)
    assert isinstance(spec, PipelineJob)
    assert spec.outputs == {"model": Output()}
    assert spec.inputs == {"raw": Input(type="uri_folder", path=str(tmp_path / "data")), "rate": 0.1}
    train, show = spec.jobs["train"], spec.jobs["show"]
    assert isinstance(train, CommandNode)
    assert isinstance(train.component, CommandComponent)
    assert train.component.version == "1.10"
    assert train.component.code == str(tmp_path / "parts/src")
    assert isinstance(train.component.environment, Environment)
    assert train.component.environment.conda_file == {"dependencies": ["python=3.10", {"pip": ["numpy"]}]}
    assert show.inputs["m"].mode == "ro_mount"
    assert found.notes == [
        "identity: accepted, has no meaning here",
        "settings.default_datestore: not known, ignored",
    ] or set(found.notes) == {
        "identity: accepted, has no meaning here",
        "settings.default_datestore: not known, ignored",
    }


def test_dump_is_read_back_the_same(pipeline):
    found = document.load(pipeline)
    dumped = document.dump(found.spec)
    again = document.parse(dumped)
    assert (again.kind, again.spec) == (found.kind, found.spec)
    assert document.dump(again.spec) == dumped
    assert "limits" not in dumped


def test_overrides_stand_in_the_main_file(pipeline, tmp_path):
    (tmp_path / "other").mkdir()
    found = document.load(pipeline, ["inputs.rate=0.5", "inputs.raw.path=other", "experiment_name=e"])
    assert found.spec.inputs["rate"] == 0.5
    assert found.spec.inputs["raw"].path == str(tmp_path / "other")


def test_missing_data_can_be_tolerated(write):
    path = write(main="command: ls\nenvironment: {image: x}\ninputs: {d: {path: nowhere}}")
    with pytest.raises(SpecError, match="no file or folder nowhere"):
        document.load(path)
    found = document.load(path, data_must_exist=False)
    assert "nowhere" in found.notes[0]


def test_a_component_file_is_loaded_once(pipeline):
    text = pipeline.read_text() + "".join(
        f"  t{i}: {{component: ./parts/train.yml, inputs: {{data: '${{{{parent.inputs.raw}}}}'}}}}\n" for i in range(3)
    )
    pipeline.write_text(text)
    jobs = document.load(pipeline).spec.jobs
    assert jobs["t0"].component is jobs["t2"].component is jobs["train"].component


def test_a_request_opens_no_file(tmp_path):
    (tmp_path / "secret.yml").write_text("type: command\ncommand: cat\nenvironment: {image: x}")
    secret = str(tmp_path / "secret.yml")
    for body in (
        {"type": "pipeline", "jobs": {"a": {"component": secret}}},
        {"command": "x", "environment": f"file:{secret}"},
        {"command": "x", "environment": {"image": "x", "conda_file": secret}},
    ):
        with pytest.raises(SpecError) as caught:
            document.parse(body, kind="job")
        assert "cat" not in str(caught.value)
    kept = document.parse({"command": "x", "environment": {"image": "x"}, "code": "/no/such/folder"}, kind="job")
    assert kept.spec.code == "/no/such/folder"


def test_traps_of_real_files():
    literal = {
        "command": "${{inputs.iris}}",
        "environment": {"image": "x"},
        "inputs": {"type": "uri_file", "iris": "https://x"},
    }
    assert document.parse(literal).spec.inputs == {"type": "uri_file", "iris": "https://x"}
    outputs = {"command": "x", "environment": {"image": "x"}, "outputs": {"artifacts": None, "o": {"mode": "mount"}}}
    assert document.parse(outputs).spec.outputs == {"artifacts": Output(), "o": Output(mode="rw_mount")}
    whole = {
        "type": "pipeline",
        "component": "azureml:p@latest",
        "compute": "azureml:c",
        "inputs": {"x": {"type": "uri_file"}},
    }
    assert document.parse(whole, kind="job").spec.component == "azureml:p@latest"


def test_pipelines_in_pipelines(write):
    path = write(
        inner="type: pipeline\nname: inner\njobs: {a: {command: ls, environment: {image: x}}}",
        main="type: pipeline\njobs:\n  i: {component: inner.yml}\n  j: {component: {jobs: {b: {component: x}}}}",
    )
    jobs = document.load(path).spec.jobs
    assert isinstance(jobs["i"], PipelineNode)
    assert isinstance(jobs["i"].component, PipelineComponent)
    assert isinstance(jobs["j"].component.jobs["b"], CommandNode)


def test_models_can_be_made_in_python():
    job = CommandJob(command="ls", environment="azureml:e:1", inputs={"a": 1, "b": Input(path="x")})
    assert document.parse(document.dump(job)).spec == job


def test_a_command_does_not_import_the_whole_language(write):
    path = write(main="command: ls\nenvironment: {image: x}")
    program = (
        "import sys; from pathlib import Path; from zaffre.spec import document; "
        "early = [m for m in sys.modules if m.startswith('zaffre.spec.')]; "
        f"document.load(Path({str(path)!r})); print(sorted(m for m in sys.modules if m.startswith('zaffre.spec.')))"
        "; print(early)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded, early = ran.stdout.splitlines()
    for late in ("pipeline", "automl", "deployment", "sweep"):
        assert f"zaffre.spec.{late}'" not in loaded
    assert "zaffre.spec.command'" not in early
