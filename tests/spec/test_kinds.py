"""One small document of each kind: recognised, valid, and the same after dump and parse."""

import pytest

from zaffre.base.errors import SpecError
from zaffre.spec import document

IMAGE = {"image": "x"}
TRIAL = {"command": "x ${{search_space.lr}}", "environment": IMAGE}
SPACE = {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}, "k": {"type": "Choice", "values": [1, "a"]}}
GOAL = {"goal": "Maximize", "primary_metric": "a-b"}
CRON = {"type": "cron", "expression": "0 6 * * 1"}
DAILY = {"type": "recurrence", "frequency": "Day", "interval": 1, "schedule": {"hours": 3, "minutes": [0, 30]}}
DOCUMENTS = [
    ("job/command", {"command": "ls", "environment": IMAGE}),
    ("job/command", {"type": "Command", "command": "ls", "environment": IMAGE}),
    ("datastore", {"type": "AzureBlob", "name": "b", "account_name": "a", "container_name": "c"}),
    ("job/pipeline", {"jobs": {"a": {"type": "Command", "command": "ls", "environment": IMAGE}}}),
    ("job/pipeline", {"jobs": {"a": {"command": "ls", "environment": IMAGE}}}),
    ("component/command", {"name": "c", "version": 1, "type": "command", "command": "ls", "environment": IMAGE}),
    (
        "component/pipeline",
        {"name": "c", "version": "1", "type": "pipeline", "jobs": {"a": {"component": "azureml:c"}}},
    ),
    (
        "job/sweep",
        {"type": "sweep", "trial": TRIAL, "search_space": SPACE, "objective": GOAL, "sampling_algorithm": "random"},
    ),
    ("job/parallel", {"type": "parallel", "task": {"code": "x", "entry_script": "a.py"}, "mini_batch_size": "10kb"}),
    ("job/spark", {"type": "spark", "entry": {"file": "a.py"}, "conf": {"spark.driver.cores": 1}}),
    (
        "job/automl",
        {"type": "automl", "task": "Regression", "primary_metric": "R2Score", "training_data": "azureml:x:1"},
    ),
    (
        "job/finetuning",
        {"type": "finetuning", "task": "chat_completion", "model": {"path": "azureml:m:1"}, "training_data": "a.jsonl"},
    ),
    ("data", {"name": "d", "version": 1, "type": "uri_file", "path": "https://x/y.csv"}),
    ("environment", {"name": "e", "requirements": ["numpy"], "python_version": 3.11}),
    ("model", {"name": "m", "type": "mlflow_model", "path": "azureml://jobs/j/outputs/o"}),
    ("datastore", {"name": "d", "type": "local_folder", "path": "/data"}),
    ("datastore", {"name": "d", "type": "s3", "bucket": "b", "credentials": {"access_key_id": "a"}}),
    ("compute", {"name": "c", "type": "AmlCompute", "min_instances": 0, "max_instances": 4}),
    ("compute", {"name": "c", "type": "local", "cpu": 2, "memory": "4g"}),
    ("workspace", {"name": "w", "managed_network": {"isolation_mode": "disabled"}}),
    ("online-endpoint", {"name": "e", "auth_mode": "Key", "traffic": {"blue": 100}}),
    ("online-deployment", {"name": "blue", "endpoint_name": "e", "model": "azureml:m:1", "instance_count": 1}),
    ("batch-deployment", {"name": "b", "endpoint_name": "e", "type": "model", "model": "azureml:m@latest"}),
    ("batch-deployment", {"name": "b", "endpoint_name": "e", "type": "pipeline", "component": "azureml:p@latest"}),
    ("schedule", {"name": "s", "trigger": CRON, "create_job": "azureml:job"}),
    (
        "schedule",
        {
            "name": "s",
            "trigger": DAILY,
            "create_job": {"type": "pipeline", "job": "azureml:j", "inputs": {"x": "${{name}}"}},
        },
    ),
    (
        "schedule",
        {
            "name": "s",
            "trigger": DAILY,
            "create_monitor": {
                "compute": {"runtime_version": 3.4},
                "monitoring_signals": {"a": {"type": "data_drift", "metric_thresholds": {"numerical": {"x": 0.1}}}},
            },
        },
    ),
    (
        "data-import",
        {
            "name": "i",
            "type": "mltable",
            "path": "azureml://datastores/d/paths/x/${{name}}",
            "source": {"type": "database", "query": "select 1", "connection": "azureml:c"},
        },
    ),
    ("connection", {"name": "c", "type": "git", "target": "https://x", "credentials": {"type": "pat", "pat": "x"}}),
    ("registry", {"name": "r", "replication_locations": [{"location": "x"}]}),
    ("model-package", {"target_environment": "e", "inferencing_server": {"type": "azureml_online"}}),
    ("serverless-endpoint", {"name": "s", "model_id": "azureml://registries/r/models/m"}),
    ("feature-set", {"name": "f", "version": 1, "entities": ["azureml:e:1"], "specification": {"path": "x"}}),
    ("feature-store-entity", {"name": "e", "version": 1, "index_columns": [{"name": "id", "type": "string"}]}),
    ("mltable", {"paths": [{"file": "./x.csv"}], "transformations": [{"read_delimited": {"delimiter": ","}}]}),
]


@pytest.mark.parametrize(
    ("kind", "data"), DOCUMENTS, ids=[f"{kind}-{index}" for index, (kind, _) in enumerate(DOCUMENTS)]
)
def test_recognised_and_kept(kind, data):
    found = document.parse(data)
    assert found.kind == kind
    again = document.parse(document.dump(found.spec))
    assert (again.kind, again.spec) == (kind, found.spec)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("compute", {"name": "c", "type": "cluster"}, "is no compute"),
        (
            "compute",
            {"name": "c", "type": "amlcompute", "min_instances": 5, "max_instances": 1},
            "is above max_instances",
        ),
        ("datastore", {"name": "d", "type": "local_folder", "path": "data"}, "not absolute"),
        ("datastore", {"name": "d", "type": "azure_blob", "account_name": "a"}, "`container_name` is missing"),
        (
            "job",
            {"type": "sweep", "trial": TRIAL, "search_space": {"a": {"type": "uniform"}}, "objective": GOAL},
            "needs `min_value` and",
        ),
        (
            "schedule",
            {"name": "s", "trigger": {"type": "cron", "expression": "daily"}, "create_job": "azureml:j"},
            "no cron expression",
        ),
        ("schedule", {"name": "s", "trigger": CRON}, "this one has none"),
        ("online-endpoint", {"name": "e", "traffic": {"a": 50, "b": 40}}, "adds up to 90"),
        ("workspace", {"name": "w", "key_vault": "/subscriptions/<ID>/x"}, "placeholders"),
        ("job", {"type": "parallel", "task": {}, "mini_batch_size": "lots"}, "no size of a mini-batch"),
    ],
)
def test_refused(kind, data, words):
    with pytest.raises(SpecError) as caught:
        document.parse(data, kind=kind)
    assert words in str(caught.value)
