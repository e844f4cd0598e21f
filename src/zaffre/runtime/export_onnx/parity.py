"""Do the model and its conversion say the same about the same rows? Labels must be equal, numbers within tolerance."""

from __future__ import annotations

from typing import Any

from .convert import Form
from .load import Loaded
from .sample import Sample

NAMED = 5  # rows that a report names


def expected(model: Loaded, rows: Sample) -> list[tuple[str, str, Any]]:
    """(name, kind, values) of each output of the model itself; kind is label, probabilities, value or transformed."""
    import numpy

    one = model.model
    if model.kind == "torch":
        import torch

        with torch.no_grad():
            found = one(torch.as_tensor(rows.data))
        return [("output", "value", found.numpy())]
    if model.kind == "booster":
        return _of_booster(one, rows)
    if not hasattr(one, "predict"):
        return [("transformed", "value", _dense(one.transform(rows.data)))]
    if hasattr(one, "classes_"):
        wanted = [("label", "label", numpy.asarray(one.predict(rows.data)))]
        if hasattr(one, "predict_proba"):
            wanted.append(("probabilities", "probabilities", numpy.asarray(one.predict_proba(rows.data))))
        return wanted
    return [("variable", "value", numpy.asarray(one.predict(rows.data)))]


def _of_booster(model: Any, rows: Sample) -> list[tuple[str, str, Any]]:
    import numpy

    if type(model).__module__.startswith("xgboost"):
        import json

        import xgboost

        names = model.feature_names
        data = rows.data if rows.is_frame else numpy.asarray(rows.data)
        values = model.predict(xgboost.DMatrix(data, feature_names=None if rows.is_frame else names))
        objective = json.loads(model.save_config())["learner"]["objective"]["name"]
    else:
        values = model.predict(numpy.asarray(rows.data))
        objective = str(model.params.get("objective") or model.dump_model().get("objective", ""))
    values = numpy.asarray(values)
    if "binary" in objective or "logistic" in objective:
        label = (values > 0.5).astype("int64")
        return [
            ("label", "label", label),
            ("probabilities", "probabilities", numpy.stack([1 - values, values], axis=1)),
        ]
    if values.ndim == 2:
        return [("label", "label", values.argmax(axis=1)), ("probabilities", "probabilities", values)]
    return [("variable", "value", values)]


def compare(
    data: bytes, rows: Sample, form: Form, wanted: list[tuple[str, str, Any]], rtol: float, atol: float
) -> dict[str, Any]:
    """Each output with its worst differences; also whether one row alone gives what it gives among others."""
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    feed = form.feed(rows.data)
    made = session.run(None, feed)
    names = [output.name for output in session.get_outputs()]
    outputs = []
    for position, (name, kind, values) in enumerate(wanted):
        found = made[names.index(name)] if name in names else made[min(position, len(made) - 1)]
        outputs.append(_difference(name, kind, values, numpy.asarray(found), rtol, atol))
    alone = session.run(None, {key: value[:1] for key, value in feed.items()})
    same = all(
        numpy.allclose(a, b[:1], rtol=rtol, atol=atol, equal_nan=True) if numpy.asarray(a).dtype.kind == "f" else
        numpy.array_equal(a, b[:1]) for a, b in zip(alone, made)
    )  # fmt: skip
    agrees = same and all(output["agrees"] for output in outputs)
    return {
        "agrees": agrees, "outputs": outputs, "one_row_alone": bool(same), "onnxruntime": onnxruntime.__version__,
    }  # fmt: skip


def _difference(name: str, kind: str, values: Any, found: Any, rtol: float, atol: float) -> dict[str, Any]:
    import numpy

    shown: dict[str, Any] = {"name": name, "kind": kind, "rows": len(values)}
    if kind == "label":
        wrong = numpy.flatnonzero(_plain(values).ravel() != _plain(found).ravel())
        return {**shown, "disagree": len(wrong), "where": wrong[:NAMED].tolist(), "agrees": len(wrong) == 0}
    values, found = numpy.asarray(values, dtype="float64"), numpy.asarray(found, dtype="float64")
    if values.size != found.size:
        return {**shown, "disagree": len(values), "agrees": False, "shapes": [list(values.shape), list(found.shape)]}
    found = found.reshape(values.shape)
    gap = numpy.abs(values - found)
    gap[(values == found) | (numpy.isnan(values) & numpy.isnan(found))] = 0.0
    gap = numpy.nan_to_num(gap, nan=numpy.inf)
    size = numpy.abs(numpy.nan_to_num(values))
    beyond = (gap > atol + rtol * size).reshape(len(values), -1).any(axis=1)
    relative = gap / numpy.maximum(size, atol / rtol)  # below that size the absolute one is wider
    return {
        **shown, "worst_abs": float(gap.max(initial=0)), "worst_rel": float(relative.max(initial=0)),
        "disagree": int(beyond.sum()), "where": numpy.flatnonzero(beyond)[:NAMED].tolist(),
        "agrees": not bool(beyond.any()),
    }  # fmt: skip


def _plain(values: Any) -> Any:
    """Labels as text or as numbers, whichever both can be."""
    import numpy

    array = numpy.asarray(values)
    return array.astype(str) if array.dtype.kind in "OUS" else array.astype("float64")


def _dense(values: Any) -> Any:
    return values.toarray() if hasattr(values, "toarray") else values


def worst(comparison: dict[str, Any]) -> str:
    """The largest disagreement in words."""
    for item in comparison["outputs"]:
        if not item["agrees"]:
            if item["kind"] == "label":
                return f"{item['disagree']} of {item['rows']} labels differ (rows {item['where']})"
            if "shapes" in item:
                return f"{item['name']} has shape {item['shapes'][1]}, not {item['shapes'][0]}"
            return (f"{item['name']} differs by {item['worst_abs']:.3g} (relative {item['worst_rel']:.3g}) in "
                    f"{item['disagree']} of {item['rows']} rows")  # fmt: skip
    return "one row alone gives something else than the same row among others"
