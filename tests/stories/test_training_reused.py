"""A reused step shows what the job that really ran has printed, logged and made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from place import ServerPlace

SCRIPTS = Path(__file__).parent / "training"
ENVIRONMENT = {"name": "training", "requirements": ["mlflow-skinny==3.4.0", "scikit-learn==1.7.2", "pandas==2.3.3"]}


def test_a_reused_step_shows_log_metrics_artifacts_and_outputs_of_the_job_that_ran(server: ServerPlace) -> None:
    source = server.project / "src"
    source.mkdir()
    shutil.copy(SCRIPTS / "fit_and_log.py", source)
    command = "python fit_and_log.py ${{outputs.out}}"
    step = {"code": "src", "command": command, "environment": ENVIRONMENT, "outputs": {"out": {"type": "uri_folder"}}}
    (server.project / "pipeline.yml").write_text(json.dumps({"type": "pipeline", "jobs": {"fit": step}}))
    names = []
    for _ in range(2):
        run = server.zaffre("job", "create", "-f", "pipeline.yml", "--wait", "--query", "name", "-o", "tsv").strip()
        names.append(server.json("job", "list", "--parent-job-name", run)[0]["name"])
    first, reused = names
    shown = server.json("job", "show", "--name", reused)
    assert (shown["status"], shown["reused_from"], shown["properties"]["azureml.isreused"]) == (
        "Completed",
        first,
        "true",
    )

    printed = server.zaffre("job", "stream", "--name", reused).splitlines()
    assert printed[0] == f"· reused from {first}, whose log this is"
    assert sum(line == "these lines were printed once" for line in printed) == 1
    assert [line for line in server.zaffre("job", "stream", "--name", first).splitlines() if "reused" in line] == []

    server.zaffre("job", "download", "--name", reused, "--all", "--download-path", "got")
    for path, text in (
        ("artifacts/notes/said.txt", "all is well"),
        ("artifacts/outputs/kept.txt", "kept"),
        ("named-outputs/out/done.txt", "done"),
    ):
        assert (server.project / "got" / path).read_text() == text

    server.outside(SCRIPTS / "read_reused.py", first, reused)
