"""Every route of the real application, one by one: nothing answers to those who may not ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.routing import Route, WebSocketRoute
from whole_house import TOKEN, House

from zaffre.api.auth import COOKIE, sign_job
from zaffre.api.live import PATH as LIVE_PATH
from zaffre.api.routes import PREFIX
from zaffre.base.clock import now_ms
from zaffre.base.ids import sequence
from zaffre.core.permissions import ROLES, Permission, Role
from zaffre.mlflow import routes as mlflow
from zaffre.services.handlers import HANDLERS
from zaffre.store.tables.jobs import jobs
from zaffre.wire.table import OPERATIONS

PAGES = "/{path:path}"  # the Studio: files that are the same for everybody, so they need no login
OWN = {PAGES, f"{PREFIX}/openapi.json"}  # beside the tables
LIVE = "living_job"


def _asked(path: str) -> str:
    """The address with something in each place."""
    path = path.replace("{workspace}", "default").replace("{version}", "2.0")
    return re.sub(r"{[^}]*}", "something", path)


def _routes(house: House) -> Iterator[tuple[str, str, str]]:
    """(method, address, path as declared) of every route; those of the MLflow door from its own table as well."""
    for route in house.app.inner.routes:
        if isinstance(route, WebSocketRoute):
            assert route.path == LIVE_PATH, f"{route.path}: tests/studio/test_live.py must know it"
            continue
        assert isinstance(route, Route), f"{route} is no plain route: this test must learn to enumerate it"
        if route.path == PAGES:
            continue
        for method in sorted(route.methods or ()):
            yield method, _asked(route.path), route.path
    for method, path, _ in mlflow.table():
        yield method, "/mlflow/default" + _asked(path), path


def _job_token(house: House, workspace: str = "default") -> str:
    return sign_job(house.platform.key, workspace, LIVE)


@pytest.fixture(scope="module", autouse=True)
def living_job(house: House) -> None:
    """A job that has not ended, in two workspaces: its token is valid."""
    now = now_ms()
    with house.platform.ctx.db.write() as connection:
        for workspace in ("default", "other"):
            id_ = sequence()
            connection.execute(
                jobs.insert().values(
                    id=id_, workspace=workspace, name=LIVE, type="interactive", status="Running", root_id=id_,
                    experiment_id=1, created_at=now, changed_at=now, spec={},
                )
            )  # fmt: skip


def test_every_operation_has_a_handler_and_a_route(house: House) -> None:
    assert set(HANDLERS) == set(OPERATIONS)
    served = {
        (method, route.path) for route in house.app.inner.routes if isinstance(route, Route) for method in route.methods
    }
    wanted = {(item.method, PREFIX + item.path) for item in OPERATIONS.values()}
    assert wanted <= served
    for method, path in served - wanted:
        assert path.startswith("/mlflow/{workspace}/") or path in OWN or method == "HEAD", f"{method} {path}: by whom?"


def test_names_and_paths_of_operations_are_theirs_alone() -> None:
    addresses = [(item.method, re.sub(r"{\w+}", "{}", item.path)) for item in OPERATIONS.values()]
    assert len(set(addresses)) == len(addresses)
    for name, item in OPERATIONS.items():
        assert name == item.name
        assert set(item.path_fields) <= set(item.request.model_fields), name
        assert "{workspace}" in item.path or item.permission in (
            Permission.PUBLIC, Permission.SERVER_READ, Permission.SERVER_MANAGE,
            Permission.WORKSPACE_READ, Permission.WORKSPACE_MANAGE,
        ), f"{name} is bound to no workspace"  # fmt: skip


def test_sec_09_nothing_answers_without_a_login(house: House) -> None:
    tried = 0
    for method, address, path in _routes(house):
        if any(item.permission is Permission.PUBLIC and PREFIX + item.path == path for item in OPERATIONS.values()):
            continue
        for headers in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": "Basic eDp5"},
            {"cookie": f"{COOKIE}=x"},
        ):
            answer = house.client.request(method, address, headers=headers)
            assert answer.status_code == 401, f"{method} {address} {headers}: {answer.status_code}"
            tried += 1
    assert tried > 300


def test_sec_09_what_is_public_is_named_here(house: House) -> None:
    public = {item.name for item in OPERATIONS.values() if item.permission is Permission.PUBLIC}
    assert public == {"server.health"}
    assert house.client.get(f"{PREFIX}/health").json() == {}


def test_sec_09_a_job_may_only_what_its_role_may(house: House) -> None:
    may, refused = ROLES[Role.JOB], 0
    headers = {"authorization": f"Bearer {_job_token(house)}"}
    for item in OPERATIONS.values():
        if item.permission not in may:
            answer = house.client.request(item.method, PREFIX + _asked(item.path), headers=headers)
            assert answer.status_code == 403, f"{item.name}: {answer.status_code} {answer.text}"
            assert answer.json()["code"] == "Forbidden"
            refused += 1
    for method, path, permission in mlflow.table():
        if permission not in may:
            answer = house.client.request(method, "/mlflow/default" + _asked(path), headers=headers)
            assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
            refused += 1
    assert refused > 30
    assert may.isdisjoint({Permission.SERVER_MANAGE, Permission.JOBS_WRITE, Permission.WORKSPACE_MANAGE,
                           Permission.RESOURCES_WRITE, Permission.ASSETS_WRITE})  # fmt: skip


def test_sec_12_a_job_reaches_no_other_workspace(house: House) -> None:
    headers = {"authorization": f"Bearer {_job_token(house, 'other')}"}
    for method, address, path in _routes(house):
        if ("/default" in address and "{workspace}" in path) or path.startswith("/api/2.0/mlflow"):
            answer = house.client.request(method, address, headers=headers)
            assert answer.status_code in (403, 405), f"{method} {address}: {answer.status_code} {answer.text}"


def test_sec_14_the_token_of_a_job_ends_with_it_and_is_bound_to_its_signature(house: House) -> None:
    ended = sign_job(house.platform.key, "default", "no_such_job")
    good = _job_token(house)
    head, _, signature = good.rpartition(".")
    other = sign_job(b"another key", "default", LIVE)
    forged = f"{head.replace(b'default'.hex(), b'other'.hex())}.{signature}"
    for token in (ended, other, forged, head, good[:-1], good + "0", "zj1...", f"zj1.zz.zz.{signature}", "zj1.\u00fc"):
        answer = house.client.get(
            f"{PREFIX}/workspaces/default/jobs", headers={"authorization": f"Bearer {token}".encode()}
        )
        assert answer.status_code == 401, token
    good_answer = house.client.get(f"{PREFIX}/workspaces/default/jobs", headers={"authorization": f"Bearer {good}"})
    assert good_answer.status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", "", "localhost.evil"])
def test_sec_10_another_host_name_is_refused_everywhere(house: House, host: str) -> None:
    """DNS rebinding: a page of another name that resolves to this machine."""
    for method, address, _ in _routes(house):
        answer = house.client.request(method, address, headers={"host": host, "authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 403, f"{method} {address} as {host!r}: {answer.status_code}"


@pytest.mark.parametrize(
    "sent",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_sec_10_a_cookie_from_another_origin_is_refused(house: House, sent: dict[str, str]) -> None:
    for method, address, path in _routes(house):
        if path == f"{PREFIX}/health":
            continue
        answer = house.client.request(method, address, headers={"cookie": f"{COOKIE}={TOKEN}", **sent})
        assert answer.status_code == 403, f"{method} {address}: {answer.status_code}"


def test_sec_10_a_cookie_from_our_own_pages_is_taken(house: House) -> None:
    for sent in (
        {},
        {"origin": "http://127.0.0.1:8787"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ):
        answer = house.client.get(f"{PREFIX}/status", headers={"cookie": f"{COOKIE}={TOKEN}", **sent})
        assert answer.status_code == 200, sent


def test_sec_09_pages_say_nothing_of_this_server(house: House) -> None:
    """Without a login there is only what every copy of this release has."""
    pages = [house.client.get(path) for path in ("/", "/jobs", "/jobs/secret_name?workspace=x", "/data/a/b")]
    assert {answer.status_code for answer in pages} == {200}
    for answer in pages:
        assert "secret_name" not in answer.text
        assert str(house.platform.ctx.home.root) not in answer.text
        assert TOKEN not in answer.text
        assert answer.headers["cache-control"] == "no-cache"
    assert house.client.get("/?token=wrong").status_code == 401
    for path in ("/api/nothing", "/mlflow/x/nothing", "/assets/nothing.js", "/favicon.ico", "/assets/../SOURCE_HASH"):
        assert house.client.get(path).status_code in (401, 404), path


def test_sec_14_the_link_hides_its_token(house: House) -> None:
    answer = house.client.get("/", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie  # a link in a mail may open a page; what acts is refused by its origin
    assert TOKEN not in answer.text
    house.client.cookies.clear()


def test_sec_19_an_error_tells_nothing_of_the_machine(house: House) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    for method, address, _ in _routes(house):
        answer = house.client.request(method, address, headers=headers, content=b"\xff{" if method != "GET" else None)
        if answer.status_code >= 400:
            for secret in ("Traceback", str(house.platform.ctx.home.root), TOKEN, 'File "'):
                assert secret not in answer.text, f"{method} {address}: {answer.text}"
            assert answer.status_code < 500, f"{method} {address}: {answer.status_code} {answer.text}"
