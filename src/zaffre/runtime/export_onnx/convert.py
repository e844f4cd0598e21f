"""From a model to the bytes of an ONNX model: scikit-learn with everything in it, boosters, PyTorch."""

from __future__ import annotations

import io
from typing import Any

from . import double
from .load import Loaded
from .problem import Problem
from .sample import Sample

OPSET = 17  # of July 2022: old enough for the runtimes of phones in use, new enough for every converter here
ML_OPSET = 3


class Form:
    """How rows are given to the ONNX model: one tensor, or one input a column; in 32 or 64 bits."""

    def __init__(self, columns: Any, number: str, name: str = "input") -> None:
        self.columns, self.number, self.name = columns, number, name  # columns: [(name, type)] or None

    def __str__(self) -> str:
        return f"{'columns' if self.columns else 'one tensor'} of {self.number}"

    def feed(self, data: Any) -> dict[str, Any]:
        """The rows as onnxruntime takes them."""
        import numpy

        if self.columns is None:
            array = numpy.asarray(data)
            return {self.name: array if self.number == "as is" else array.astype(self.number)}
        found = {}
        for name, kind in self.columns:
            column = data[[name]].to_numpy()
            if kind == "text":
                found[name] = column.astype(object)
            else:
                found[name] = column.astype({"integer": "int64", "boolean": "bool"}.get(kind, self.number))
        return found


def forms(model: Loaded, rows: Sample) -> list[Form]:
    """In the order in which they are tried: 32 bits run everywhere; 64 where a threshold is finer than that."""
    if model.kind == "torch":
        return [Form(None, "as is")]
    if model.kind == "booster":
        return [Form(None, "float32")]
    columns = _columns(rows)
    one = not any(kind == "text" for _, kind in columns or ()) and not _by_name(model.model)
    return [Form(None if one else columns, number) for number in ("float32", "float64")]


def _columns(rows: Sample) -> list[tuple[str, str]] | None:
    if not rows.is_frame:
        return None
    kinds = {"f": "number", "i": "integer", "u": "integer", "b": "boolean"}
    return [(str(name), kinds.get(rows.data[name].dtype.kind, "text")) for name in rows.data.columns]


def _by_name(model: Any) -> bool:
    """Whether a step picks columns by their names."""
    return any(type(part).__name__ == "ColumnTransformer" for _, part in parts(model))


def convert(model: Loaded, rows: Sample, form: Form, opset: int) -> bytes:
    """Raises `Problem` naming the part that cannot be converted."""
    if model.kind == "torch":
        return _torch(model.model, rows, form, opset)
    if model.kind == "booster":
        return _booster(model.model, rows, opset)
    return _sklearn(model.model, rows, form, opset)


def _sklearn(model: Any, rows: Sample, form: Form, opset: int) -> bytes:
    import skl2onnx
    from skl2onnx.common import data_types as types

    _register(model)
    _name_unknown(model)
    if form.number == "float64":
        double.register_imputer()
        model = double.estimator_in_32_bits(model)
    number = types.FloatTensorType if form.number == "float32" else types.DoubleTensorType
    if form.columns is None:
        width = rows.data.shape[1]
        inputs = [(form.name, number([None, width]))]
    else:
        kinds = {"text": types.StringTensorType, "integer": types.Int64TensorType, "boolean": types.BooleanTensorType}
        inputs = [(name, kinds.get(kind, number)([None, 1])) for name, kind in form.columns]
    options = {"zipmap": False} if hasattr(model, "classes_") else None
    try:
        made = skl2onnx.convert_sklearn(
            model, initial_types=inputs, options=options, target_opset={"": opset, "ai.onnx.ml": ML_OPSET}
        )
    except Exception as error:
        raise Problem(_words(error), part=_named_in(model, error)) from error
    return bytes(made.SerializeToString())


