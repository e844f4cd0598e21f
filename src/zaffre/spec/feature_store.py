"""Feature sets, their entities, and feature stores."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from zaffre.spec.common import Described, IdentityHere, Tags
from zaffre.spec.form import Fold, Form, LocalPath, Name
from zaffre.spec.schedule import Trigger
from zaffre.spec.spark import SparkResources

ColumnType = Annotated[Literal["string", "integer", "long", "float", "double", "binary", "datetime", "boolean"], Fold]


class Column(Form):
    """A column and its type."""

    name: str
    type: ColumnType
    description: str | None = None
    tags: Tags | None = None


class FeatureStoreEntity(Described):
    """What features are about: a customer, a machine."""

    name: Name
    version: str | None = None
    index_columns: list[Column]
    stage: str | None = None


class Specification(Form):
    """The folder with FeatureSetSpec.yaml."""

    path: LocalPath


class Materialization(Form):
    """Where and when features are computed ahead."""

    online_enabled: bool | None = None
    offline_enabled: bool | None = None
    schedule: Trigger | dict[str, Any] | None = None
    notification: dict[str, Any] | None = None
    resource: SparkResources | None = None
    spark_configuration: dict[str, Any] | None = None


class FeatureSet(Described):
    """Features that one transformation makes."""

    name: Name
    version: str | None = None
    entities: list[str]
    specification: Specification
    materialization_settings: Materialization | None = None
    stage: str | None = None


class FeatureStore(Described):
    """A workspace made for features."""

    name: Name
    location: str | None = None
    resource_group: str | None = None
    compute_runtime: dict[str, Any] | None = None
    offline_store: dict[str, Any] | None = None
    online_store: dict[str, Any] | None = None
    materialization_identity: dict[str, Any] | None = None
    identity: IdentityHere = None
