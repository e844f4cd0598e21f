"""One line that counts while something long goes on: rewritten in place on a terminal, else said now and then."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SAY_EVERY_S = 10.0  # where lines cannot be rewritten
Count = Callable[[int, int, str], None]


@contextmanager
def counting(args: Namespace, verb: str) -> Iterator[Count]:
    """Gives `count(done, of, words)`: `read 1,200 of 40,000 objects (3 %)`, on standard error."""
    live, said, width = sys.stderr.isatty(), time.monotonic(), 0

    def count(done: int, of: int, words: str) -> None:
        nonlocal said, width
        if args.only_show_errors or (not live and time.monotonic() - said < SAY_EVERY_S):
            return
        said = time.monotonic()
        text = f"{verb} {done:,} of {of:,} {words}" + (f" ({100 * done // of} %)" if of else "")
        sys.stderr.write(f"\r{text:{width}}" if live else f"{text}\n")
        sys.stderr.flush()
        width = len(text)

    try:
        yield count
    finally:
        if width and live:
            sys.stderr.write("\r" + " " * width + "\r")
