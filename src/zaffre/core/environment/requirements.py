"""Requirement files as pip reads them, flattened: no line of the result names another file.

Nothing is read from disk: a file named by `-r` or `-c` must be among the `files` given, so that no line can reach
outside the environment's own folder.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.recipe import Recipe

INCLUDE = re.compile(r"^(?:(-r|-c)\s*|(--requirement|--constraint)(?:\s+|=))(?P<path>.+)$")
EDITABLE = re.compile(r"^(?:-e\s*|--editable(?:\s+|=))(?P<target>.+)$")
OPTION = re.compile(r"^(-{1,2}[A-Za-z][A-Za-z-]*)(?:\s+|=|$)(?P<value>.*)$")
REMOTE = re.compile(r"^(?:git|hg|svn|bzr)\+|^https?://")
NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
NESTING = 20

# One spelling each; what uv reads from a requirements file, except `--pre`, which becomes an argument of its own.
PASSED = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--no-index": "--no-index",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
    "--pre": "--pre",
}
HARMLESS = {  # options that change how pip works or talks, not what is installed
    "--prefer-binary", "--no-cache-dir", "--quiet", "-q", "--verbose", "-v", "--upgrade", "-U", "--user", "--no-input",
    "--upgrade-strategy", "--use-feature", "--use-deprecated", "--default-timeout", "--timeout", "--retries",
    "--progress-bar", "--ignore-installed", "-I", "--force-reinstall", "--disable-pip-version-check",
    "--no-warn-script-location", "--root-user-action", "--break-system-packages", "--no-color", "--require-hashes",
    "--no-clean", "--compile", "--no-compile", "--exists-action", "--cache-dir", "--no-build-isolation",
}  # fmt: skip


def logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with their 1-based number; continuations joined, comments and blank lines gone."""
    lines: list[tuple[int, str]] = []
    pending, start = "", 0
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if not pending:
            start = number
        if raw.lstrip().startswith("#"):
            continue
        if raw.rstrip().endswith("\\"):
            pending += raw.rstrip()[:-1].rstrip() + " "
            continue
        line = strip_comment(pending + raw.strip() if pending else raw)
        pending = ""
        if line:
            lines.append((start, line))
    if strip_comment(pending):
        lines.append((start, strip_comment(pending)))
    return lines


def strip_comment(line: str) -> str:
    """A comment starts at the line's beginning or after a blank: `x @ https://h/p#egg=x` has none."""
    return re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()


def add_file(recipe: Recipe, path: str, files: Mapping[str, str], depth: int = 0) -> None:
    """Add every line of the requirements file `path`. Raises `InvalidRequest` when it is not among `files`."""
    text = lookup(path, files)
    for number, line in logical_lines(text):
        add_line(recipe, line, files, f"{path}:{number}", posixpath.dirname(clean(path)), depth)


def add_lines(recipe: Recipe, lines: Iterable[object], files: Mapping[str, str], where: str) -> None:
    """Add requirement lines that stand in a list (a `pip:` section, the arguments of `pip install`)."""
    for item in lines:
        for _, line in logical_lines(str(item)):
            add_line(recipe, line, files, where)


def add_line(recipe: Recipe, line: str, files: Mapping[str, str], where: str, folder: str = "", depth: int = 0) -> None:
    if depth > NESTING:
        raise InvalidRequest(f"{where}: requirement files include each other without end")
    if match := INCLUDE.match(line):
        path = match["path"].strip().strip("'\"")
        kept = path if path.startswith("/") else posixpath.join(folder, path)
        if (match[1] or match[2]) in ("-c", "--constraint"):
            recipe.constraints += [text for _, text in logical_lines(lookup(kept, files)) if not text.startswith("-")]
        else:
            add_file(recipe, kept, files, depth + 1)
    elif match := EDITABLE.match(line):
        target = match["target"].strip()
        if not REMOTE.match(target):
            raise local_path(target, where)
        recipe.require(direct(target))
    elif line.startswith("-"):
        add_option(recipe, line, where)
    elif is_local(line):
        raise local_path(line, where)
    else:
        recipe.require(direct(line) if REMOTE.match(line) else line)


def add_option(recipe: Recipe, line: str, where: str) -> None:
    match = OPTION.match(line)
    name, value = (match[1], match["value"].strip().strip("'\"")) if match else (line, "")
    if kept := PASSED.get(name):
        if kept == "--find-links" and not re.match(r"https?://", value):
            raise InvalidRequest(
                f"{where}: `{line}` names a folder, which a shared environment does not read",
                hint="Name the folder in pip's own configuration (`pip config set global.find-links ...`).",
            )
        recipe.require(f"{kept} {value}".strip())
    elif name == "--trusted-host":
        recipe.note(f"{where}: `{line}` was not honoured: certificates of package indexes are always checked.")
    elif name not in HARMLESS:
        recipe.note(f"{where}: the option `{line}` was not honoured.")


def lookup(path: str, files: Mapping[str, str]) -> str:
    """The text of a file of the environment's folder."""
    known = {clean(name): text for name, text in files.items()}
    try:
        return known[clean(path)]
    except KeyError:
        have = ", ".join(sorted(known)[:10]) or "none"
        raise InvalidRequest(
            f"The environment names the file `{path}`, which is not in its folder (files there: {have})",
            hint="Put the file beside the conda file or into the build context.",
        ) from None


def clean(path: str) -> str:
    return posixpath.normpath(path.strip()).removeprefix("./")


def direct(url: str) -> str:
    """`git+https://host/x#egg=name` as PEP 508 writes it; a URL without a name stays as it is."""
    if match := re.search(r"#(?:.*&)?egg=([A-Za-z0-9._\[\],-]+)", url):
        return f"{match[1]} @ {url.partition('#')[0]}"
    return url


def is_local(line: str) -> bool:
    target = line.partition(";")[0].strip()
    if re.match(r"^[A-Za-z0-9._-]+(\[[^\]]*\])?\s*@\s*file:", target) or target.startswith("file:"):
        return True
    return target.startswith((".", "/", "~")) or (
        target.endswith((".whl", ".tar.gz", ".zip")) and not REMOTE.match(target) and "@" not in target
    )


def local_path(target: str, where: str) -> InvalidRequest:
    return InvalidRequest(
        f"{where}: `{target}` is a local folder or file; a shared environment holds only packages of an index",
        hint="Put it into the job's code folder and let the command run `pip install ./folder` (it lands in the "
        "job's own layer), or publish it to a package index.",
    )


def name_of(line: str) -> str:
    """The normalised package name of a requirement line, or empty for an option or a bare URL."""
    match = None if line.startswith("-") or REMOTE.match(line) else NAME.match(line)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""
