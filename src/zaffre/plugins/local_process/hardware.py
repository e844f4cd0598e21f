"""What this machine is and offers; kept with each run, and the size of the default compute."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from zaffre.ports.compute import Capacity

MB = 2**20
QUERY = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")


@cache
def facts() -> dict[str, Any]:
    """JSON: cpu, cores and memory_mb (within a container's limits), gpus, os, kernel, architecture, hostname."""
    return {
        "cpu": _cpu_model(),
        "cores": _cores(),
        "memory_mb": _memory_mb(),
        "gpus": _gpus(),
        "os": _os_name(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "hostname": socket.gethostname(),
    }


def capacity() -> Capacity:
    """What jobs can share on this machine."""
    found = facts()
    return Capacity(cpu=found["cores"], memory_mb=found["memory_mb"], gpu=float(len(found["gpus"])))


def _cpu_model() -> str:
    for line in _lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Hardware", "cpu"):
            return value.strip()
    return platform.processor() or platform.machine()


def _cores() -> float:
    cores = float(len(os.sched_getaffinity(0)))
    quota = " ".join(_lines("/sys/fs/cgroup/cpu.max")[:1]).split()
    if len(quota) == 2 and quota[0].isdecimal() and quota[1].isdecimal() and int(quota[1]):
        cores = min(cores, int(quota[0]) / int(quota[1]))
    return cores


def _memory_mb() -> float:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = "".join(_lines("/sys/fs/cgroup/memory.max")[:1])
    return round(min(total, int(limit) if limit.isdecimal() else total) / MB, 1)


def _gpus() -> list[dict[str, Any]]:
    if not shutil.which(QUERY[0]):
        return []
    try:
        answer = subprocess.run(QUERY, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):  # a driver without a card, or one that hangs: no GPU to offer
        return []
    rows = [[part.strip() for part in line.split(",")] for line in answer.splitlines()]
    return [
        {"name": row[0], "memory_mb": float(row[1]) if row[1].isdecimal() else None, "driver": row[2]}
        for row in rows
        if len(row) == 3
    ]


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
