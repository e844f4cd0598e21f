"""The kinds of documents: which model each has, and how one is recognised.

Model modules are imported when a document of their kind is loaded: the whole language would cost every command a
quarter of a second.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from zaffre.base.errors import Fault, InvalidRequest, SpecError
from zaffre.spec.faults import nearest
from zaffre.spec.form import Form, folded

# kind: (module, model, the word in `$schema`)
KINDS: dict[str, tuple[str, str, str]] = {
    "job/command": ("command", "CommandJob", "commandJob"),
    "job/pipeline": ("pipeline", "PipelineJob", "pipelineJob"),
    "component/command": ("command", "CommandComponent", "commandComponent"),
    "component/pipeline": ("pipeline", "PipelineComponent", "pipelineComponent"),
    "job/sweep": ("sweep", "SweepJob", "sweepJob"),
    "job/parallel": ("parallel", "ParallelJob", "parallelJob"),
    "job/spark": ("spark", "SparkJob", "sparkJob"),
    "job/automl": ("automl", "AutoMLJob", "autoMLJob"),
    "job/finetuning": ("finetuning", "FineTuningJob", "finetuningJob"),
    "job/distillation": ("finetuning", "DistillationJob", "distillationJob"),
    "component/parallel": ("parallel", "ParallelComponent", "parallelComponent"),
    "component/spark": ("spark", "SparkComponent", "sparkComponent"),
    "data": ("data", "Data", "data"),
    "environment": ("environment", "Environment", "environment"),
    "model": ("model", "Model", "model"),
    "datastore": ("datastore", "Datastore", "datastore"),
    "compute": ("compute", "Compute", "compute"),
    "workspace": ("workspace", "Workspace", "workspace"),
    "online-endpoint": ("endpoint", "OnlineEndpoint", "managedOnlineEndpoint"),
    "batch-endpoint": ("endpoint", "BatchEndpoint", "batchEndpoint"),
    "serverless-endpoint": ("endpoint", "ServerlessEndpoint", "serverlessEndpoint"),
    "online-deployment": ("deployment", "OnlineDeployment", "managedOnlineDeployment"),
    "batch-deployment": ("deployment", "BatchDeployment", "batchDeployment"),
    "schedule": ("schedule", "Schedule", "schedule"),
    "data-import": ("data_import", "DataImport", "dataImport"),
    "connection": ("connection", "Connection", "connection"),
    "registry": ("registry", "Registry", "registry"),
    "model-package": ("model_package", "ModelPackage", "modelVersionPackage"),
    "feature-set": ("feature_store", "FeatureSet", "featureSet"),
    "feature-store": ("feature_store", "FeatureStore", "featureStore"),
    "feature-store-entity": ("feature_store", "FeatureStoreEntity", "featureStoreEntity"),
    "mltable": ("mltable", "MLTable", "MLTable"),
}
FAMILIES = {
    "datastore": "DATASTORES",
    "compute": "COMPUTES",
    "batch-deployment": "BATCH_DEPLOYMENTS",
}  # kinds with a model for each type
SCHEMAS = {schema.lower(): kind for kind, (_, _, schema) in KINDS.items()} | {
    "managedonlineendpoint": "online-endpoint",
    "kubernetesonlineendpoint": "online-endpoint",
    "kubernetesonlinedeployment": "online-deployment",
    "modelbatchdeployment": "batch-deployment",
    "pipelinecomponentbatchdeployment": "batch-deployment",
    "workspaceconnection": "connection",
    "featuresetspec": "feature-set",
    "amlcompute": "compute",
    "computeinstance": "compute",
    "vmcompute": "compute",
    "virtualmachinecompute": "compute",
    "kubernetescompute": "compute",
    "synapsesparkcompute": "compute",
    "azureblob": "datastore",
    "azurefile": "datastore",
    "azuredatalakegen1": "datastore",
    "azuredatalakegen2": "datastore",
}
COMPUTE_TYPES = ("local", "amlcompute", "computeinstance", "kubernetes", "virtualmachine", "synapsespark")
DATASTORE_TYPES = (
    "azure_blob", "azure_data_lake_gen1", "azure_data_lake_gen2", "azure_file", "one_lake", "local_folder", "s3", "http"
)  # fmt: skip
CONNECTION_TYPES = (
    "git", "python_feed", "container_registry", "snowflake", "azure_sql_db", "azure_synapse_analytics",
    "azure_one_lake", "azure_open_ai", "open_ai", "cognitive_search", "cognitive_service", "azure_ai_services", "serp",
    "serverless", "api_key", "custom", "feature_store", "generic_container_registry",
)  # fmt: skip
TYPES = {
    **dict.fromkeys(COMPUTE_TYPES, "compute"),
    **dict.fromkeys(DATASTORE_TYPES, "datastore"),
    **dict.fromkeys(("uri_file", "uri_folder", "mltable"), "data"),
    **dict.fromkeys(("mlflow_model", "custom_model", "triton_model"), "model"),
    **{kind.removeprefix("job/"): kind for kind in KINDS if kind.startswith("job/")},
    **dict.fromkeys(CONNECTION_TYPES, "connection"),
    "environment": "environment",
}
SQUASHED = {word.replace("_", ""): word for word in TYPES}
# keys that only one kind has, for documents without `$schema`
SHAPES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset(("type", "source", "path")), "data-import"),
    (frozenset(("type", "credentials", "target")), "connection"),
    (frozenset(("name", "trigger")), "schedule"),
    (frozenset(("name", "model_id")), "serverless-endpoint"),
    (frozenset(("inferencing_server",)), "model-package"),
    (frozenset(("name", "replication_locations")), "registry"),
    (frozenset(("name", "managed_network")), "workspace"),
    (frozenset(("name", "index_columns")), "feature-store-entity"),
    (frozenset(("name", "entities", "specification")), "feature-set"),
    (frozenset(("name", "auth_mode")), "online-endpoint"),
    (frozenset(("paths",)), "mltable"),
)
NOUNS = sorted({kind.partition("/")[0] for kind in KINDS})


def model(kind: str, data: dict[str, Any] | None = None, file: str | None = None) -> type[Form]:
    """The model class of a kind; of datastores and computes the one of the type that `data` says. Raises SpecError."""
    if kind not in FAMILIES or data is None:
        return single_model(kind)
    family: dict[str, type[Form]] = getattr(single_module(kind), FAMILIES[kind])
    given = type_of(data)
    if given is None and kind == "batch-deployment":
        given = "pipeline" if data.keys() & {"component", "job_definition"} else "model"
    if not isinstance(given, str) or given not in family:
        message = f"`type: {str(given)[:60]}` is no {kind}" if given else f"`type` of the {kind} is missing"
        hint = nearest(str(given), family) or f"types are {', '.join(family)}"
        raise SpecError([Fault(message, file, field="type", hint=hint)])
    return family[given]


@cache
def single_model(kind: str) -> type[Form]:
    found: type[Form] = getattr(single_module(kind), KINDS[kind][1])
    return found


def single_module(kind: str) -> ModuleType:
    return import_module(f"zaffre.spec.{KINDS[kind][0]}")


@cache
def kind_of(found: type[Form]) -> str:
    """The kind of a model class. Raises InvalidRequest for a part that is no document."""
    for kind, (module, name, _) in KINDS.items():
        for one in found.__mro__:
            if one.__name__ == name and one.__module__ == f"zaffre.spec.{module}":
                return kind
    raise InvalidRequest(f"{found.__name__} is no document of its own")


def recognise(data: Any, noun: str | None = None, file: str | None = None) -> str:
    """The kind of a document, from what the caller knows, `$schema`, `type` and shape. Raises SpecError."""
    if not isinstance(data, dict):
        what = "is empty" if data is None else f"is a {type(data).__name__}, not a mapping"
        raise SpecError(
            [Fault(f"the document {what}", file, 1, 1, hint="write keys and values, such as type: pipeline")]
        )
    if noun in KINDS:
        return str(noun)
    noun = noun.replace("_", "-") if noun else None
    kind = by_schema(data.get("$schema"))
    if kind and (noun is None or kind.partition("/")[0] == noun):
        return kind
    found = by_noun(noun, data) if noun else by_type(data)
    if found is None:
        kinds = sorted(kind for kind in KINDS if noun is None or kind.partition("/")[0] == noun)
        given = data.get("type")
        message = f"`type: {str(given)[:60]}` is not known" if given else "cannot tell what the document is"
        hint = nearest(str(given), [kind.rpartition("/")[2] for kind in kinds]) if given else _misspelt(data)
        raise SpecError([Fault(message, file, 1, 1, "type", hint or f"kinds are {', '.join(kinds)}")])
    return found


def _misspelt(data: dict[str, Any]) -> str | None:
    """A document that says its kind by a key, which is written wrongly: `comand`."""
    for key in data:
        if hint := nearest(str(key), ["command", "jobs"]):
            return f"`{str(key)[:60]}`: {hint}"
    return None


def by_schema(schema: Any) -> str | None:
    if not isinstance(schema, str):
        return None
    word = schema.strip().rstrip("/`").rpartition("/")[2].lower()
    return SCHEMAS.get(word.removesuffix(".json").removesuffix(".schema"))


def type_of(data: dict[str, Any]) -> Any:
    """What `type` says, in the spelling of this package: `Command`, `AmlCompute` and `azureBlob` are accepted."""
    given = folded(data.get("type"))
    if isinstance(given, str) and given not in TYPES:
        return SQUASHED.get(given.replace("_", ""), given)
    return given


def by_noun(noun: str, data: dict[str, Any]) -> str | None:
    if noun in KINDS:
        return noun
    given = type_of(data)
    if given is None:
        given = shape(data)
    kind = f"{noun}/{given}"
    return kind if kind in KINDS else None


def by_type(data: dict[str, Any]) -> str | None:
    given = type_of(data)
    if data.keys() >= {"name", "endpoint_name"}:
        batch = given in ("model", "pipeline") or data.keys() & {"mini_batch_size", "component", "job_definition"}
        return "batch-deployment" if batch else "online-deployment"
    for keys, kind in SHAPES:
        if data.keys() >= keys:
            return kind
    if not isinstance(given, str):
        given = shape(data)
    elif given in ("command", "pipeline", "spark", "parallel") and is_component(data):
        return f"component/{given}"
    return TYPES.get(given)


def shape(data: dict[str, Any]) -> str:
    """The type of a document that does not say it."""
    if "jobs" in data:
        return "pipeline"
    if "command" in data:
        return "command"
    if data.keys() & {"image", "conda_file", "build", "requirements"}:
        return "environment"
    return ""


def is_component(data: dict[str, Any]) -> bool:
    """A component has a name and declares its inputs; a job has values for them."""
    if "name" not in data or data.keys() & {"compute", "experiment_name", "settings", "services"}:
        return False
    if data.keys() & {"version", "is_deterministic", "additional_includes"}:
        return True
    inputs = data.get("inputs")
    values = list(inputs.values()) if isinstance(inputs, dict) else []
    return bool(values) and all(isinstance(value, dict) and "path" not in value for value in values)
