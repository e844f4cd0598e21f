"""docs/mlflow.md lists what the door answers, what it does not, and why."""

from __future__ import annotations

import re

from whole_house import ROOT

from zaffre.mlflow.not_offered import NOT_OFFERED
from zaffre.mlflow.routes import table
from zaffre.mlflow.server import API_VERSION

PAGE = (ROOT / "docs/mlflow.md").read_text()


def test_the_page_lists_every_call() -> None:
    listed = re.findall(r"^\| `([A-Z]+) (/\S+)` \|", PAGE, re.MULTILINE)
    routes = [(method, path) for method, path, _ in table()]
    assert sorted(listed) == sorted(routes)
    assert f"| `GET /version` | `{API_VERSION}` |" in PAGE


def test_the_page_gives_the_reasons_of_the_errors() -> None:
    listed = dict(re.findall(r"^\| `([\w/-]+)` \| (.+) \|$", PAGE.partition("## Not offered")[2], re.MULTILINE))
    assert listed == NOT_OFFERED
