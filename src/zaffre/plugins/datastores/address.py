"""The addresses of cloud storage, in all their forms, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from zaffre.base.errors import InvalidRequest
from zaffre.plugins.datastores.confine import confined

BLOB, DFS = ".blob.", ".dfs."
AZURE = ("core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net")
SCHEMES = ("wasb", "wasbs", "abfs", "abfss")


@dataclass(frozen=True)
class AzureAddress:
    """A place in Azure Blob or ADLS Gen2: `<account>.blob.<suffix>` / container / path, and the SAS token if given."""

    account: str
    suffix: str
    container: str
    path: str
    sas: str | None = None

    def forms(self) -> list[str]:
        """The same place as users write it, for looking up rewrites; without the token."""
        blob, dfs = f"{self.account}.blob.{self.suffix}", f"{self.account}.dfs.{self.suffix}"
        path = quote(self.path)
        return [
            f"https://{blob}/{self.container}/{path}",
            f"wasbs://{self.container}@{blob}/{path}",
            f"abfss://{self.container}@{dfs}/{path}",
            f"https://{dfs}/{self.container}/{path}",
        ]


def azure(url: str) -> AzureAddress | None:
    """The address if the URL is one of Azure storage. Raises `InvalidRequest` for one without a container."""
    parts = split(url)
    host = (parts.hostname or "").lower()
    kind = BLOB if BLOB in host else DFS if DFS in host else None
    if kind is None or not host.endswith(AZURE):
        if parts.scheme in SCHEMES:
            raise InvalidRequest(
                f"{hide(url)} is not `{parts.scheme}://<container>@<account>.blob.core.windows.net/<path>`"
            )
        return None
    account, _, suffix = host.partition(kind)
    if parts.fragment or (parts.query and parts.scheme in SCHEMES):
        raise InvalidRequest(f"{hide(url)} goes on with '?' or '#'; in a name write %3F or %23", code="InvalidPath")
    if parts.scheme in SCHEMES:
        container, path, sas = parts.username or "", unquote(parts.path), None
    elif parts.scheme in ("http", "https"):
        container, _, path = unquote(parts.path).lstrip("/").partition("/")
        sas = parts.query if "sig" in parse_qs(parts.query) else None
    else:
        return None
    if not container:
        raise InvalidRequest(f"{hide(url)} names no container")
    return AzureAddress(account, suffix, container, confined(path, hide(url)), sas)


def split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidRequest(f"{hide(url)} is not a URL: {error}") from error
    return parts


def hide(url: str) -> str:
    """The URL as it may be shown: without password, query (tokens live there) and fragment."""
    bare = url.partition("?")[0].partition("#")[0]
    scheme, separator, rest = bare.partition("://")
    if not separator:
        return bare
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{host}{slash}{path}"
