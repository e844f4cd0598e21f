"""Large objects and power cuts: bringing them to the disk, and checking after a cut which arrived."""

from __future__ import annotations

import contextlib
import os

from zaffre.plugins.content.folder import STAMP_NS, Folder, boot_id, remove, storage, sync_folder
from zaffre.plugins.content.hashing import hash_descriptor
from zaffre.plugins.content.index import Index


def settle(folder: Folder, index: Index) -> None:
    """Sync every large object that is not known to be on the disk."""
    with storage(folder.root):
        boot = boot_id()
        hashes = [hash_ for hash_, written in index.unsettled() if written == boot]
        for hash_ in hashes:
            path = folder.object(hash_.hex())
            with contextlib.suppress(FileNotFoundError):  # collected meanwhile
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                sync_folder(path.parent)
        if hashes:
            sync_folder(folder.objects)
            index.settled(hashes)


def recover(folder: Folder, index: Index) -> list[str]:
    """After a restart of the machine: hash the objects that were on their way, forget those that did not arrive."""
    with storage(folder.root):
        boot = boot_id()
        lost: list[str] = []
        for hash_, written in index.unsettled():
            if written == boot:
                continue
            whole = arrived(folder, hash_)
            with index.write() as db:
                if db.execute("delete from unsettled where hash = ? and boot = ?", (hash_, written)).rowcount == 0:
                    continue  # another process did this
                if not whole:
                    db.execute("delete from objects where hash = ? and pack is null", (hash_,))
                    remove(folder.object(hash_.hex()))
                    lost.append(hash_.hex())
        return lost


def arrived(folder: Folder, hash_: bytes) -> bool:
    try:
        descriptor = os.open(folder.object(hash_.hex()), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        if hash_descriptor(descriptor, hash_.hex()) != hash_:
            return False
        os.utime(descriptor, ns=(STAMP_NS, STAMP_NS))
        return True
    finally:
        os.close(descriptor)
