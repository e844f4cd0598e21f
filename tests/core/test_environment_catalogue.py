"""Curated names in every spelling, images, Dockerfiles, the choice of a Python, and the key."""

from __future__ import annotations

import pytest

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.core.environment import catalogue
from zaffre.core.environment.definition import EnvironmentDefinition
from zaffre.core.environment.dockerfile import read_dockerfile
from zaffre.core.environment.image import read_image
from zaffre.core.environment.key import environment_key
from zaffre.core.environment.python import choose_python
from zaffre.core.environment.recipe import PythonWish, Recipe
from zaffre.core.environment.wish import checked_date, prefer_cpu_torch, read_definition

FOUND = ["3.7.16", "3.8.18", "3.10.13", "3.11.7", "3.12.1", "3.14.0"]


@pytest.mark.parametrize(
    ("reference", "name", "noted"),
    [
        ("azureml://registries/azureml/environments/sklearn-1.5/labels/latest", "sklearn-1.5", False),
        ("azureml://registries/azureml/environments/sklearn-1.5", "sklearn-1.5", False),
        ("azureml://registries/azureml/environments/responsibleai-tabular/versions/28", "responsibleai-tabular", True),
        ("azureml:AzureML-tensorflow-2.16-cuda12@latest", "tensorflow-2.16-cuda12", False),
        ("azureml:AzureML-acpt-pytorch-2.8-cuda12.6:1", "acpt-pytorch-2.8-cuda12.6", False),
        ("azureml:AzureML-AutoML@prod", "AutoML", False),
        ("ai-ml-automl", "AutoML", False),
        ("AzureML-sklearn-1.5", "sklearn-1.5", False),
        ("AzureML-sklearn-0.24-ubuntu18.04-py37-cpu", "sklearn-1.5", True),
        ("sklearn-1.0", "sklearn-1.5", True),
        ("lightgbm-3.2-ubuntu18.04-py37-cpu", "lightgbm-3.3", True),
        ("azureml:AzureML-ACPT-pytorch-1.12-py39-cuda11.6-gpu@latest", "acpt-pytorch-2.8-cuda12.6", True),
        ("azureml:AzureML-pytorch-1.9-ubuntu18.04-py37-cuda11-gpu@latest", "acpt-pytorch-2.8-cuda12.6", True),
        ("tensorflow-2.12-cuda11", "tensorflow-2.16-cuda12", True),
    ],
)
def test_every_spelling(reference: str, name: str, noted: bool) -> None:
    definition, notes = catalogue.resolve(reference)
    assert (definition.name, bool(notes)) == (name, noted)


def test_unknown_names_list_near_ones() -> None:
    assert catalogue.find("my-own-env") is None
    with pytest.raises(NotFound, match=r"near: sklearn-1\.5"):
        catalogue.resolve("azureml://registries/azureml/environments/sklern-1.5/labels/latest")


def test_frameworks_for_a_gpu_only_where_there_is_one() -> None:
    name = "tensorflow-2.16-cuda12"
    assert "tensorflow-cpu==2.16.2" in read_definition(EnvironmentDefinition(name=name)).requirements
    assert "tensorflow==2.16.2" in read_definition(EnvironmentDefinition(name=name), gpu=True).requirements


def test_every_entry_reads() -> None:
    for definition in catalogue.listing():
        recipe = read_definition(EnvironmentDefinition(name=definition.name))
        assert "pip" in recipe.requirements
        assert not recipe.notes


@pytest.mark.parametrize(
    ("image", "python"),
    [
        ("python", PythonWish(prefer="newest")),
        ("library/python:latest", PythonWish(prefer="newest")),
        ("library/python:3.11.6", PythonWish("==3.11.*", "3.11.6")),
        ("docker.io/python", PythonWish(prefer="newest")),
        ("docker.io/library/python:3.8-slim", PythonWish("==3.8.*", "3.8")),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04", PythonWish(prefer="3.8")),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest", PythonWish(prefer="3.10")),
        ("mcr.microsoft.com/azureml/minimal-py312-inference:latest", PythonWish("==3.12.*", "3.12")),
        ("localhost:5000/team/thing", PythonWish()),
    ],
)
def test_images(image: str, python: PythonWish) -> None:
    assert read_image(image)[0].python == python


def test_an_unknown_image_says_that_it_is_not_run() -> None:
    recipe, known = read_image("registry.example.org/team/thing:1")
    assert not known
    assert "not run" in recipe.notes[0]


DOCKERFILE = """\
# A trainer
ARG VERSION=3.10
FROM python:${VERSION}-slim AS base
ENV MODEL_FOLDER=model PATH="/opt/bin:$PATH"
WORKDIR /app
COPY requirements.txt .
COPY env/conda.yaml /tmp/conda.yaml
RUN apt-get update && \\
    # a comment within
    pip install --no-cache-dir -U -r requirements.txt \\
        'pandas>=1.1,<1.2' tabulate>=0.8 && rm requirements.txt
RUN conda env update -n base -f /tmp/conda.yaml && conda clean -a -y
CMD ["bash"]
"""


