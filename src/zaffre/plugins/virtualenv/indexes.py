"""The package indexes that pip is set up with, said to uv, which reads none of pip's settings."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from pathlib import Path

# pip's option -> uv's variable. Several values stand in one, with a blank between them in both.
OPTIONS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
SECTIONS = ("global", "install")


def pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's own settings by option name, later files and PIP_* variables over earlier ones, as pip reads them."""
    settings: dict[str, str] = {}
    for path in config_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip itself refuses to start then; builds shall go on
        for section in SECTIONS:
            if parser.has_section(section):
                settings.update({name.replace("_", "-"): value for name, value in parser.items(section)})
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            settings[name[4:].lower().replace("_", "-")] = value
    return settings


def config_files(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("HOME") or Path.home())
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    systems = [Path(root) / "pip/pip.conf" for root in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep)]
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [*systems, Path("/etc/pip.conf"), home / ".pip/pip.conf", user / "pip/pip.conf"]
    return [*files, Path(chosen)] if chosen else files


def uv_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that make uv use pip's indexes; what is already said to uv itself is left alone.

    All indexes count alike, as they do for pip: uv would else take only the first that knows a name.
    """
    found: dict[str, str] = {}
    for option, value in pip_settings(environ).items():
        variable = OPTIONS.get(option)
        if variable is None or variable in environ:
            continue
        text = " ".join(value.split())
        if option == "no-index":
            if text.lower() not in ("1", "true", "yes", "on"):
                continue
            text = "true"
        if option == "find-links":  # pip parts by blanks, uv by commas
            text = ",".join(text.split())
        found[variable] = text
    if "UV_INDEX_URL" in environ or "UV_INDEX" in environ:
        found.pop("UV_DEFAULT_INDEX", None)
    if "UV_INDEX_STRATEGY" not in environ:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Those that hold no password in a URL, for places where they may be shown."""
    return {name: value for name, value in variables.items() if not re.search(r"://[^/\s]*@", value)}


def redact(text: str) -> str:
    """Passwords in URLs made unreadable."""
    return re.sub(r"(://)[^/\s@]+@", r"\1***@", text)


def local_torch_wheels(variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """(version, Python minor) of the CPU wheels of torch in the folders that pip looks for packages in."""
    found: list[tuple[str, str]] = []
    for place in re.split(r"[,\s]+", variables.get("UV_FIND_LINKS", "")):
        folder = Path(place.removeprefix("file://"))
        if not place or "://" in place.removeprefix("file://") or not folder.is_dir():
            continue
        for wheel in folder.glob("torch-*+cpu-cp3*.whl"):
            if match := re.match(r"torch-([^-]+)-cp3(\d+)-cp3\d+-.*x86_64", wheel.name):
                found.append((match[1], f"3.{match[2]}"))
    return found
