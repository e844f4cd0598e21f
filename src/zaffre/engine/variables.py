"""The environment variables of a job's process: those of Azure ML, those of MLflow, and a few of the machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

from zaffre.base.home import Home
from zaffre.engine.live import Live
from zaffre.services.context import Context

# A job inherits nothing but what a program needs to find its user, its language and the network's certificates.
PASSED = (
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "JAVA_HOME",
    "CUDA_HOME",
    "LD_LIBRARY_PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
PASSED_PREFIXES = ("LC_", "PIP_", "UV_", "SSL_CERT_", "CURL_CA_", "REQUESTS_CA_")
SUBSCRIPTION, GROUP = "00000000-0000-0000-0000-000000000000", "zaffre"  # of every workspace: Azure's scripts ask


@cache
def inherited() -> dict[str, str]:
    """What every job gets from the machine."""
    some = {name: value for name, value in os.environ.items() if name in PASSED or name.startswith(PASSED_PREFIXES)}
    return {"LANG": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath), **some}


def _without_proxy(url: str) -> dict[str, str]:
    """Our own server is not behind a proxy. Clients that are told so need not look for one at every request."""
    known = [part for name in ("NO_PROXY", "no_proxy") for part in inherited().get(name, "").split(",")]
    hosts = ",".join(dict.fromkeys(filter(None, [*known, urlsplit(url).hostname])))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


def variables(
    ctx: Context, live: Live, experiment: str, inputs: Mapping[str, str | None], outputs: Mapping[str, str]
) -> dict[str, str]:
    """Everything but the layer's own variables, which come on top."""
    job, plan = live.job, live.plan
    url, workspace = ctx.settings.url, job.workspace
    token = ctx.sign(workspace, job.name)
    tracking = f"{url}/mlflow/{workspace}"
    values = {
        **inherited(),
        **_without_proxy(url),
        "PYTHONUNBUFFERED": "1",
        "ZAFFRE_URL": url,
        "ZAFFRE_TOKEN": token,
        "ZAFFRE_WORKSPACE": workspace,
        "ZAFFRE_JOB": job.name,
        "MLFLOW_TRACKING_URI": tracking,
        "MLFLOW_TRACKING_TOKEN": token,
        "MLFLOW_RUN_ID": job.name,
        "MLFLOW_EXPERIMENT_ID": str(job.experiment_id),
        "MLFLOW_EXPERIMENT_NAME": experiment,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # there are no pages behind these addresses yet
        "AZUREML_RUN_ID": job.name,
        "AZUREML_ROOT_RUN_ID": live.tree.root.name,
        "AZUREML_RUN_TOKEN": token,
        "AZUREML_ARM_SUBSCRIPTION": SUBSCRIPTION,
        "AZUREML_ARM_RESOURCEGROUP": GROUP,
        "AZUREML_ARM_WORKSPACE_NAME": workspace,
        "AZUREML_ARM_PROJECT_NAME": experiment,
        "AZUREML_EXPERIMENT_ID": str(job.experiment_id),
        "AZUREML_WORKSPACE_ID": workspace,
        "AZUREML_WORKSPACE_SCOPE": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/"
        f"Microsoft.MachineLearningServices/workspaces/{workspace}",
        "AZUREML_SERVICE_ENDPOINT": url,
        "AZUREML_CR_NODE_RANK": "0",
        "AZ_BATCHAI_JOB_NAME": job.name,
    }
    if live.parent:
        values["AZUREML_PARENT_RUN_ID"] = live.parent.job.name
    for port, value in inputs.items():
        if value is None:
            continue
        literal = "value" in (plan.get("inputs") or {}).get(port, {})
        values[f"AZUREML_PARAMETER_{port}" if literal else f"AZURE_ML_INPUT_{port}"] = value
        if not literal:
            values[f"AZUREML_DATAREFERENCE_{port}"] = value
    values |= {f"AZURE_ML_OUTPUT_{port}": path for port, path in outputs.items()}
    return values | {str(key): str(value) for key, value in (plan.get("variables") or {}).items()}


def logs_of_system(home: Home, workspace: str, job: str) -> str:
    """Where Zaffre itself writes about a job."""
    return str(home.artifacts(workspace, job) / "system_logs" / "zaffre.txt")