def test_a_dockerfile_of_pip_installs() -> None:
    context = {"requirements.txt": "six\n", "env/conda.yaml": "dependencies: [{pip: [pyjokes]}]\n"}
    recipe = read_dockerfile(DOCKERFILE, context)
    assert recipe.python == PythonWish("==3.10.*", "3.10")
    assert recipe.requirements == ["six", "pandas>=1.1,<1.2", "tabulate>=0.8", "pyjokes"]
    assert recipe.variables == {"MODEL_FOLDER": "model"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM python:3.8\nRUN apt-get update && apt-get install -y gcc\n", 2),
        ("FROM rocker/tidyverse:latest\n", 1),
        ("FROM python:3.8\n\nRUN R -e 'install.packages()'\n", 3),
        ("FROM python:3.8\nRUN git clone x && cd x && make CUDA_HOME=/usr/local/cuda\n", 2),
        ("FROM python:3.8\nCOPY --from=other /a /b\n", 2),
        ("FROM python:3.8\nFROM python:3.9\n", 2),
        ("FROM python:3.8\nRUN pip install -r missing.txt\n", 2),
        ("FROM python:3.8\nRUN echo 'unclosed\n", 2),
        ("FROM python:3.8\nRUN [&a 1, *a]\n", 2),
        ("FROM python:3.8\nRUN ['pip', 'install', 'six']\n", 2),
        ('FROM python:3.8\nRUN ["pip", 5]\n', 2),
        ('FROM python:3.8\nCOPY [{"a": 1}, "."]\n', 2),
        ("FROM python:3.8\nCOPY [" + "[" * 100_000 + "\n", 2),
    ],
)
def test_a_dockerfile_that_needs_more_is_refused_by_its_line(text: str, line: int) -> None:
    with pytest.raises(InvalidRequest, match=f"line {line}:") as caught:
        read_dockerfile(text, {})
    assert caught.value.faults[0].line == line


def test_a_dockerfile_in_the_form_of_lists() -> None:
    text = 'FROM python:3.9\nCOPY ["requirements.txt", "."]\nRUN ["pip", "install", "-r", "requirements.txt"]\n'
    assert read_dockerfile(text, {"requirements.txt": "six\n"}).requirements == ["six"]


BOMB = "a: &a [1, 2]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("conda", [BOMB, "[1]", "a: [", "!!python/name:os.system x", "? [1]\n: 2"])
def test_a_conda_file_of_an_image_is_read_warily(conda: str) -> None:
    text = "FROM python:3.9\nCOPY conda.yaml /tmp/\nRUN conda env update -f /tmp/conda.yaml\n"
    with pytest.raises(InvalidRequest, match="no mapping"):
        read_dockerfile(text, {"conda.yaml": conda})


@pytest.mark.parametrize(
    ("wish", "version", "noted"),
    [
        (PythonWish("==3.8.*", "3.8.5"), "3.8.18", False),
        (PythonWish(prefer="newest"), "3.14.0", False),
        (PythonWish(prefer="3.9"), "3.10.13", True),
        (PythonWish(), "3.11.7", False),
        (PythonWish(">=3.8"), "3.12.1", False),
        (PythonWish(">=3.8,<3.11"), "3.10.13", False),
    ],
)
def test_the_choice_of_a_python(wish: PythonWish, version: str, noted: bool) -> None:
    chosen, note = choose_python(wish, FOUND)
    assert (chosen, bool(note)) == (version, noted)


def test_a_missing_python_names_those_found() -> None:
    with pytest.raises(InvalidRequest, match=r"3\.9.*found: 3\.7, 3\.8, 3\.10"):
        choose_python(PythonWish("==3.9.*", "3.9"), FOUND)


def test_same_content_is_the_same_key() -> None:
    first = environment_key("3.10", "/p/python3.10", "3.10.13", ["b", "a", "a"], ["x<1"], None)
    assert first == environment_key("3.10", "/p/python3.10", "3.10.13", ["a", "b"], ["x<1", "x<1"], None)
    others = {
        environment_key("3.10", "/p/python3.10", "3.10.14", ["a", "b"], ["x<1"], None),
        environment_key("3.10", "/p/python3.10", "3.10.13", ["a", "b"], [], None),
        environment_key("3.10", "/p/python3.10", "3.10.13", ["a", "b"], ["x<1"], "2024-01-01"),
    }
    assert len(others | {first}) == 4


def test_cpu_torch_at_hand_is_taken() -> None:
    recipe = Recipe(PythonWish(prefer="3.10"), ["torch~=2.8"])
    prefer_cpu_torch(recipe, [("2.13.0+cpu", "3.11")], FOUND)
    assert recipe.constraints == ["torch==2.13.0+cpu"]
    assert recipe.python.prefer == "3.11"
    pinned = Recipe(PythonWish("==3.8.*", "3.8"), ["torch==1.13.0"])
    prefer_cpu_torch(pinned, [("2.13.0+cpu", "3.11")], FOUND)
    assert not pinned.constraints
    assert pinned.notes


def test_dates() -> None:
    assert checked_date("2024-06-01") == "2024-06-01"
    with pytest.raises(InvalidRequest, match="yesterday"):
        checked_date("yesterday")
