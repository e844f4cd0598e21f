"""Searching a log: lines and places are right across pieces, and no expression makes the server slow."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.base.home import Home
from zaffre.plugins.logs import segment
from zaffre.plugins.logs.layout import segment_path
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.jobs import log_search
from zaffre.services.tracking.create_run import create_run
from zaffre.store import resources
from zaffre.store.db import Database
from zaffre.wire.logs import LogHits, LogOffset, SearchLog


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    with database.write() as connection:
        resources.put_workspace(database, connection, "default", {})
    unused: Any = None
    return Context(db=database, home=Home(tmp_path), content=unused, environments=unused, remote=unused, vault=unused,
                   settings=Settings(), changes=Changes())  # fmt: skip


def _log(context: Context, content: bytes) -> str:
    run = create_run(
        context, "default", experiment_id="0", run_name=None, user=None, start_time=None, tags={}
    ).record.name
    place = context.home.log("default", run)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return run


def _search(context: Context, run: str, text: str, **more: Any) -> LogHits:
    return log_search.search(context, SearchLog(name=run, text=text, **more))


def test_hits_are_those_of_python_over_the_lines(context: Context) -> None:
    """Lines of many lengths, so that pieces of a megabyte end anywhere in them."""
    lines = [f"{at} {'x' * (at * 37 % 300)} loss={at / 7:.3f} größe" for at in range(20_000)]
    content = "\n".join(lines).encode()
    assert len(content) > 2 << 20
    run = _log(context, content)
    for text, expression in (("LOSS=14.2", re.escape("loss=14.2")), ("GRÖSSE", "grösse"), (r"^19\d\d .*loss=2\d\d\.0", None),
                             (r"größe$", None), (r"7{3,}", None)):  # fmt: skip
        found = _search(context, run, text, regex=expression is None, max_results=5000)
        wanted = re.compile(expression or text, re.IGNORECASE)
        expected = [(number, line) for number, line in enumerate(lines, 1) if wanted.search(line)][:5000]
        assert [(hit.line, hit.text) for hit in found.hits] == [(number, line[:500]) for number, line in expected]
        assert found.complete == (len(expected) < 5000)
        for hit in found.hits[:50]:
            assert content[hit.offset :].split(b"\n", 1)[0].decode() == lines[hit.line - 1]
            assert wanted.fullmatch(hit.text[hit.start : hit.end]) or hit.text[hit.start : hit.end] == hit.text


def test_the_case_counts_if_asked_for(context: Context) -> None:
    run = _log(context, b"Error\nERROR\nerror\n")
    assert [hit.line for hit in _search(context, run, "error").hits] == [1, 2, 3]
    assert [hit.line for hit in _search(context, run, "(?-i)ERR", regex=True).hits] == [2]
    assert [hit.line for hit in _search(context, run, "(?-i)ERR").hits] == [], "a text is no expression"


def test_every_line_has_its_number(context: Context) -> None:
    content = b"".join(b"%d\n" % at for at in range(4_000_000))
    run = _log(context, content)
    assert len(content) > log_search.BLOCK
    for offset in (0, 1, 2, 17_000_000, log_search.BLOCK, len(content) - 1, len(content), 10**15):
        expected = 1 + content.count(b"\n", 0, offset)
        for _ in range(2):  # counted, then known
            assert log_search.line(context, LogOffset(name=run, offset=offset)).line == expected


def test_what_was_removed_moves_no_offset(context: Context) -> None:
    """The first part of the log is gone: places count from the first byte that was ever written."""
    run = _log(context, b"-" * 1000 + b"in a segment\n" + b"live needle\n")
    place = context.home.log("default", run)
    with place.open("rb") as log, segment_path(place, 1000, 1013).open("wb") as part:
        segment.write(log.fileno(), 1000, 1013, part.fileno())
    (hit,) = _search(context, run, "needle").hits
    assert (hit.offset, hit.line) == (1013, 2)


@pytest.mark.parametrize("text", ["(a+)+$", "(a|aa)+$", "(.*a){25}", "(x+x+)+y", "([a-z]+)*1"])
def test_no_expression_is_slow(context: Context, text: str) -> None:
    """Each takes an engine that goes back (Python's, say) longer than the universe has."""
    run = _log(context, (b"a" * 20_000 + b"!\n") * 5)
    before = time.process_time()
    _search(context, run, text, regex=True)
    assert time.process_time() - before < 2


@pytest.mark.parametrize("text", ["(", "[z-a]", "(?=x)", r"(a)\1", "a{5000}", "((a{100}){100}){100}", "*"])
def test_what_is_no_expression_is_refused(context: Context, text: str) -> None:
    run = _log(context, b"a\n")
    with pytest.raises(InvalidRequest, match="regular expression") as caught:
        _search(context, run, text, regex=True)
    assert caught.value.code == "InvalidPattern"
