"""From a URL to an fsspec file system. The clients of clouds are imported only when a URL needs them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from zaffre.base.errors import InvalidRequest, Unavailable
from zaffre.plugins.datastores.address import AzureAddress, azure, hide, split
from zaffre.plugins.datastores.guard import Guard

Credentials = Mapping[str, Any]
SUPPORTED = "a local path, file://, s3://, https://, wasbs:// and abfss://"


def open_filesystem(url: str, credentials: Credentials | None = None, guard: Guard | None = None) -> tuple[Any, str]:
    """The file system that a URL lies on, and the path in it.

    `credentials`: for Azure `account_key`, `sas_token`, `connection_string`, or `tenant_id` with `client_id` and
    `client_secret`, or `type: identity` (the identity of this machine); without any, anonymous. For S3
    `access_key_id`, `secret_access_key`, `session_token`, `endpoint_url`, `region`, or `anonymous: true`; without any,
    what boto finds on this machine. For HTTP `token`, or `username` and `password`. Raises `InvalidRequest` for other
    schemes, `Unavailable` (code `MissingExtra`) naming what to install, `Forbidden` (code `PrivateAddress`).
    """
    credentials, guard = credentials or {}, guard or Guard()
    if endpoint := credentials.get("blob_endpoint"):
        return open_endpoint(str(endpoint), credentials, guard), unquote(url.removeprefix(str(endpoint))).strip("/")
    place = azure(url)
    if place is not None:
        return open_azure(place, credentials, guard), f"{place.container}/{place.path}".rstrip("/")
    parts = split(url)
    scheme = parts.scheme.lower()
    if scheme in ("", "file"):
        from fsspec.implementations.local import LocalFileSystem

        return LocalFileSystem(skip_instance_cache=True), parts.path
    if scheme == "s3":
        return open_s3(credentials, guard), url.split("://", 1)[1].strip("/")
    if scheme in ("http", "https"):
        return open_http(credentials, guard), url
    raise InvalidRequest(
        f"{hide(url)} has a scheme that is not supported: {scheme!r}", code="UnknownScheme", hint=f"use {SUPPORTED}"
    )


def open_azure(place: AzureAddress, credentials: Credentials, guard: Guard) -> Any:
    module = extra("adlfs", "azure")
    connection = credentials.get("connection_string")
    if connection:
        host = endpoint_host(str(connection)) or f"{place.account}.blob.{place.suffix}"
        guard.check_host(host)
        return module.AzureBlobFileSystem(connection_string=connection, **FRESH)
    names = ("account_key", "sas_token", "tenant_id", "client_id", "client_secret")
    given = {name: credentials[name] for name in names if credentials.get(name)}
    if place.sas and not given:
        given["sas_token"] = place.sas
    host = f"{place.account}.blob.{place.suffix}"
    guard.check_host(host)
    anonymous = not given and credentials.get("type") != "identity"
    return module.AzureBlobFileSystem(account_name=place.account, account_host=host, anon=anonymous, **given, **FRESH)


def open_endpoint(endpoint: str, credentials: Credentials, guard: Guard) -> Any:
    """A store that speaks Azure's protocol at another address: an emulator, a private cloud."""
    module, parts = extra("adlfs", "azure"), split(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest(f"the endpoint {hide(endpoint)!r} of Azure is not an http(s) URL")
    guard.check_host(parts.hostname, parts.port or 443)
    said = {"DefaultEndpointsProtocol": parts.scheme, "BlobEndpoint": endpoint}
    said["AccountName"] = str(credentials.get("account_name") or "")
    if credentials.get("account_key"):
        said["AccountKey"] = str(credentials["account_key"])
    elif credentials.get("sas_token"):
        said["SharedAccessSignature"] = str(credentials["sas_token"]).lstrip("?")
    text = ";".join(f"{key}={value}" for key, value in said.items() if value)
    return module.AzureBlobFileSystem(connection_string=text, **FRESH)


def endpoint_host(connection: str) -> str | None:
    """The host of `BlobEndpoint=` in a connection string, as emulators have it."""
    for part in connection.split(";"):
        key, _, value = part.partition("=")
        if key.strip().lower() == "blobendpoint":
            return split(value).hostname
    return None


def open_s3(credentials: Credentials, guard: Guard) -> Any:
    module = extra("s3fs", "s3")
    endpoint = credentials.get("endpoint_url")
    if endpoint:
        parts = split(str(endpoint))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidRequest(f"the endpoint {hide(str(endpoint))!r} of S3 is not an http(s) URL")
        guard.check_host(parts.hostname, parts.port or 443)
    region = credentials.get("region")
    return module.S3FileSystem(
        key=credentials.get("access_key_id"),
        secret=credentials.get("secret_access_key"),
        token=credentials.get("session_token"),
        anon=bool(credentials.get("anonymous")),
        endpoint_url=endpoint,
        client_kwargs={"region_name": region} if region else None,
        **FRESH,
    )


def open_http(credentials: Credentials, guard: Guard) -> Any:
    """`token` (bearer) or `username` and `password` go to the host of the URL only, not along a redirect to another."""
    aiohttp = extra("aiohttp", "http")
    from fsspec.implementations.http import HTTPFileSystem

    async def client(**options: Any) -> Any:
        connector = aiohttp.TCPConnector(socket_factory=guard.socket_factory, force_close=False)
        return aiohttp.ClientSession(connector=connector, headers=headers, **options)

    headers = {}
    if credentials.get("token"):
        headers["Authorization"] = f"Bearer {credentials['token']}"
    elif credentials.get("username"):
        login = aiohttp.BasicAuth(str(credentials["username"]), str(credentials.get("password") or ""))
        headers["Authorization"] = login.encode()
    return HTTPFileSystem(get_client=client, **FRESH)


FRESH = {"skip_instance_cache": True, "use_listings_cache": False}  # a source is asked anew whether it changed


def extra(module: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unavailable(
            f"reading from there needs the package {module!r}, which is not installed",
            code="MissingExtra",
            hint=f"pip install zaffre[{name}]",
        ) from error
