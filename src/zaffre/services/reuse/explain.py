"""Why a step runs again, in one sentence: the file and line, the parameter, the input, the package."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from zaffre.base.errors import ZaffreError
from zaffre.core.reuse import Difference, difference
from zaffre.ports.content import Entry
from zaffre.services.context import Context
from zaffre.store import texts
from zaffre.store.jobs import JobRecord

TEXT_BYTES = 1 << 20  # files above are compared as a whole, not by line


def explain(
    ctx: Context,
    former: JobRecord | None,
    now: Mapping[str, Any],
    plan: Mapping[str, Any],
    environments: Mapping[str, Any] = {},
    former_environments: Mapping[str, Any] = {},
) -> str:
    """The one cause why `now` (the parts of a key) differs from those of the last run of the same step."""
    if former is None or not former.reuse_parts:
        return "has not run before"
    found = difference(former.reuse_parts, now)
    if found is None:
        return f"its result of {former.name} cannot be used"
    says: dict[str, Callable[[], str]] = {
        "code": lambda: _code(ctx, found.former, found.now),
        "command": lambda: f"command changed: {_first_difference(str(found.former), str(found.now))}",
        "environment": lambda: _environment(ctx, former, found, environments, former_environments),
        "params": lambda: _change("parameter", found),
        "variables": lambda: _change("environment variable", found),
        "inputs": lambda: _input(former, found, plan),
        "outputs": lambda: f"output `{found.name}` is declared differently",
        "parallel": lambda: _change("setting", found) if found.name else "it is a parallel step now",
        "resources": lambda: "instances or distribution changed",
        "format": lambda: "this release keys steps in a new way",
    }
    return says[found.part]()


def _change(what: str, found: Difference) -> str:
    if found.former is None:
        return f"{what} `{found.name}` is new: {found.now}"
    if found.now is None:
        return f"{what} `{found.name}` is gone (was {found.former})"
    return f"{what} `{found.name}`: {found.former} -> {found.now}"


def _input(former: JobRecord, found: Difference, plan: Mapping[str, Any]) -> str:
    if found.former is None:
        return f"input `{found.name}` is new"
    if found.now is None:
        return f"input `{found.name}` is gone"
    now = (plan.get("inputs") or {}).get(found.name) or {}
    before = ((former.plan or {}).get("inputs") or {}).get(found.name) or {}
    if now.get("asset") and before.get("asset") and now["asset"] != before["asset"]:
        version = now["asset"].rpartition(":")[2]
        return f"input `{found.name}` is now version {version} (was {before['asset'].rpartition(':')[2]})"
    return f"input `{found.name}` has other content"


def _code(ctx: Context, former: str | None, now: str | None) -> str:
    if former is None or now is None:
        return "code was added" if former is None else "code was taken away"
    try:
        old = {entry.path: entry for entry in ctx.content.manifest(former).entries}
        new = {entry.path: entry for entry in ctx.content.manifest(now).entries}
    except ZaffreError:
        return "code changed"
    for path in [*new, *old]:
        if path not in old:
            return f"{path} is new"
        if path not in new:
            return f"{path} is gone"
        if old[path].hash != new[path].hash:
            line = _line(ctx, old[path], new[path])
            return f"{path} changed" + (f" at line {line}" if line else "")
        if old[path].executable != new[path].executable:
            return f"{path} changed its mode"
    return "code changed"


def _line(ctx: Context, old: Entry, new: Entry) -> int | None:
    """The first line that differs, 1-based; None if the files are no texts."""
    if max(old.size, new.size) > TEXT_BYTES:
        return None
    try:
        before, after = (_lines(ctx, entry) for entry in (old, new))
    except (UnicodeDecodeError, ZaffreError):
        return None
    for number, (one, other) in enumerate(zip(before, after, strict=False), 1):
        if one != other:
            return number
    return min(len(before), len(after)) + 1


def _lines(ctx: Context, entry: Entry) -> list[str]:
    with ctx.content.open(entry.hash) as file:
        return file.read().decode().splitlines()


def _first_difference(old: str, new: str) -> str:
    for one in difflib.ndiff(old.split(), new.split()):
        if one.startswith(("+ ", "- ")):
            return f"`{one[2:]}` " + ("added" if one.startswith("+") else "removed")
    return "white space"


def _environment(
    ctx: Context,
    former: JobRecord,
    found: Difference,
    environments: Mapping[str, Any],
    former_environments: Mapping[str, Any],
) -> str:
    """Packages that differ: of the locks when both environments were built, else of the definitions."""
    before, after = _lock(ctx, former), _built(ctx, str(found.now))
    if before is None or after is None:
        before, after = (
            _wishes(some.get(key) or {})
            for some, key in ((former_environments, found.former), (environments, found.now))
        )
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            if old is None:
                return f"package {name} {new} is new".replace("  ", " ")
            return f"{name} {old} -> {new}" if new is not None else f"package {name} is gone"
    return "environment changed"


def _lock(ctx: Context, job: JobRecord) -> dict[str, str] | None:
    hash_ = (job.facts or {}).get("environment_lock")
    if not hash_:
        return None
    with ctx.db.read() as connection:
        text = texts.get(connection, hash_)
    return dict(line.split("==", 1) for line in text.splitlines() if "==" in line) if text else None


def _built(ctx: Context, key: str) -> dict[str, str] | None:
    environment = ctx.environments.ready(key)
    return dict(line.split("==", 1) for line in environment.lock if "==" in line) if environment else None


def _wishes(definition: Mapping[str, Any]) -> dict[str, str]:
    """What a definition asks for, by package or field."""
    import re

    lines = [*(definition.get("requirements") or ())]
    for item in (definition.get("conda") or {}).get("dependencies") or ():
        lines += [item] if isinstance(item, str) else [str(line) for line in item.get("pip") or ()]
    wishes = {}
    for line in lines:
        name = re.split(r"[\s=<>~!;@\[]", str(line), maxsplit=1)[0]
        wishes[name] = str(line)[len(name) :].strip() or "any"
    return {
        **wishes,
        **{
            key: str(definition[key])
            for key in ("image", "name", "python_version", "dockerfile")
            if definition.get(key)
        },
    }
