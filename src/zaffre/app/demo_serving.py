"""The part of the demo that serves: the first model behind an address, then the second beside it, then a whole file."""

from __future__ import annotations

import http.client
import statistics
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from zaffre.app.demo import Demo

ENDPOINT, ASKED = "diabetes", 200
BATCH = "diabetes-batch"
INVOKE = f"online-endpoint invoke --name {ENDPOINT} --request-file patients.json"


def serve(demo: Demo, model: str) -> None:
    """Deploy, score three patients, and go over to the newer model without losing a request."""
    versions = [one.version for one in demo.workspace.models.list(model)]
    older, newer = versions[min(1, len(versions) - 1)], versions[0]
    demo.head("5. Put the first model behind an address, and ask about three patients")
    demo.zaffre("online-endpoint create -f endpoint.yml --query scoring_uri -o tsv")
    demo.zaffre(f"online-deployment create -f deployment.yml --set model=azureml:{model}:{older} --all-traffic "
                "--query provisioning_state -o tsv")  # fmt: skip
    demo.zaffre(INVOKE)
    median, slowest = latency(demo)
    demo.console.print(f"[green]{median:.1f} ms[/green] for three patients (median of {ASKED}; 99 of 100 within "
                       f"{slowest:.1f} ms)")  # fmt: skip
    demo.head("6. The second model beside it: a tenth of the requests, then all of them", "green beside blue")
    demo.zaffre(f"online-deployment create -f deployment.yml --name green --set model=azureml:{model}:{newer} "
                "--query provisioning_state -o tsv")  # fmt: skip
    for blue, green in ((90, 10), (0, 100)):
        demo.zaffre(f'online-endpoint update --name {ENDPOINT} --traffic "blue={blue} green={green}" --query traffic')
        demo.zaffre(INVOKE)


def score_file(demo: Demo) -> None:
    """The newest model over a file, as a job."""
    demo.head("7. A whole file of patients, as a job")
    demo.zaffre("batch-endpoint create -f batch-endpoint.yml -o none")
    demo.zaffre("batch-deployment create -f batch-deployment.yml --set-default -o none")
    demo.zaffre(f"batch-endpoint invoke --name {BATCH} --input new-patients.csv --stream")
    job = next(demo.workspace.batch_endpoints.list_jobs(BATCH)).name
    demo.zaffre(f"job download --name {job} --output-name score -p .")
    scored = (demo.folder / "named-outputs/score/predictions.csv").read_text().splitlines()
    demo.console.print("\n".join(scored))


def latency(demo: Demo) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds, as a caller on this machine sees them."""
    endpoints = demo.workspace.online_endpoints
    parts = urlsplit(str(endpoints.get(ENDPOINT).scoring_uri))
    headers = {"Authorization": f"Bearer {endpoints.get_keys(ENDPOINT).primaryKey}", "Content-Type": "application/json"}
    content = (demo.folder / "patients.json").read_bytes()
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    taken = []
    for _ in range(ASKED):
        began = time.perf_counter()
        connection.request("POST", parts.path, content, headers)
        connection.getresponse().read()
        taken.append((time.perf_counter() - began) * 1000)
    connection.close()
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]
