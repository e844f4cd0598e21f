"""What every noun needs: the workspace that the flags name, documents from files and flags, questions and notes."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zaffre.base import errors
from zaffre.cli.parser import pairs

if TYPE_CHECKING:
    from zaffre.sdk.workspace import Workspace


def workspace(args: Namespace, *, start: bool = True) -> Workspace:
    """Of the running server; one is started when none runs."""
    from zaffre.sdk.workspace import Workspace

    if getattr(args, "registry_name", None):
        note(
            args,
            f"there are no registries here: workspace `{workspace_name(args)}` stands in for `{args.registry_name}`",
        )
    return Workspace.from_home(args.home, workspace_name(args), start=start)


def workspace_name(args: Namespace) -> str:
    return args.workspace_name or os.environ.get("ZAFFRE_WORKSPACE") or "default"


def document(args: Namespace, kind: str, **flags: Any) -> Any:
    """The document of `--file` with `--set` and flags over it, or of flags alone."""
    from zaffre.sdk import documents

    given = {key: value for key, value in flags.items() if value is not None}
    if args.file is None:
        if not given:
            raise errors.InvalidRequest(
                f"say what to make: --file FILE, or flags ({args.parser.prog} --help)", code="InvalidCommand"
            )
        return documents.parse(given, kind, args.set)
    found = documents.load(args.file, args.set, kind=kind, changes=given)
    for line in found.notes:
        note(args, str(line))
    return found


def local_path(text: str | None) -> str | None:
    """A path given by flag is below the current folder; addresses stay as they are."""
    if text is None or "://" in text or text.startswith(("azureml:", "runs:")):
        return text
    return os.path.abspath(os.path.expanduser(text))


def changes(args: Namespace, *, fields: Mapping[str, str]) -> dict[str, Any]:
    """`--set path=value` and `--remove path` of an update, for the fields that may change (name: `text` or `map`)."""
    found: dict[str, Any] = {}
    items: list[tuple[str, Any]] = [(path, value) for path, value in pairs(args.set, "--set").items()]
    items += [(path, None) for path in getattr(args, "remove", [])]
    for path, value in items:
        field, _, key = path.partition(".")
        if fields.get(field) == "map" and key:
            found.setdefault(field, {})[key] = value
        elif fields.get(field) == "map" and value is not None:
            found[field] = _mapping(path, value)
        elif fields.get(field) == "text" and not key:
            found[field] = value if value is not None else ""
        else:
            raise errors.InvalidRequest(
                f"`{path}` cannot be changed", code="Immutable", hint=f"what can: {', '.join(sorted(fields))}"
            )
    return found


def merge_patch(items: Mapping[str, str]) -> dict[str, Any]:
    """`{"a.b": "1"}` as `{"a": {"b": 1}}`; values are JSON where they are valid JSON, else text."""
    patch: dict[str, Any] = {}
    for path, text in items.items():
        *parents, last = path.split(".")
        place = patch
        for parent in parents:
            place = place.setdefault(parent, {})
        try:
            place[last] = json.loads(text)
        except ValueError:
            place[last] = text
    return patch


def confirm(args: Namespace, question: str) -> None:
    """Ask before something is destroyed. Without a terminal and without --yes nothing is done."""
    if args.yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise errors.InvalidRequest(f"{question}: not confirmed", code="NotConfirmed", hint="add --yes")
    print(f"{question} (y/N): ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise errors.InvalidRequest("nothing was done", code="NotConfirmed")


def note(args: Namespace, text: str) -> None:
    if not args.only_show_errors:
        print(f"note: {text}", file=sys.stderr)


def folder(args: Namespace) -> Path:
    return Path(args.download_path).expanduser()


def _mapping(path: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise errors.InvalidRequest(f"`{path}` takes a JSON object, or single keys as `{path}.key=value`")
    return value
