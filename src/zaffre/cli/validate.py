"""`zaffre validate FILE`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.client import note
from zaffre.cli.parser import Verbs


def add(verbs: Verbs, word: str, summary: str) -> None:
    parser = verbs.add(word, _validate, summary, """
        zaffre validate pipeline.yml
        zaffre validate job.yml --set inputs.learning_rate=0.1
        """, columns=("file", "kind", "valid"))  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="YAML file")
    parser.add_set("replace a value of the file first: path=value")


def _validate(args: Namespace) -> Any:
    from zaffre.sdk import documents

    found = documents.load(args.file, args.set, data_must_exist=False)
    for line in found.notes:
        note(args, str(line))
    return {"file": args.file, "kind": found.kind, "valid": True}
