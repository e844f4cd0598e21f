"""Every call that this release of the client is made for: method and path, one a line."""

import importlib

from mlflow.protos import databricks_pb2

for name in ("service_pb2", "model_registry_pb2", "mlflow_artifacts_pb2", "webhooks_pb2"):
    try:
        module = importlib.import_module(f"mlflow.protos.{name}")
    except ImportError:
        continue
    for service in module.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                print("call", endpoint.method, "/" + endpoint.path.lstrip("/"))
