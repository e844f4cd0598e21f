"""A change that somebody makes elsewhere shows on every page without a reload: the page is told, it does not wait for
its next look, which is later (20 s) than these tests wait (15 s)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_place import end_serving
from studio_browser import settle
from studio_place import PYTHON, Place, Studio
from test_live import hear, say, socket
from websockets.sync.client import ClientConnection

Open = Callable[..., Any]
Names = dict[str, str]  # of jobs; `folder`: with one file
Change = Callable[[Place, Names], object]


def cli(*words: str) -> Change:
    return lambda place, names: place.cli(*(word.format(**names) for word in words))


def api(method: str, path: str, body: dict[str, Any]) -> Change:
    return lambda place, _: place.api(method, path, body)


def track(path: str, body: dict[str, str]) -> Change:
    return lambda place, names: place.track(path, {key: text.format(**names) for key, text in body.items()})


def document(noun: str, spec: dict[str, Any]) -> Change:
    """`zaffre NOUN create -f`: JSON is YAML."""

    def change(place: Place, names: Names) -> None:
        path = Path(names["folder"]) / f"{noun}.yml"
        path.write_text(json.dumps(spec))
        place.cli(noun, "create", "-f", str(path))

    return change


CHANGES: dict[str, tuple[str, Change, str]] = {  # page, what is done elsewhere, what shows then
    "jobs": ("jobs?view=table", cli("job", "update", "-n", "{job}", "--set", "display_name=told of on jobs"), "told of on jobs"),
    "job": ("jobs/{job}", cli("job", "update", "-n", "{job}", "--set", "tags.reviewed=by-olga"), "reviewed: by-olga"),
    "run": ("jobs/{run}", track("runs/set-tag", {"run_id": "{run}", "key": "looked", "value": "at it"}), "looked: at it"),
    "pipelines": ("pipelines", cli("job", "update", "-n", "{line}", "--set", "display_name=told pipeline"), "told pipeline"),
    "data": ("data", cli("data", "create", "-n", "told_data", "--path", "{folder}"), "told_data"),
    "data version": ("data/quiet", cli("data", "update", "-n", "quiet", "-v", "1", "--set", "tags.told=data"), "told: data"),
    "models": ("models", cli("model", "create", "-n", "told_model", "--path", "{folder}"), "told_model"),
    "model": ("models/quiet", cli("model", "update", "-n", "quiet", "-v", "1", "--set", "tags.told=model"), "told: model"),
    "model, by MLflow": ("models/quiet", track("registered-models/alias", {"name": "quiet", "alias": "blessed", "version": "1"}), "blessed"),
    "environments": ("environments", document("environment", {"name": "told_environment", "image": "python:3.11"}), "told_environment"),
    "environment": ("environments/quiet", cli("environment", "update", "-n", "quiet", "-v", "1", "--set", "tags.told=environment"), "told: environment"),
    "components": ("components/quiet", cli("component", "update", "-n", "quiet", "-v", "1", "--set", "tags.told=component"), "told: component"),
    "compute": ("compute", cli("compute", "create", "-n", "told-slots", "--type", "amlcompute", "--max-instances", "3"), "told-slots"),
    "datastores": ("datastores", document("datastore", {"name": "told_store", "type": "local_folder", "path": "/srv/told"}), "told_store"),
    "endpoints": ("endpoints", cli("online-endpoint", "create", "-n", "told-endpoint"), "told-endpoint"),
    "endpoint": ("endpoints/quiet", cli("online-endpoint", "update", "-n", "quiet", "--set", "tags.told=endpoint"), "told: endpoint"),
    "batch endpoints": ("endpoints?kind=batch", api("POST", "/batch-endpoints", {"spec": {"name": "told-batch"}}), "told-batch"),
    "batch endpoint": ("batch-endpoints/quiet-batch", api("PATCH", "/batch-endpoints/quiet-batch", {"changes": {"description": "told of it"}}), "told of it"),
}  # fmt: skip


@pytest.fixture(scope="module")
def quiet(studio: Studio) -> Iterator[Names]:
    """One of each that no other test looks at."""
    place = studio.place
    file = place.tree({"file.txt": "1"})
    place.api("POST", "/data", {"spec": {"name": "quiet", "type": "uri_folder", "path": file}})
    place.api("POST", "/models", {"spec": {"name": "quiet", "type": "custom_model", "path": file}})
    place.api("POST", "/environments", {"spec": {"name": "quiet", "image": "python:3.11"}})
    component = {"name": "quiet", "type": "command", "command": "true", "environment": PYTHON}
    place.api("POST", "/components", {"spec": component})
    place.api("POST", "/online-endpoints", {"spec": {"name": "quiet"}})
    place.api("POST", "/batch-endpoints", {"spec": {"name": "quiet-batch"}})
    step = {"type": "command", "command": "true", "environment": PYTHON}
    names = {"job": place.command("true"), "line": place.submit({"type": "pipeline", "jobs": {"one": step}})}
    for name in names.values():
        place.ended(name)
    yield {**names, "run": place.run("quiet", "quiet", {"lr": 1}, {"loss": [1.0]})}
    end_serving(place)


@pytest.mark.parametrize("what", CHANGES)
def test_what_others_change_shows_without_a_reload(
    visit: Open, studio: Studio, quiet: Names, tmp_path: Path, what: str
) -> None:
    path, change, text = CHANGES[what]
    page = visit(path.format(**quiet))
    settle(page)
    page.locator(".rail").get_by_text("Live").first.wait_for()
    page.evaluate("() => { window.same = true }")
    (tmp_path / "file.txt").write_text("1")
    change(studio.place, {**quiet, "folder": str(tmp_path)})
    start = time.monotonic()
    page.wait_for_function("text => document.querySelector('main').innerText.includes(text)", arg=text)
    print(f"{what}: {time.monotonic() - start:.2f} s after it was done")
    assert page.evaluate("() => window.same"), "the page was loaded again"


@pytest.mark.usefixtures("quiet")
def test_one_who_listens_again_misses_nothing(studio: Studio) -> None:
    with socket(studio) as opened:
        say(opened, op="sub", topic="changes")
        studio.place.api("PATCH", "/environments/quiet", {"version": "1", "tags": {"seen": "1"}})
        since = nouns_until(opened, "environment")
    studio.place.api("PATCH", "/data/quiet", {"version": "1", "tags": {"seen": "1"}})
    with socket(studio) as opened:  # it was away meanwhile
        say(opened, op="sub", topic="changes", since=since)
        nouns_until(opened, "data")
    with socket(studio) as opened:  # longer than anybody remembers, or at another server
        say(opened, op="sub", topic="changes", since="1")
        assert hear(opened, "gap")["topic"] == "changes"


def nouns_until(opened: ClientConnection, noun: str) -> str:
    while True:
        frame = hear(opened, topic="changes")
        if noun in {word[0] for word in frame["data"]["changes"]}:
            return str(frame["seq"])


@pytest.mark.usefixtures("quiet")
def test_another_workspace_hears_nothing_of_this_one(studio: Studio) -> None:
    studio.place.http.post("/api/workspaces", json={"spec": {"name": "elsewhere"}}).raise_for_status()
    with socket(studio, "elsewhere") as there, socket(studio) as here:
        for opened in (there, here):
            say(opened, op="sub", topic="changes")
        studio.place.api("PATCH", "/components/quiet", {"version": "1", "tags": {"seen": "1"}})
        nouns_until(here, "component")
        asked = {"spec": {"name": "only_there", "image": "python:3.11"}}
        studio.place.http.post("/api/workspaces/elsewhere/environments", json=asked).raise_for_status()
        seen: set[str] = set()
        while "environment" not in seen:
            seen |= {word[0] for word in hear(there, topic="changes")["data"]["changes"]}
    assert "component" not in seen
