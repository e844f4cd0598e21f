"""The end of a job, however it came: its status is final, its room is given back, its parent is told."""

from __future__ import annotations

import errno
from typing import Any

from zaffre.base.clock import now_ms
from zaffre.base.errors import InvalidRequest, Unavailable, ZaffreError
from zaffre.core.job_state import Status
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor


def failed(motor: Motor, live: Live, why: ZaffreError, outputs: dict[str, Any] | None = None) -> None:
    error = {"code": why.code, "message": why.message, "hint": why.hint}
    motor.batch.move(
        live, Status.FAILED, why.message, error=error, ended_at=now_ms(), handle=None, outputs=outputs or None
    )
    over(motor, live)


def canceled(motor: Motor, live: Live) -> None:
    motor.batch.move(live, Status.CANCELED, "canceled", ended_at=now_ms(), handle=None)
    over(motor, live)


def over(motor: Motor, live: Live) -> None:
    """Forget a job that has ended, and let its pipeline go on."""
    motor.slots.free(live)
    motor.forget(live)
    motor.give_back(live)
    live.tree.living.pop(live.job.id, None)
    motor.reaper.append(live)
    if live.parent is not None:
        motor.ended.append(live)
    else:
        motor.tree_ended(live.tree)


def of_os(error: OSError) -> ZaffreError:
    """A refusal of the operating system in words."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(f"the disk is full{where}", code="DiskFull", hint="free space: zaffre storage gc")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return InvalidRequest(f"no right to write{where}: {error.strerror}", code="PermissionDenied")
    return InvalidRequest(f"{error.strerror or error}{where}", code="OperatingSystem")
