"""The command line: find the noun, build only its verbs, run one, print what it gives.

Nothing here imports pydantic, rich or the server: `zaffre --help` must be there at once (a test holds this).
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from zaffre.base import errors
from zaffre.base.version import __version__
from zaffre.cli.parser import DEFAULTS, Parser, Verbs

NOUNS = {
    "job": "Submit, watch and steer work: commands and pipelines",
    "metrics": "What runs logged: keys, points, charts in the terminal",
    "run": "Search, count and compare runs: jobs with what they logged",
    "data": "Data assets: versions of files, folders and tables",
    "environment": "The packages that jobs run with",
    "component": "Reusable steps of pipelines",
    "model": "Registered models and their versions",
    "online-endpoint": "Addresses that score at once",
    "online-deployment": "What an online endpoint runs",
    "batch-endpoint": "Endpoints that score files as jobs",
    "batch-deployment": "What batch endpoints run: models and pipelines",
    "datastore": "Where data lies: local folders, S3, Azure Blob, HTTP",
    "compute": "What jobs run on",
    "workspace": "The shared home of a team",
    "lineage": "What made a thing, and what uses it",
    "storage": "Check and clean what is stored",
}
ALONE = {  # words that stand alone, and the module that knows them
    "up": ("server", "Start the server of a home folder"),
    "down": ("server", "Stop it; jobs go on"),
    "status": ("server", "Say what runs"),
    "tensorboard": ("tensorboard", "Start the real TensorBoard on the event files of jobs"),
    "mlflow": ("mlflow", "Print the variables by which `mlflow` finds this server"),
    "validate": ("validate", "Check a file of any kind without a server"),
    "init": ("init", "Write a small project to start from"),
    "demo": ("demo", "See it all once: a pipeline on real data, with reuse"),
    "completion": ("completion", "Print the completion script of a shell"),
}
NOT_OFFERED = (  # nouns of `az ml` that this release does not have
    "serverless-endpoint", "schedule",
    "connection", "registry", "feature-store", "feature-set", "feature-store-entity", "marketplace-subscription",
)  # fmt: skip
EXAMPLES = """\
examples:
  zaffre init my-project                     a small project to start from
  zaffre job create -f job.yml --stream      run it and watch
  zaffre job plan -f pipeline.yml            which steps would run, and why
  zaffre job list                            what ran
  zaffre model create -n risk --type mlflow_model --path azureml://jobs/JOB/outputs/model

Words and flags are those of `az ml`. `zaffre NOUN --help` lists its verbs, `zaffre NOUN VERB --help` has examples.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 fine, 1 failed, 2 bad input, 3 not found, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(100_000)  # a command makes many objects and ends: looking for cycles among them is in vain
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for plugins of others costs 10 ms
    debug = "--debug" in words
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except errors.ZaffreError as error:
        if debug:
            raise
        return _report(error)
    except BrokenPipeError:  # `zaffre job list | head`: whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        if debug:
            raise
        print("\ninterrupted", file=sys.stderr)
        return 130
    except Exception as error:  # a mistake of ours
        if debug:
            raise
        return _report(
            errors.ZaffreError(
                f"{type(error).__name__}: {error}", hint="again with --debug shows where; please report it"
            )
        )


def _run(words: list[str]) -> int:
    if words == ["--version"]:
        print(__version__)
        return 0
    if words and words[0] in NOT_OFFERED:
        raise errors.InvalidRequest(
            f"`{words[0]}` is not offered by this release", code="NotOffered", hint="`zaffre --help` lists what is"
        )
    args = build(words).parse_args(words, Namespace(**DEFAULTS))
    run = getattr(args, "run", None)
    if run is None:
        args.parser.print_help()
        return 0 if not words else 2
    value = run(args)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if value is not None:
        from zaffre.cli.output import emit

        emit(value, args)
    return 0


def build(words: Sequence[str] | None) -> Parser:
    """The parser of everything, with verbs only for the noun that the words name (None: for all, for completion)."""
    parser = Parser(
        prog="zaffre",
        usage="zaffre NOUN VERB [flags]",
        description="Train, track and reuse: Azure ML v2 files on your own machine.",
    )
    parser.epilog = EXAMPLES
    parser.set_defaults(parser=parser)
    parser.add_argument("--version", action="store_true", default=argparse.SUPPRESS, help="print the version and end")
    nouns = parser.add_subparsers(metavar="NOUN", title="nouns and commands", prog="zaffre")
    for noun, summary in NOUNS.items():
        inner: Parser = nouns.add_parser(noun, help=summary, description=summary)
        inner.set_defaults(parser=inner)
        if words is None or noun in words:
            import_module(f"zaffre.cli.{noun.replace('-', '_')}").add(Verbs(inner, noun))
    for word, (module, summary) in ALONE.items():
        if words is None or word in words:
            import_module(f"zaffre.cli.{module}").add(Verbs(None, "", nouns), word, summary)
        else:
            nouns.add_parser(word, help=summary)
    parser.add_globals()
    return parser


def _report(error: errors.ZaffreError) -> int:
    """One clear block: what, where, what to do."""
    bold, red, plain = ("\033[1m", "\033[31m", "\033[0m") if _coloured() else ("", "", "")
    lines = [f"{red}error:{plain} {bold}{line}{plain}" if not i else f"       {line}"
             for i, line in enumerate(_words(error))]  # fmt: skip
    hints = dict.fromkeys(hint for hint in (error.hint, *(fault.hint for fault in error.faults)) if hint)
    lines += [f" hint: {hint}" for hint in hints]
    with suppress(BrokenPipeError):
        print("\n".join(lines), file=sys.stderr)
    return error.exit_code


def _words(error: errors.ZaffreError) -> list[str]:
    if not error.faults:
        return error.message.splitlines() or [error.code]
    found = []
    for fault in error.faults:
        if fault.file is None and fault.line is None:
            found.append(fault.message)  # it tells the place in words: that of a filter, of a field
            continue
        place = ":".join(str(part) for part in (fault.file, fault.line, fault.column) if part is not None)
        found.append(f"{place}: {fault.message}" if place else fault.message)
    return found


def _coloured() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ
