"""The curated environments: what the public names stand for, in every spelling they are written.

Contents follow the public definitions of Azure ML, shortened to what jobs use; GPU builds of frameworks are taken only
where there is a GPU.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from zaffre.base.errors import NotFound
from zaffre.core.environment.definition import EnvironmentDefinition

AZURE = ("azureml-core", "azureml-defaults", "azureml-mlflow")
SERVER = "azureml-inference-server-http"


@dataclass(frozen=True)
class Curated:
    """A curated environment. `python` is what it has in Azure ML; a near version serves when that one is not found."""

    name: str
    description: str
    python: str
    requirements: tuple[str, ...]
    gpu_requirements: tuple[str, ...] | None = None  # instead of `requirements`, on a machine with a GPU
    version: str = "1"

    def definition(self, gpu: bool) -> EnvironmentDefinition:
        chosen = self.gpu_requirements if gpu and self.gpu_requirements else self.requirements
        return EnvironmentDefinition(
            name=self.name,
            version=self.version,
            requirements=chosen,
            python_version=f"~{self.python}" if self.python else None,
            description=self.description,
        )


SCIENCE = ("pandas~=1.5.3", "scipy~=1.10.0", "numpy~=1.22.0", "matplotlib~=3.5.0")
TENSORFLOW = ("tf-keras==2.16.0", "pandas==2.2.2", "numpy", "scipy", "matplotlib", *AZURE)

CATALOGUE: tuple[Curated, ...] = (
    Curated("minimal", "Python and pip, nothing else.", "", ()),
    Curated(
        "sklearn-1.5",
        "scikit-learn 1.5 with pandas, matplotlib, MLflow tracking and the scoring server.",
        "3.10",
        (
            *SCIENCE, "scikit-learn~=1.5.0", "joblib~=1.2.0", "tqdm~=4.66.3", "psutil~=5.9", "ipykernel~=6.0",
            "tensorboard", *AZURE, "azureml-telemetry", SERVER,
        ),
    ),
    Curated(
        "lightgbm-3.3",
        "LightGBM and XGBoost with scikit-learn and Dask.",
        "3.10",
        (
            *SCIENCE, "scikit-learn~=1.5.1", "joblib~=1.2.0", "lightgbm>=4.6.0", "xgboost~=1.7.6",
            "distributed~=2021.10.0", "adlfs~=0.7.0", "psutil~=5.9", "tqdm~=4.66.3", "ipykernel~=6.0", *AZURE,
        ),
    ),
    Curated(
        "tensorflow-2.16-cuda12",
        "TensorFlow 2.16 with Keras 2 as tf-keras.",
        "3.11",
        ("tensorflow-cpu==2.16.2", *TENSORFLOW),
        gpu_requirements=("tensorflow==2.16.2", *TENSORFLOW),
    ),
    Curated(
        "acpt-pytorch-2.8-cuda12.6",
        "PyTorch with transformers and TensorBoard.",
        "3.10",
        ("torch~=2.8", "transformers", "tensorboard", *AZURE, SERVER, "inference-schema"),
        gpu_requirements=("torch==2.8.*", "transformers", "tensorboard", *AZURE, SERVER, "inference-schema"),
    ),
    Curated(
        "responsibleai-tabular",
        "The Responsible AI dashboard for tables.",
        "3.10",
        (
            "responsibleai~=0.36.0", "raiwidgets~=0.36.0", "scikit-learn~=1.5.1", "mltable==1.6.3", "mlflow",
            "azureml-mlflow",
        ),
    ),
    Curated(
        "AutoML",
        "What Zaffre's AutoML trains with; in Azure ML the closed AutoML runtime.",
        "3.10",
        ("pandas", "numpy", "scipy", "scikit-learn", "lightgbm", "xgboost", "mlflow", "azureml-mlflow"),
    ),
    Curated(
        "mlflow-inference",
        "The scoring server with MLflow.",
        "3.12",
        ("mlflow", SERVER, "inference-schema", "azureml-ai-monitoring"),
    ),
    Curated("minimal-inference", "The scoring server alone.", "3.12", (SERVER, "inference-schema")),
)  # fmt: skip
BY_NAME = {entry.name.lower(): entry for entry in CATALOGUE}

# Names and families that stand for an entry; the first pattern that matches decides. An exact other name of the same
# content needs no note, an older relative does.
SAME = {"ai-ml-automl": "AutoML", "python": "minimal", "python-minimal": "minimal"}
FAMILIES: tuple[tuple[str, str], ...] = (
    (r"(sklearn|scikit-learn|automl-sklearn|tutorial|designer)\b.*", "sklearn-1.5"),
    (r"(lightgbm|xgboost)\b.*", "lightgbm-3.3"),
    (r"tensorflow\b.*", "tensorflow-2.16-cuda12"),
    (r"(acpt-)?(pytorch|torch)\b.*|acpt\b.*|acft-.*", "acpt-pytorch-2.8-cuda12.6"),
    (r"responsibleai\b.*", "responsibleai-tabular"),
    (r"automl\b.*", "AutoML"),
    (r"defaultncdenv-mlflow\b.*|mlflow\b.*inference.*", "mlflow-inference"),
    (r"minimal-.*inference.*", "minimal-inference"),
    (r"minimal\b.*", "minimal"),
)
REGISTRY = re.compile(
    r"^azureml://registries/(?P<registry>[^/]+)/environments/(?P<name>[^/]+)"
    r"(?:/(?:labels/(?P<label>[^/]+)|versions/(?P<version>[^/]+)))?/?$"
)


def parse(reference: str) -> tuple[str, str | None, str | None] | None:
    """(name, version, label) of a reference that may be curated, or None when it is of another form.

    Reads `azureml://registries/<registry>/environments/<name>/labels|versions/...`, `azureml:<name>@<label>`,
    `azureml:<name>:<version>` and the bare name.
    """
    text = reference.strip()
    if match := REGISTRY.match(text):
        return match["name"], match["version"], match["label"]
    if "://" in text:
        return None
    match = re.match(r"^(?:azureml:)?(?P<name>[A-Za-z0-9][\w.-]*)(?:@(?P<label>[\w.-]+)|:(?P<version>[\w.-]+))?$", text)
    return (match["name"], match["version"], match["label"]) if match else None


def find(
    name: str, version: str | None = None, label: str | None = None, *, gpu: bool = False
) -> tuple[EnvironmentDefinition, list[str]] | None:
    """The content that `name` stands for, with a note for each thing that was mapped; None when it is not curated.

    There is one content of each: every version and label gives it. `name` may also be a whole reference.
    """
    parsed = parse(name)
    if parsed is None:
        return None
    bare, version, label = parsed[0], version or parsed[1], label or parsed[2]
    key = re.sub(r"^azureml[-_]", "", bare.lower())
    entry = BY_NAME.get(key) or BY_NAME.get(SAME.get(key, "").lower())
    notes: list[str] = []
    if entry is None:
        target = next((target for pattern, target in FAMILIES if re.fullmatch(pattern, key)), None)
        if target is None:
            return None
        entry = BY_NAME[target.lower()]
        notes.append(
            f"The curated environment `{bare}` is not in the catalogue; its nearest relative `{target}` is used."
        )
    if version not in (None, entry.version):
        notes.append(f"The catalogue has one content of `{entry.name}`; version {version} gives that.")
    return entry.definition(gpu), notes


def resolve(reference: str, *, gpu: bool = False) -> tuple[EnvironmentDefinition, list[str]]:
    """As `find`, but an unknown name is an error that lists near ones. Raises `NotFound`."""
    found = find(reference, gpu=gpu)
    if found:
        return found
    parsed = parse(reference)
    near = near_names(parsed[0] if parsed else reference)
    raise NotFound(
        f"No curated environment is named `{reference}`; near: {', '.join(near)}",
        code="EnvironmentNotFound",
        hint="`zaffre environment list` shows all; or give `image` and `conda_file` in the YAML.",
    )


def near_names(name: str) -> list[str]:
    """Catalogue names most like `name`; all of them when nothing is near."""
    names = [entry.name for entry in CATALOGUE]
    key = re.sub(r"^azureml[-_]", "", name.lower())
    lower = {entry.lower(): entry for entry in names}
    return [lower[found] for found in difflib.get_close_matches(key, lower, n=3, cutoff=0.4)] or names


def listing(*, gpu: bool = False) -> list[EnvironmentDefinition]:
    """Every curated environment, for `environment list`."""
    return [entry.definition(gpu) for entry in CATALOGUE]
