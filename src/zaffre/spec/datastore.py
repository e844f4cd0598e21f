"""Datastores: named roots of storage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from zaffre.spec.common import Described
from zaffre.spec.form import Fold, Form, Name
from zaffre.spec.loading import fault
from zaffre.spec.reference import has_password


def without_password(value: str) -> str:
    if has_password(value):
        raise fault("the address holds a password: give it under `credentials`, which are kept encrypted")
    return value


class Credentials(Form):
    """How storage is entered; kept encrypted, never shown. Without credentials the server's own identity is used."""

    account_key: str | None = None  # azure_blob, azure_file
    sas_token: str | None = None  # azure_blob, azure_file
    tenant_id: str | None = None  # of a service principal
    client_id: str | None = None  # of a service principal
    client_secret: str | None = None  # of a service principal
    certificate: str | None = None  # of a service principal, in place of a secret
    thumbprint: str | None = None  # of the certificate
    authority_url: str | None = None  # where the service principal signs in
    resource_url: str | None = None  # what it signs in for
    access_key_id: str | None = None  # s3
    secret_access_key: str | None = None  # s3
    session_token: str | None = None  # s3
    token: str | None = None  # http: sent as bearer
    username: str | None = None  # http
    password: str | None = None  # http


class Datastore(Described):
    """What every datastore has."""

    name: Name
    type: str  # the kind of storage
    credentials: Credentials | None = None  # how it is entered; asked of nobody again
    is_default: bool | None = None  # kept: the default is workspaceblobstore


class AzureBlob(Datastore):
    """A container of Azure Blob storage."""

    type: Literal["azure_blob"]
    account_name: str  # the storage account
    container_name: str  # the container
    endpoint: str | None = None  # core.windows.net if not given
    protocol: Annotated[Literal["https", "http", "wasbs", "wasb"], Fold] | None = None  # https if not given


class AzureDataLakeGen2(Datastore):
    """A file system of Azure Data Lake Storage Gen2."""

    type: Literal["azure_data_lake_gen2"]
    account_name: str  # the storage account
    filesystem: str  # the file system
    endpoint: str | None = None  # core.windows.net if not given
    protocol: Annotated[Literal["https", "http", "abfss", "abfs"], Fold] | None = None  # https if not given


class AzureDataLakeGen1(Datastore):
    """A store of Azure Data Lake Storage Gen1, which Microsoft has retired."""

    type: Literal["azure_data_lake_gen1"]
    store_name: str  # the store


class AzureFile(Datastore):
    """A share of Azure Files."""

    type: Literal["azure_file"]
    account_name: str  # the storage account
    file_share_name: str  # the share
    endpoint: str | None = None  # core.windows.net if not given
    protocol: Annotated[Literal["https", "http"], Fold] | None = None  # https if not given


class Artifact(Form):
    """The lakehouse of a OneLake datastore."""

    name: str  # its name or id
    type: str | None = None  # lake_house


class OneLake(Datastore):
    """A lakehouse of Microsoft Fabric."""

    type: Literal["one_lake"]
    artifact: Artifact  # the lakehouse
    one_lake_workspace_name: str  # the workspace of Fabric, by name or id
    endpoint: str | None = None  # onelake.dfs.fabric.microsoft.com if not given


def absolute_folder(value: str) -> str:
    if not value.startswith(("/", "~/")):
        raise fault(f"`{value}` is not absolute: a local folder is given from the root of the server's machine")
    return value


class LocalFolder(Datastore):
    """A folder of the server's machine (Zaffre)."""

    type: Literal["local_folder"]
    path: Annotated[str, AfterValidator(absolute_folder)]  # from the root of the machine, or from the home folder (~/)


class S3(Datastore):
    """A bucket of S3 or of a store that speaks its protocol (Zaffre)."""

    type: Literal["s3"]
    bucket: str  # the bucket
    prefix: str | None = None  # folder below which its paths start
    endpoint: str | None = None  # such as https://minio.example.org
    region: str | None = None  # such as eu-central-1


class Http(Datastore):
    """A web address below which files are read (Zaffre)."""

    type: Literal["http"]
    url: Annotated[str, AfterValidator(without_password)]  # its paths are added to this


DATASTORES: dict[str, type[Datastore]] = {
    "azure_blob": AzureBlob,
    "azure_data_lake_gen2": AzureDataLakeGen2,
    "azure_data_lake_gen1": AzureDataLakeGen1,
    "azure_file": AzureFile,
    "one_lake": OneLake,
    "local_folder": LocalFolder,
    "s3": S3,
    "http": Http,
}
