"""Sockets in the network of a container that has none but its own loopback.

A process that is split off early joins the network namespace of the container (and before it the user namespace, which
a rootless engine makes), connects there, and hands the socket over. So nothing of the container is reachable from the
machine's network, and nothing of the machine from the container's.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import os
import signal
import socket
import struct
import threading
from typing import Any

NEW_USER, NEW_NET = 0x10000000, 0x40000000
ASKED = struct.Struct("<Hd")  # port, seconds
ANSWERED = struct.Struct("<i")  # 0, or an error number
CONNECT_S = 5.0  # at most: others wait for their turn meanwhile


class Connector:
    """Made while there is only one thread. `open` is safe from many."""

    def __init__(self, pid: int) -> None:
        names = ["net"]
        if os.stat(f"/proc/{pid}/ns/user").st_ino != os.stat("/proc/self/ns/user").st_ino:
            names.insert(0, "user")
        spaces = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in names]
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.lock = threading.Lock()
        self.child = os.fork()
        if self.child == 0:
            self.ours.close()
            try:
                for name, space in zip(names, spaces):
                    _join(space, NEW_USER if name == "user" else NEW_NET)
                _serve(theirs)
            finally:
                os._exit(0)
        theirs.close()
        for space in spaces:
            os.close(space)

    def open(self, port: int, seconds: float) -> socket.socket:
        """A connection to that port of the container's loopback, one at a time. Raises OSError, after `CONNECT_S` at
        the latest."""
        with self.lock:
            self.ours.send(ASKED.pack(port, min(seconds, CONNECT_S)))
            number = array.array("i", [0])
            told, more, _, _ = self.ours.recvmsg(ANSWERED.size, socket.CMSG_SPACE(number.itemsize))
        if len(told) < ANSWERED.size:
            raise ConnectionAbortedError("the network of the container is gone")
        error = ANSWERED.unpack(told)[0]
        if error or not more:
            raise OSError(error, os.strerror(error))
        number.frombytes(more[0][2][: number.itemsize])
        return socket.socket(fileno=number[1])


def _join(space: int, kind: int) -> None:
    libc: Any = ctypes.CDLL(None, use_errno=True)
    if libc.setns(space, kind):
        raise OSError(ctypes.get_errno(), "the network of the container cannot be entered")


def _serve(theirs: socket.socket) -> None:
    """Until the other side is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        asked = theirs.recv(ASKED.size)
        if len(asked) < ASKED.size:
            return
        port, seconds = ASKED.unpack(asked)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with contextlib.closing(sock):
            sock.settimeout(seconds)
            try:
                sock.connect(("127.0.0.1", port))
            except OSError as error:
                theirs.send(ANSWERED.pack(error.errno or 110))
                continue
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            numbers = array.array("i", [sock.fileno()])
            theirs.sendmsg([ANSWERED.pack(0)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
