"""The texts of a package: README, Dockerfile and the files for compose, Kubernetes and systemd."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILES = Path(__file__).parent / "package-files"
PLACE = re.compile(r"\{\{(\w+)}}")
SAMPLES = {"string": "text", "boolean": True, "long": 0, "integer": 0, "datetime": "2026-01-01T00:00:00", "binary": ""}


@dataclass(frozen=True)
class Facts:
    """`package` is what package.json says; `memory_mb` is for all workers; `signature` as MLflow writes it."""

    package: dict[str, Any]
    memory_mb: int
    signature: Any = None


def texts(facts: Facts) -> dict[str, str]:
    """Name of the file -> its text. Names of models may hold anything; what is written holds plain words only."""
    told = facts.package
    slug = slug_of(told["name"])
    tag = re.sub(r"[^\w.-]", "-", str(told["version"]), flags=re.ASCII).strip(".-")[:100] or "1"
    values = {
        "ref": _plain(f"{told['name']}:{told['version']}"),
        "name": _plain(told["name"]),
        "slug": slug,
        "image": f"{slug}:{tag}",
        "python": told["python"],
        "workers": str(told["workers"]),
        "memory": str(facts.memory_mb),
        "half": str(facts.memory_mb // 2),
        "body_mb": str(told["limits"]["body_bytes"] >> 20),
        "timeout_s": f"{told['limits']['timeout_s']:g}",
        "queue": str(told["limits"]["queue"]),
        "sample": json.dumps(sample(facts.signature), ensure_ascii=True).replace("'", "'\\''"),
        "notes": "".join(f"\n- {_plain(note)}" for note in told["notes"]),
    }
    found = {}
    for path in sorted(FILES.iterdir()):
        text = PLACE.sub(lambda match: values[match[1]], path.read_text(encoding="utf-8"))
        found[f"{slug}.service" if path.name == "model.service" else path.name] = text.rstrip("\n") + "\n"
    return found | {".python-version": f"{told['python']}\n"}


def slug_of(name: str) -> str:
    """A name that DNS, image registries and systemd take."""
    text = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-")
    return text if re.match("[a-z]", text) else f"model-{text}".strip("-")


def sample(signature: Any) -> dict[str, Any]:
    """A body that the model takes, where its signature says what that is."""
    try:
        columns = json.loads(signature["inputs"])
        names = [str(column["name"]) for column in columns]
        return {"input_data": {"columns": names, "data": [[SAMPLES.get(str(c["type"]), 0.0) for c in columns]]}}
    except (TypeError, ValueError, KeyError, RecursionError):
        return {"data": [[0.0, 0.0]]}


def _plain(text: str) -> str:
    return re.sub(r"[^\w.,:;()/ @+=-]", "_", text)
