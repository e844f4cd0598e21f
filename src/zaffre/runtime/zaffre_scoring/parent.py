"""A worker of a package ends with the program that started it, however that ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

LOOK_S = 1.0
PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """This process ends within about a second of the process `parent`, in the middle of whatever it does.

    Linux ends it at once. It does so also when the thread ends that started us; that of a package outlives its worker.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library without it: looking is enough
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    threading.Thread(target=_look, args=(parent,), daemon=True).start()


def _look(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(0)
