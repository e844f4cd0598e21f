"""Writing a folder to a location, as whole as the store allows.

Local folder: staged beside the target, then renamed; files join a folder that exists one by one, each whole.
Object stores (S3, Azure): every object becomes visible whole, but a folder of them has no moment at which it appears;
files are written in the order of their paths, and a reader that lists meanwhile sees those written so far.
HTTP: refused.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from zaffre.base.errors import InvalidRequest, Unavailable
from zaffre.base.ids import token
from zaffre.plugins.datastores.address import azure, hide
from zaffre.plugins.datastores.resolver import Resolver
from zaffre.plugins.datastores.survey import SourceFile, answering, survey_local
from zaffre.ports.content import Location


def upload(source: Path, location: Location, resolver: Resolver) -> int:
    """Write a file or the files of a folder; the bytes written. What lies there under the same names is replaced.

    Raises `InvalidRequest` for a location that cannot be written to or a symlink that leads out of the folder.
    """
    found = survey_local(source)
    if location.local is not None:
        to_folder(found.files, location.local, single=found.single)
        return found.size
    if not is_writable(location):
        raise InvalidRequest(f"{hide(location.url)} can be read only", code="ReadOnly")
    fs, path = resolver.open(location)
    with answering(location):
        for file in found.files:
            fs.put_file(file.address, path if found.single else f"{path.rstrip('/')}/{file.path}")
    return found.size


def is_writable(location: Location) -> bool:
    web = location.url.startswith(("http://", "https://"))
    return not web or bool(location.credentials.get("blob_endpoint")) or azure(location.url) is not None


def to_folder(files: tuple[SourceFile, ...], target: Path, *, single: bool) -> None:
    staging = target.parent / f".{target.name[:100]}.{token()}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if single:
            copy(files[0], staging)
            staging.replace(target)
            return
        staging.mkdir()
        for file in files:
            copy(file, staging / file.path)
        if not target.exists():
            staging.rename(target)
            return
        for file in files:
            place = target / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.realpath(place.parent).startswith(os.path.realpath(target)):
                raise InvalidRequest(f"a symlink in {target} leads out of it, at {file.path!r}", code="InvalidPath")
            (staging / file.path).replace(place)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror or error}", code="StorageFailed") from error
    finally:
        if staging.is_dir():
            shutil.rmtree(staging, ignore_errors=True)
        else:
            staging.unlink(missing_ok=True)


def copy(file: SourceFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(file.address, "rb") as source, open(target, "xb") as sink:
        shutil.copyfileobj(source, sink, 2**20)
        sink.flush()
        os.fsync(sink.fileno())
