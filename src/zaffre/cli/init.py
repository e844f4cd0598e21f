"""`zaffre init DIR`: a small project, as real files to read and edit."""

from __future__ import annotations

from argparse import Namespace
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree

from zaffre.base import errors
from zaffre.cli.parser import Verbs


def add(verbs: Verbs, word: str, summary: str) -> None:
    parser = verbs.add(word, _init, summary, "zaffre init my-project")
    parser.add_argument("folder", nargs="?", default=".", metavar="DIR", help="new or empty folder (default: here)")


def _init(args: Namespace) -> str:
    folder = Path(args.folder).expanduser()
    try:
        taken = (
            sorted(item.name for item in folder.iterdir() if not item.name.startswith(".")) if folder.exists() else []
        )
        if taken:
            raise errors.Conflict(
                f"{folder} is not empty: it has {', '.join(taken[:3])}{' ...' if len(taken) > 3 else ''}",
                hint="name a new folder: zaffre init my-project",
            )
        with as_file(files("zaffre.cli") / "init-project") as source:
            copytree(source, folder, dirs_exist_ok=True)
        (folder / ".zaffre").mkdir(exist_ok=True)  # the home of this project: its server, jobs and data
        (folder / ".zaffre" / ".gitignore").write_text("*\n")
    except OSError as error:
        raise errors.InvalidRequest(f"{folder} cannot be written: {error.strerror}") from None
    enter = "" if args.folder == "." else f"  cd {folder}\n"
    return (
        f"Wrote a project to {folder}. Try:\n\n{enter}"
        "  zaffre job create -f job.yml --stream        run one step\n"
        "  zaffre job create -f pipeline.yml --stream   prepare, train and evaluate\n"
        "  zaffre job plan -f pipeline.yml --set inputs.depth=3    what would run again, and why\n"
    )
