"""What people do: log in, submit and follow, filter and chart, stop, go by keys, and stay while the server is away."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio_browser import settle
from studio_place import Place, Studio, until

Open = Callable[..., Any]


def test_a_stranger_sees_how_to_log_in_and_nothing_else(chrome: Any, studio: Studio) -> None:
    page = chrome.new_context().new_page()
    page.goto(f"{studio.place.url}/jobs/{studio.made['train']}")
    page.get_by_text("Open the link with your token").first.wait_for()
    assert "train forest" not in page.content()
    page.goto(f"{studio.place.url}/jobs/{studio.made['train']}?tab=logs&token={studio.place.token}")
    page.get_by_role("heading", name="train forest").first.wait_for()
    assert page.url == f"{studio.place.url}/jobs/{studio.made['train']}?tab=logs", "the token left the address"
    cookie = page.context.cookies()[0]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    page.context.close()


def test_submit_follow_and_read_what_came_out(visit: Open, studio: Studio) -> None:
    page = visit("submit")
    editor = page.get_by_role("textbox", name="Document of the job")
    editor.wait_for()
    page.get_by_label("name", exact=True).fill("browser")
    page.get_by_text("name: browser").first.wait_for()
    page.get_by_role("button", name="Plan").click()
    page.get_by_text("1 will run").first.wait_for()
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("heading", name="hello").first.wait_for()
    page.locator(".pagehead").get_by_text("Completed").first.wait_for()  # without a reload
    page.get_by_role("link", name="Logs", exact=True).click()
    page.get_by_text("Hello, browser").first.wait_for()
    page.get_by_role("link", name="Outputs", exact=True).click()
    page.get_by_role("button", name="report.md").click()
    page.get_by_role("heading", name="A report").first.wait_for()


def test_what_is_wrong_with_a_document_is_said_where_it_is(visit: Open) -> None:
    page = visit("submit")
    page.expects_errors = True
    editor = page.get_by_role("textbox", name="Document of the job")
    editor.hover()
    page.locator(".cm-content").first.wait_for()  # the editor has taken the place of the draft
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("type: command\ncomand: echo\n")
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("alert").get_by_text("comand").first.wait_for()


def test_a_folder_is_submitted_with_its_code(visit: Open, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src/say.py").write_text("print('said by', __import__('sys').argv[1])\n")
    (folder / "part.yml").write_text(
        "type: command\nname: part\ncode: ./src\ncommand: python say.py ${{inputs.who}}\n"
        "environment: azureml:python@latest\ninputs:\n  who: {type: string}\n"
    )
    (folder / "pipeline.yml").write_text(
        "type: pipeline\ndisplay_name: from a folder\njobs:\n  one:\n    type: command\n    component: ./part.yml\n    inputs: {who: me}\n"
    )
    page = visit("submit")
    page.locator("input[webkitdirectory]").set_input_files(folder)
    page.get_by_text("4 files of project").or_(page.get_by_text("3 files of project")).first.wait_for()
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("heading", name="from a folder").first.wait_for()
    page.locator(".pagehead").get_by_text("Completed").first.wait_for()
    page.get_by_role("button", name="one").first.click()
    page.get_by_role("complementary").get_by_role("link", name="Logs").click()
    page.get_by_text("said by me").first.wait_for()


def test_runs_are_filtered_sorted_chosen_and_compared_by_keys(visit: Open, studio: Studio) -> None:
    page = visit("jobs")
    settle(page)
    page.keyboard.press("/")
    page.keyboard.type("metrics.r2 > 0.5 and params.model = 'boosting'")
    page.keyboard.press("Enter")
    page.get_by_text("boosting-10-0.03").first.wait_for()
    until_gone = page.get_by_role("grid").get_by_text("tree-4-0.01")
    until_gone.wait_for(state="detached")
    page.get_by_role("columnheader", name="metrics.r2").get_by_role("button").click()
    page.wait_for_url(re.compile("sort=metrics.r2"))
    page.get_by_role("grid").focus()
    for key in ("j", "x", "j", "x", "c"):
        page.keyboard.press(key)
    page.get_by_role("heading", name="Compare 2 runs").first.wait_for()
    page.get_by_role("rowheader", name="r2").first.wait_for()
    page.go_back()
    page.get_by_role("grid").first.wait_for()
    assert "boosting" in page.locator("input[data-filter]").input_value()


def test_a_wrong_filter_is_pointed_at(visit: Open) -> None:
    page = visit()
    page.expects_errors = True
    page.goto(page.url + "jobs")
    page.locator("main input[data-filter]").fill("metrics.loss >> 3")
    page.get_by_role("alert").get_by_text("^").first.wait_for()


def test_hiding_a_run_changes_the_color_of_no_other(visit: Open) -> None:
    page = visit("jobs?q=boosting")
    settle(page)
    eyes = page.locator(".line:has-text('boosting') .eye")
    before = [eyes.nth(at).get_attribute("style") for at in range(4)]
    assert len(set(before)) == 4
    page.get_by_role("button", name="Hide in charts").nth(1).click()
    page.wait_for_url(re.compile("eyes="))
    after = [eyes.nth(at).get_attribute("style") for at in range(4)]
    assert [after[at] for at in (0, 2, 3)] == [before[at] for at in (0, 2, 3)]
    assert after[1] != before[1]
    address = page.url
    page.goto(address)
    settle(page)
    assert page.get_by_text("5 runs shown").count() == 1, "the address is the view"


def test_a_view_is_saved_and_found_again(visit: Open) -> None:
    page = visit("jobs?q=forest&view=table")
    settle(page)
    page.get_by_role("button", name="View", exact=True).click()
    page.get_by_role("menuitem", name="Save this view as").click()
    page.get_by_label("Name", exact=True).fill("only forests")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="only forests").first.wait_for()
    other = visit("jobs")
    settle(other)
    other.get_by_role("button", name="View", exact=True).click()
    other.get_by_role("menuitem", name="only forests").first.click()
    other.wait_for_url(re.compile("q=forest"))


def test_a_job_is_stopped_and_the_list_knows_at_once(visit: Open, studio: Studio) -> None:
    job = studio.place.command("sleep 300", display_name="to be stopped")
    page, listing = visit(f"jobs/{job}"), visit("jobs?q=to be stopped&view=table")
    listing.get_by_text("Running").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator(".pagehead").get_by_text("Canceled").first.wait_for()
    listing.get_by_text("Canceled").first.wait_for()


def test_logs_are_followed_and_searched(visit: Open, studio: Studio) -> None:
    page = visit(f"jobs/{studio.made['living']}?tab=logs")
    page.get_by_text(re.compile(r"tick \d+ of the long job")).last.wait_for()
    count = page.locator(".ln").last.inner_text()
    page.wait_for_function("(before) => [...document.querySelectorAll('.ln')].at(-1)?.innerText !== before", arg=count)
    page.get_by_label("Search the log").fill("tick 7 ")
    page.get_by_role("list", name="Hits").get_by_text("tick 7 of the long job").first.wait_for()


def test_keys_lead_everywhere(visit: Open) -> None:
    page = visit()
    settle(page)
    for keys, title in (("gj", "Jobs"), ("gp", "Pipelines"), ("ga", "Data"), ("gm", "Models"), ("gv", "Environments"),
                        ("go", "Components"), ("gt", "Datastores"), ("gc", "Compute"), ("g,", "Settings"), ("gh", "Home")):  # fmt: skip
        for key in keys:
            page.keyboard.press(key)
        page.get_by_role("heading", name=title, exact=True, level=1).first.wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").first.wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Go to a page").fill("train forest")
    page.get_by_role("option").filter(has_text="train forest").first.wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="train forest").first.wait_for()
    page.keyboard.press("y")
    page.get_by_role("complementary", name="This page as code").get_by_text("ws.jobs.get").first.wait_for()


def test_the_page_outlives_the_server(chrome: Any, tmp_path: Path) -> None:
    """The server goes and comes back at the same address: the page says so, then shows what happened meanwhile."""
    place = Place(tmp_path / "home")
    page = chrome.new_context().new_page()
    try:
        job = place.command("sleep 2; echo late", display_name="outlives")
        place.reaches(job, "Running")
        page.goto(place.link)
        page.goto(f"{place.url}/jobs/{job}?tab=logs")
        page.get_by_role("heading", name="outlives").first.wait_for()
        port = int(place.url.rsplit(":", 1)[1])
        place.down()
        page.get_by_text("Reconnecting. Data from").first.wait_for()
        place.start(port)
        page.get_by_text("Reconnecting. Data from").wait_for(state="detached")
        until(lambda: place.status(job) == "Completed")
        page.locator(".pagehead").get_by_text("Completed").first.wait_for()
        page.get_by_text("late").first.wait_for()
    finally:
        page.context.close()
        place.stop()


def test_it_works_below_any_path(chrome: Any, studio: Studio) -> None:
    """Behind a proxy that takes a prefix away and says nothing of it."""
    prefix = "https://proxy.example/team/zaffre/"
    context = chrome.new_context(locale="en-US")
    page = context.new_page()
    asked: list[str] = []

    def through(route: Any) -> None:
        request = route.request
        asked.append(request.url)
        if not request.url.startswith(prefix):
            route.abort()
            return
        headers = {
            key: value
            for key, value in request.headers.items()
            if key not in ("host", "origin", "referer", "sec-fetch-site")
        }
        answer = context.request.fetch(
            studio.place.url + "/" + request.url.removeprefix(prefix), method=request.method, data=request.post_data_buffer,
            headers={**headers, "authorization": f"Bearer {studio.place.token}"}, max_redirects=0,
        )  # fmt: skip
        route.fulfill(response=answer)

    context.route("**/*", through)
    page.goto(prefix + "jobs/" + studio.made["train"])
    page.get_by_role("heading", name="train forest").first.wait_for()
    page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_role("heading", name="Models", exact=True).first.wait_for()
    assert page.url == prefix + "models"
    page.get_by_role("link", name="progression").first.click()
    page.get_by_text("Version 2").first.wait_for()
    page.reload()
    page.get_by_text("Version 2").first.wait_for()
    assert all(url.startswith(prefix) for url in asked), [url for url in asked if not url.startswith(prefix)]
    context.close()


def test_eight_tabs_are_live_together(chrome: Any, studio: Studio) -> None:
    """One WebSocket a tab: browsers allow six ordinary streams to a server, and the seventh page would never load."""
    context = chrome.new_context()
    pages = [context.new_page() for _ in range(8)]
    pages[0].goto(studio.place.link)
    for page in pages:
        page.goto(f"{studio.place.url}/jobs/{studio.made['living']}?tab=logs")
    for page in pages:
        page.get_by_text("Live ·").first.wait_for()
        page.get_by_text(re.compile(r"tick \d+")).first.wait_for()
    context.close()


def test_charts_are_arranged_by_keys_and_the_change_is_taken_back(visit: Open) -> None:
    page = visit("jobs?q=boosting")
    settle(page)
    titles = page.locator(".panels h3")
    titles.nth(3).wait_for()
    before = titles.all_inner_texts()
    grip = page.get_by_role("button", name="Move this chart")
    grip.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("charts="))
    page.get_by_text("Place 2 of 4").wait_for(state="attached")
    assert titles.all_inner_texts() == [before[1], before[0], *before[2:]]
    page.keyboard.press("ArrowDown")  # the grip went with its chart and still has the focus
    page.get_by_text("Place 4 of 4").wait_for(state="attached")
    assert titles.all_inner_texts() == [before[1], before[2], before[3], before[0]]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.get_by_text("Undone").wait_for(state="attached")
    assert titles.all_inner_texts() == before
    page.keyboard.press("Control+Shift+z")
    page.get_by_text("Done again").wait_for(state="attached")
    assert titles.all_inner_texts()[1] == before[0]
    grip.nth(0).drag_to(grip.nth(3))
    page.get_by_text("Place 4 of 4").wait_for(state="attached")
    assert titles.all_inner_texts()[3] == before[1]


def test_logs_are_searched_by_expressions(visit: Open, studio: Studio) -> None:
    page = visit(f"jobs/{studio.made['train']}?tab=logs")
    page.expects_errors = True
    page.get_by_label("Search the log").wait_for()
    page.get_by_role("button", name="Regular expression").click()
    page.get_by_label("Search the log").fill(r"step 2[0-3]9 loss \d")
    hits = page.get_by_role("list", name="Hits").get_by_role("listitem")
    hits.nth(3).wait_for()
    assert hits.count() == 4
    page.get_by_label("Search the log").fill("step (")
    page.get_by_role("alert").get_by_text("not a regular expression").first.wait_for()


def test_lineage_goes_through_several_jobs(visit: Open, studio: Studio) -> None:
    page = visit(f"jobs/{studio.made['broken']}")
    steps = studio.place.api("GET", f"/jobs/{studio.made['broken']}/states")["items"]
    compare = next(item["job"] for item in steps if item["node"] == "compare_folds")
    page.goto(f"{studio.place.url}/jobs/{compare}?tab=lineage&depth=5")
    listed = page.get_by_role("region", name="Made from and used by")
    listed.get_by_text("load_patients").first.wait_for()
    listed.get_by_text("write_report").first.wait_for()
    page.locator(".react-flow__node").nth(5).wait_for()


def test_a_lost_answer_is_asked_for_again_and_done_once(visit: Open, studio: Studio) -> None:
    """The network goes after the server heard the request: the same key makes it the same job."""
    page = visit("submit")
    page.expects_errors = True
    lost: list[str] = []

    def lose_first(route: Any) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.request.headers["idempotency-key"])
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(re.compile(r"/jobs$"), lose_first)
    editor = page.get_by_role("textbox", name="Document of the job")
    editor.hover()
    page.locator(".cm-content").first.wait_for()  # the editor has taken the place of the draft
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(
        "type: command\ncommand: echo once\nenvironment: azureml:python@latest\ndisplay_name: only once\n"
    )
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("heading", name="only once").first.wait_for()
    assert lost
    assert len([item for item in studio.place.api("GET", "/jobs")["items"] if item["display_name"] == "only once"]) == 1
