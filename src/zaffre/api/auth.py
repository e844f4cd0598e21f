"""Who asks? Every request but the liveness probe carries a token; browsers carry it in a cookie after the first link.

The owner's token is made at the first start. A job's token names its workspace and job and is signed with the key of
the home, so that nothing has to be stored; it reaches only that workspace's tracking and data routes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from zaffre.base.errors import Forbidden, Unauthorized
from zaffre.core.permissions import Permission, Principal, Role

COOKIE = "zaffre_token"
JOB_PREFIX = "zj1"


def sign_job(key: bytes, workspace: str, job: str) -> str:
    """`zj1.<workspace>.<job>.<signature>`; names have no meaning without the signature."""
    body = f"{JOB_PREFIX}.{workspace.encode().hex()}.{job.encode().hex()}"
    return f"{body}.{hmac.new(key, body.encode(), hashlib.sha256).hexdigest()}"


@dataclass(frozen=True)
class Gate:
    """Decides who a request comes from, and whether it may come from there."""

    owner_token: str
    key: bytes
    hosts: frozenset[str]  # names under which this server may be addressed (DNS rebinding)
    job_lives: Callable[[str, str], bool]  # (workspace, job): a job's token ends with it

    def principal(self, connection: HTTPConnection) -> Principal:
        """Raises `Unauthorized`."""
        token, from_cookie = self._token(connection)
        if token is None:
            raise Unauthorized("a token is needed", hint="zaffre status shows the link with the token")
        if self.knows(token):
            if from_cookie:
                self.check_origin(connection)
            return Principal("owner", Role.OWNER)
        if (job := self._job(token)) is not None:
            workspace, name = job
            if self.job_lives(workspace, name):
                return Principal(f"job:{name}", Role.JOB, workspace)
            raise Unauthorized(f"the token of job {name} ended with it", code="TokenExpired")
        raise Unauthorized("the token is not valid here", hint="zaffre status")

    def knows(self, token: str) -> bool:
        """Is it the owner's? Takes as long for every wrong one."""
        return hmac.compare_digest(token.encode(errors="replace"), self.owner_token.encode())

    def require(self, principal: Principal, permission: Permission, workspace: str | None) -> None:
        """Raises `Forbidden`."""
        if not principal.may(permission, workspace):
            where = f" in workspace {workspace}" if workspace else ""
            raise Forbidden(
                f"{principal.name} has no permission {permission}{where}",
                hint="the token of a job reads its own workspace and logs to it; all else is done from outside of jobs"
                if principal.role is Role.JOB
                else None,
            )

    def check_host(self, connection: HTTPConnection) -> None:
        """A page of another name that resolves to our address must not reach us. Raises `Forbidden`."""
        host = connection.headers.get("host", "").lower()
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if "*" not in self.hosts and name not in self.hosts:
            raise Forbidden(
                f"this server is not {host or 'without a name'}",
                code="WrongHost",
                hint="allow the name: zaffre up --allow-host NAME",
            )

    def check_origin(self, connection: HTTPConnection) -> None:
        """What a browser sends by itself (a cookie) counts only from our own pages. Raises `Forbidden`."""
        origin = connection.headers.get("origin")
        if origin and origin.split("://", 1)[-1].lower() != connection.headers.get("host", "").lower():
            raise Forbidden(f"requests from {origin} are refused", code="WrongOrigin")
        if connection.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise Forbidden("requests from other sites are refused", code="WrongOrigin")

    @staticmethod
    def _token(connection: HTTPConnection) -> tuple[str | None, bool]:
        scheme, _, value = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and value:
            return value.strip(), False
        cookie = connection.cookies.get(COOKIE)
        return cookie, cookie is not None

    def _job(self, token: str) -> tuple[str, str] | None:
        parts = token.split(".")
        if len(parts) != 4 or parts[0] != JOB_PREFIX:
            return None
        body = ".".join(parts[:3])
        wanted = hmac.new(self.key, body.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted.encode(), parts[3].encode()):
            return None
        try:
            return bytes.fromhex(parts[1]).decode(), bytes.fromhex(parts[2]).decode()
        except ValueError:
            return None
