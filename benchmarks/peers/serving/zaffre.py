"""Zaffre: a gateway and one worker, as the server of a home starts them, with a key. Rows are scored together
where the model allows it: the scikit-learn model is an MLflow model, as a user would register it."""

import hashlib

import common

_idle = common.adapter("idle", "zaffre")
REQUIREMENTS = [
    *_idle.REQUIREMENTS,
    "scikit-learn==1.9.1",
    "mlflow-skinny==3.9.0",
    "pandas",
    "onnxruntime==1.31.1",
    "skl2onnx==1.20.0",
]
DISTRIBUTION = _idle.DISTRIBUTION
KINDS = ("echo", "model", "onnx")
KEY = "a-key-of-the-benchmark"
SCORE = """
import json

def init():
    pass

def run(data):
    return json.loads(data)["input_data"]
"""
SAVE = """
import joblib, mlflow.sklearn
mlflow.sklearn.save_model(joblib.load("model.joblib"), "mlflow", pip_requirements=["scikit-learn"])
"""
ONNX = """
import joblib, numpy
from skl2onnx import to_onnx
made = to_onnx(joblib.load("model.joblib"), numpy.zeros((1, 30), numpy.float32), options={"zipmap": False})
open("model.onnx", "wb").write(made.SerializeToString())
"""
SERVE = """
import json, os, subprocess, sys
from zaffre.runtime import score_worker
kind, port = sys.argv[1:]
here = os.getcwd()
config = {"socket": here + "/w.sock", "kind": {"echo": "script", "model": "mlflow", "onnx": "onnx"}[kind],
          "model": {"echo": None, "model": here + "/mlflow", "onnx": here + "/model.onnx"}[kind],
          "code": here + "/code", "script": "score.py", "concurrency": 1, "batch": 64, "frame_bytes": 64 << 20,
          "status": here + "/status.json", "collect": None,
          "deployment": {"workspace": "default", "endpoint": "bench", "name": "blue"}}
json.dump(config, open("config.json", "w"))
entry = {"timeout_ms": 60000, "queue_wait_ms": 60000, "queue": 1000, "runs": True, "revision": 1,
         "workers": {"w": "w.sock"}}
keys = [os.environ["KEY_HASH"]]
json.dump({"generation": 1, "endpoints": {"default/bench": {"keys": keys, "traffic": {"blue": 100},
          "deployments": {"blue": entry}}}}, open("routes.json", "w"))
worker = subprocess.Popen([sys.executable, score_worker.__file__, "config.json"])
os.execv(sys.executable, [sys.executable, "-m", "zaffre.gateway.main", here, "127.0.0.1", port])
"""


def prepare(box, kind, workers):
    box.write("code/score.py", SCORE)
    box.write("serve.py", SERVE)
    box.headers["Authorization"] = f"Bearer {KEY}"
    box.env["KEY_HASH"] = hashlib.sha256(KEY.encode()).hexdigest()
    if kind != "echo":
        box.write("save.py", SAVE if kind == "model" else ONNX)
        if not (box.place / ("mlflow" if kind == "model" else "model.onnx")).exists():
            box.run([box.python, "save.py"])


def server(box, kind, workers):
    port = common.free_port()
    return [box.python, "serve.py", kind, port], f"http://127.0.0.1:{port}/endpoints/default/bench/score"


def body(row):
    return {"input_data": [row]}
