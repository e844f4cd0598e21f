"""List the folders of inputs in alphabetical order, as a blob store does.

A script that takes "the first file" of `os.listdir` gets, in the cloud, the first by name; on a disk it would get any.
`install()`, called before the user's program begins, makes `os.listdir` and `os.scandir`, and with them `glob`,
`os.walk` and `pathlib`, list by name the folders that ZAFFRE_SORTED_FOLDERS names (separated by os.pathsep) and those
below them. Every other folder, and every error, is as it was. Standard library only, Python 3.7 or newer.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing `typing` would cost every Python of a job milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

VARIABLE = "ZAFFRE_SORTED_FOLDERS"


def install(environ: Any = os.environ) -> bool:
    """Replace the two functions, once. Never raises: rather an unsorted listing than a program that does not start.

    Returns whether they were replaced.
    """
    try:
        given = [os.fsencode(text) for text in environ.get(VARIABLE, "").split(os.pathsep) if text]
        roots = {place.rstrip(b"/") for path in given for place in (os.path.abspath(path), os.path.realpath(path))}
        if not roots or isinstance(os.listdir, _Listing):
            return False
        os.listdir = _ListDir(os.listdir, roots)
        os.scandir = _ScanDir(os.scandir, roots)
        _tell_pathlib()
    except Exception:
        return False
    return True


class _Listing:
    """An object instead of a function, because Python up to 3.10 keeps `os.listdir` as an attribute of a class: a
    function there would become a method."""

    def __init__(self, original: Any, roots: Any) -> None:
        self._original, self._roots = original, roots
        self.__name__ = self.__qualname__ = original.__name__
        self.__module__, self.__doc__ = "os", original.__doc__
        able: Any
        for able in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
            if original in able:
                able.add(self)  # `shutil.rmtree` asks, before it trusts it

    def __reduce__(self) -> str:
        return str(self.__name__)  # pickled by name, as the original

    def _sorts(self, path: Any) -> bool:
        """Whether it is one of the folders or below. What cannot be told is not: the order stays as it is."""
        try:
            if isinstance(path, int):
                path = os.readlink("/proc/self/fd/%d" % path)  # noqa: UP031
            folder = os.fsencode(os.curdir if path is None else path)
            places = (os.path.abspath(folder), os.path.realpath(folder))
            return any(place == root or place.startswith(root + b"/") for place in places for root in self._roots)
        except Exception:
            return False


class _ListDir(_Listing):
    def __call__(self, path: Any = None) -> Any:
        names = self._original(path)
        if self._sorts(path):
            names.sort()
        return names


class _ScanDir(_Listing):
    def __call__(self, path: Any = None) -> Any:
        found = self._original(path)
        return _Sorted(found) if self._sorts(path) else found


class _Sorted:
    """What `os.scandir` gives (iterator, context manager, `close`), by name; read when it is first used."""

    def __init__(self, found: Any) -> None:
        self._found = found
        self._entries: Any = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._entries is None:
            self._entries = iter(sorted(self._found, key=_name))
        return next(self._entries)

    def __enter__(self) -> _Sorted:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Entries that were not taken yet are gone, as with the original."""
        self._entries = iter(())
        self._found.close()


def _name(entry: Any) -> Any:
    return entry.name


# Classes that keep the functions of the moment their module was imported, which may be before this.
_KEEPERS = (("pathlib", "_NormalAccessor"), ("glob", "_Globber"), ("glob", "_StringGlobber"))


def _tell_pathlib() -> None:
    for module, name in _KEEPERS:
        keeper = getattr(sys.modules.get(module), name, None)
        for function in ("listdir", "scandir"):
            if function in getattr(keeper, "__dict__", ()):
                setattr(keeper, function, getattr(os, function))
