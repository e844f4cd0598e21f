"""What others build upon does not change unseen: exported names, the OpenAPI document, quick starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from whole_house import ROOT

import zaffre
from zaffre.api import openapi

SNAPSHOT = ROOT / "docs/openapi.json"
RENEW = "ZAFFRE_RENEW"
HEAVY = ("sqlalchemy", "starlette", "uvicorn", "alembic", "rich", "fsspec", "cryptography", "mlflow", "pandas", "numpy")


def test_exported_names() -> None:
    assert zaffre.__all__ == [
        "Data", "Environment", "Input", "Model", "Output", "Workspace", "command", "load_component", "load_data",
        "load_environment", "load_job", "load_model", "pipeline",
    ]  # fmt: skip
    for name in zaffre.__all__:
        assert getattr(zaffre, name).__module__.startswith("zaffre."), name
    assert set(zaffre.__all__) <= set(dir(zaffre))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        zaffre.nothing  # noqa: B018


def test_the_openapi_document_is_the_one_of_the_snapshot() -> None:
    document = openapi.document("snapshot")
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get(RENEW):
        SNAPSHOT.write_text(text)
    assert SNAPSHOT.read_text() == text, (
        "the REST API has changed. If that is meant, renew the snapshot and note the change in CHANGELOG.md:\n"
        f"  {RENEW}=1 .venv/bin/python -m pytest {Path(__file__).relative_to(ROOT)}"
    )


def _imported_by(code: str) -> set[str]:
    program = f"{code}\nimport sys; print('modules:', *sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    return {name.partition(".")[0] for name in done.stdout.rpartition("modules:")[2].split()}


def test_importing_zaffre_imports_nothing() -> None:
    assert _imported_by("import zaffre").isdisjoint({*HEAVY, "pydantic", "yaml"})


def test_importing_all_of_the_client_leaves_the_server_out() -> None:
    assert _imported_by("from zaffre import *").isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "words", [["--help"], ["job", "--help"], ["job", "create", "--help"], ["--version"]], ids=" ".join
)
def test_help_needs_neither_client_nor_server(words: list[str]) -> None:
    code = f"import zaffre.cli.main as m\ntry: m.main({words!r})\nexcept SystemExit: pass"
    assert _imported_by(code).isdisjoint({*HEAVY, "pydantic", "yaml"})


def test_the_server_imports_no_package_of_its_users() -> None:
    assert _imported_by("import zaffre.app.server").isdisjoint(
        {"mlflow", "pandas", "numpy", "sklearn", "pyarrow", "torch", "opentelemetry", "google"}
    )
