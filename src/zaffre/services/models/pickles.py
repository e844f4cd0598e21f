"""Pickles are programs: one that does not come from a job of this workspace is opened only after consent (SEC-06)."""

from __future__ import annotations

from zaffre.base.errors import InvalidRequest
from zaffre.core.model_format import Found
from zaffre.services.context import Context
from zaffre.services.models.recognise import recognise_record
from zaffre.store.assets import AssetRecord

CONSENT = "zaffre.pickle"  # property of a version: who said that its pickles may be opened


def refuse_unless_allowed(ctx: Context, record: AssetRecord, allowed: bool) -> None:
    """Raises `InvalidRequest` naming the files. What a job here wrote is as trusted as the job was."""
    if allowed or record.job_id is not None or record.properties.get(CONSENT):
        return
    found = recognise_record(ctx, record)
    if found is not None and found.pickles:
        raise not_allowed(f"model {record.name}:{record.version}", found)


def not_allowed(what: str, found: Found) -> InvalidRequest:
    names = ", ".join(found.pickles[:5])
    return InvalidRequest(
        f"{what} holds pickles ({names}): opening one runs whatever program it names",
        code="PickleNotAllowed",
        hint="`zaffre model inspect PATH` shows what it names; --allow-pickle opens it, in a job of its own",
    )
