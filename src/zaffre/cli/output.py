"""Print what a command gives: JSON, YAML, tables and tsv as `az` prints them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from zaffre.base import errors

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")  # tables show seconds, in UTC


def emit(value: Any, args: Namespace) -> None:
    """A view, a list of views, plain values or text. Tables on a terminal, JSON elsewhere, unless `-o` says other."""
    plain = plainly(value)
    if isinstance(plain, str) and not args.output and not args.query:
        print(plain)
        return
    if args.query:
        plain = ask(plain, args.query)
    if plain is not None:
        chosen = args.output or ("table" if sys.stdout.isatty() else "json")
        write(plain, chosen, () if args.query else args.columns, sys.stdout)


def plainly(value: Any) -> Any:
    """Views as mappings, iterators as lists."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Mapping):
        return {key: plainly(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [plainly(item) for item in value]
    return value


def ask(value: Any, query: str) -> Any:
    """What the JMESPath expression picks; mappings that it makes keep their order."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(query, value, jmespath.Options(OrderedDict))
    except JMESPathError as error:
        text = " ".join(str(error).split())
        raise errors.InvalidRequest(
            f"--query: {text}", code="InvalidCommand", hint="https://jmespath.org describes the language"
        ) from None


def write(value: Any, chosen: str, columns: Sequence[str], to: TextIO) -> None:
    if chosen in ("json", "jsonc"):
        to.write(json.dumps(value, indent=2, ensure_ascii=_ascii_only(to)) + "\n")
    elif chosen in ("yaml", "yamlc"):
        import yaml

        plain = json.loads(json.dumps(value))  # without OrderedDict
        yaml.dump(plain, to, Dumper=_dumper(yaml), sort_keys=False, allow_unicode=True, default_flow_style=False)
    elif chosen == "tsv":
        for row in value if isinstance(value, list) else [value]:
            to.write(_tsv_row(row) + "\n")
    elif chosen == "table":
        to.write(table(value, columns, shutil.get_terminal_size((160, 24)).columns))


FIRST_TO_GO = ("archived", "experiment_name", "type", "creation_context", "created_at", "duration_s")


def table(value: Any, columns: Sequence[str], width: int, names_as_they_are: Sequence[str] = ()) -> str:
    """Rows of mappings under the columns; a single mapping as a list of its fields.

    Columns named after what people or their programs called something (`metrics.val_loss`) keep the name.
    """
    if isinstance(value, dict):
        return _fields(value, width)
    rows = value if isinstance(value, list) else [value]
    if not rows:
        return ""
    if not all(isinstance(row, dict) for row in rows):
        lists = [row if isinstance(row, list) else [row] for row in rows]
        names = ["Result"] if all(len(row) == 1 for row in lists) else []
        rows = [{names[0] if names else f"Column{i + 1}": item for i, item in enumerate(row)} for row in lists]
        columns = ()
    chosen = list(columns) or list(dict.fromkeys(key for row in rows for key in row if not _nested(row[key])))
    chosen = [name for name in chosen if any(row.get(name) not in (None, "", {}, []) for row in rows)] or chosen[:1]
    columns_of = {name: max(len(name), *(len(_cell(row.get(name))) for row in rows)) for name in chosen}
    for name in FIRST_TO_GO:  # a whole column less tells more than every column cut short
        if sum(columns_of.values()) + 2 * len(columns_of) - 2 > width and name != chosen[0]:
            columns_of.pop(name, None)
    chosen = list(columns_of)
    cells = [[_cell(row.get(name)) for name in chosen] for row in rows]
    kept = {name for name in chosen if "." in name or name in names_as_they_are}
    heads = [name if name in kept else name.replace("_", " ").capitalize() for name in chosen]
    widths = _fit([max(len(line[i]) for line in [heads, *cells]) for i in range(len(heads))], width)
    lines = [heads, ["-" * size for size in widths], *cells]
    return "".join(_line(line, widths) + "\n" for line in lines)


def _fields(value: Mapping[str, Any], width: int) -> str:
    shown = {key: item for key, item in value.items() if item not in (None, "", {}, [])}
    if not shown:
        return ""
    left = max(len(key) for key in shown)
    return "".join(f"{key:{left}}  {_cut(_cell(item), max(width - left - 2, 20))}\n" for key, item in shown.items())


def _fit(widths: list[int], total: int) -> list[int]:
    """Take from the widest column until the line fits; the first, the name, stays whole: it is typed again."""
    first, *rest = widths
    while rest and first + sum(rest) + 2 * len(rest) > total and max(rest) > 8:
        rest[rest.index(max(rest))] -= 1
    return [first, *rest]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{_cut(cell, size):{size}}" for cell, size in zip(cells, widths, strict=True)).rstrip()


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    text = json.dumps(value, ensure_ascii=False) if _nested(value) else "" if value is None else str(value)
    if MOMENT.fullmatch(text):
        return text[:19].replace("T", " ")
    return " ".join(printable(text).split())


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def printable(text: str) -> str:
    """Control characters in names and messages must not steer the terminal."""
    return "".join(char if char.isprintable() or char.isspace() else "�" for char in text)


def _tsv_row(row: Any) -> str:
    if isinstance(row, dict):
        names = list(row) if isinstance(row, OrderedDict) else sorted(row)
        return "\t".join(_tsv_cell(row[name]) for name in names)
    if isinstance(row, list):
        return "\t".join(_tsv_cell(item) for item in row)
    return _tsv_cell(row)


def _tsv_cell(value: Any) -> str:
    """As `az`: the length of a list, nothing for a mapping."""
    if isinstance(value, list):
        return str(len(value))
    if value is None or isinstance(value, dict):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dumper(yaml: Any) -> Any:
    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _ascii_only(to: TextIO) -> bool:
    return (to.encoding or "").lower().replace("-", "") not in ("utf8", "utf16", "utf32")
