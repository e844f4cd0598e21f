"""The Studio over a lot: 100,000 runs, 1,500 metrics of a run, a million points, 500 steps, a log of 1 GB, 100,000 files.

    python benchmarks/studio.py [--repeat 5] [--only WORD]

Fills a server of its own, opens its pages in the installed Chromium, each time as somebody who has never been there, and
prints a table. *Interactive* is when the page shows what it is about and has answered a key, counted from the start of
the navigation. *Blocked* is the time of tasks of the page above 50 ms each, *page* and *server* are processor time, which
say more than the clock on a busy machine. Actions are counted from the event to the last change that it made: in the
document, or on a canvas. Median of the repetitions, and the worst of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).parents[1]
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests/studio")]
from playwright.sync_api import Page, sync_playwright
from scale_place import OLDER_MS, Much, fill
from studio_browser import Traffic, chromium
from studio_place import Place

from zaffre.base.clock import now_ms
from zaffre.base.home import Home
from zaffre.store.db import Database
from zaffre.store.run_key_counts import AT_ONCE, count_quiet

LAYERS, ACROSS = 25, 20  # 500 steps, each of which needs three of the layer above
TICKS = os.sysconf("SC_CLK_TCK")
# What the page itself notes: tasks that block it, and when a canvas was last drawn on.
NOTES = """
window.bench = { drawn: 0, tasks: [] };
new PerformanceObserver((list) => { for (const task of list.getEntries()) bench.tasks.push(task.duration); }).observe({ type: "longtask", buffered: true });
for (const name of ["stroke", "fill", "fillText"]) {
  const former = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...rest) { bench.drawn = performance.now(); return former.apply(this, rest); };
}
"""
INTERACTIVE = """([selector, count, text, target, key, answer]) => new Promise((done, fail) => {
  let shown = 0;
  const look = () => {
    const main = document.querySelector("main");
    if (!shown && main && document.querySelectorAll(selector).length >= count && main.textContent.includes(text)) {
      shown = performance.now();
      document.querySelector(target).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }
    if (shown && document.querySelector(answer)) done([shown, performance.now()]);
    else if (performance.now() > 60_000) fail(new Error(shown ? `no answer to ${key}` : `${document.querySelectorAll(selector).length} of ${count} ${selector}, text ${text}`));
    else requestAnimationFrame(look);
  };
  look();
})"""
ACT = """([kind, selector, value]) => new Promise((done) => {
  const target = kind === "press" ? [...document.querySelectorAll("main button")].find((button) => button.textContent === selector) : document.querySelector(selector);
  let last = 0;
  const start = performance.now();
  const watch = new MutationObserver(() => { last = performance.now(); });
  watch.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  if (kind === "click" || kind === "press") target.click();
  else if (kind === "key") target.dispatchEvent(new KeyboardEvent("keydown", { ...JSON.parse(value), bubbles: true, cancelable: true }));
  else {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(target, value);
    target.dispatchEvent(new Event("input", { bubbles: true }));
    target.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  }
  const end = () => {
    const changed = Math.max(last, bench.drawn);
    if (performance.now() - start > 400 && performance.now() - Math.max(changed, start) > 250) { watch.disconnect(); done(changed - start); }
    else setTimeout(end, 20);
  };
  end();
})"""
FRAMES = """([kind, selector]) => new Promise((done) => {
  const target = document.querySelector(selector);
  const frames = [];
  let former = performance.now();
  const step = (now) => {
    frames.push(performance.now() - former);
    former = performance.now();
    if (frames.length > 60) return done(frames.slice(1).sort((one, other) => one - other)[Math.floor(59 * 0.95)]);
    const box = target.getBoundingClientRect();
    if (kind === "scroll") target.scrollTop += 300;
    else target.dispatchEvent(new WheelEvent("wheel", { deltaY: frames.length % 20 < 10 ? 40 : -40, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true }));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


@dataclass
class Visit:
    """One page, by what it is about: so many of `selector`, and `text`; `key` on `target` makes `answer` appear."""

    name: str
    path: str
    most_ms: float
    selector: str = "main h1"
    count: int = 1
    text: str = ""
    target: str = "body"
    key: str = "["
    answer: str = ".shell.narrow"
    slow: bool = False  # a processor a quarter as fast, and 10 Mbit/s


@dataclass
class Act:
    """What somebody does on a page that is there: `times` of them, in ms."""

    name: str
    path: str
    most_ms: float
    ready: str
    do: Callable[[Page], float]


def visits(much: Much) -> list[Visit]:
    rows: dict[str, Any] = {
        "selector": "[data-grid] .line",
        "count": 10,
        "target": "[data-grid]",
        "key": "j",
        "answer": ".line.current",
    }
    hundred = "~".join(much.drawn[:100])
    line = quote("line|metrics.train_loss")
    return [
        Visit("Jobs, 100,000 runs: first visit", "jobs", 1000, **rows),
        Visit("the same, charts drawn", "jobs", 2000, ".u-over", 4),
        Visit("the same, CPU 4x slower, 10 Mbit/s", "jobs", 4000, slow=True, **rows),
        Visit("Jobs, filter in the address", "jobs?view=table&q=" + quote("metrics.train_loss < 0.8"), 1000, **rows),
        Visit("Home", "", 1000, text="Recent jobs"),
        Visit("chart of 100 runs", f"jobs?view=charts&charts={line}&eyes={hundred}", 1000, ".u-over"),
        Visit("compare 100 runs", f"compare?runs={hundred}", 2000, text="train_loss"),
        Visit("run with 1,500 metrics", f"jobs/{much.wide}", 1000, text="gain_"),
        Visit("its charts", f"jobs/{much.wide}?tab=charts", 1000, ".u-over"),
        Visit("metric of 1,000,000 points", f"jobs/{much.long}?tab=charts", 1000, ".u-over", text="bucketed"),
        Visit("pipeline of 500 steps, list", f"jobs/{much.pipeline}", 1000, ".stepitem", 20),
        Visit("pipeline of 500 steps, graph", f"jobs/{much.pipeline}", 2000, ".react-flow__node"),
        Visit("log of 1 GB", f"jobs/{much.printer}?tab=logs", 1000, text="029999 an ordinary line"),
        Visit("folder of 100,000 files", f"jobs/{much.printer}?tab=outputs", 1000, text="image_000000.png"),
        Visit("Models", "models", 1000),
        Visit("Submit", "submit", 1000, ".draft"),
    ]


def actions(much: Much) -> list[Act]:
    def act(kind: str, selector: str, value: str = "") -> Callable[[Page], float]:
        return lambda page: float(page.evaluate(ACT, [kind, selector, value]))

    def frames(kind: str, selector: str) -> Callable[[Page], float]:
        return lambda page: float(page.evaluate(FRAMES, [kind, selector]))

    sweep = f"jobs?eyes={'~'.join(much.drawn[:10])}&q=" + quote('experiment = "many"')
    return [
        Act(
            "sort 100,000 runs by a metric",
            "jobs?view=table",
            150,
            "[data-grid] .line",
            act("click", "[role=columnheader]:nth-child(4) button"),
        ),
        Act(
            "filter them",
            "jobs?view=table",
            150,
            "[data-grid] .line",
            act("write", "main [data-filter]", "metrics.train_loss < 0.8"),
        ),
        Act(
            "hide a run in 4 charts",
            sweep,
            150,
            ".u-over",
            lambda page: (page.locator("[data-grid]").press("j"), act("key", "[data-grid]", '{"key": " "}')(page))[1],
        ),
        Act("logarithmic axis, 4 charts", sweep, 150, ".u-over", act("press", "Log")),
        Act(
            "palette opens",
            "jobs",
            100,
            "[data-grid] .line",
            lambda page: (page.wait_for_timeout(11_000), act("key", "body", '{"key": "k", "ctrlKey": true}')(page))[1],
        ),
        Act(
            "scroll the runs, p95 of frames",
            "jobs?view=table",
            50,
            "[data-grid] .line",
            frames("scroll", "[data-grid]"),
        ),
        Act(
            "zoom the graph of 500 steps, p95",
            f"jobs/{much.pipeline}",
            75,
            ".react-flow__node",
            frames("wheel", ".react-flow__pane"),
        ),
    ]


class Bench:
    def __init__(self, place: Place, browser: Any, repeat: int) -> None:
        self.place, self.browser, self.repeat = place, browser, repeat

    def page(self) -> Page:
        context = self.browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        context.request.get(self.place.link, max_redirects=0)
        context.add_init_script(NOTES)
        page: Page = context.new_page()
        page.set_default_timeout(60_000)
        return page

    def server_ms(self) -> float:
        parts = Path(f"/proc/{self.place.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) * 1000 / TICKS

    def visit(self, case: Visit) -> list[str]:
        seen: list[dict[str, float]] = []
        for _ in range(self.repeat):
            page = self.page()
            traffic = Traffic(page)
            devtools = page.context.new_cdp_session(page)
            devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
            if case.slow:
                devtools.send("Network.enable")
                devtools.send(
                    "Network.emulateNetworkConditions",
                    {"offline": False, "latency": 20, "downloadThroughput": 1_250_000, "uploadThroughput": 1_250_000},
                )
                devtools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
            before = self.server_ms()
            page.goto(f"{self.place.url}/{case.path}", wait_until="commit")
            _, answered = page.evaluate(
                INTERACTIVE, [case.selector, case.count, case.text, case.target, case.key, case.answer]
            )
            page.wait_for_timeout(600)
            told = {item["name"]: item["value"] for item in devtools.send("Performance.getMetrics")["metrics"]}
            blocked = page.evaluate("() => bench.tasks.reduce((sum, task) => sum + task - 50, 0)")
            seen.append({"ms": answered, "kb": traffic.total() / 1000, "requests": len(traffic.items), "blocked": blocked,
                         "page": told["TaskDuration"] * 1000, "server": self.server_ms() - before})  # fmt: skip
            page.context.close()
        middle = {name: statistics.median(item[name] for item in seen) for name in seen[0]}
        worst = max(item["ms"] for item in seen)
        return [case.name, f"{case.most_ms / 1000:.1f} s", f"{middle['ms'] / 1000:.2f} s{' (missed)' if middle['ms'] > case.most_ms else ''}", f"{worst / 1000:.2f} s",
                *(f"{middle[name]:.0f}" for name in ("kb", "requests", "blocked", "page", "server"))]  # fmt: skip

    def act(self, case: Act) -> list[str]:
        seen = []
        for _ in range(self.repeat):
            page = self.page()
            page.goto(f"{self.place.url}/{case.path}")
            page.locator(case.ready).first.wait_for()
            page.wait_for_timeout(800)
            seen.append(case.do(page))
            page.context.close()
        middle = statistics.median(seen)
        return [
            case.name,
            f"{case.most_ms:.0f} ms",
            f"{middle:.0f} ms{' (missed)' if middle > case.most_ms else ''}",
            f"{max(seen):.0f} ms",
        ]


def count(place: Place) -> None:
    """Count the keys of runs that are quiet, as the server does when it has nothing else to do."""
    db = Database(f"sqlite:///{Home(place.home).database}")
    found = AT_ONCE
    while found == AT_ONCE:
        with db.write() as connection:
            found = count_quiet(db, connection, now_ms() - OLDER_MS, now_ms() - OLDER_MS)
    db.close()


def steps() -> dict[str, Any]:
    """Layers of steps with names that do not end in a number, so that none are stacked into one."""

    def name(layer: int, at: int) -> str:
        return f"stage_{chr(97 + layer)}_{chr(97 + at)}"

    made: dict[str, Any] = {}
    for layer in range(LAYERS):
        for at in range(ACROSS):
            above = [name(layer - 1, (at + shift) % ACROSS) for shift in range(3)] if layer else []
            made[name(layer, at)] = {
                "type": "command", "command": "true " + " ".join(f"${{{{inputs.i{number}}}}}" for number in range(len(above))),
                "environment": "azureml:python@latest", "outputs": {"o": {"type": "uri_folder"}},
                "inputs": {f"i{number}": f"${{{{parent.jobs.{step}.outputs.o}}}}" for number, step in enumerate(above)},
            }  # fmt: skip
    return made


def row(cells: list[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", default="", help="the cases whose name holds it")
    asked = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        place = Place(Path(folder) / "home")
        browser = chromium(playwright)
        try:
            much = fill(place, steps())
            count(place)
            print(
                f"filled in {time.monotonic() - start:.0f} s; Chromium {browser.version}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
            )
            bench = Bench(place, browser, asked.repeat)
            row(
                [
                    "First visit",
                    "Budget",
                    "Interactive",
                    "Worst",
                    "KB",
                    "Requests",
                    "Blocked ms",
                    "Page ms",
                    "Server ms",
                ]
            )
            row(["---"] * 9)
            for visit in visits(much):
                if asked.only in visit.name:
                    row(bench.visit(visit))
            print()
            row(["Action", "Budget", "Median", "Worst"])
            row(["---"] * 4)
            for act in actions(much):
                if asked.only in act.name:
                    row(bench.act(act))
        finally:
            browser.close()
            place.stop()
    print(f"\n{time.monotonic() - start:.0f} s in all")


if __name__ == "__main__":
    main()
