"""The environment in which a model can be opened: the packages that its run really had, or those that it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from zaffre.base.errors import InvalidRequest, ZaffreError
from zaffre.ports.environment import EnvironmentDefinition
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.resolve.environment import definition_of
from zaffre.services.resolve.scope import Scope
from zaffre.spec.foreign import foreign
from zaffre.store import jobs as job_store
from zaffre.store import texts
from zaffre.store.assets import AssetRecord
from zaffre.store.jobs import JobRecord

TEXT_BYTES = 1 << 20
# protobuf 7 breaks the conversion of HistGradientBoosting (an integer attribute that gets a boolean).
CONVERTERS = ("skl2onnx>=1.17,<2", "onnx>=1.15,<2", "onnxruntime>=1.16", "protobuf<7", "pyyaml")
BOOSTERS = "onnxmltools>=1.12,<2"
# Of a locked environment, what the converters need in a version of their own.
LOOSE = {"protobuf", "onnx", "onnxruntime", "skl2onnx", "onnxmltools", "onnxconverter-common", "flatbuffers",
         "ml-dtypes", "typing-extensions", "packaging", "pip", "setuptools", "wheel"}  # fmt: skip
LIBRARIES = {  # flavor -> (package, where MLflow writes its version)
    "sklearn": ("scikit-learn", "sklearn_version"),
    "xgboost": ("xgboost", "xgb_version"),
    "lightgbm": ("lightgbm", "lgb_version"),
    "pytorch": ("torch", "pytorch_version"),
}


def of_model(ctx: Context, record: AssetRecord, maker: JobRecord | None) -> dict[str, Any]:
    """As an inline environment of a document. Raises `InvalidRequest` when nothing tells."""
    found = (_of_run(ctx, maker) if maker else None) or _of_files(ctx, record) or _of_flavors(record)
    if found is None:
        raise InvalidRequest(
            f"nothing tells which packages model {record.name}:{record.version} needs",
            code="ModelEnvironmentUnknown",
            hint="--environment azureml:NAME@latest, or --environment env.yml",
        )
    return found


def inline(ctx: Context, workspace: str, value: Mapping[str, Any] | str) -> dict[str, Any]:
    """What an environment that somebody names holds, as requirements. Raises `NotFound`, `InvalidRequest`."""
    with ctx.db.read() as connection:
        definition = definition_of(Scope(ctx, connection, workspace), value)
    plan = ctx.environments.plan(definition)
    return {"requirements": list(plan.requirements), "python_version": plan.python}


def with_converters(environment: Mapping[str, Any], libraries: str) -> dict[str, Any]:
    """The same with the converters; `libraries` names what else must be converted."""
    boosters = [BOOSTERS] if re.search(r"xgboost|lightgbm", libraries) else []
    lines = [line for line in environment.get("requirements") or [] if name_of(line) not in LOOSE]
    return {**environment, "requirements": [*lines, *CONVERTERS, *boosters]}


def _of_run(ctx: Context, maker: JobRecord) -> dict[str, Any] | None:
    """Every package with the version that the run had; nothing for a run outside of a job."""
    facts = maker.facts or {}
    with ctx.db.read() as connection:
        lock = texts.get(connection, facts.get("environment_lock") or "")
        root = job_store.by_ids(connection, [maker.root_id]).get(maker.root_id)
    asked = (((root.plan if root else None) or {}).get("environments") or {}).get((maker.plan or {}).get("environment"))
    if not lock or asked is None:
        return None
    try:
        python = ctx.environments.plan(EnvironmentDefinition(**asked)).python
    except (ZaffreError, TypeError):
        return None
    lines = [line.strip() for line in lock.splitlines() if line.strip()]
    if {name_of(line) for line in lines} <= LOOSE:
        return None
    return {"requirements": lines, "python_version": python}


def _of_files(ctx: Context, record: AssetRecord) -> dict[str, Any] | None:
    """What an MLflow folder says of itself: texts only."""
    read = _reader(ctx, record)
    if read is None:
        return None
    conda, lines = _parsed(read("conda.yaml")), (read("requirements.txt") or "").splitlines()
    lines = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    dependencies = conda.get("dependencies")
    dependencies = dependencies if isinstance(dependencies, list) else []
    named = [str(item).partition("=")[2].lstrip("=") for item in dependencies if str(item).startswith("python=")]
    python = named[0] if named else None
    if not lines:
        lines = [str(line) for item in dependencies if isinstance(item, dict) for line in item.get("pip") or []]
    if not lines:
        return None
    found: dict[str, Any] = {"requirements": lines}
    return {**found, "python_version": ".".join(python.split(".")[:2])} if python else found


def _of_flavors(record: AssetRecord) -> dict[str, Any] | None:
    flavors = (record.facts or {}).get("flavors") or {}
    lines = []
    for flavor, (package, key) in LIBRARIES.items():
        version = (flavors.get(flavor) or {}).get(key)
        if flavor in flavors:
            lines.append(f"{package}=={version}" if version else package)
    if not lines:
        return None
    python = str((flavors.get("python_function") or {}).get("python_version") or "")
    found: dict[str, Any] = {"requirements": [*lines, "pandas", "cloudpickle"]}
    return {**found, "python_version": ".".join(python.split(".")[:2])} if python else found


def _reader(ctx: Context, record: AssetRecord) -> Callable[[str], str | None] | None:
    """Reads a small text at the top of the files (or of the one folder in them), wherever they are kept."""
    opener: Callable[[str], BinaryIO | None]
    if str(record.uri).startswith("content://"):
        tree = places.listing(ctx, record.workspace, str(record.uri))
        hashes = {entry.path: entry for entry in tree.entries} if tree else {}

        def opener(path: str) -> BinaryIO | None:
            entry = hashes.get(path)
            return ctx.content.open(entry.hash) if entry and entry.size <= TEXT_BYTES else None

        tops = {path.rpartition("/")[0] for path in hashes if path.rpartition("/")[2] == "MLmodel"}
    else:
        folder = places.locate(ctx, record.workspace, str(record.uri)).local
        if folder is None or not folder.is_dir():
            return None

        def opener(path: str) -> BinaryIO | None:
            file = folder / path
            fine = file.is_file() and not file.is_symlink() and file.stat().st_size <= TEXT_BYTES
            return open(file, "rb") if fine else None

        tops = {_below(path.parent, folder) for path in (*folder.glob("MLmodel"), *folder.glob("*/MLmodel"))}

    def read(name: str) -> str | None:
        for top in sorted(tops, key=len):
            file = opener(f"{top}/{name}" if top else name)
            if file is not None:
                with file:
                    return file.read().decode("utf-8", errors="replace")
        return None

    return read


def _below(path: Path, folder: Path) -> str:
    text = path.relative_to(folder).as_posix()
    return "" if text == "." else text


def _parsed(text: str | None) -> dict[str, Any]:
    return foreign((text or "").encode())


def name_of(line: str) -> str:
    """The package of a requirement line, as names are compared."""
    return re.split(r"[\s\[=<>~!;@]", line.strip(), maxsplit=1)[0].lower().replace("_", "-")
