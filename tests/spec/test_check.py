import pytest

from zaffre.base.errors import SpecError
from zaffre.spec import document, graph
from zaffre.spec.fit import mismatch

TRAIN = {
    "type": "command",
    "command": "python x ${{inputs.data}}",
    "environment": {"image": "x"},
    "inputs": {
        "data": {"type": "mltable"},
        "lr": {"type": "number", "default": 0.1, "min": 0, "max": 1},
        "mode": {"type": "string", "enum": ["fast", "slow"], "optional": True},
        "n": {"type": "integer", "optional": True},
        "flag": {"type": "boolean", "optional": True},
    },
    "outputs": {"model": {"type": "mlflow_model"}},
}
DATA = {"type": "uri_file", "path": "https://x/y.csv"}


def messages(jobs, **more):
    try:
        document.parse({"type": "pipeline", "jobs": jobs, **more}, kind="job")
    except SpecError as error:
        return [f"{fault.field}: {fault.message}" for fault in error.faults]
    return []


def step(**inputs):
    return {"component": TRAIN, "inputs": {"data": DATA, **inputs}}


def inline(command="ls", **more):
    return {"command": command, "environment": {"image": "x"}, **more}


@pytest.mark.parametrize(
    "inputs",
    [
        {}, {"lr": 1}, {"lr": "0.5"}, {"mode": "fast"}, {"n": 3}, {"n": "3"}, {"flag": True}, {"flag": "false"},
        {"data": {"path": "azureml:x:1"}}, {"data": "${{parent.inputs.d}}"}, {"lr": "${{parent.inputs.l}}"},
    ],
)  # fmt: skip
def test_what_fits(inputs):
    assert messages({"a": step(**inputs)}, inputs={"d": DATA, "l": 0.2}) == []


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"lr": 2}, "above the maximum 1"),
        ({"lr": -1}, "below the minimum 0"),
        ({"lr": "much"}, "not a number"),
        ({"lr": True}, "not a number"),
        ({"mode": "other"}, "not one of fast, slow"),
        ({"n": 1.5}, "not a whole number"),
        ({"flag": 3}, "not a boolean"),
        ({"data": 3}, "not data of type mltable"),
        ({"lr": DATA}, "is uri_file, wanted is number"),
        ({"lr": "${{parent.inputs.d}}"}, "is uri_file"),
        ({"data": "${{parent.inputs.l}}"}, "not data"),
        ({"lr": "${{parent.inputs.big}}"}, "above the maximum"),
        ({"lrr": 1}, "no input `lrr`"),
    ],
)
def test_what_does_not_fit(inputs, words):
    found = messages({"a": step(**inputs)}, inputs={"d": DATA, "l": 0.2, "big": 7})
    assert len(found) == 1
    assert words in found[0]


def test_a_required_input_is_missing():
    assert messages({"a": {"component": TRAIN}}) == [
        "jobs.a: the input `data` of the component is missing"
    ] or messages({"a": {"component": TRAIN}}) == ["jobs.a.inputs: the input `data` of the component is missing"]


def test_names_that_do_not_exist():
    found = messages(
        {
            "a": inline("echo ${{inputs.y}} ${{outputs.o}}", inputs={"x": "${{parent.inputs.nothing}}"}),
            "b": inline(inputs={"x": "${{parent.jobs.c.outputs.o}}", "y": "${{parent.jobs.a.outputs.o}}"}),
            "d": inline(outputs={"o": "${{parent.outputs.o}}"}, compute="${{parent.inputs.where}}"),
            "e": {"component": "azureml:registered:1"},
            "f": inline(inputs={"x": "${{parent.jobs.e.outputs.whatever}}"}),
        }
    )
    assert [item.partition(":")[0] for item in found] == [
        "jobs.a.inputs.x", "jobs.a.command", "jobs.a.command", "jobs.b.inputs.x", "jobs.b.inputs.y",
        "jobs.d.outputs.o", "jobs.d.compute",
    ]  # fmt: skip


def test_names_inside_optional_parts_count_too():
    found = messages({"a": inline("x $[[--a ${{inputs.a}}]] $[[inputs.b]]")})
    assert len(found) == 2


def test_circles_are_named():
    def after(name):
        return inline(inputs={"x": f"${{{{parent.jobs.{name}.outputs.o}}}}"}, outputs={"o": None})

    assert any(
        "a -> b -> c -> a" in item
        for item in messages({"a": after("c"), "b": after("a"), "c": after("b"), "d": inline()})
    )
    assert any("in a circle: a -> a" in item for item in messages({"a": after("a")}))


def test_a_long_chain_is_no_recursion():
    chain = {str(i): {str(i - 1)} for i in range(50_000)}
    assert graph.cycle(chain) is None
    assert len(graph.cycle({**chain, "0": {"49999"}})) == 50_000


def test_pipeline_components_tolerate_undeclared_inputs_and_are_checked_inside():
    inner = {
        "type": "pipeline",
        "inputs": {"a": {"type": "number"}},
        "jobs": {"x": inline(inputs={"v": "${{parent.inputs.b}}"})},
    }
    found = messages({"p": {"type": "pipeline", "component": inner, "inputs": {"a": 1, "undeclared": 2}}})
    assert [item.partition(":")[0] for item in found] == ["jobs.p.component.jobs.x.inputs.v"]


def test_type_mismatch_between_steps():
    one = {"component": TRAIN, "inputs": {"data": DATA}}
    two = {"component": TRAIN, "inputs": {"data": "${{parent.jobs.one.outputs.model}}"}}
    assert "is mlflow_model" in messages({"one": one, "two": two})[0]
    assert not mismatch("uri_file", "mltable")
    assert not mismatch("uri_folder", "mlflow_model")
    assert mismatch("mltable", "number")
