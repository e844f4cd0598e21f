"""The pictures that runs logged, as series of steps, for several runs side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zaffre.base.confine import list_folder
from zaffre.core.image_series import shot_of
from zaffre.services.context import Context
from zaffre.services.jobs.log import source_of
from zaffre.store import jobs as store
from zaffre.wire.runs import FindImages, ImageSeries, RunImage, RunImages

LOOKED_AT = 20_000  # entries of the folders of one run
DEPTH = 8  # of folders


def images(ctx: Context, request: FindImages) -> RunImages:
    """Raises `NotFound` for an unknown run. With `series` its pictures too, in the order of their steps."""
    series: dict[str, ImageSeries] = {}
    items: list[RunImage] = []
    complete = True
    for name in dict.fromkeys(request.runs):
        with ctx.db.read() as connection:
            job = source_of(ctx, store.get(connection, request.workspace, name))
        seen: set[str] = set()
        looked = 0
        for path, size in _files(ctx.home.artifacts(job.workspace, job.name)):
            looked += 1
            if looked > LOOKED_AT:
                complete = False
                break
            shot = shot_of(path) if _is_text(path) else None
            if shot is None:
                continue
            told = series.setdefault(shot.series, ImageSeries(name=shot.series, images=0, runs=0))
            told.images += 1
            if shot.series not in seen:
                seen.add(shot.series)
                told.runs += 1
            if shot.series == request.series:
                items.append(RunImage(run=name, step=shot.step, path=path, size=size))
    items.sort(key=lambda item: (item.step or 0, item.path))
    complete = complete and len(items) <= request.max_results
    return RunImages(
        series=sorted(series.values(), key=lambda one: (-one.runs, one.name)),
        items=items[: request.max_results],
        complete=complete,
    )


def _is_text(path: str) -> bool:
    """A job may name a file with bytes that are no text; no answer can hold such a name."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _files(root: Path) -> Iterator[tuple[str, int | None]]:
    """Every file below, and every folder with a slash behind its path."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        parts = waiting.pop()
        for item in list_folder(root, parts):
            inner = (*parts, item.name)
            if item.is_folder and len(inner) < DEPTH:
                waiting.append(inner)
            yield "/".join(inner) + ("/" if item.is_folder else ""), item.size
