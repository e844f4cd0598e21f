"""Calls of the program `podman`: always words, never a shell; with few variables, none of them a user's."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from zaffre.base.errors import Conflict, Unavailable
from zaffre.ports.container import Say, never

PASSED = ("HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
          "DBUS_SESSION_BUS_ADDRESS", "REGISTRY_AUTH_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy",
          "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")  # fmt: skip
PASSED_PREFIX = "CONTAINERS_"  # its settings, storage and registries
NAME = "podman"
QUICK_S = 60.0
LOOK_S = 0.2
LINE_BYTES = 1 << 16


class Failed(Exception):
    """It ended with a status; `reason` is the last line it wrote."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Program:
    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        given = os.environ if environ is None else environ
        self.path = given.get("PATH", os.defpath)
        self.environ = {
            "PATH": self.path,
            **{key: value for key, value in given.items() if key in PASSED or key.startswith(PASSED_PREFIX)},
        }

    def place(self) -> str | None:
        """Where it is; looked for each time, since it may be installed while the server runs."""
        return shutil.which(NAME, path=self.path)

    def words(self, words: Sequence[str]) -> list[str]:
        """Raises `Unavailable` when there is no such program."""
        place = self.place()
        if place is None:
            raise Unavailable("podman is not installed", code="ContainerEngineMissing", hint="apt-get install podman")
        return [place, *words]

    def ask(self, *words: str, seconds: float = QUICK_S) -> str:
        """What it prints. Raises `Failed`, and `Unavailable` when it does not answer."""
        try:
            done = subprocess.run(
                self.words(words), env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                timeout=seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise _silent(f"did not answer within {seconds:g} s") from None
        except OSError as error:
            raise _silent(f"cannot be started: {error.strerror}") from error
        if done.returncode:
            raise Failed(done.returncode, last_line(done.stderr.decode("utf-8", "replace")))
        return done.stdout.decode("utf-8", "replace").strip()

    def follow(self, words: Sequence[str], say: Say, cancelled: Callable[[], bool] = never) -> None:
        """Long work: each line that it writes goes to `say` at once. Raises `Failed`, and `Conflict` when cancelled."""
        process = subprocess.Popen(
            self.words(words), env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        last, rest = "", b""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                while True:
                    if cancelled():
                        raise Conflict("the work on the image was cancelled", code="ImageCanceled")
                    if not selector.select(LOOK_S):
                        continue
                    piece = os.read(process.stdout.fileno(), LINE_BYTES)
                    *lines, rest = (rest + piece).split(b"\n")
                    if len(rest) > LINE_BYTES or (not piece and rest):
                        lines, rest = [*lines, rest], b""
                    for line in lines:
                        text = line.decode("utf-8", "replace").rstrip("\r")
                        last = text if text.strip() else last
                        say(text)
                    if not piece:
                        break
            status = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                _end(process)
            process.stdout.close()
        if status:
            raise Failed(status, last_line(last))


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:1000] if lines else "it said nothing"


def _silent(what: str) -> Unavailable:
    return Unavailable(f"podman {what}", code="ContainerEngineSilent", hint="podman info")


def _end(process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 5
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        process.wait()
