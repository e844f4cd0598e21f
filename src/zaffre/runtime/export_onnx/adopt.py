"""Open a model that was written as a pickle, say what it is, and write it as an MLflow folder.

`python -m export_onnx.adopt --model PATH --output FOLDER [--file NAME]`: runs as a job, after somebody agreed that the
pickle may be opened.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import sys
from typing import Any

from . import load
from .problem import Problem

PACKAGES = {"sklearn": "scikit-learn", "xgboost": "xgboost", "lightgbm": "lightgbm", "torch": "torch", "numpy": "numpy",
            "pandas": "pandas", "scipy": "scipy", "joblib": "joblib", "cloudpickle": "cloudpickle"}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="adopt", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--file", default="")
    args = parser.parse_args()
    inner = os.path.join(args.model, args.file)
    path = inner if args.file and os.path.isfile(inner) else args.model
    try:
        model = load.load(path)
    except Problem as problem:
        print(f"not imported: {problem}" + (f" ({problem.hint})" if problem.hint else ""), file=sys.stderr)
        return 1
    facts = {"class": f"{type(model.model).__module__}.{model.class_name}", "columns": model.columns(),
             "width": model.width()}  # fmt: skip
    print(f"- it is a {facts['class']}; columns {facts['columns'] or facts['width']}", flush=True)
    _write(args.output, path, model, facts)
    return 0


def _write(folder: str, path: str, model: load.Loaded, facts: dict[str, Any]) -> None:
    os.makedirs(os.path.join(folder, "data"), exist_ok=True)
    versions = _versions()
    python = ".".join(map(str, sys.version_info[:3]))
    if model.kind == "torch":
        shutil.copy(path, os.path.join(folder, "data", "model.pth"))
        flavors = {"pytorch": {"model_data": "data", "pytorch_version": versions.get("torch"), "code": None}}
        loader = {"loader_module": "mlflow.pytorch", "data": "data"}
    else:
        os.rmdir(os.path.join(folder, "data"))
        with open(os.path.join(folder, "model.pkl"), "wb") as file:
            pickle.dump(model.model, file)
        flavors = {"sklearn": {"pickled_model": "model.pkl", "serialization_format": "pickle", "code": None,
                               "sklearn_version": versions.get("scikit-learn")}}  # fmt: skip
        loader = {"loader_module": "mlflow.sklearn", "model_path": "model.pkl", "predict_fn": "predict"}
    env = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
    lines = [f"{name}=={version}" for name, version in sorted(versions.items())]
    mlmodel: dict[str, Any] = {
        "flavors": {**flavors, "python_function": {**loader, "env": env, "python_version": python}},
        "metadata": facts,
    }
    if facts["columns"]:
        columns = [{"name": name, "type": "any"} for name in facts["columns"]]
        mlmodel["metadata"]["inputs"] = columns
    conda = {"channels": ["conda-forge"], "name": "mlflow-env",
             "dependencies": [f"python={python}", "pip", {"pip": lines}]}  # fmt: skip
    virtual = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    texts = {"MLmodel": mlmodel, "conda.yaml": conda, "python_env.yaml": virtual}  # JSON is YAML
    for name, value in texts.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as text:
            json.dump(value, text, indent=1)
    with open(os.path.join(folder, "requirements.txt"), "w", encoding="utf-8") as text:
        text.write("".join(f"{line}\n" for line in lines))


def _versions() -> dict[str, str]:
    """Of the libraries that opening the model has imported."""
    found = {}
    for module, package in PACKAGES.items():
        version = getattr(sys.modules.get(module), "__version__", None)
        if version:
            found[package] = str(version)
    return found


if __name__ == "__main__":
    sys.exit(main())
