"""Convert a model to ONNX and show that both say the same: `python -m export_onnx --model PATH --output FOLDER ...`.

Runs as a job in the environment of the model, to which the converters were added. Standard library only at the top:
what converts is imported when it is needed. Exit status 0 with a checked model in FOLDER, 1 with the reason on standard
error; the report (JSON) is written in both cases.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
import warnings
from typing import Any

from . import convert, load, parity, platforms, sample, write
from .problem import Problem


def main(words: list[str] | None = None) -> int:
    args = _arguments(words)
    warnings.filterwarnings("ignore")
    report: dict[str, Any] = {"source": args.source, "converted": False, "checked": False, "attempts": []}
    try:
        _run(args, report)
    except Problem as problem:
        report["problem"] = {"message": str(problem), "part": problem.part, "hint": problem.hint}
    except Exception as error:  # a part that its converter cannot take: told with the place, not as a riddle
        traceback.print_exc()
        report["problem"] = {"message": f"{type(error).__name__}: {error}", "part": None, "hint": None}
    _keep(report, args.report)
    if "problem" not in report:
        print("\n".join(table(report)), flush=True)
        return 0
    if report.get("platforms"):
        print("\n".join(table(report)), flush=True)
    for line in _told(report["problem"]):
        print(line, file=sys.stderr, flush=True)
    return 1


def _arguments(words: list[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="export_onnx", description=__doc__)
    parser.add_argument("--model", required=True, help="file or folder of the model")
    parser.add_argument("--output", required=True, help="folder that becomes the ONNX model")
    parser.add_argument("--report", required=True, help="JSON file")
    parser.add_argument("--source", default="", help="name:version, for the report")
    parser.add_argument("--sample", default="", help="rows to compare on: csv, parquet, json or npy")
    parser.add_argument("--run-data", default="", help="data that the run used; taken if it has the columns")
    parser.add_argument("--opset", type=int, default=convert.OPSET)
    parser.add_argument("--rtol", type=float, default=1e-3, help="largest relative difference")
    parser.add_argument("--atol", type=float, default=1e-5, help="largest absolute difference beside it")
    return parser.parse_args(words)


def _run(args: Any, report: dict[str, Any]) -> None:
    _say("opening the model")
    model = load.load(args.model)
    report["model"] = {"kind": model.kind, "class": model.class_name, "flavor": model.flavor}
    _say("taking rows to compare on")
    rows = sample.take(model, args.sample, args.run_data)
    report["sample"] = rows.facts()
    _say(f"what the {model.class_name} says about {len(rows)} rows ({rows.source})")
    wanted = parity.expected(model, rows)
    data = b""
    for form in convert.forms(model, rows):
        _say(f"converting, inputs as {form}, opset {args.opset}")
        started = time.time()
        try:
            made = convert.convert(model, rows, form, args.opset)
            found = parity.compare(made, rows, form, wanted, args.rtol, args.atol)
        except Exception as error:
            if not data:
                raise
            report["attempts"].append({"inputs": str(form), "problem": " ".join(str(error).split())[:300]})
            break
        seconds = round(time.time() - started, 3)
        report["attempts"].append({"inputs": str(form), "seconds": seconds, "agrees": found["agrees"]})
        if found["agrees"] or not data:
            data = made
            report["comparison"] = {**found, "rtol": args.rtol, "atol": args.atol}
        if found["agrees"]:
            break
    report["converted"] = True
    report["checked"] = bool(report["comparison"]["agrees"])
    _say("looking at operators, shapes and size")
    report["onnx"] = platforms.describe(data)
    report["platforms"] = platforms.check(report["onnx"])
    if not report["checked"]:
        raise Problem(
            f"the converted model says something else: {parity.worst(report['comparison'])}",
            hint="allow more with --rtol and --atol if that difference is harmless",
        )
    write.write(args.output, model, data, report)


def _keep(report: dict[str, Any], path: str) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, default=str)


def _say(text: str) -> None:
    print(f"- {text}", flush=True)


def _told(problem: dict[str, Any]) -> list[str]:
    part = [f"part: {problem['part']}"] if problem["part"] else []
    hint = [f"hint: {problem['hint']}"] if problem["hint"] else []
    return [f"not exported: {problem['message']}", *part, *hint]


def table(report: dict[str, Any]) -> list[str]:
    """The report for people."""
    found, onnx = report["comparison"], report["onnx"]
    lines = ["", f"{'output':<16}{'kind':<16}{'rows':>6}{'worst abs':>12}{'worst rel':>12}{'disagree':>10}  ok"]
    for item in found["outputs"]:
        worst = [f"{item[key]:.3g}" if item.get(key) is not None else "-" for key in ("worst_abs", "worst_rel")]
        ok = "yes" if item["agrees"] else "NO"
        lines.append(f"{item['name']:<16}{item['kind']:<16}{item['rows']:>6}{worst[0]:>12}{worst[1]:>12}"
                     f"{item['disagree']:>10}  {ok}")  # fmt: skip
    lines.append(f"tolerance: labels equal; numbers within {found['atol']:g} + {found['rtol']:g} x |value|")
    lines.append(f"sample: {report['sample']['rows']} rows, {report['sample']['source']}")
    opsets = ", ".join(f"{domain} {version}" for domain, version in onnx["opsets"].items())
    batch = "dynamic" if onnx["dynamic_batch"] else "FIXED"
    lines.append(f"model: {onnx['bytes']:,} bytes, opset {opsets}; batch {batch}")
    for name, item in report["platforms"].items():
        lines.append(f"{name:<10}{item['verdict']}: {item['why']}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
