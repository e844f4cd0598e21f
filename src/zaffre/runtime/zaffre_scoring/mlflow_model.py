"""An MLflow model without a scoring script.

Which models score rows of several requests together: those whose flavor computes each row on its own (scikit-learn,
XGBoost, LightGBM, CatBoost, ONNX) and whose signature has columns or is absent, without parameters. A custom
`python_function` may look at its input as a whole, so it never does.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from . import frames, infer, rows, schema
from .tables import Signature
from .values import BadInput

ROW_BY_ROW = ("mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost", "mlflow.onnx")
# scikit-learn's own classes that look at the names of columns; every other one takes the numbers in their order
NAMES_MATTER = ("Pipeline", "ColumnTransformer", "FeatureUnion", "FunctionTransformer")


class MlflowModel:
    collects = True

    def __init__(self, config: dict[str, Any]) -> None:
        from mlflow import pyfunc  # type: ignore[import-not-found,unused-ignore]

        folder = _folder(config["model"])
        self.name = config["deployment"]["name"]
        print("loading the MLflow model", flush=True)
        self._model = pyfunc.load_model(folder)
        meta = self._model.metadata
        signature = meta.signature
        columns = _columns(signature)
        self.signature = Signature(columns) if columns else None
        flavor = str(meta.flavors.get("python_function", {}).get("loader_module"))
        tensor = signature is not None and signature.inputs is not None and not columns
        params = signature is not None and getattr(signature, "params", None) is not None
        self.batches = flavor in ROW_BY_ROW and not tensor and not params
        self._tensor = _tensor_type(signature) if tensor else None
        self._fast = self._direct(flavor) if not params else None
        self.description: dict[str, Any] = {"kind": "mlflow", "flavor": flavor, "models": [self._metadata(columns)]}
        if columns:
            self.description["input_schema"] = schema.of_columns(columns)
            self.description["output_schema"] = {"type": "array", "items": {}}
        self._warm(meta, folder)

    # --- what the worker calls ---

    def score(self, kind: int, payload: bytes) -> Any:
        if kind == frames.INFER:
            return self._infer(payload)
        rows.needs_json(kind)
        parsed = rows.parse(payload, self.signature)
        return rows.answer(kind, self.predict(parsed.rows, parsed))

    def parse(self, kind: int, payload: bytes) -> rows.Parsed | None:
        return None if kind == frames.INFER else rows.parse(payload, self.signature)

    def predict(self, given: list[Any], parsed: rows.Parsed) -> Any:
        if self._fast is not None:
            return self._fast(given)
        return self._model.predict(self._frame(given, parsed))

    part = staticmethod(rows.part)

    @staticmethod
    def answer(kind: int, _parsed: rows.Parsed, mine: Any) -> bytes:
        return rows.answer(kind, mine)

    # --- inside ---

    def _frame(self, given: list[Any], parsed: rows.Parsed) -> Any:
        import numpy

        if self._tensor is not None or (parsed.columns is None and self.signature is None):
            try:
                return numpy.array(given, dtype=self._tensor)
            except (TypeError, ValueError):
                raise BadInput("the rows do not make an array of one shape and type") from None
        import pandas  # type: ignore[import-untyped,unused-ignore]

        table = pandas.DataFrame(given, columns=list(parsed.columns or ()))
        if self.signature is not None:
            for name, kind in zip(self.signature.names, self.signature.types):
                if kind in ("double", "float"):
                    table[name] = table[name].astype("float64" if kind == "double" else "float32")
                elif kind == "integer" and not table[name].hasnans:
                    table[name] = table[name].astype("int32")
                elif kind == "datetime":
                    table[name] = pandas.to_datetime(table[name])
        return table

    def _direct(self, flavor: str) -> Any:
        """scikit-learn on numbers alone: the estimator itself, without a table around each call."""
        if flavor != "mlflow.sklearn" or (self.signature is not None and not self.signature._numeric):
            return None
        import numpy

        impl: Any = getattr(self._model, "_model_impl", None)
        estimator: Any = getattr(impl, "sklearn_model", impl)
        inner = [type(estimator).__name__, *(type(step).__name__ for _, step in getattr(estimator, "steps", ()))]
        if not type(estimator).__module__.startswith("sklearn.") or set(inner) & set(NAMES_MATTER):
            return None
        names = getattr(estimator, "feature_names_in_", None)
        if names is not None and (self.signature is None or list(names) != list(self.signature.names)):
            return None
        function = (self._model.metadata.flavors.get("python_function") or {}).get("predict_fn") or "predict"
        call = getattr(estimator, function, None)
        if call is None:
            return None
        warnings.filterwarnings("ignore", message="X does not have valid feature names")

        width = estimator.n_features_in_ if hasattr(estimator, "n_features_in_") else None

        def predict(given: list[Any]) -> Any:
            try:
                array = numpy.array(given, dtype=numpy.float64)
            except (TypeError, ValueError, OverflowError):
                raise BadInput("the rows are no numbers of one shape") from None
            if array.ndim != 2 or array.shape[1] != width:
                raise BadInput("a row has another number of values than the model has columns")
            return call(array)

        return predict if width is not None else None

    def _infer(self, payload: bytes) -> Any:
        request, arrays = infer.parse(payload)
        first = next(iter(arrays.values()))
        names = self.signature.names if self.signature else None
        if names is not None and set(names) == set(arrays):
            given = [list(row) for row in zip(*(arrays[name].ravel().tolist() for name in names))]
        elif len(arrays) == 1:
            given = first.tolist()
        else:
            raise BadInput("the inputs are neither one tensor nor the columns of the model")
        if names is not None:
            from .tables import Table

            given = self.signature.fit(Table(None, given)) if self.signature else given
        result = self.predict(given, rows.Parsed(names, given, None))
        return infer.answer(request, self.name, _outputs(result))

    def _metadata(self, columns: list[dict[str, Any]]) -> dict[str, Any]:
        kinds = {"double": "FP64", "float": "FP32", "long": "INT64", "integer": "INT32", "boolean": "BOOL"}
        inputs = [
            infer.described(str(c.get("name", i)), kinds.get(str(c.get("type"))), [-1, 1])
            for i, c in enumerate(columns)
        ]
        return {
            "name": self.name, "versions": ["1"], "platform": "mlflow",
            "inputs": inputs or [infer.described("input", "FP64", [-1, -1])],
            "outputs": [infer.described("predictions", "FP64", [-1])],
        }  # fmt: skip

    def _warm(self, meta: Any, folder: str) -> None:
        """The first call of a model is slow; it is made before anybody waits."""
        try:
            if self.signature is not None and self.signature._numeric:
                row = [0.0] * len(self.signature.names)
                self.predict([row], rows.Parsed(self.signature.names, [row], None))
            elif meta.saved_input_example_info:
                self._model.predict(meta.load_input_example(folder))
        except Exception as error:  # a sample that does not fit says nothing about real requests
            print(f"the warm-up call failed: {type(error).__name__}: {error}", flush=True)


def _folder(path: str) -> str:
    """The folder with the MLmodel file: this one, or the only one in it."""
    if os.path.isfile(os.path.join(path, "MLmodel")):
        return path
    inner = [entry.path for entry in os.scandir(path) if os.path.isfile(os.path.join(entry.path, "MLmodel"))]
    if len(inner) != 1:
        raise FileNotFoundError("the model has no MLmodel file")
    return inner[0]


def _columns(signature: Any) -> list[dict[str, Any]]:
    if signature is None or signature.inputs is None or signature.inputs.is_tensor_spec():
        return []
    return list(signature.inputs.to_dict())


def _tensor_type(signature: Any) -> Any:
    return signature.inputs.inputs[0].type if len(signature.inputs.inputs) == 1 else None


def _outputs(result: Any) -> dict[str, Any]:
    if hasattr(result, "columns"):
        return {str(name): result[name].to_numpy() for name in result.columns}
    if isinstance(result, dict):
        return result
    return {"predictions": result}
