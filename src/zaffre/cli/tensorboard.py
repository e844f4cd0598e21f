"""`zaffre tensorboard JOB...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.client import workspace_name
from zaffre.cli.parser import Verbs


def add(verbs: Verbs, word: str, summary: str) -> None:
    parser = verbs.add(word, _tensorboard, summary, """
        zaffre tensorboard merry_falcon_x7k2m9p4qr
        zaffre tensorboard JOB_A JOB_B --port 6006
        """)  # fmt: skip
    parser.add_argument("jobs", nargs="+", metavar="JOB", help="names of jobs; running ones are seen to grow")
    parser.add_argument("--port", type=int, default=0, metavar="PORT", help="of loopback (default: a free one)")


def _tensorboard(args: Namespace) -> Any:
    from zaffre.app.tensorboard import run

    return run(args.jobs, home=args.home, workspace=workspace_name(args), port=args.port)
