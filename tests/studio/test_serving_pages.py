"""Endpoints and models in the browser: from a model's page to its answers, and back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_place import ask, end_serving, seed_serving
from studio_browser import settle
from studio_place import HOSTILE, Place, Studio, until

pytestmark = pytest.mark.slow
AXE = Path(__file__).parents[2] / "studio/node_modules/axe-core/axe.min.js"
Open = Callable[..., Any]
SHOWN = {
    "endpoints": "blue 90 %, green 10 %",
    "endpoints?kind=batch": "nightly",
    "endpoints?q=no_such": "Nothing matches",
    "endpoints/risk": "Under way",
    "endpoints/risk?tab=console": "The sample comes from",
    "endpoints/risk?tab=logs&of=green": "init() is complete",
    "endpoints/risk?tab=history": "blue 100 % → blue 90 %, green 10 %",
    "endpoints/empty": "Nothing is deployed here yet",
    "batch-endpoints/nightly": "Nobody has invoked it yet",
    "models": "champion → 2",
    "models/risk?version=3": "Metrics against the champion, version 2",
    "models/risk?version=2": "checked by the board",
    "models/risk?tab=versions": "log_loss",
    "models/risk?tab=lineage&version=2": "Nothing uses it yet",
    "models/risk?tab=files&path=MLmodel": "python_function",
    "models/risk?tab=history": "better on the patients of site D",
    "models/risk-onnx": "2.4e-7 absolute",
    "endpoints/nobody": "nobody not found",
    "models/nobody": "nobody not found",
}
REFUSED = ("endpoints/nobody", "models/nobody")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A server of its own: its environments are those that other tests built."""
    home = tmp_path_factory.mktemp("serving-pages") / "home"
    home.mkdir(mode=0o700)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests" / "environments"
    cache.mkdir(parents=True, exist_ok=True)
    (home / "environments").symlink_to(cache)
    place = Place(home)
    try:
        seed_serving(place)
        ask(place, 45)
        yield Studio(place, {})
    finally:
        end_serving(place)
        place.stop()


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_shows_what_is_there(visit: Open, studio: Studio, path: str) -> None:
    page = visit()
    page.expects_errors = path in REFUSED
    page.goto(f"{studio.place.url}/{path}")
    page.locator("main").get_by_text(SHOWN[path]).first.wait_for()
    wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], "the page is wider than the window"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_breaks_the_rules_of_accessibility(visit: Open, studio: Studio, theme: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: cd studio && npm ci")
    page = visit(theme=theme)
    page.expects_errors = True
    found = []

    def check(where: str) -> None:
        page.evaluate(AXE.read_text())
        told = page.evaluate(
            "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']})"
        )
        found.extend(
            f"{where}: {item['id']}: {node['html'][:160]} {node['any'][:1] and node['any'][0]['message']}"
            for item in told["violations"]
            for node in item["nodes"][:3]
        )

    for path, text in SHOWN.items():
        page.goto(f"{studio.place.url}/{path}")
        settle(page)
        page.locator("main").get_by_text(text).first.wait_for()
        check(path)
    for button in ("Deploy", "Promote"):
        page.goto(f"{studio.place.url}/models/risk?version=3")
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_role("dialog").first.wait_for()
        check(button)
    assert not found, "\n".join(found)


def test_sec_16_names_and_tags_are_text(visit: Open) -> None:
    for path in ("endpoints", "endpoints/empty", "models", "models/risk?version=3", "models/risk?tab=history"):
        page = visit(path)
        settle(page)
        assert page.locator("main img").count() == 0
        assert page.evaluate("() => window.hacked") is None
    page = visit("endpoints/empty")
    page.locator("main").get_by_text(HOSTILE).first.wait_for()


def test_keys_lead_to_endpoints_and_are_shown_on_request(visit: Open, studio: Studio) -> None:
    page = visit()
    settle(page)
    for key in "ge":
        page.keyboard.press(key)
    page.get_by_role("heading", name="Endpoints", exact=True, level=1).first.wait_for()
    page.get_by_role("link", name="risk", exact=True).click()
    page.get_by_text("Callers send a key").first.wait_for()
    key = studio.place.api("GET", "/online-endpoints/risk/credentials")["primaryKey"]
    assert key not in page.content()
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_text(key).first.wait_for()
    page.get_by_role("button", name="Hide").click()
    page.get_by_text(key).wait_for(state="detached")


def test_two_deployments_are_asked_the_same(visit: Open) -> None:
    page = visit("endpoints/risk?tab=console")
    page.get_by_text("The sample comes from").first.wait_for()
    page.get_by_role("textbox", name="Input as JSON").fill(
        '{"input_data": {"columns": ["age", "bmi"], "data": [[10, 10]]}}'
    )
    page.get_by_label("To", exact=True).select_option("blue")
    page.get_by_label("and to").select_option("green")
    page.keyboard.press("Control+Enter")
    page.get_by_text("They say different things; numbers differ by up to 0.1").first.wait_for()
    answers = page.get_by_label("Answer", exact=True)
    assert [answers.nth(at).inner_text().split() for at in range(2)] == [["[", "100", "]"], ["[", "100.1", "]"]]
    assert "azureml-model-deployment: blue" in page.locator("main").inner_text()


def test_a_version_is_rejected_with_a_reason_and_the_trail_knows(visit: Open, studio: Studio) -> None:
    page = visit("models/risk?version=3")
    page.get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("button", name="Reject").is_disabled()
    dialog.get_by_label("Reason").fill(f"worse {HOSTILE}")
    dialog.get_by_role("button", name="Reject").click()
    dialog.wait_for(state="detached")
    assert studio.place.api("GET", "/models/risk?version=3")["approval"]["state"] == "Rejected"
    page.get_by_role("link", name="History").click()
    page.get_by_text(f"worse {HOSTILE}").first.wait_for()
    assert page.evaluate("() => window.hacked") is None


def test_promotion_says_why_not(visit: Open) -> None:
    page = visit("models/risk?version=1")
    page.get_by_role("button", name="Promote").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Metric").fill("auc")
    dialog.get_by_role("button", name="Look first").click()
    dialog.get_by_role("status").get_by_text("auc, higher is better").first.wait_for()
    assert dialog.get_by_text("moved").count() == 0


OWN_SCRIPT = """
import json, os
def init():
    global factor
    folder = os.environ["AZUREML_MODEL_DIR"]
    found = [os.path.join(top, name) for top, _, names in os.walk(folder, followlinks=True) for name in names if name == "factor.txt"]
    factor = float(open(found[0]).read())
def run(data):
    return [factor * sum(row) for row in json.loads(data)["input_data"]["data"]]
"""


def test_a_model_of_its_own_kind_is_deployed_with_a_script(visit: Open, studio: Studio) -> None:
    place = studio.place
    path = place.tree({"factor.txt": "3"})
    place.api("POST", "/models", {"spec": {"name": "tripling", "type": "custom_model", "path": path}})
    page = visit("models/tripling")
    page.get_by_role("button", name="Deploy", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("neither MLflow nor ONNX").first.wait_for()
    send = dialog.get_by_role("button", name="Deploy", exact=True)
    assert send.is_disabled(), "the template alone is no script"
    script = dialog.get_by_role("textbox", name="Scoring script")
    script.hover()
    dialog.locator(".cm-content").first.wait_for()  # the editor has taken the place of the draft
    script.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(OWN_SCRIPT)
    dialog.get_by_text("scoring_script: score.py").first.wait_for()
    send.click()
    page.wait_for_url(re.compile("/endpoints/tripling"))

    def came_up() -> bool:
        told = place.api("GET", "/online-endpoints/tripling/deployments/blue")
        assert told["provisioning_state"] != "Failed", told["message"]
        return bool(told["provisioning_state"] == "Succeeded")

    until(came_up)
    page.get_by_text("Succeeded").first.wait_for()  # told by the server, without a reload
    body = {"input_data": {"data": [[1, 2], [3, 4]]}}
    until(lambda: place.api("GET", "/online-endpoints/tripling")["traffic"] == {"blue": 100})
    told = place.api("POST", "/online-endpoints/tripling/invoke", {"body": body})
    assert json.loads(told["text"]) == [9.0, 21.0]


def test_from_a_model_to_its_answers_and_back(visit: Open, studio: Studio) -> None:
    """Deploy a version from its page, score it in the console, shift traffic by keys, take that back."""
    place = studio.place
    page = visit("models/risk?version=2")
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_role("dialog").get_by_label("Endpoint").fill("care")
    page.get_by_role("dialog").get_by_role("button", name="Deploy").click()
    page.wait_for_url(re.compile("/endpoints/care"))

    def succeeded(name: str) -> bool:
        told = place.api("GET", f"/online-endpoints/care/deployments/{name}")
        assert told["provisioning_state"] != "Failed", told["message"]
        return bool(told["provisioning_state"] == "Succeeded")

    until(lambda: succeeded("blue"))
    page.get_by_role("link", name="Console").click()
    page.get_by_label("age, row 1").wait_for()
    assert page.get_by_label("bmi, row 1").input_value() == "32.1"
    page.get_by_label("age, row 1").fill("60")
    page.get_by_role("button", name="Send").click()
    page.get_by_label("Answer", exact=True).get_by_text("404.7").first.wait_for()

    page.goto(f"{place.url}/models/risk?version=3")
    page.get_by_role("button", name="Deploy", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Endpoint").fill("care")
    dialog.get_by_text("It is there already.").first.wait_for()
    until(lambda: dialog.get_by_label("Deployment", exact=True).input_value() == "green")
    dialog.get_by_label("Send all traffic to it once it runs").uncheck()
    dialog.get_by_role("button", name="Deploy").click()
    page.wait_for_url(re.compile("/endpoints/care"))
    until(lambda: succeeded("green"))

    border = page.get_by_role("slider", name="Border between blue and green")
    border.focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert border.get_attribute("aria-valuetext") == "blue 88 %, green 12 %"
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("100 % → 88 %").first.wait_for()
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("Traffic changed").first.wait_for()
    assert place.api("GET", "/online-endpoints/care")["traffic"] == {"blue": 88, "green": 12}

    page.get_by_role("link", name="History").click()
    page.get_by_text("blue 100 % → blue 88 %, green 12 %").first.wait_for()
    page.get_by_role("button", name="Take back the last change").click()
    page.get_by_text("taken back", exact=True).first.wait_for()
    assert place.api("GET", "/online-endpoints/care")["traffic"] == {"blue": 100}
    page.goto(f"{place.url}/models/risk?version=2&tab=lineage")
    page.get_by_text("deployment blue, 100 % of the requests").first.wait_for()
