"""Pictures of every page of the Studio, in both themes, for a person to look at: `python tools/shots.py FOLDER`.

Starts a server with something of everything, opens each page in an installed Chromium and writes one picture per page
and theme, and `sheet-<theme>.png` with all of them. `--url LINK --names FILE` uses a server that runs already;
`--only WORD` takes the pages whose name holds it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/studio"))
from serving_place import ask, end_serving, seed_serving
from studio_browser import chromium, settle
from studio_place import Place, seed

SIZE = {"width": 1440, "height": 900}


def pages(made: dict[str, str]) -> dict[str, str]:
    job = {name: f"jobs/{made[name]}" for name in ("run", "train", "failed", "pipeline", "broken", "wide", "living")}
    return {
        "home": "",
        "jobs": "jobs",
        "jobs-table": "jobs?view=table&group=params.model",
        "jobs-charts": "jobs?view=charts&charts="
        + quote(
            "line|metrics.val_loss~scatter|params.lr|metrics.r2~bar|metrics.r2~histogram|metrics.val_loss"
            "~parallel|params.lr|params.depth|params.model|metrics.val_loss|metrics.r2"
        ),
        "compare": "compare?runs={run}~{hostile}".format(**made),
        "submit": "submit",
        "run": job["train"],
        "run-metrics": job["run"],
        "run-charts": f"{job['run']}?tab=charts",
        "run-logs": f"{job['train']}?tab=logs",
        "run-logs-live": f"{job['living']}?tab=logs",
        "run-outputs": f"{job['train']}?tab=outputs&path=outputs/plots/residuals.png",
        "run-table": f"{job['train']}?tab=outputs&path=outputs/predictions.csv",
        "run-code": f"{job['train']}?tab=code",
        "run-environment": f"{job['train']}?tab=environment",
        "run-lineage": f"{job['train']}?tab=lineage",
        "run-failed": job["failed"],
        "pipelines": "pipelines",
        "pipeline": f"{job['pipeline']}?step=compare_folds",
        "pipeline-broken": job["broken"],
        "pipeline-wide": job["wide"],
        "pipeline-timeline": f"{job['broken']}?tab=timeline",
        "data": "data",
        "data-preview": "data/patients?tab=preview",
        "data-profile": "data/patients?tab=profile",
        "data-diff": "data/patients?tab=diff",
        "models": "models",
        "model": "models/progression",
        "model-version": "models/risk?version=3",
        "model-versions": "models/risk?tab=versions",
        "model-lineage": "models/risk?version=2&tab=lineage",
        "model-files": "models/risk?tab=files&path=MLmodel",
        "model-history": "models/risk?tab=history",
        "model-onnx": "models/risk-onnx",
        "endpoints": "endpoints",
        "endpoint": "endpoints/risk",
        "endpoint-console": "endpoints/risk?tab=console",
        "endpoint-logs": "endpoints/risk?tab=logs",
        "endpoint-history": "endpoints/risk?tab=history",
        "endpoint-empty": "endpoints/empty",
        "endpoint-batch": "batch-endpoints/nightly",
        "environments": "environments",
        "environment": "environments/forest",
        "component": "components/count_rows",
        "compute": "compute",
        "datastores": "datastores",
        "settings": "settings",
    }


def shoot(folder: Path, link: str, made: dict[str, str], only: str | None, themes: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    root = link.split("?", maxsplit=1)[0]
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        for theme in themes:
            context = browser.new_context(
                viewport=SIZE, color_scheme=theme, reduced_motion="reduce", device_scale_factor=1
            )
            page = context.new_page()
            page.on(
                "console", lambda message: message.type == "error" and print("console:", message.text, file=sys.stderr)
            )
            page.on("pageerror", lambda error: print("error:", error, file=sys.stderr))
            page.goto(link)
            shots = []
            for name, path in pages(made).items():
                if only and only not in name:
                    continue
                page.goto(root + path)
                settle(page)
                page.wait_for_timeout(500)
                target = folder / f"{name}-{theme}.png"
                page.screenshot(path=target)
                shots.append(target)
                print(target)
            context.close()
            sheet(shots, folder / f"sheet-{theme}.png")
        browser.close()


def sheet(shots: list[Path], target: Path) -> None:
    try:
        from PIL import Image
    except ImportError:
        print("no sheet: Pillow is not installed", file=sys.stderr)
        return
    wide, high, across = 480, 300, 4
    made = Image.new("RGB", (across * wide, -(-len(shots) // across) * high))
    for at, shot in enumerate(shots):
        made.paste(Image.open(shot).resize((wide, high)), (at % across * wide, at // across * high))
    made.save(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="link of a server, with its token")
    parser.add_argument("--names", type=Path, help="JSON file with the names that `seed` gave")
    parser.add_argument("--only")
    parser.add_argument("--theme", choices=["light", "dark"])
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    themes = [asked.theme] if asked.theme else ["light", "dark"]
    if asked.url:
        shoot(asked.folder, asked.url, json.loads(asked.names.read_text()), asked.only, themes)
        return
    with tempfile.TemporaryDirectory() as place:
        server = Place(Path(place) / "home")
        try:
            made = seed(server)
            seed_serving(server)
            ask(server, 90)
            shoot(asked.folder, server.link, made, asked.only, themes)
        finally:
            end_serving(server)
            server.stop()


if __name__ == "__main__":
    main()