def _register(model: Any) -> None:
    """Teach the converter of scikit-learn the boosters that stand in a pipeline."""
    import skl2onnx
    from skl2onnx.common import shape_calculator as shapes

    modules = {type(part).__module__.partition(".")[0] for _, part in parts(model)}
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    of_classes: dict[str, Any] = {"options": options, "overwrite": True}
    classes, values = shapes.calculate_linear_classifier_output_shapes, shapes.calculate_linear_regressor_output_shapes
    if "xgboost" in modules:
        import xgboost
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

        for name in ("XGBClassifier", "XGBRFClassifier"):
            skl2onnx.update_registered_converter(
                getattr(xgboost, name), "XGBoost" + name, classes, convert_xgboost, **of_classes
            )
        for name in ("XGBRegressor", "XGBRFRegressor"):
            skl2onnx.update_registered_converter(
                getattr(xgboost, name), "XGBoost" + name, values, convert_xgboost, overwrite=True
            )
        for _, part in parts(model):
            if hasattr(part, "get_booster"):
                part.get_booster().feature_names = None  # the converter reads names as positions
    if "lightgbm" in modules:
        import lightgbm
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

        skl2onnx.update_registered_converter(
            lightgbm.LGBMClassifier, "LightGbmLGBMClassifier", classes, convert_lightgbm, **of_classes
        )
        skl2onnx.update_registered_converter(
            lightgbm.LGBMRegressor, "LightGbmLGBMRegressor", values, convert_lightgbm, overwrite=True
        )


def _name_unknown(model: Any) -> None:
    """Raises `Problem` for the first part that nobody can convert, with its place in the model."""
    from skl2onnx._supported_operators import sklearn_operator_name_map as known

    for place, part in parts(model):
        name = type(part).__name__
        if name == "FunctionTransformer" and getattr(part, "func", None) is not None:
            function = getattr(part.func, "__name__", repr(part.func))
            raise Problem(
                f"step {place} calls the Python function {function}, which ONNX cannot hold", part=place,
                hint="do its work before the model, or with transformers of scikit-learn",
            )  # fmt: skip
        if type(part) not in known and not isinstance(part, str):
            raise Problem(
                f"step {place} is a {type(part).__module__}.{name}, for which there is no converter", part=place,
                hint="see which estimators skl2onnx converts, or register a converter of your own",
            )  # fmt: skip


def parts(model: Any, place: str = "") -> list[tuple[str, Any]]:
    """Every estimator in a model with its path, outer ones first; wrappers that only hold others are left out."""
    place = place or type(model).__name__
    inner: list[tuple[str, Any]] = []
    for name in ("steps", "transformers_", "transformer_list", "estimators"):
        value = getattr(model, name, None)
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            inner = [(str(item[0]), item[1]) for item in value if not isinstance(item[1], str) and item[1] is not None]
            break
    found = [(place, model)]
    for name, part in inner:
        found += parts(part, f"{place} > {name} ({type(part).__name__})")
    return found


def _named_in(model: Any, error: Exception) -> str | None:
    """The innermost part that the message of a converter names."""
    text = str(error)
    named = [place for place, part in parts(model) if type(part).__name__ in text]
    return named[-1] if named else None


def _booster(model: Any, rows: Sample, opset: int) -> bytes:
    from onnxmltools.convert.common.data_types import FloatTensorType

    inputs = [("input", FloatTensorType([None, rows.data.shape[1]]))]
    if type(model).__module__.startswith("xgboost"):
        from onnxmltools import convert_xgboost

        model.feature_names = None  # the converter reads names as positions
        made = convert_xgboost(model, initial_types=inputs, target_opset=min(opset, 15))
    else:
        from onnxmltools import convert_lightgbm

        made = convert_lightgbm(model, initial_types=inputs, target_opset=min(opset, 15), zipmap=False)
    return bytes(made.SerializeToString())


def _torch(model: Any, rows: Sample, form: Form, opset: int) -> bytes:
    import torch

    example = torch.as_tensor(rows.data[:2] if len(rows) > 1 else rows.data)
    file = io.BytesIO()
    options: dict[str, Any] = {
        "opset_version": opset, "input_names": [form.name], "output_names": ["output"],
        "dynamic_axes": {form.name: {0: "batch"}, "output": {0: "batch"}},
    }  # fmt: skip
    try:
        try:
            torch.onnx.export(model, (example,), file, dynamo=False, **options)
        except TypeError:  # before PyTorch 2.5 there is no other exporter, and no word for it
            torch.onnx.export(model, (example,), file, **options)
    except Exception as error:
        raise Problem(_words(error), part=type(model).__name__) from error
    return file.getvalue()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:600]}"
