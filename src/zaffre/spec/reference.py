"""Every way to point at something, as one value: assets, registries, datastores, outputs of jobs, addresses, files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from zaffre.base.errors import InvalidRequest
from zaffre.base.limits import NAME_BYTES, NAME_LENGTH

ReferenceKind = Literal["asset", "registry_asset", "datastore", "job_output", "url", "local", "content"]

SCHEMES = ("https", "http", "wasbs", "wasb", "abfss", "abfs", "adl", "s3", "gs", "hdfs", "git", "git+https", "ssh")
ASSET_TYPES = ("environments", "components", "models", "data", "datasets", "codes")
CONTENT = re.compile(r"content://([0-9a-f]{64})(?:/(.*))?", re.DOTALL)
REGISTRY = re.compile(r"azureml://registries/([^/]+)/([A-Za-z]+)/([^/]+)(?:/(versions|labels)/([^/]+))?/?")
ARM = re.compile(
    r"(?:azureml:/)?/subscriptions/.*?/workspaces/([^/]+)/([A-Za-z]+)/([^/]+)(?:/(versions|labels)/([^/]+))?/?"
)
DATASTORE = re.compile(r"azureml://(?:.*?/)?datastores/([^/]+)(?:/paths(?:/(.*))?)?/?", re.DOTALL)
JOB = re.compile(r"azureml://(?:.*?/)?jobs/([^/]+)/outputs/([^/]+)(?:/paths(?:/(.*))?)?/?", re.DOTALL)
LOCATION = re.compile(r"azureml://locations/[^/]+/workspaces/([^/]+)/([A-Za-z]+)/([^/]+)/(versions|labels)/([^/]+)/?")
NOT_IN_NAMES = re.compile(r"[/\\\"'`$;|&*?:@\x00-\x1f\x7f]")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a text points at. Of the fields only those that `kind` needs are set.

    asset: name, version | label | neither (the newest); asset_type when the text says it, else as the caller said.
    registry_asset: the same and registry. datastore: datastore, path. job_output: job, output, path.
    url: url. local: path, as it was written without `file:`. content: content (64 hex digits), path.
    """

    kind: ReferenceKind
    name: str | None = None
    version: str | None = None
    label: str | None = None
    registry: str | None = None
    asset_type: str | None = None
    datastore: str | None = None
    path: str | None = None
    job: str | None = None
    output: str | None = None
    url: str | None = None
    content: str | None = None


def parse_reference(
    text: str, asset_type: str | None = None, *, bare: Literal["local", "asset"] = "local"
) -> Reference:
    """Read a reference. `asset_type` (environments, components, models, data) is what `azureml:name:1` means here.

    A text without scheme is a local path, or with `bare="asset"` the name of an asset: `name`, `name:1`, `name@label`.
    Raises InvalidRequest that quotes the text.
    """
    text = text.strip()
    if not text or "\0" in text:
        raise InvalidRequest(
            "a reference must not be empty or contain NUL", hint="for instance azureml:name:1 or ./folder"
        )
    if text.startswith(("azureml:azureml:", "azureml:/subscriptions/")):
        text = text.removeprefix("azureml:")
    if match := CONTENT.fullmatch(text):
        return Reference("content", content=match[1], path=confined(match[2], text))
    if text.startswith("content://"):
        raise InvalidRequest(f"{text}: content:// is followed by 64 hexadecimal digits")
    if text.startswith(("azureml://", "/subscriptions/")):
        return long_form(text, asset_type)
    if text.startswith("azureml:"):
        return asset(text.removeprefix("azureml:"), asset_type, text)
    if text.startswith("file:"):
        path = text.removeprefix("file://") if text.startswith("file://") else text.removeprefix("file:")
        return Reference("local", path=path)
    if match := SCHEME.match(text):
        if match[1].lower() not in SCHEMES:
            raise InvalidRequest(
                f"{text}: the scheme {match[1]}:// is not known", hint=f"known are {', '.join(SCHEMES)}"
            )
        if has_password(text):
            raise InvalidRequest(
                "an address must not hold a password, it would be kept as plain text",
                hint="create a datastore with credentials, and write azureml://datastores/NAME/paths/PATH",
            )
        return Reference("url", url=text)
    if text.startswith("git@"):
        return Reference("url", url=text)
    if bare == "asset" and "/" not in text and "\\" not in text:
        return asset(text, asset_type, text)
    return Reference("local", path=text)


