"""Flags as `az ml` users type them: unique beginnings, `--set a=1 b=2` or repeated, globals anywhere."""

from __future__ import annotations

import argparse
import difflib
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from zaffre.base import errors

FORMATS = ("json", "jsonc", "yaml", "yamlc", "table", "tsv", "none")
DEFAULTS: dict[str, Any] = {
    "output": None,
    "query": None,
    "workspace_name": None,
    "home": None,
    "no_wait": False,
    "only_show_errors": False,
    "yes": False,
    "debug": False,
    "columns": (),
}

Run = Callable[[argparse.Namespace], Any]


class Parser(argparse.ArgumentParser):
    def __init__(self, **given: Any) -> None:
        given.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**given)

    def format_usage(self) -> str:
        self._say_usage()
        return super().format_usage()

    def format_help(self) -> str:
        self._say_usage()
        return super().format_help()

    def _say_usage(self) -> None:
        """What stands without a flag, in its order; the flags are listed below: in a usage line nobody finds them."""
        if self.usage is None and self._subparsers is None:
            words = [_shown(action) for action in self._get_positional_actions()]
            self.usage = " ".join((self.prog.replace("%", "%%"), *words, "[flags]"))

    def error(self, message: str) -> NoReturn:
        raise errors.InvalidRequest(_nearest(message), code="InvalidCommand", hint=f"`{self.prog} --help` explains")

    def add_globals(self) -> None:
        """What every command takes. Absent ones keep what another place said, so they may stand anywhere."""
        group = self.add_argument_group("global flags")

        def flag(*names: str, **given: Any) -> None:
            group.add_argument(*names, default=argparse.SUPPRESS, **given)

        flag("--output", "-o", choices=FORMATS, metavar="FORMAT", help="json, yaml, table, tsv or none")
        flag("--query", metavar="JMESPATH", help="pick from the reply, as `az` does")
        flag("--workspace-name", "-w", metavar="NAME", help="workspace (default: default)")
        flag("--home", metavar="DIR", help="home folder of the server (default: $ZAFFRE_HOME, .zaffre, ~/.zaffre)")
        flag("--resource-group", "-g", metavar="NAME", help=argparse.SUPPRESS)
        flag("--subscription", metavar="ID", help=argparse.SUPPRESS)
        flag("--no-wait", action="store_true", help=argparse.SUPPRESS)
        flag("--only-show-errors", action="store_true", help="no notes")
        flag("--yes", "-y", action="store_true", help="do not ask")
        flag("--debug", action="store_true", help="show where an error comes from")

    def add_file(self, what: str, *, required: bool = False) -> None:
        self.add_argument("--file", "-f", metavar="FILE", required=required, help=f"YAML file of the {what}")
        self.add_set("replace a value of the file: path=value, several or repeated")

    def add_set(self, help: str) -> None:
        self.add_argument("--set", nargs="+", action="extend", default=[], metavar="PATH=VALUE", help=help)

    def add_name(self, what: str, *, required: bool = True) -> None:
        self.add_argument("--name", "-n", metavar="NAME", required=required, help=f"name of the {what}")

    def add_version(self) -> None:
        which = self.add_mutually_exclusive_group()
        which.add_argument("--version", "-v", metavar="V", help="version (default: the latest)")
        which.add_argument("--label", "-l", metavar="LABEL", help="label instead of a version: latest, or one of yours")

    def add_registry(self) -> None:
        self.add_argument("--registry-name", metavar="NAME", help=argparse.SUPPRESS)

    def add_listed(self, max_results: int | None = None) -> None:
        which = self.add_mutually_exclusive_group()
        which.add_argument("--archived-only", action="store_true", help="only what was archived")
        which.add_argument("--include-archived", action="store_true", help="also what was archived")
        self.add_argument(
            "--max-results", "-r", type=positive, default=max_results, metavar="N", help="at most so many"
        )
        self.add_argument("--tag", metavar="KEY[=VALUE]", help="only those with this tag")


class Verbs:
    """The verbs of a noun."""

    def __init__(self, parser: Parser | None, noun: str, nouns: Any = None) -> None:
        self.noun = noun
        self._verbs = nouns if parser is None else parser.add_subparsers(metavar="VERB", title="verbs")

    def add(
        self, verb: str, run: Run, summary: str, examples: str = "", *, columns: Sequence[str] = (), **defaults: Any
    ) -> Parser:
        """`columns` are those of its table; `run` gets the parsed flags and returns what is printed."""
        epilog = "examples:\n" + textwrap.indent(textwrap.dedent(examples).strip(), "  ") if examples else None
        parser: Parser = self._verbs.add_parser(verb, help=summary, description=summary + ".", epilog=epilog)
        parser.set_defaults(run=run, parser=parser, columns=tuple(columns), noun=self.noun, **defaults)
        parser.add_globals()
        return parser


def _shown(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return {"+": f"{name}...", "*": f"[{name}...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


positive.__name__ = "number"  # what argparse calls it in its message


def pairs(items: Sequence[str], flag: str) -> dict[str, str]:
    """`["a=1", "b=x=y"]` as a mapping. Raises `InvalidRequest` for one without `=`."""
    found = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise errors.InvalidRequest(f"`{flag} {item}`: a value looks like key=value", code="InvalidCommand")
        found[key.strip()] = value
    return found


def _nearest(message: str) -> str:
    """argparse lists every choice; name the nearest instead."""
    wrong = re.match(r"argument ([^:]*): invalid choice: '(.*?)' \(choose from (.*)\)$", message, re.DOTALL)
    if not wrong:
        return message
    choices = [choice.strip(" '") for choice in wrong[3].split(",")]
    near = difflib.get_close_matches(wrong[2], choices, 1)
    kind = {"NOUN": "no noun or command", "VERB": "no verb"}.get(wrong[1], f"{wrong[1]}: no value")
    rest = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(choices)}"
    return f"{kind} `{wrong[2]}`: {rest}"
