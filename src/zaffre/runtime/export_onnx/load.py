"""Open a model: an MLflow folder, or files as libraries write them. Runs in a job, where pickles may be opened."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from .problem import Problem

MLFLOW = ("sklearn", "xgboost", "lightgbm", "pytorch")  # in this order: the richest first


class Loaded:
    """`kind` says who converts it: sklearn (whatever fits in a pipeline), booster, torch."""

    def __init__(self, model: Any, flavor: str, folder: str, mlmodel: dict[str, Any]) -> None:
        self.model, self.flavor, self.folder, self.mlmodel = model, flavor, folder, mlmodel
        self.kind = _kind(model)
        if self.kind == "torch":
            model.eval()

    @property
    def class_name(self) -> str:
        return type(self.model).__name__

    def columns(self) -> list[str] | None:
        """The names of the columns it was fitted on; None when it was fitted on bare numbers."""
        for one in _heads(self.model):
            names = getattr(one, "feature_names_in_", None)
            if names is None:
                names = _names_of_booster(one)
            if names is not None:
                return [str(name) for name in names]
        return None

    def width(self) -> int | None:
        """How many columns it was fitted on."""
        for one in _heads(self.model):
            for name in ("n_features_in_", "num_feature", "num_features", "in_features"):
                value = getattr(one, name, None)
                if value is not None:
                    return int(value() if callable(value) else value)
        return None


def load(path: str) -> Loaded:
    """Raises `Problem` for what cannot be opened here, or has nothing to convert."""
    for folder in [path, *_inner(path)]:
        if os.path.isfile(os.path.join(folder, "MLmodel")):
            return _of_mlflow(folder)
    if os.path.isdir(path):
        files = [os.path.join(path, name) for name in sorted(os.listdir(path)) if not name.startswith(".")]
        files = [name for name in files if os.path.isfile(name) and _opener(name)]
        if len(files) != 1:
            raise Problem(f"{len(files)} files in the folder look like a model; one was expected")
        path = files[0]
    opener = _opener(path)
    if opener is None:
        raise Problem(f"{os.path.basename(path)} is of no kind that is converted: sklearn, xgboost, lightgbm, torch")
    return Loaded(opener(path), opener.__name__.lstrip("_"), os.path.dirname(path), {})


def _inner(path: str) -> list[str]:
    if not os.path.isdir(path):
        return []
    return [os.path.join(path, name) for name in sorted(os.listdir(path)) if os.path.isdir(os.path.join(path, name))]


def _of_mlflow(folder: str) -> Loaded:
    import yaml

    with open(os.path.join(folder, "MLmodel"), encoding="utf-8") as file:
        mlmodel = yaml.safe_load(file) or {}
    flavors = mlmodel.get("flavors") or {}
    code = (flavors.get("python_function") or {}).get("code")
    if code:
        sys.path.insert(0, os.path.join(folder, code))
    for name in MLFLOW:
        if name in flavors:
            model = globals()[f"_{name}_flavor"](folder, flavors[name] or {})
            return Loaded(model, name, folder, mlmodel)
    there = ", ".join(sorted(flavors)) or "none"
    raise Problem(
        f"the model has flavors {there}; converted are {', '.join(MLFLOW)}",
        hint="it is ONNX already" if "onnx" in flavors else None,
    )


def _sklearn_flavor(folder: str, flavor: dict[str, Any]) -> Any:
    path = os.path.join(folder, flavor.get("pickled_model") or flavor.get("model") or "model.pkl")
    return _skops(path) if flavor.get("serialization_format") == "skops" else _pickle(path)


def _xgboost_flavor(folder: str, flavor: dict[str, Any]) -> Any:
    return _xgboost(os.path.join(folder, flavor.get("data") or "model.xgb"), flavor.get("model_class"))


def _lightgbm_flavor(folder: str, flavor: dict[str, Any]) -> Any:
    path = os.path.join(folder, flavor.get("data") or "model.lgb")
    return _lightgbm(path) if path.endswith((".lgb", ".txt")) else _pickle(path)


def _pytorch_flavor(folder: str, flavor: dict[str, Any]) -> Any:
    path = os.path.join(folder, flavor.get("model_data") or "data")
    for name in ("model.pth", "model.pt", "model.pt2"):
        if os.path.isfile(os.path.join(path, name)):
            return _torch(os.path.join(path, name))
    raise Problem("the folder of the PyTorch model has no model.pth")


def _opener(path: str) -> Any:
    """What opens a bare file, by its name and its first bytes."""
    with open(path, "rb") as file:
        head = file.read(512)
    name = path.lower()
    if name.endswith((".pt", ".pth", ".pt2", ".ts")):
        return _torch
    if name.endswith(".skops"):
        return _skops
    if name.endswith((".pkl", ".pickle", ".joblib")) or head[:1] == b"\x80":
        return _pickle
    if head.startswith(b"tree\n"):
        return _lightgbm
    if b'"learner"' in head or name.endswith((".ubj", ".xgb")):
        return _xgboost
    return None


def _pickle(path: str) -> Any:
    try:
        import joblib

        return joblib.load(path)
    except ImportError:
        import pickle

        with open(path, "rb") as file:
            return pickle.load(file)  # noqa: S301  in a job, by consent; the server never does


def _skops(path: str) -> Any:
    import skops.io

    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def _xgboost(path: str, class_name: str | None = None) -> Any:
    import xgboost

    model: Any = xgboost.Booster()
    if class_name and "Booster" not in class_name:
        model = getattr(importlib.import_module("xgboost"), class_name.rpartition(".")[2])()
    model.load_model(path)
    return model


def _lightgbm(path: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_file=path)


def _torch(path: str) -> Any:
    import torch

    if path.endswith(".pt2"):
        return torch.export.load(path).module()
    try:
        return torch.jit.load(path, map_location="cpu")
    except RuntimeError:
        model = torch.load(path, map_location="cpu", weights_only=False)
    if not isinstance(model, torch.nn.Module):
        raise Problem(
            f"{os.path.basename(path)} holds weights without a network ({type(model).__name__})",
            hint="save the module itself, TorchScript or torch.export",
        )
    return model


def _kind(model: Any) -> str:
    names = {f"{one.__module__.partition('.')[0]}.{one.__name__}" for one in type(model).__mro__}
    if "xgboost.Booster" in names or "lightgbm.Booster" in names:
        return "booster"
    if "torch.Module" in names or "torch.ScriptModule" in names:
        return "torch"
    if hasattr(model, "predict") or hasattr(model, "transform"):
        return "sklearn"
    raise Problem(f"a {type(model).__module__}.{type(model).__name__} is no model that is converted")


def _heads(model: Any) -> list[Any]:
    """The model and what its input meets first."""
    found, at = [model], model
    while getattr(at, "steps", None):
        at = at.steps[0][1]
        found.append(at)
    return found


def _names_of_booster(model: Any) -> Any:
    booster = model
    if hasattr(model, "get_booster"):
        try:
            booster = model.get_booster()
        except Exception:
            return None
    names = getattr(booster, "feature_names", None) or getattr(booster, "feature_name", None)
    names = names() if callable(names) else names
    automatic = names and all(str(name) in (f"Column_{i}", f"f{i}") for i, name in enumerate(names))
    return None if automatic else names
