"""A command that is started without a shell gets what bash would have given it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaffre.plugins.local_process.plain import OWN, words

BASH = shutil.which("bash") or "/bin/bash"
TEXT = st.text(alphabet="ab/.:=,-+@% '\"\\$`!*?[]{}~#&|;<>()\n\té", max_size=12)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with one program, `show`, that writes its arguments down."""
    folder: Path = tmp_path_factory.mktemp("bin")
    program = folder / "show"
    program.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    program.chmod(0o755)
    return str(folder)


@given(text=TEXT)
@settings(max_examples=300, deadline=None)
def test_the_same_words_as_bash(path: str, text: str) -> None:
    command = f"show x{text} end"
    found = words(command, {"PATH": path})
    if found is None:
        return
    done = subprocess.run([BASH, "-c", command], env={"PATH": path}, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == found[1:]


@pytest.mark.parametrize(
    "command", ["show --lr 0.1 --data /a/b.csv", "  show 'a b' --x=\"c d\"'e'\n", "show a=1 b:2 c,d e@f 5%"]
)
def test_usual_commands_need_no_shell(path: str, command: str) -> None:
    assert words(command, {"PATH": path}) is not None


@pytest.mark.parametrize(
    "command",
    ["show $HOME", "show *", "show a && show b", "show > x", "show a\nshow b", "A=1 show", "./show a", "show ~/x",
     "absent a", "show 'open", 'show "$x"', "show a#b #c", "", "show {a,b}", "show\\ x", "show !x"],
)  # fmt: skip
def test_what_a_shell_reads_is_left_to_bash(path: str, command: str) -> None:
    assert words(command, {"PATH": path}) is None


def test_what_bash_does_itself_is_left_to_it(tmp_path: Path) -> None:
    done = subprocess.run(["bash", "-c", "compgen -bk"], capture_output=True, text=True, check=True)
    assert {word for word in done.stdout.split() if word.isalpha() or word in ".:"} <= OWN
    (tmp_path / "echo").write_text("#!/bin/sh\n")
    (tmp_path / "echo").chmod(0o755)
    assert words("echo -e a", {"PATH": str(tmp_path)}) is None


@pytest.mark.parametrize("name", ["BASH_ENV", "BASH_FUNC_show%%"])
def test_variables_that_speak_to_bash_get_bash(path: str, name: str) -> None:
    assert words("show a", {"PATH": path, name: "() { :; }"}) is None
