"""Listings of input folders are alphabetical, whatever Python the user's program runs on; nothing else changes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from zaffre.plugins.virtualenv.interpreters import scan, search_folders
from zaffre.runtime import sorted_listing

WANTED = ("3.7", "3.8", "3.10", "3.11", "3.13")
MODULE = Path(sorted_listing.__file__)
NAMES = [f"file_{number:04}.csv" for number in range(300)]

PROGRAM = """
import sys; sys.path.insert(0, {module!r})
if {early}: import pathlib
import sorted_listing
assert sorted_listing.install() is True
assert sorted_listing.install() is False
import glob, os, pathlib, pickle, shutil
inside, outside, link, names = {inside!r}, {outside!r}, {link!r}, {names!r}

def check(listed): assert listed == names, listed[:5]

for place in (inside, link, os.path.join(inside, "."), os.path.join(inside, "deeper", "..")):
    check([name for name in os.listdir(place) if name != "deeper"])
    check([entry.name for entry in os.scandir(place) if entry.is_file()])
    check([os.path.basename(found) for found in glob.glob(os.path.join(place, "*.csv"))])
    check([found.name for found in pathlib.Path(place).iterdir() if found.is_file()])
    check([found.name for found in pathlib.Path(place).glob("*.csv")])
    check(next(os.walk(place))[2])
    check([os.fsdecode(name) for name in os.listdir(os.fsencode(place)) if name != b"deeper"])
check(os.listdir(os.path.join(inside, "deeper")))
check(os.listdir(path=os.path.join(inside, "deeper")))
check([entry.name for entry in os.scandir(path=os.path.join(inside, "deeper"))])
check(os.listdir(pathlib.Path(inside) / "deeper"))
fd = os.open(os.path.join(inside, "deeper"), os.O_RDONLY)
check(os.listdir(fd))
check([entry.name for entry in os.scandir(fd)])
os.close(fd)
os.chdir(os.path.join(inside, "deeper"))
check(os.listdir()); check([entry.name for entry in os.scandir()]); check(os.listdir("."))
class Text(str): pass
check(os.listdir(Text(inside + "/deeper")))
with os.scandir(inside) as found:
    assert next(found).is_file() in (True, False)
assert list(found) == []
for wrong in (inside + "/none", inside + "/" + names[0], "\\0", 3.5, 10**6):
    kinds = []
    for function, original in ((os.listdir, sys.modules["posix"].listdir), (os.scandir, sys.modules["posix"].scandir)):
        for tried in (function, original):
            try: tried(wrong)
            except Exception as error: kinds.append((type(error), getattr(error, "errno", None)))
    assert len(kinds) == 4 and kinds[0] == kinds[1] and kinds[2] == kinds[3], (wrong, kinds)
import posix
assert os.listdir(outside) == posix.listdir(outside)
assert [e.name for e in os.scandir(outside)] == [e.name for e in posix.scandir(outside)]
assert type(os.scandir(outside)) is type(posix.scandir(outside))
assert pickle.loads(pickle.dumps(os.listdir)) is os.listdir
assert os.scandir in os.supports_fd and os.listdir in os.supports_fd
assert shutil.rmtree.avoids_symlink_attacks
copied = shutil.copytree(os.path.join(inside, "deeper"), os.path.join(outside, "copy"))
shutil.rmtree(os.path.join(outside, "copy"))
assert not os.path.exists(os.path.join(outside, "copy"))
print("fine")
"""


def _interpreters() -> dict[str, Path]:
    found = {".".join(one.version.split(".")[:2]): one.path for one in scan(list(search_folders(os.environ)))}
    return found | {f"{sys.version_info.major}.{sys.version_info.minor}": Path(sys.executable)}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    inside, outside, link = tmp_path / "inside ü", tmp_path / "outside", tmp_path / "link"
    for folder in (inside, inside / "deeper", outside):
        folder.mkdir()
        for name in random.Random(7).sample(NAMES, len(NAMES)):
            (folder / name).touch()
    link.symlink_to(inside)
    assert os.listdir(outside) != NAMES, "this file system sorts by itself: the test shows nothing"
    return inside, outside, link


@pytest.mark.parametrize("early", [False, True], ids=["", "pathlib was imported before"])
@pytest.mark.parametrize("version", WANTED)
def test_every_way_of_listing_is_sorted(version: str, early: bool, folders: tuple[Path, Path, Path]) -> None:
    interpreter = _interpreters().get(version)
    if interpreter is None:
        pytest.skip(f"no Python {version} on this machine")
    inside, outside, link = map(str, folders)
    program = PROGRAM.format(
        module=str(MODULE.parent), inside=inside, outside=outside, link=link, names=NAMES, early=early
    )
    environment = {"PATH": os.environ["PATH"], sorted_listing.VARIABLE: os.pathsep.join(["/none", inside])}
    done = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_without_folders_nothing_is_replaced() -> None:
    before = (os.listdir, os.scandir)
    assert sorted_listing.install({}) is False
    assert sorted_listing.install({sorted_listing.VARIABLE: ""}) is False
    assert (os.listdir, os.scandir) == before
