"""Every page in a real browser on a real server: it shows what is there, and nothing goes wrong or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from studio_browser import settle
from studio_place import HOSTILE, Studio

AXE = Path(__file__).parents[2] / "studio/node_modules/axe-core/axe.min.js"
SHOWN: dict[str, str] = {
    "": "Recent jobs",
    "jobs": "boosting-10-0.03",
    "jobs?view=table&group=params.model": "model: forest",
    "jobs?view=charts": "val_loss",
    "jobs?view=charts&eyes={train}&charts=images|outputs%252Fplots%252Fresiduals.png": "train forest",
    "jobs?view=charts&charts=note|%2523%2520Why": "Why",
    "jobs?q=nothing_is_called_this": "No run matches",
    "jobs?q=metrics.r2 >": "^",
    "compare?runs={run}~{hostile}": "baseline",
    "compare?runs={run}~{hostile}&tab=charts": "train_loss",
    "submit": "$schema",
    "submit?from={train}": "python train.py",
    "jobs/{train}": "Baseline with the cleaned table.",
    "jobs/{run}": "train_loss",
    "jobs/{run}?tab=charts": "learning_rate",
    "jobs/{train}?tab=logs": "done in 4.1 s",
    "jobs/{failed}": "exit status 1",
    "jobs/{failed}?tab=logs": "ValueError: column bmi is missing",
    "jobs/{train}?tab=outputs&path=outputs/predictions.csv": "predicted",
    "jobs/{train}?tab=outputs&path=outputs/report.md": "explains 46 % of the variance",
    "jobs/{train}?tab=outputs&path=outputs/config.json": "features",
    "jobs/{train}?tab=code": "train.py",
    "jobs/{train}?tab=environment": "Packages",
    "jobs/{train}?tab=lineage": "model",
    "jobs/{pipeline}": "reused",
    "jobs/{pipeline}?step=compare_folds": "Why it was reused",
    "jobs/{broken}": "write_report",
    "jobs/{broken}?tab=timeline": "Duration",
    "jobs/{wide}": "train_fold ×12",
    "pipelines": "progression nightly",
    "data": "patients",
    "data/patients": "content",
    "data/patients?tab=preview": "progression",
    "data/patients?tab=profile": "444 rows",
    "data/patients?tab=diff": "1 file differ",
    "data/patients?tab=lineage": "count patients",
    "models": "progression",
    "models/progression": "Version 2",
    "models/progression?tab=versions": "champion",
    "models/progression?tab=lineage": "Made by",
    "environments": "forest",
    "environments/forest": "python:3.11",
    "environments/minimal": "curated",
    "environments/minimal?tab=build": "packages, ",
    "environments/never_built?tab=build": "It is not built here yet",
    "environments/forest?tab=lineage": "Nothing is known",
    "environments/impossible?tab=build": "no version of six==99",
    "components/count_rows": "a table",
    "compute": "waits for 1 of 1 instances of one-slot",
    "datastores": "workspaceblobstore",
    "settings": "Appearance",
    "jobs/no_such_job": "no_such_job",
    "nothing/here": "There is no such page",
}  # fmt: skip
REFUSED = ("jobs/no_such_job", "nothing/here", "jobs?q=metrics.r2 >")


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_shows_what_is_there(visit: Callable[..., Any], studio: Studio, path: str) -> None:
    page = visit()
    page.expects_errors = path in REFUSED  # the browser logs an answer of 404 or 400
    page.goto(f"{studio.place.url}/{path.format(**studio.made)}")
    page.locator("main").get_by_text(SHOWN[path]).first.wait_for()
    assert page.evaluate("() => window.hacked") is None
    high = page.evaluate(
        "() => [document.documentElement.scrollHeight, innerHeight, document.querySelector('main').offsetHeight]"
    )
    assert high[0] <= high[1], "the page itself scrolls"
    assert high[2] == high[1], "the page does not fill the window"
    wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], "the page is wider than the window"


def test_sec_16_names_are_text_everywhere(visit: Callable[..., Any], studio: Studio) -> None:
    """Names of runs, metrics, parameters, experiments, tags and files are what they are, never markup."""
    for path in ("jobs?view=table", f"jobs/{studio.made['hostile']}", f"jobs/{studio.made['hostile']}?tab=charts", "",
                 f"compare?runs={studio.made['hostile']}"):  # fmt: skip
        page = visit(path)
        settle(page)
        assert page.evaluate("() => window.hacked") is None
        assert page.locator("main img").count() == 0
    page = visit(f"jobs/{studio.made['hostile']}")
    page.get_by_role("heading", name=HOSTILE).first.wait_for()
    page.goto(f"{studio.place.url}/jobs/{studio.made['hostile']}?tab=charts")
    page.locator(".u-over").first.hover()
    assert page.evaluate("() => window.hacked") is None


def test_sec_16_html_of_a_job_runs_in_a_closed_frame(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit(f"jobs/{studio.made['train']}?tab=outputs&path=outputs/page.html")
    frame = page.frame_locator("iframe")
    frame.get_by_text("Inside of a frame").first.wait_for()
    inner = next(item for item in page.frames if "render=true" in item.url)
    assert inner.evaluate("() => document.title") == "ran", "its own scripts run"
    assert inner.evaluate("() => origin") == "null"
    assert (
        inner.evaluate("() => { try { return document.cookie } catch (error) { return error.name } }")
        == "SecurityError"
    )
    assert (
        inner.evaluate("() => { try { return String(parent.document.title) } catch (error) { return error.name } }")
        == "SecurityError"
    )


def test_pictures_of_a_job_are_shown(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit(f"jobs/{studio.made['train']}?tab=outputs&path=outputs/plots/residuals.png")
    page.wait_for_function("() => document.querySelector('main img')?.naturalWidth === 360")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_breaks_the_rules_of_accessibility(visit: Callable[..., Any], studio: Studio, theme: str) -> None:
    """axe on every page; it comes with `npm ci` in studio/, as CI does."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: cd studio && npm ci")
    page = visit(theme=theme)
    page.expects_errors = True
    found = []
    for path, text in SHOWN.items():
        page.goto(f"{studio.place.url}/{path.format(**studio.made)}")
        settle(page)
        page.locator("main").get_by_text(text).first.wait_for()
        page.evaluate(AXE.read_text())
        told = page.evaluate(
            "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']})"
        )
        found += [
            f"{path}: {item['id']}: {node['html'][:160]} {node['any'][:1] and node['any'][0]['message']}"
            for item in told["violations"]
            for node in item["nodes"][:3]
        ]
    assert not found, "\n".join(found)
