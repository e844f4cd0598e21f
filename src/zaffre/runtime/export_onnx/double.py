"""Pipelines in 64 bits: preprocessing as scikit-learn does it, the estimator behind it in the 32 bits of its own.

A threshold of a tree may lie so near to a value that the rounding of a scaler in 32 bits moves the value over it.
"""

from __future__ import annotations

from typing import Any


def estimator_in_32_bits(model: Any) -> Any:
    """A cast before the last step, which XGBoost and the forests of scikit-learn do to their input anyway."""
    if not getattr(model, "steps", None) or len(model.steps) < 2:
        return model
    import numpy
    from skl2onnx.sklapi import CastTransformer
    from sklearn.pipeline import Pipeline

    return Pipeline([*model.steps[:-1], ("to_float32", CastTransformer(dtype=numpy.float32)), model.steps[-1]])


def register_imputer() -> None:
    """onnxruntime has its imputer for 32 bits only: with 64 it is written as a choice between two values."""
    import skl2onnx
    from skl2onnx._parse import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter, get_shape_calculator
    from skl2onnx.common.data_types import DoubleTensorType
    from sklearn.impute import SimpleImputer

    alias = sklearn_operator_name_map[SimpleImputer]
    usual, shapes = get_converter(alias), get_shape_calculator(alias)

    def convert(scope: Any, operator: Any, container: Any) -> None:
        one = operator.raw_operator
        if not isinstance(operator.inputs[0].type, DoubleTensorType) or not _is_plain(one):
            usual(scope, operator, container)
            return
        _choose(scope, operator, container, one)

    skl2onnx.update_registered_converter(SimpleImputer, alias, shapes, convert, overwrite=True)


def _is_plain(imputer: Any) -> bool:
    """NaN is what is missing, every column has a value to put there, and no columns are added."""
    import numpy

    missing = imputer.missing_values
    plain = isinstance(missing, float) and numpy.isnan(missing) and not imputer.add_indicator
    return bool(plain and not numpy.isnan(imputer.statistics_.astype("float64")).any())


def _choose(scope: Any, operator: Any, container: Any, imputer: Any) -> None:
    from skl2onnx.algebra.onnx_ops import OnnxIsNaN, OnnxWhere

    version, given = container.target_opset, operator.inputs[0]
    values = imputer.statistics_.astype("float64").reshape(1, -1)
    missing = OnnxIsNaN(given, op_version=version)
    OnnxWhere(missing, values, given, op_version=version, output_names=operator.outputs[:1]).add_to(scope, container)
