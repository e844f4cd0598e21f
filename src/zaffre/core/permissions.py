"""Who may do what. Every operation names one permission; a role is a set of them; anything else is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    PUBLIC = "public"  # no login: only liveness and static files
    SERVER_READ = "server.read"
    SERVER_MANAGE = "server.manage"
    WORKSPACE_READ = "workspace.read"
    WORKSPACE_MANAGE = "workspace.manage"
    JOBS_READ = "jobs.read"
    JOBS_WRITE = "jobs.write"
    ASSETS_READ = "assets.read"
    ASSETS_WRITE = "assets.write"
    MODELS_REGISTER = "models.register"  # add models and versions, and describe them; never remove or promote
    MODELS_APPROVE = "models.approve"  # say that a version may, or may not, go on
    RESOURCES_READ = "resources.read"
    RESOURCES_WRITE = "resources.write"
    CONTENT_READ = "content.read"
    CONTENT_WRITE = "content.write"
    ENDPOINTS_READ = "endpoints.read"
    ENDPOINTS_WRITE = "endpoints.write"
    ENDPOINTS_KEYS = "endpoints.keys"  # see the keys of an endpoint, which open it
    ENDPOINTS_INVOKE = "endpoints.invoke"  # start jobs of batch endpoints
    TRACKING_READ = "tracking.read"
    TRACKING_WRITE = "tracking.write"
    VIEWS_READ = "views.read"
    VIEWS_WRITE = "views.write"


class Role(StrEnum):
    OWNER = "owner"  # the token of the server
    JOB = "job"  # the token that each job gets: tracking and data of its own workspace


ROLES: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.JOB: frozenset(
        {
            Permission.PUBLIC,
            Permission.WORKSPACE_READ,
            Permission.JOBS_READ,
            Permission.ASSETS_READ,
            Permission.MODELS_REGISTER,
            Permission.CONTENT_READ,
            Permission.ENDPOINTS_READ,
            Permission.TRACKING_READ,
            Permission.TRACKING_WRITE,
        }
    ),
}


@dataclass(frozen=True)
class Principal:
    """Who asks. `workspace` None means every workspace."""

    name: str
    role: Role
    workspace: str | None = None

    def may(self, permission: Permission, workspace: str | None) -> bool:
        """Fails closed: an unknown role may nothing, and a bound principal nothing outside of its workspace."""
        if permission not in ROLES.get(self.role, frozenset()):
            return False
        return permission is Permission.PUBLIC or self.workspace is None or self.workspace == workspace


OWNER = Principal("owner", Role.OWNER)
