"""What git knows about a folder: commit, branch, remote, and what is not committed."""

from __future__ import annotations

import configparser
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

DIFF_BYTES = 2**20  # longer differences are cut; the code snapshot has everything
GIT_TIMEOUT_S = 10.0


def git_facts(folder: Path, *others: Path) -> dict[str, Any] | None:
    """`commit`, `branch`, `remote` (without credentials), `dirty`, `diff`, `diff_cut`; None outside of git.

    The difference is that of the folder and of `others` in the same work tree; new files show in the code only.

    Only the difference needs the git program; without it the other facts are still there.
    """
    found = _git_dir(folder)
    if found is None:
        return None
    top, git = found
    branch, commit = _head(git)
    if commit is None:
        return None  # nothing was ever committed
    facts: dict[str, Any] = {"commit": commit, "branch": branch, "remote": _remote(git)}
    diff = _diff(top, [folder, *(one for one in others if one.is_relative_to(top))])
    if diff:
        facts["dirty"] = True
        facts["diff"] = diff[:DIFF_BYTES].decode(errors="replace")
        facts["diff_cut"] = len(diff) > DIFF_BYTES
    return {key: value for key, value in facts.items() if value not in (None, False)}


def _git_dir(folder: Path) -> tuple[Path, Path] | None:
    """The top folder of the work tree and its git folder, which may be elsewhere (worktrees, submodules)."""
    for top in (folder, *folder.parents):
        git = top / ".git"
        if git.is_dir():
            return top, git
        if git.is_file():
            text = git.read_text(errors="replace")
            if text.startswith("gitdir:"):
                return top, (top / text[7:].strip()).resolve()
    return None


def _common(git: Path) -> Path:
    pointer = git / "commondir"
    return (git / pointer.read_text().strip()).resolve() if pointer.is_file() else git


def _head(git: Path) -> tuple[str | None, str | None]:
    try:
        head = (git / "HEAD").read_text().strip()
    except OSError:
        return None, None
    if not head.startswith("ref:"):
        return None, head or None
    ref = head[4:].strip()
    branch = ref.removeprefix("refs/heads/")
    for place in (git, _common(git)):
        if (place / ref).is_file():
            return branch, (place / ref).read_text().strip()
    packed = _common(git) / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(errors="replace").splitlines():
            commit, _, name = line.partition(" ")
            if name == ref:
                return branch, commit
    return branch, None


def _remote(git: Path) -> str | None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string((_common(git) / "config").read_text(errors="replace"))
    except (OSError, configparser.Error):
        return None
    remotes = [section for section in parser.sections() if section.startswith("remote ")]
    wanted = 'remote "origin"'
    section = wanted if wanted in remotes else next(iter(remotes), None)
    url = parser.get(section, "url", fallback=None) if section else None
    return _without_credentials(url) if url else None


def _without_credentials(url: str) -> str:
    """`https://user:secret@host/x` becomes `https://host/x`; `git@host:x` has no secret."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _diff(top: Path, folders: Sequence[Path]) -> bytes:
    """At most one byte more than is kept. No program that the repository names is run."""
    command = ["git", "-c", "core.fsmonitor=false", "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD"]
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    try:
        process = subprocess.Popen(
            [*command, "--", *map(str, folders)],
            cwd=top,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return b""  # no git program on this machine
    with process:
        assert process.stdout is not None
        content = process.stdout.read(DIFF_BYTES + 1)
        process.stdout.close()
        try:
            process.wait(GIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
    return content