def long_form(text: str, asset_type: str | None) -> Reference:
    if match := REGISTRY.fullmatch(text):
        registry, kind, name, by, value = match.groups()
        return Reference("registry_asset", registry=unquote(registry), **asset_fields(kind, name, by, value, text))
    if match := JOB.fullmatch(text):
        job, output, path = match.groups()
        return Reference("job_output", job=checked_name(job, text), output=output, path=confined(path, text))
    if match := DATASTORE.fullmatch(text):
        return Reference("datastore", datastore=match[1], path=confined(match[2], text) or "")
    if match := ARM.fullmatch(text) or LOCATION.fullmatch(text):
        return Reference("asset", **asset_fields(match[2], match[3], match[4], match[5], text))
    raise InvalidRequest(
        f"{text} is no address that is known",
        hint="known are azureml://datastores/D/paths/P, azureml://registries/R/"
        f"{asset_type or 'models'}/N/versions/V and azureml://jobs/J/outputs/O",
    )


def asset(text: str, asset_type: str | None, whole: str) -> Reference:
    if "@" in text:
        name, _, label = text.partition("@")
        return Reference(
            "asset", name=checked_name(name, whole), label=checked_name(label, whole), asset_type=asset_type
        )
    name, colon, version = text.partition(":")
    return Reference(
        "asset",
        name=checked_name(name, whole),
        version=checked_name(version, whole) if colon else None,
        asset_type=asset_type,
    )


def asset_fields(kind: str, name: str, by: str | None, value: str | None, text: str) -> dict[str, str | None]:
    if kind not in ASSET_TYPES:
        raise InvalidRequest(f"{text}: `{kind}` is no kind of asset", hint=f"kinds are {', '.join(ASSET_TYPES)}")
    value = checked_name(unquote(value), text) if value else None
    return {
        "asset_type": "data" if kind == "datasets" else kind,
        "name": checked_name(unquote(name), text),
        "version": value if by == "versions" else None,
        "label": value if by == "labels" else None,
    }


def checked_name(name: str, text: str) -> str:
    reason = bad_name(name)
    if reason:
        raise InvalidRequest(f"{text}: {reason}")
    return name


def has_password(address: str) -> bool:
    """Whether it is `scheme://user:password@host/...`."""
    return re.match(r"[^:/]*://[^/@]*:[^/]*@", address) is not None


def bad_name(name: str) -> str | None:
    """Why a text cannot be a name, or None. Lenient in characters, strict in what could leave a folder."""
    if not name or name != name.strip():
        return "a name must not be empty or begin or end with a space"
    if len(name) > NAME_LENGTH:
        return f"a name has at most {NAME_LENGTH} characters, this one has {len(name)}"
    if len(name.encode(errors="replace")) > NAME_BYTES:
        return f"a name has at most {NAME_BYTES} bytes, this one has {len(name.encode(errors='replace'))}"
    if "{{" in name or "}}" in name:
        return f"`{name}` is a template that has not been filled in"
    if name.startswith(".") or NOT_IN_NAMES.search(name):
        return f"`{name}` is no name: use letters, digits, `_`, `-` and `.`"
    return None


def confined(path: str | None, text: str) -> str | None:
    """A path below a root; refused if it could leave it."""
    if path and ".." in path.replace("\\", "/").split("/"):
        raise InvalidRequest(f"{text}: the path must not contain `..`")
    return path


def is_local(text: str) -> bool:
    """Whether a text is a path on this machine: no scheme, no expression, no address of an asset."""
    if text.startswith("file:"):
        return True
    return not ("://" in text or text.startswith(("azureml:", "/subscriptions/", "git@")) or "${{" in text)
