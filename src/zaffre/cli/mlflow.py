"""`zaffre mlflow`"""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zaffre.cli.client import workspace_name
from zaffre.cli.parser import Verbs


def add(verbs: Verbs, word: str, summary: str) -> None:
    verbs.add(word, _variables, summary, """
        eval "$(zaffre mlflow)" && python train.py
        zaffre mlflow --workspace-name fraud -o json
        """)  # fmt: skip


def _variables(args: Namespace) -> Any:
    """The token is a secret: it is printed because this is what was asked for."""
    from zaffre.sdk.connect import connect

    address, _ = connect(Path(args.home) if args.home else None)
    found = {
        "MLFLOW_TRACKING_URI": f"{address.url.rstrip('/')}/mlflow/{quote(workspace_name(args), safe='')}",
        "MLFLOW_TRACKING_TOKEN": address.token or "",
    }
    if args.output or args.query:
        return found
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items())
