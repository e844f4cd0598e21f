"""One run of uv: its arguments, its variables, its output line by line, its end."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from zaffre.base.errors import Unavailable
from zaffre.plugins.virtualenv.indexes import redact, uv_variables

# What a build may see of the server's variables: no token, no key, nothing that changes what is resolved.
SEEN = frozenset(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TMPDIR TZ CC CXX FC AR LD CFLAGS CXXFLAGS CPPFLAGS LDFLAGS MAKEFLAGS "
    "PKG_CONFIG_PATH CUDA_HOME SSL_CERT_FILE SSL_CERT_DIR SSL_CLIENT_CERT REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NETRC "
    "GIT_SSL_CAINFO PYENV_ROOT XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_CONFIG_DIRS UV_DEFAULT_INDEX "
    "UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_NO_INDEX UV_KEYRING_PROVIDER UV_INSECURE_HOST UV_NATIVE_TLS UV_SYSTEM_CERTS "
    "UV_OFFLINE UV_LINK_MODE UV_CONFIG_FILE UV_TORCH_BACKEND".split()
)
SEEN_PREFIXES = ("LC_", "UV_INDEX", "UV_HTTP_", "UV_REQUEST_", "UV_CONCURRENT_", "CARGO_", "RUSTUP_")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
GRACE_SECONDS = 2.0
SILENCE_SECONDS = 10.0
PRUNE_SECONDS = 60.0


def find_uv() -> str:
    """The path of uv: the one installed with Zaffre, else the one on PATH. Raises `Unavailable`."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if not found:
        raise Unavailable("uv, which builds environments, was not found", hint="Install it: `pip install uv`.")
    return found


def build_variables(environ: Mapping[str, str], cache: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environ.items()
        if name in SEEN or name.startswith(SEEN_PREFIXES) or name.lower() in PROXIES
    }
    kept.update(uv_variables(environ))
    kept.update(
        UV_CACHE_DIR=str(cache),
        UV_PYTHON_DOWNLOADS="never",
        UV_NO_PROGRESS="1",
        NO_COLOR="1",
        PYTHONUTF8="1",
        PYTHONUNBUFFERED="1",
    )
    return kept


def run_uv(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    line: Callable[[str], None],
    silence: Callable[[], None],
    cancelled: Callable[[], bool],
    keep_open: Sequence[int] = (),
) -> int | None:
    """Run uv and give each line of its output to `line`, passwords out; returns its exit status, None if cancelled.

    uv and all it starts are one process group, killed together. `keep_open` are descriptors (the lock) that stay
    open until uv itself has ended, even when this process is killed.
    """
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(variables),
        cwd="/",  # uv reads settings of projects around its folder
        start_new_session=True,
        pass_fds=tuple(keep_open),
    )
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    os.set_blocking(descriptor, False)
    pending, last = b"", time.monotonic()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                if cancelled():
                    stop(process)
                    return None
                if not selector.select(timeout=0.1):
                    if time.monotonic() - last > SILENCE_SECONDS:
                        last = time.monotonic()
                        silence()
                    continue
                data = os.read(descriptor, 65536)
                if not data:
                    break
                last = time.monotonic()
                *lines, pending = (pending + data).split(b"\n")
                for raw in lines:
                    line(readable(raw))
        if pending:
            line(readable(pending))
        return process.wait()
    finally:
        if process.poll() is None:
            stop(process)
        process.stdout.close()


def forget_downloads(uv: str, variables: Mapping[str, str]) -> None:
    """Remove wheels from the cache that can be fetched again; those built here stay. Waits for builds under way."""
    try:
        subprocess.run(
            [uv, "cache", "prune", "--ci"], env=dict(variables), capture_output=True, timeout=PRUNE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:  # a long build goes on: the next time
        return


def readable(raw: bytes) -> str:
    return redact(raw.decode("utf-8", "replace").rstrip().replace("\x1b", ""))


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole group, first kindly."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(GRACE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue
    # The leader is gone; compilers it started may not be.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
