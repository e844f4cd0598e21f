import pytest

from zaffre.base.errors import SpecError
from zaffre.spec import document


def test_all_faults_at_once_with_places_and_hints(faults):
    found = faults("""\
        type: pipeline
        inputs:
          x: 1
        jobs:
          train:
            type: command
            command: python a.py
            enviroment: azureml:e@latest
            environment: {image: x}
            code: nowhere
            resources:
              instance_count: many
          two:
            type: comand
            command: ls
          three:
            component: azureml:c:1
            inputs:
              a: {type: uri_foldr, path: "azureml:d:1"}
            outputs: 3
        """)
    assert found == [
        (8, 5, "jobs.train.enviroment", "`enviroment` is not known here", "did you mean `environment`?"),
        (10, 5, "jobs.train.code", "there is no file or folder nowhere", found[1][4]),
        (12, 7, "jobs.train.resources.instance_count", found[2][3], None),
        (13, 3, "jobs.two", "a step of type `comand` is not known", "did you mean `command`?"),
        (19, 11, "jobs.three.inputs.a.type", found[4][3], "did you mean `uri_folder`?"),
        (20, 5, "jobs.three.outputs", "`outputs` must be a mapping, not `3`", None),
    ]
    assert "many" in found[2][3]
    assert "uri_foldr" in found[4][3]


def test_faults_of_an_included_file_carry_its_place(write):
    path = write(
        part="name: c\ntype: command\ncommand: ls\nenvironment: {image: x}\ninputs:\n  a: {typ: number}\n",
        main="type: pipeline\njobs:\n  a: {component: part.yml}\n  b: {component: part.yml}\n  c: {component: no.yml}",
    )
    with pytest.raises(SpecError) as caught:
        document.load(path)
    places = [(fault.file.rpartition("/")[2], fault.line, fault.field) for fault in caught.value.faults]
    assert places == [("main.yml", 5, "jobs.c.component"), ("part.yml", 6, "inputs.a.typ")]
    assert f"{path.parent}/part.yml:6:7: `typ` is not known here (did you mean `type`?)" in str(caught.value)


def test_missing_keys_name_their_place(faults):
    assert faults("command: ls\ncode: .\n") == [(1, 1, "environment", "`environment` is missing", None)]


def test_a_component_that_contains_itself(faults):
    found = faults(
        "type: pipeline\njobs: {a: {component: a.yml}}",
        a="type: pipeline\nname: a\njobs: {b: {component: b.yml}}",
        b="type: pipeline\nname: b\njobs: {a: {type: pipeline, component: a.yml}}",
    )
    assert "contains itself: a.yml -> b.yml -> a.yml" in found[0][3]


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "a\0b", "x" * 256, "", ".hidden", "{{NAME}}", "a\\b", "a\nb"])
def test_names_that_could_leave_a_folder(name):
    for body in (
        {"command": "ls", "environment": {"image": "x"}, "name": name},
        {"type": "pipeline", "jobs": {name: {"command": "ls", "environment": {"image": "x"}}}},
    ):
        with pytest.raises(SpecError):
            document.parse(body, kind="job")


@pytest.mark.parametrize("name", ["my-job_1.2", "job with spaces", "ünïcode", "<PLACEHOLDER>", "日本"])
def test_names_that_are_tolerated(name):
    assert document.parse({"command": "ls", "environment": {"image": "x"}, "name": name}, kind="job").spec.name == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("- a\n- b", "not a mapping"),
        ("just words", "not a mapping"),
        ("type: nonsense", "`type: nonsense` is not known"),
        ("foo: bar", "cannot tell what the document is"),
        ("type: pipeline\njobs: {}", "needs `jobs`"),
        ("type: pipeline\njobs: {a: 1}", "a step is a mapping"),
        ("command: ''\nenvironment: {image: x}", "command is empty"),
        ("command: ls\nenvironment: < your environment >", "placeholder"),
        ("command: ls\nenvironment: {}", "needs one of"),
        ("command: ls\nenvironment: {image: x}\nresources: {instance_count: 0}", "must be at least 1, not 0"),
        ("command: ls\nenvironment: {image: x, build: {path: .}}", "not both"),
        ("command: ls\nenvironment: {image: x}\ninputs: {a: [1]}", "not a list"),
    ],
)
def test_plain_sentences(faults, text, words):
    assert any(words in message for _, _, _, message, _ in faults(text))
