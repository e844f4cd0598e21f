"""Why a build failed: uv's own reason, and the requirement lines that it speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zaffre.base.errors import Fault, InvalidRequest, ZaffreError
from zaffre.core.environment.requirements import name_of

CODE = "EnvironmentBuildFailed"
LINES_KEPT = 40
DISK = ("no space left on device", "disk quota exceeded", "os error 28")
NETWORK = ("failed to fetch", "error sending request", "dns error", "connection refused", "timed out", "tls handshake")


def reason_of(output: Sequence[str]) -> str:
    """uv's words from its first `error:` on."""
    start = next((index for index, line in enumerate(output) if re.match(r"\s*(error:|×)", line)), None)
    chosen = [line for line in (output[start:] if start is not None else output[-LINES_KEPT:]) if line.strip()]
    return "\n".join(chosen[:LINES_KEPT]).removeprefix("error: ").strip() or "uv said nothing"


def culprits(reason: str, requirements: Sequence[str]) -> list[str]:
    """The requirement lines the reason speaks of; those it quotes literally come first, and alone if there are any."""
    lowered = re.sub(r"[-_.]+", "-", reason.lower())
    quoted = [line for line in requirements if not line.startswith("-") and speaks_of(compact(line), compact(reason))]
    exact = [line for line in quoted if re.search(r"[=<>~!@;]", line)]
    if exact:
        return exact
    named = [line for line in requirements if (name := name_of(line)) and speaks_of(name, lowered)]
    options = [line for line in requirements if line.startswith("--") and line.split()[-1] in reason]
    return named + options


def compact(text: str) -> str:
    return re.sub(r"\s+", "", text).lower()


def speaks_of(name: str, text: str) -> bool:
    return re.search(rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9*.-]*[a-z0-9*])", text) is not None


def is_full_disk(output: Sequence[str]) -> bool:
    lowered = reason_of(output).lower()
    return any(sign in lowered for sign in DISK)


def build_error(output: Sequence[str], requirements: Sequence[str], constraints: Sequence[str]) -> ZaffreError:
    """The error that a job which needs the environment fails with."""
    reason = reason_of(output)
    lowered = reason.lower()
    lines = culprits(reason, requirements)
    limits = culprits(reason, constraints)
    hint = "Correct the requirement in the environment's file and run again."
    if any(sign in lowered for sign in NETWORK):
        hint = "The package index did not answer: look at the network and pip's index settings, then run again."
    elif limits:
        hint = f"The constraint {', '.join(f'`{line}`' for line in limits)} applies too; change it or the requirement."
    named = f" because of {', '.join(f'`{line}`' for line in lines[:5])}" if lines else ""
    return InvalidRequest(
        f"The environment cannot be built{named}:\n{reason}",
        code=CODE,
        hint=hint,
        faults=[Fault(f"`{line}` cannot be installed", field="dependencies", hint=hint) for line in lines[:20]],
    )
