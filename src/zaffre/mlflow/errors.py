"""Our errors in the form of MLflow: `error_code` and `message`."""

from __future__ import annotations

from zaffre.base.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    TooLarge,
    Unauthorized,
    Unavailable,
    ZaffreError,
)

# Codes that clients tell apart; the kind of an error gives its code unless its own code is named here.
_BY_CODE = {
    "EndpointNotFound": ("ENDPOINT_NOT_FOUND", 404),
    "MalformedRequest": ("BAD_REQUEST", 400),
    "PromptsNotOffered": ("NOT_IMPLEMENTED", 501),
    "PathTaken": ("INVALID_PARAMETER_VALUE", 400),
    "ArtifactInUse": ("INVALID_STATE", 400),
    "ModelInUse": ("INVALID_STATE", 400),
}
_BY_KIND: tuple[tuple[type[ZaffreError], str, int], ...] = (
    (InvalidRequest, "INVALID_PARAMETER_VALUE", 400),
    (Unauthorized, "UNAUTHENTICATED", 401),
    (Forbidden, "PERMISSION_DENIED", 403),
    (NotFound, "RESOURCE_DOES_NOT_EXIST", 404),
    (Conflict, "RESOURCE_ALREADY_EXISTS", 400),
    (TooLarge, "INVALID_PARAMETER_VALUE", 413),
    (Unavailable, "TEMPORARILY_UNAVAILABLE", 503),
)


def described(error: ZaffreError) -> tuple[int, dict[str, str]]:
    """HTTP status and body."""
    text = f"{error.message} ({error.hint})" if error.hint else error.message
    if error.code in _BY_CODE:
        code, status = _BY_CODE[error.code]
        return status, {"error_code": code, "message": text}
    for kind, code, status in _BY_KIND:
        if isinstance(error, kind):
            return status, {"error_code": code, "message": text}
    return 500, {"error_code": "INTERNAL_ERROR", "message": text}
