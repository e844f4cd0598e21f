"""End what serves while no server runs: the gateway after what it has begun, then the workers."""

from __future__ import annotations

from pathlib import Path

from zaffre.engine.serving import gateway
from zaffre.engine.serving.worker import SOCKETS


def serves(folder: Path) -> bool:
    """Whether a gateway answers in that folder of a home."""
    try:
        gateway.connect(folder)[0].close()
        return True
    except (OSError, ValueError):
        return False


def down(folder: Path) -> int:
    """Returns how many workers were told to end; they do so within seconds. The next server starts all anew."""
    try:
        sock, hello = gateway.connect(folder)
        with sock:
            sock.sendall(b'{"do": "end"}\n')
            gateway.wait_for_end(int(hello["pid"]))
    except (OSError, ValueError):  # it runs no more
        pass
    places = list((folder / SOCKETS).glob("*.sock"))
    for path in places:
        path.unlink(missing_ok=True)  # a worker whose place is gone ends itself
    return len(places)
