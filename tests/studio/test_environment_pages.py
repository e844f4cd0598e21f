"""The page of an environment: its build is followed live, its log is kept, searched, and says why it failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio_place import WAIT_S, Studio

from zaffre import Workspace

Open = Callable[..., Any]


def test_a_build_is_followed_and_its_log_is_kept(visit: Open, studio: Studio) -> None:
    place = studio.place
    place.api("POST", "/environments", {"spec": {"name": "followed", "requirements": ["six==1.14.0"]}})
    page = visit("environments/followed?tab=build")
    page.get_by_text("It is not built here yet").first.wait_for()
    job = place.command("true", environment="azureml:followed:1")
    log = page.get_by_role("log", name="Build log")
    log.get_by_text("Resolved").first.wait_for(timeout=WAIT_S * 1000)  # a real build, with what it loads
    log.get_by_text("ready: ").first.wait_for(timeout=WAIT_S * 1000)
    page.locator(".logbar").get_by_text("built", exact=True).first.wait_for()
    place.ended(job)
    told = place.cli("environment", "show-build-log", "--name", "followed", "--version", "1", "--follow")
    assert "+ six==1.14.0" in told
    with Workspace.connect(place.url, place.token) as ws:
        kept = ws.environments.build_log("followed", label="latest")
    assert (kept.state, kept.version, kept.text) == ("built", "1", told)
    page.reload()
    log.get_by_text("ready: ").first.wait_for()
    page.get_by_label("Search the build log").fill("six==")
    log.get_by_text("Resolved").first.wait_for(state="detached")
    log.get_by_text("six==1.14.0").first.wait_for()
    page.get_by_label("Search the build log").fill("nothing of the kind")
    page.get_by_role("button", name="Show all lines").click()
    page.get_by_role("group", name="Steps of the build").get_by_role("button", name="resolve").click()
    log.get_by_text("ready: ").first.wait_for(state="detached")
    log.get_by_text("Resolved").first.wait_for()


def test_a_failed_build_says_why(visit: Open, studio: Studio) -> None:
    page = visit("environments/impossible?tab=build")
    alert = page.get_by_role("alert")
    alert.get_by_text("cannot be built because of `six==99`").first.wait_for()
    alert.get_by_text("EnvironmentBuildFailed").first.wait_for()
    page.get_by_role("log", name="Build log").get_by_text("No solution found").first.wait_for()
    told = studio.place.api("GET", "/environments/impossible/build-log?version=1")
    assert told["state"] == "failed"


def test_a_build_log_that_cannot_be_read_is_told(visit: Open, studio: Studio) -> None:
    page = visit()
    page.expects_errors = True
    page.route("**/build-log**", lambda route: route.fulfill(status=503, json={"code": "Gone", "message": "no disk"}))
    page.goto(f"{studio.place.url}/environments/impossible?tab=build")
    page.get_by_role("alert").get_by_text("no disk").first.wait_for()
    page.unroute("**/build-log**")
    page.get_by_role("button", name="Retry").first.click()
    page.get_by_role("log", name="Build log").get_by_text("No solution found").first.wait_for()
