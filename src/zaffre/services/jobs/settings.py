"""The parameters and seeds of a job: part of what it can be repeated from."""

from __future__ import annotations

import re
from typing import Any

from zaffre.store.jobs import JobRecord

_WHOLE = re.compile(r"\s*[+-]?\d{1,20}\s*")


def settings(job: JobRecord) -> dict[str, dict[str, Any]]:
    """`parameters`: the literal inputs. `seeds`: inputs and environment variables named so that are whole numbers.

    Other environment variables may hold secrets (so may a "seed" that is no number) and are not repeated here.
    """
    plan = job.plan or {}
    given = {port: item["value"] for port, item in (plan.get("inputs") or {}).items() if item.get("value") is not None}
    named = {**(plan.get("environment_variables") or {}), **(plan.get("variables") or {}), **given}
    seeds = {name: value for name, value in named.items() if "seed" in name.lower() and _WHOLE.fullmatch(str(value))}
    return {"parameters": given, "seeds": seeds}
