"""Meters: CPU time of processes, peak memory, and what machine this is."""

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil


def cpu_seconds(pids: Iterable[int]) -> float:
    """Give the CPU time of the processes so far, user and system; those that have ended count nothing."""
    total = 0.0
    for pid in pids:
        with suppress(OSError, psutil.Error):
            total += _cpu_seconds(pid)
    return total


def _cpu_seconds(pid: int) -> float:
    # schedstat counts in nanoseconds where /proc/<pid>/stat counts in hundredths.
    tasks = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    if tasks:
        return sum(int(task[0]) for task in tasks) / 1e9
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def peak_mb(pid: int) -> float:
    """Give the most memory the process held at once, in MB; what it holds now where the system keeps no peak."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    return psutil.Process(pid).memory_info().rss / 1024**2


def machine() -> str:
    """Say in one line what the bench runs on."""
    model = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line for line in lines if line.startswith("model name")).split(": ", 1)[1]
    memory = psutil.virtual_memory().total / 1024**3
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, {system}"
