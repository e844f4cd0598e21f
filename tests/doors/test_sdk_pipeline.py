"""Pipelines drawn in Python are the same documents as those written in YAML."""

from __future__ import annotations

import doctest
import time
from pathlib import Path

import pytest

from zaffre import Input, Output, command, load_component, load_job, pipeline
from zaffre.base import errors
from zaffre.sdk import load as load_module
from zaffre.sdk.documents import as_spec
from zaffre.sdk.step import Step
from zaffre.spec.pipeline import PipelineJob

ENVIRONMENT = "azureml:sklearn@latest"
prepare = command(
    name="prepare",
    command="cp ${{inputs.raw}} ${{outputs.table}}",
    inputs={"raw": Input(type="uri_file")},
    outputs={"table": Output(type="uri_folder")},
    environment=ENVIRONMENT,
)
train = command(
    name="train",
    command="train ${{inputs.table}} ${{inputs.depth}} ${{outputs.model}}",
    inputs={"table": Input(type="uri_folder"), "depth": 2},
    outputs={"model": Output(type="mlflow_model")},
    environment=ENVIRONMENT,
)
RAW = Input(type="uri_file", path="azureml:raw:1")


def test_names_bindings_and_outputs() -> None:
    @pipeline(experiment_name="e", default_compute="cpu")
    def risk(raw: Input, depth: int = 3) -> dict[str, object]:
        prepared = prepare(raw=raw)
        first = train(table=prepared.outputs.table, depth=depth)
        train(table=prepared)  # its only output is meant
        first.compute = "gpu"
        first.limits = {"timeout": 60}
        return {"model": first.outputs.model}

    job = risk(RAW)
    assert isinstance(job, PipelineJob)
    spec = as_spec(job, {}, "job")
    assert list(spec["jobs"]) == ["prepared", "first", "train"]
    assert spec["jobs"]["first"]["inputs"] == {
        "table": "${{parent.jobs.prepared.outputs.table}}", "depth": "${{parent.inputs.depth}}"
    }  # fmt: skip
    assert spec["jobs"]["train"]["inputs"]["table"] == "${{parent.jobs.prepared.outputs.table}}"
    assert spec["jobs"]["train"]["inputs"]["depth"] == 2
    assert (spec["jobs"]["first"]["compute"], spec["jobs"]["first"]["limits"]) == ("gpu", {"timeout": 60})
    assert spec["jobs"]["first"]["outputs"]["model"]["path"] == "${{parent.outputs.model}}"
    assert spec["outputs"] == {"model": {"type": "mlflow_model"}}
    assert spec["inputs"] == {"raw": {"type": "uri_file", "path": "azureml:raw:1"}, "depth": 3}
    assert spec["settings"] == {"default_compute": "cpu"}
    assert (spec["display_name"], spec["experiment_name"]) == ("risk", "e")


def test_a_pipeline_in_a_pipeline() -> None:
    @pipeline
    def inner(table: Input, depth: int = 1) -> dict[str, object]:
        trained = train(table=table, depth=depth)
        return {"best": trained.outputs.model}

    @pipeline
    def outer(raw: Input) -> dict[str, object]:
        prepared = prepare(raw=raw)
        low = inner(prepared.outputs.table)
        inner(prepared.outputs.table, depth=9)
        return {"model": low.outputs.best}

    spec = as_spec(outer(RAW), {}, "job")
    assert list(spec["jobs"]) == ["prepared", "low", "inner"]
    low = spec["jobs"]["low"]
    assert low["type"] == "pipeline"
    assert low["inputs"] == {"table": "${{parent.jobs.prepared.outputs.table}}", "depth": 1}
    assert low["jobs"]["trained"]["inputs"]["depth"] == "${{parent.inputs.depth}}"
    assert low["jobs"]["trained"]["outputs"]["model"]["path"] == "${{parent.outputs.best}}"
    assert spec["outputs"]["model"] == {"type": "mlflow_model"}
    assert spec["jobs"]["inner"]["inputs"]["depth"] == 9


def test_components_from_files_and_references(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(
        "type: command\nname: clean\ncommand: clean ${{inputs.raw}} ${{outputs.out}}\nenvironment: azureml:e@latest\n"
        "inputs: {raw: {type: uri_file}, strict: {type: boolean, default: true}}\noutputs: {out: {type: uri_folder}}\n"
    )
    clean, registered = load_component(tmp_path / "c.yml"), load_component("azureml:train:2")

    @pipeline
    def both(raw: Input) -> None:
        cleaned = clean(raw=raw)
        registered(table=cleaned.outputs.out)

    spec = as_spec(both(RAW), {}, "job")
    assert spec["jobs"]["train"]["component"] == "azureml:train:2"
    assert spec["jobs"]["cleaned"]["component"]["name"] == "clean"
    assert load_job_again(spec, tmp_path) == spec

    @pipeline
    def wrong(raw: Input, how: str) -> None:
        {"input": lambda: clean(row=raw), "missing": lambda: clean(strict=False),
         "output": lambda: clean(raw=raw).outputs.nothing}[str(CASE)]()  # fmt: skip

    for case, message in (("input", "no input `row`"), ("missing", "needs its input `raw`"), ("output", "no output")):
        globals()["CASE"] = case
        with pytest.raises(errors.InvalidRequest, match=message):
            wrong(RAW, "")


CASE = ""


def load_job_again(spec: dict[str, object], folder: Path) -> dict[str, object]:
    """What a file with the same content gives."""
    import json

    (folder / "again.yml").write_text(json.dumps(spec))
    return as_spec(load_job(folder / "again.yml"), {}, "job")


def test_mistakes_have_words() -> None:
    with pytest.raises(errors.InvalidRequest, match="outside of a pipeline"):
        prepare(raw=RAW)

    @pipeline
    def empty() -> None:
        pass

    with pytest.raises(errors.InvalidRequest, match="has no steps"):
        empty()

    @pipeline
    def odd(raw: Input) -> Step:
        return prepare(raw=raw)

    with pytest.raises(errors.InvalidRequest, match="must return its outputs as a dict"):
        odd(RAW)
    with pytest.raises(TypeError):
        odd()
    with pytest.raises(errors.SpecError):
        command(command="", environment=ENVIRONMENT)


def test_a_thousand_steps_are_quick() -> None:
    @pipeline
    def many(raw: Input) -> None:
        for _ in range(1000):
            prepare(raw=raw)

    began = time.perf_counter()
    spec = as_spec(many(RAW), {}, "job")
    assert len(spec["jobs"]) == 1000
    assert time.perf_counter() - began < 3  # measured: 0.3 s


@pytest.mark.parametrize("name", ["command", "pipeline", "load"])
def test_examples_in_docstrings(name: str) -> None:
    import importlib

    module = importlib.import_module(f"zaffre.sdk.{name}")
    names = {"command": command, "pipeline": pipeline, "Input": Input, "Output": Output}
    outcome = doctest.testmod(module, extraglobs={**names, "load_component": load_module.load_component})
    assert outcome.failed == 0
    assert outcome.attempted
