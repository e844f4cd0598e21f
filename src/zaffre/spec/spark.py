"""Spark: a PySpark program as a job, a component or a step."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from zaffre.spec.command import ComponentFields
from zaffre.spec.common import Distribution, JobFields
from zaffre.spec.environment import EnvironmentValue
from zaffre.spec.form import Form, LocalPath
from zaffre.spec.inputs import InputValue, LiteralValue, OutputValue
from zaffre.spec.node import Node, component_of


class Entry(Form):
    """The program, relative to `code`."""

    file: str | None = None
    class_name: str | None = None  # of a Java or Scala program


class SparkResources(Form):
    """Machines of Azure's serverless Spark; `runtime_version` is Spark's."""

    instance_type: str | None = None
    runtime_version: str | None = None


def listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Files = Annotated[list[str], BeforeValidator(listed)]


class SparkSettings(Form):
    """What a Spark program needs."""

    code: LocalPath | None = None
    entry: Entry | None = None
    args: str | None = None
    conf: dict[str, LiteralValue] | None = None  # spark.driver.cores and so on
    py_files: Files | None = None
    jars: Files | None = None
    files: Files | None = None
    archives: Files | None = None
    environment: EnvironmentValue | None = None
    driver_cores: int | None = None
    driver_memory: str | None = None
    executor_cores: int | None = None
    executor_memory: str | None = None
    executor_instances: int | None = None
    dynamic_allocation_enabled: bool | None = None
    dynamic_allocation_min_executors: int | None = None
    dynamic_allocation_max_executors: int | None = None


class SparkJob(JobFields, SparkSettings):
    """A Spark program as a job."""

    type: Literal["spark"]
    entry: Entry
    inputs: dict[str, InputValue] | None = None
    outputs: dict[str, OutputValue] | None = None
    resources: SparkResources | None = None
    distribution: Distribution | None = None


class SparkComponent(ComponentFields, SparkSettings):
    """A Spark program to be used as a step."""

    type: Literal["spark"]
    entry: Entry


class SparkNode(Node, SparkSettings):
    """A Spark program as a step."""

    type: Literal["spark"]
    component: Annotated[str | SparkComponent | None, component_of("spark")] = None
    resources: SparkResources | None = None
