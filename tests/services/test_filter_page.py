"""docs/filter.md is true: its examples are understood, its fields are those there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zaffre.core.search_filter import parse_filter
from zaffre.core.search_grammar import JOBS

PAGE = (Path(__file__).parents[2] / "docs/filter.md").read_text()
EXAMPLES = [
    match[1].strip("` ") if match[1].startswith("``") else match[1].strip("`")
    for match in re.finditer(r"^- (`.*`)$", PAGE.partition("## Examples")[2], re.MULTILINE)
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_understood(text: str) -> None:
    assert parse_filter(text, JOBS)


def test_the_fields_are_those_there_are() -> None:
    (told,) = re.findall(r"^Fields: (.*?)\. ", PAGE.replace("\n", " ").replace(" Fields:", "\nFields:"), re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", told))
    assert {JOBS.aliases.get(name, name) for name in named} == JOBS.attributes
