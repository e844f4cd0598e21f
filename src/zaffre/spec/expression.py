"""`${{ ... }}` and `$[[ ... ]]`: finding the names in them, and putting values in their place.

`${{inputs.x}}` becomes the value of the input. `$[[--flag ${{inputs.x}}]]` is an optional part: it vanishes if any
expression inside has no value. Azure ML's grammar, without nesting.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from zaffre.base.errors import InvalidRequest

EXPRESSION = re.compile(r"\$\{\{\s*([^{}\s][^{}]*?)\s*\}\}")
OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
BARE = re.compile(r"(?<![\w.{$-])((?:inputs|outputs)\.[A-Za-z_][\w-]*)(?![\w.])")


def find(text: str) -> list[str]:
    """The dotted names in a text, in order, optional parts included: `inputs.lr`, `parent.jobs.a.outputs.b`."""
    return EXPRESSION.findall(text) if "${{" in text else []


def optional_names(text: str) -> list[str]:
    """The names inside `$[[ ]]`, also of the spelling `$[[inputs.x]]` without braces."""
    names: list[str] = []
    for part in OPTIONAL.findall(text) if "$[[" in text else ():
        names += find(part) or BARE.findall(part)
    return names


def single(text: object) -> str | None:
    """The name, if the whole value is one expression."""
    if not isinstance(text, str) or "${{" not in text:
        return None
    match = EXPRESSION.fullmatch(text.strip())
    return match[1] if match else None


def render(text: str, lookup: Callable[[str], str | None]) -> str:
    """The text with values for names. `lookup("inputs.x")` gives text, or None when the value was not given.

    Raises InvalidRequest that names an expression without value outside of `$[[ ]]`.
    """
    if "$[[" in text:
        text = OPTIONAL.sub(lambda match: optional_part(match[1], lookup), text)
    return replace(text, lookup) if "${{" in text else text


def optional_part(part: str, lookup: Callable[[str], str | None]) -> str:
    if not find(part):  # `$[[inputs.x]]`: what is meant can only be the value
        part = BARE.sub(lambda match: "${{" + match[1] + "}}", part)
    if any(lookup(name) is None for name in find(part)):
        return ""
    return replace(part, lookup)


def replace(text: str, lookup: Callable[[str], str | None]) -> str:
    def value(match: re.Match[str]) -> str:
        found = lookup(match[1])
        if found is None:
            raise InvalidRequest(
                f"${{{{{match[1]}}}}} has no value",
                hint="give it a value, or write the part as $[[...]] to make it optional",
            )
        return found

    return EXPRESSION.sub(value, text)


def literal_text(value: str | int | float | bool) -> str:
    """A literal as Python writes it: `False`, `0.8`, `100`. So commands receive them."""
    return value if isinstance(value, str) else str(value)
