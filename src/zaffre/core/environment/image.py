"""What a container image stands for when there is no container engine: a Python and the packages it brings."""

from __future__ import annotations

import re

from zaffre.core.environment import catalogue
from zaffre.core.environment.conda import python_wish
from zaffre.core.environment.recipe import PythonWish, Recipe

HUBS = re.compile(r"^(?:(?:registry\.hub\.|index\.)?docker\.io/)")
UBUNTU_PYTHON = {"18.04": "3.7", "1804": "3.7", "20.04": "3.8", "2004": "3.8", "22.04": "3.10", "2204": "3.10"}
NOT_RUN = "The image `{image}` itself is not run: without a container engine a virtual environment stands for it."


def split(image: str) -> tuple[str, str]:
    """(repository without the hub and `library/`, tag); a digest counts as no tag."""
    text = HUBS.sub("", image.strip().split("@")[0])
    head, _, tail = text.rpartition(":")
    name, tag = (head, tail) if head and "/" not in tail else (text, "")
    return name.removeprefix("library/"), tag


def read_image(image: str) -> tuple[Recipe, bool]:
    """What the image stands for, and whether it is one that is known to be no more than Python and packages."""
    name, tag = split(image)
    recipe = Recipe()
    if name == "python":
        version = re.match(r"\d+(?:\.\d+){0,2}", tag)
        parts = version[0].split(".") if version else []
        recipe.python = python_wish("=" + version[0]) if version and len(parts) > 1 else PythonWish(prefer="newest")
        return recipe, True
    last = name.rsplit("/", 1)[-1]
    if name.startswith("mcr.microsoft.com/azureml/"):
        return azureml_image(recipe, image, last)
    if match := re.search(r"py(\d)(\d{1,2})", f"{last}:{tag}"):  # aifx/acpt/stable-ubuntu2204-cu124-py310-torch251
        recipe.python = PythonWish(prefer=f"{match[1]}.{match[2]}")
    if "torch" in last or name == "pytorch/pytorch" or name.endswith("/pytorch"):
        version = re.match(r"(\d+\.\d+\.\d+)", tag) if name == "pytorch/pytorch" else None
        short = re.search(r"torch(\d)(\d{1,2})(\d)\b", last)
        recipe.require(
            f"torch=={version[1]}" if version else f"torch=={short[1]}.{short[2]}.{short[3]}" if short else "torch"
        )
        recipe.note(f"{NOT_RUN.format(image=image)} It gets PyTorch.")
        return recipe, True
    if name == "tensorflow/tensorflow" or name.endswith("nvidia/tensorflow"):
        version = re.match(r"(\d+\.\d+\.\d+)", tag) if name == "tensorflow/tensorflow" else None
        recipe.require(f"tensorflow=={version[1]}" if version else "tensorflow")
        recipe.note(f"{NOT_RUN.format(image=image)} It gets TensorFlow.")
        return recipe, True
    if re.match(r"(continuumio|condaforge|mambaorg)/", name) or re.match(r"(ubuntu|debian)$", name):
        recipe.note(NOT_RUN.format(image=image))
        return recipe, True
    recipe.note(f"{NOT_RUN.format(image=image)} Programs and packages that only the image has are missing.")
    return recipe, False


def azureml_image(recipe: Recipe, image: str, last: str) -> tuple[Recipe, bool]:
    """Images of Azure ML's own registry: inference, curated and base images."""
    python = re.search(r"py(\d)(\d{1,2})", last)
    if python:
        recipe.python = PythonWish(f"=={python[1]}.{python[2]}.*", f"{python[1]}.{python[2]}")
    if "inference" in last and "mlflow" in last:
        recipe.requirements += ["mlflow", catalogue.SERVER, "inference-schema"]
        return recipe, True
    if "inference" in last:
        recipe.requirements += [catalogue.SERVER, "inference-schema"]
        return recipe, True
    if "/curated/" in image and (found := catalogue.find(last)):
        definition, notes = found
        recipe.requirements += definition.requirements
        if not python and definition.python_version:
            recipe.python = PythonWish(prefer=definition.python_version.lstrip("~"))
        recipe.notes += notes
        recipe.python = PythonWish(prefer=recipe.python.prefer)  # content is the nearest one: so is its Python
        return recipe, True
    if "promptflow-runtime" in last:
        recipe.requirements += ["promptflow[azure]", "promptflow-tools"]
        return recipe, True
    if match := re.search(r"ubuntu(\d\d\.?\d\d)", last):
        recipe.python = PythonWish(prefer=UBUNTU_PYTHON.get(match[1]))
    if "cuda" in last:
        recipe.note(f"{NOT_RUN.format(image=image)} CUDA comes with the packages that need it.")
    return recipe, bool(re.match(r"(openmpi|intelmpi|base)", last))
