"""Ask an online endpoint on behalf of who is logged in: the browser talks to this server alone, and needs no key."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import quote, urlsplit

from zaffre.base.errors import Unavailable
from zaffre.services.context import Context
from zaffre.services.online_endpoints.keys import credentials
from zaffre.wire.endpoints import EndpointRef
from zaffre.wire.online import Answered, DescribeScoring, InvokeOnline, ScoringSchema

ANSWER_BYTES = 2 << 20  # as much as a page can show
TIMEOUT_S = 120.0


def invoke(ctx: Context, request: InvokeOnline) -> Answered:
    """The answer as it is, whatever its status. Raises `NotFound`, `Unavailable`."""
    content = json.dumps(request.body).encode()
    began = time.perf_counter()
    status, headers, text, more = _ask(ctx, request, "POST", "score", content, request.deployment_name)
    return Answered(
        status=status, latency_ms=round(1000 * (time.perf_counter() - began), 2), text=text, truncated=more,
        deployment=headers.get("azureml-model-deployment"), request_id=headers.get("x-request-id"),
    )  # fmt: skip


def describe(ctx: Context, request: DescribeScoring) -> ScoringSchema:
    """From the OpenAPI document of the endpoint, which its running model told. Raises `NotFound`, `Unavailable`."""
    status, _, text, _ = _ask(ctx, request, "GET", "openapi.json", None, request.deployment_name)
    if status != 200:
        return ScoringSchema()
    try:
        schemas = json.loads(text)["components"]["schemas"]
        return ScoringSchema(input=schemas.get("ServiceInput") or {}, output=schemas.get("ServiceOutput") or {})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # a script says what it likes of itself
        return ScoringSchema()


def _ask(
    ctx: Context, request: EndpointRef, method: str, action: str, content: bytes | None, deployment: str | None
) -> tuple[int, Any, str, bool]:
    keys = credentials(ctx, EndpointRef(workspace=request.workspace, name=request.name))
    parts = urlsplit(ctx.changes.scoring_url())
    if not parts.hostname:
        raise Unavailable(f"no gateway serves endpoint {request.name}", code="EndpointUnreachable", hint="zaffre up")
    headers = {"Authorization": f"Bearer {keys.primaryKey or keys.accessToken}", "Content-Type": "application/json"}
    if deployment:
        headers["azureml-model-deployment"] = quote(deployment)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    try:
        path = f"/endpoints/{quote(request.workspace)}/{quote(request.name)}/{action}"
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        data = answer.read(ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(
            f"endpoint {request.name} does not answer: {error}",
            code="EndpointUnreachable",
            hint=f"zaffre online-deployment list --endpoint-name {request.name}",
        ) from None
    finally:
        connection.close()
    return answer.status, answer.headers, data[:ANSWER_BYTES].decode("utf-8", "replace"), len(data) > ANSWER_BYTES
