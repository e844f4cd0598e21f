"""Follow a job on the terminal until it has ended."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any


def streamed(args: Namespace, ws: Any, job: Any) -> Any:
    """Progress goes to where it does not spoil the reply: stdout, unless a format or query was asked for."""
    from zaffre.cli.progress import watch

    to = sys.stderr if args.output or args.query else sys.stdout
    try:
        ended = watch(ws.jobs, job, to)
    except KeyboardInterrupt:
        print(f"\njob `{job.name}` goes on; `zaffre job cancel --name {job.name}` ends it", file=sys.stderr)
        return 130
    from zaffre.sdk.jobs import succeeded

    succeeded(ended)
    return ended if args.output or args.query else None
