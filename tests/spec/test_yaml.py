import json
import time

import pytest

from zaffre.base.errors import InvalidRequest, SpecError, TooLarge
from zaffre.spec import yaml


def fault(text):
    with pytest.raises(SpecError) as caught:
        yaml.parse(text, "f.yml")
    return caught.value.faults[0]


def test_scalars_are_those_of_yaml_1_2():
    text = "a: yes\nb: on\nc: True\nd: 1e3\ne: 0o17\nf: ~\ng: 2022-07-10\nh: '1'\ni: -.5\nj: 1_000\nk: 0x1F\nl: 12:30\n"
    assert yaml.parse(text) == {
        "a": "yes", "b": "on", "c": True, "d": 1000.0, "e": 15, "f": None, "g": "2022-07-10", "h": "1", "i": -0.5,
        "j": "1_000", "k": 31, "l": "12:30",
    }  # fmt: skip


def test_versions_tags_and_environment_variables_stay_as_written():
    text = "version: 1.10\ntags: {a: 010, b: true}\nenvironment_variables: {X: 1.0}\ninputs: {x: 1.10}"
    assert yaml.parse(text) == {
        "version": "1.10",
        "tags": {"a": "010", "b": "true"},
        "environment_variables": {"X": "1.0"},
        "inputs": {"x": 1.1},
    }


def test_anchors_merges_and_block_texts():
    text = "base: &b {x: 1, y: 2}\nhere:\n  <<: *b\n  y: 3\ncommand: >-\n  python a.py\n  --x 1\n"
    assert yaml.parse(text) == {"base": {"x": 1, "y": 2}, "here": {"x": 1, "y": 3}, "command": "python a.py --x 1"}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb:\n\t- 2", 3, 1, "malformed YAML"),
        ("a: 1\na: 2", 2, 1, "`a` is given twice"),
        ('{"a": 1,\n "a": 2}', 2, 2, "`a` is given twice"),
        ("a: [1, 2", 2, None, "malformed YAML"),
        ("a: 1\n---\nb: 2", 2, 1, "several documents"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "not allowed"),
        ("x: 1\na: *nothing", 2, 4, "not defined"),
        ("name: {{NAME}}", 1, None, "key must be a word"),
        ("a: &a [*a]", 1, 8, "defined by itself"),
        ("[" * 5_000_000, 1, None, "nested deeper"),
        ("a: \x01", 1, None, "malformed YAML"),
    ],
)
def test_faults_have_a_place(text, line, column, words):
    found = fault(text)
    assert (found.file, found.line) == ("f.yml", line)
    assert words in found.message
    assert column is None or found.column == column


def test_a_template_is_called_one():
    assert "template" in (fault("name: {{NAME}}").hint or "")


def test_aliases_do_not_explode():
    text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    text += "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    before = time.perf_counter()
    assert "aliases expand" in fault(text).message
    assert time.perf_counter() - before < 5


def test_json_is_accepted():
    data = {"a": [1, 2.5, None, True, "x"], "b": {"c": "d"}}
    assert yaml.parse(json.dumps(data)) == data


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InvalidRequest, match="cannot read"):
        yaml.read(tmp_path / "none.yml")
    with pytest.raises(InvalidRequest, match="is a folder"):
        yaml.read(tmp_path)
    binary = tmp_path / "binary.yml"
    binary.write_bytes(b"a: 1\nb: \xff\xfe")
    with pytest.raises(SpecError) as caught:
        yaml.read(binary)
    assert caught.value.faults[0].line == 2


def test_a_huge_file_is_refused_unread(tmp_path):
    huge = tmp_path / "huge.yml"
    with open(huge, "wb") as file:
        file.truncate(100 * 2**20)
    before = time.perf_counter()
    with pytest.raises(TooLarge, match="64 MB"):
        yaml.read(huge)
    assert time.perf_counter() - before < 0.5


def test_places():
    top = yaml.places("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n")
    line, column, place = top.items["a"]
    assert (line, column) == (1, 1)
    assert place.items["b"][:2] == (2, 3)
    assert place.items["c"][2].items[1][2].items["y"][:2] == (5, 7)
