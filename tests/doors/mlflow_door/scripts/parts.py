"""A large file up in parts and down in ranges, by the client's own means."""

import hashlib
import os
import pathlib
import tempfile

os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(5 * 2**20)
os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(5 * 2**20)
os.environ["MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE"] = str(7 * 2**20)

import mlflow
from mlflow.tracking import MlflowClient

client = MlflowClient()
folder = pathlib.Path(tempfile.mkdtemp())
large, small = folder / "weights ü 1.bin", folder / "small.bin"
large.write_bytes(os.urandom(41 * 2**20 + 17))
small.write_bytes(b"small")
with mlflow.start_run() as run:
    mlflow.log_artifact(str(large), "deep/er")
    mlflow.log_artifact(str(small))
run_id = run.info.run_id
assert [(f.path, f.file_size) for f in client.list_artifacts(run_id, "deep/er")] == [
    (f"deep/er/{large.name}", large.stat().st_size)
]
for path, original in ((f"deep/er/{large.name}", large), ("small.bin", small)):
    got = client.download_artifacts(run_id, path, tempfile.mkdtemp())
    with open(got, "rb") as file:
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(original.read_bytes()).digest()
print("done", mlflow.__version__)
