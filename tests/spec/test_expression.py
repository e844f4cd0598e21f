import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.spec.expression import find, literal_text, optional_names, render, single

VALUES = {"inputs.a": "1", "inputs.b": "two words", "outputs.o": "/out"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run ${{inputs.a}} ${{ outputs.o }}/x", "run 1 /out/x"),
        ("run $[[--b ${{inputs.b}}]] end", "run --b two words end"),
        ("run $[[--c ${{inputs.c}}]] end", "run  end"),
        ("run $[[--c ${{inputs.c}} ${{inputs.a}}]]", "run "),
        ("run $[[key=${{inputs.a}}]]", "run key=1"),
        ("run $[[inputs.a]] $[[inputs.c]]", "run 1 "),
        ("echo ${HOME} $(date) ${{inputs.a}}", "echo ${HOME} $(date) 1"),
    ],
)
def test_render(text, expected):
    assert render(text, VALUES.get) == expected


def test_a_missing_value_is_named():
    with pytest.raises(InvalidRequest, match=r"\$\{\{inputs.c\}\} has no value"):
        render("x ${{inputs.c}}", VALUES.get)


def test_values_are_not_rendered_again():
    assert render("${{inputs.a}}", {"inputs.a": "${{inputs.b}}"}.get) == "${{inputs.b}}"


def test_names():
    assert find("a ${{inputs.x}} $[[${{inputs.y}}]]") == ["inputs.x", "inputs.y"]
    assert optional_names("a ${{inputs.x}} $[[--y ${{inputs.y}}]] $[[inputs.z]]") == ["inputs.y", "inputs.z"]
    assert single(" ${{parent.inputs.x}} ") == "parent.inputs.x"
    assert single("a/${{parent.inputs.x}}") is None
    assert single(3) is None


def test_literals_are_written_as_python_does():
    assert [literal_text(value) for value in (False, 0.8, 100, "x", 1e-05)] == ["False", "0.8", "100", "x", "1e-05"]
