"""Names that nobody chose: readable for jobs, random for everything else."""

from __future__ import annotations

import secrets
import threading
import time

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no characters that look alike
ADJECTIVES = (
    "amber bold brave bright calm clear clever coral cosmic crisp dapper eager early fair fancy fine fleet fond "
    "frank fresh gentle glad golden good grand great green happy honest icy jolly keen kind lively loyal lucid "
    "lucky merry mellow neat nimble noble olive patient placid plucky proud quick quiet ready regal rosy royal "
    "ruby sage serene sharp shiny silver sleek smart snowy solar stoic strong sunny swift tidy true vivid warm "
    "wise witty zesty"
).split()
NOUNS = (
    "acorn anchor apple arch aspen atlas basil bay beach bear bell birch bird bloom boat bridge brook cedar cliff "
    "cloud clover comet coral cove crane creek crow dawn deer delta dove dune eagle elm ember falcon fern field "
    "finch fjord forest fox garden glade harbor hawk hazel heron hill iris island ivy jay kite lake lark leaf "
    "lemon lily lion lotus maple marsh meadow moon moss oak ocean olive orbit otter owl palm pear pine plum pond "
    "quartz rain raven reef river robin rose sail seal shore sky spark star stone sun swan thistle tiger tulip "
    "valley wave willow wind wolf wren"
).split()


def token(length: int = 10) -> str:
    """Random lower-case text; ten characters are 50 bits."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in secrets.token_bytes(length))


def job_name() -> str:
    """A name as Azure ML gives: `merry_falcon_x7k2m9p4qr`."""
    return f"{secrets.choice(ADJECTIVES)}_{secrets.choice(NOUNS)}_{token()}"


def first_at(moment_ms: int) -> int:
    """The least number that `sequence` gives at this moment, in milliseconds since 1970."""
    return moment_ms << 21


_sequence_lock = threading.Lock()
_last = 0


def sequence(count: int = 1) -> int:
    """The first of `count` consecutive 63-bit numbers that grow with time and never repeat in this process.

    42 bits of milliseconds, 21 bits of counter that starts at random, so that two processes hardly ever meet.
    """
    global _last  # noqa: PLW0603
    with _sequence_lock:
        first = max(_last + 1, (time.time_ns() // 1_000_000 << 21) + secrets.randbelow(1 << 20))
        _last = first + count - 1
        return first


def is_number(version: str) -> bool:
    """Whether a version is one of the counted ones: `7`, not `²`, nor more digits than anybody counts."""
    return version.isascii() and version.isdigit() and len(version) <= 18
