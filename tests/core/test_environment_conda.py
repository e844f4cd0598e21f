"""Conda files and requirement files as requirements of the Python index."""

from __future__ import annotations

import pytest
import yaml

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.conda import index_specifier, python_wish, read_conda, referenced_files
from zaffre.core.environment.definition import EnvironmentDefinition
from zaffre.core.environment.recipe import PythonWish, Recipe
from zaffre.core.environment.wish import read_definition

TRAINING = """
name: training
channels: [conda-forge, defaults]
dependencies:
  - python=3.8
  - conda-forge::pytables >=3.7
  - numpy=1.21.2
  - scipy=1.7
  - Pillow
  - graphviz
  - openmpi=4.1
  - cudatoolkit=11.3
  - librosa
  - pip=21.2.4
  - pip:
      - mlflow>=2,<3  # the tracker
      - scikit-learn==1.2.2 --hash=sha256:abc
      - --extra-index-url=https://index.example.org/simple
      - -r more/requirements.txt
      - -e git+https://git.example.org/team/tool.git@v1#egg=tool
variables:
  OMP_NUM_THREADS: 2
"""
FILES = {
    "more/requirements.txt": "# shared\ntabulate\n-r base.txt\n-c limits.txt\n\n--trusted-host somewhere\n--pre\n",
    "more/base.txt": "six==1.16.0 ; python_version < '4'\n",
    "more/limits.txt": "urllib3<2\n",
}


def read(text: str, files: dict[str, str] | None = None) -> Recipe:
    return read_conda(yaml.safe_load(text), files or {})


def test_a_training_file_becomes_python_and_requirements() -> None:
    recipe = read(TRAINING, FILES)
    assert recipe.python == PythonWish("==3.8.*", "3.8")
    assert recipe.requirements == [
        "tables>=3.7",
        "numpy==1.21.2",
        "scipy==1.7.*",
        "pillow",
        "graphviz",
        "librosa",
        "mlflow>=2,<3",
        "scikit-learn==1.2.2 --hash=sha256:abc",
        "--extra-index-url https://index.example.org/simple",
        "tabulate",
        "six==1.16.0 ; python_version < '4'",
        "--pre",
        "tool @ git+https://git.example.org/team/tool.git@v1",
    ]
    assert recipe.constraints == ["urllib3<2"]
    assert recipe.variables == {"OMP_NUM_THREADS": "2"}


def test_nothing_is_dropped_in_silence() -> None:
    notes = "\n".join(read(TRAINING, FILES).notes)
    for word in ("openmpi=4.1", "cudatoolkit=11.3", "pytables", "`dot`", "pip=21.2.4", "--trusted-host"):
        assert word in notes


def test_referenced_files_are_named_for_whoever_reads_them() -> None:
    assert referenced_files(yaml.safe_load(TRAINING)) == ["more/requirements.txt"]


def test_python_env_of_mlflow() -> None:
    text = "python: 3.8.5\nbuild_dependencies: [pip==22.0, setuptools, wheel]\ndependencies: ['-r requirements.txt']"
    recipe = read(text, {"requirements.txt": "mlflow\n"})
    assert recipe.python == PythonWish("==3.8.*", "3.8.5")
    assert recipe.requirements == ["setuptools", "wheel", "mlflow"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("=1.21.2", "==1.21.2"),
        ("=1.21", "==1.21.*"),
        ("=2022.2.*", "==2022.2.*"),
        ("==1.3.3", "==1.3.3"),
        (">=1.1,<1.2", ">=1.1,<1.2"),
        (">= 1.1 , <1.2", ">= 1.1,<1.2"),
        ("=1.2.3=py38h123_0", "==1.2.3"),
        ("1.8.*", "==1.8.*"),
        (">=1.8.*", ">=1.8"),
        ("*", ""),
        ("", ""),
    ],
)
def test_versions(version: str, expected: str) -> None:
    assert index_specifier(version, "x", Recipe()).replace(" ", "") == expected.replace(" ", "")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("=3.8", PythonWish("==3.8.*", "3.8")),
        ("==3.8.5", PythonWish("==3.8.*", "3.8.5")),
        ("3.10.*", PythonWish("==3.10.*", "3.10")),
        (">=3.8,<3.11", PythonWish(">=3.8,<3.11")),
        ("", PythonWish()),
    ],
)
def test_pythons(version: str, expected: PythonWish) -> None:
    assert python_wish(version) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("dependencies: [{pip: ['-r ../../etc/passwd']}]", "etc/passwd"),
        ("dependencies: [{pip: ['-e .']}]", "local folder"),
        ("dependencies: [{pip: ['./pkg']}]", "local folder"),
        ("dependencies: [{pip: ['x @ file:///etc/passwd']}]", "local folder"),
        ("dependencies: [{pip: ['--find-links /etc']}]", "names a folder"),
        ("dependencies: python", "not a list"),
        ("dependencies: [3]", "no text"),
        ("dependencies: ['python=three']", "cannot be read"),
        ("dependencies: [{pip: {a: b}}]", "not a list"),
    ],
)
def test_what_cannot_be_is_refused_by_name(text: str, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word):
        read(text)


def test_files_that_include_each_other_end() -> None:
    with pytest.raises(InvalidRequest, match="include each other"):
        read("dependencies: [{pip: ['-r a.txt']}]", {"a.txt": "-r b.txt", "b.txt": "-r a.txt"})


def test_the_conda_file_is_the_whole_environment_and_the_image_gives_only_its_python() -> None:
    image = "mcr.microsoft.com/azureml/minimal-py312-inference:latest"
    recipe = read_definition(EnvironmentDefinition(image=image, conda={"dependencies": ["numpy"]}))
    assert recipe.python.prefer == "3.12"
    assert recipe.requirements == ["numpy", "setuptools<81", "wheel", "pip"]


def test_constraints_are_checked() -> None:
    recipe = read_definition(EnvironmentDefinition(requirements=["six"], constraints=["mlflow<3.10"]))
    assert recipe.constraints == ["mlflow<3.10"]
    with pytest.raises(InvalidRequest, match="mlflow=3"):
        read_definition(EnvironmentDefinition(requirements=["six"], constraints=["mlflow=3"]))
