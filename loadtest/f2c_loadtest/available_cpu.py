"""Reads how much CPU this process can get: the limit of its cgroup, throttling, and steal time."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Systemd and container runtimes mount cgroups here: all of version 2, or the CPU controller of version 1.
MOUNTS = {"": ("sys/fs/cgroup",), "cpu": ("sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpu")}

# The column of /proc/stat by proc(5), after: cpu, user, nice, system, idle, iowait, irq, softirq.
STEAL = 8


class Periods(NamedTuple):
    """Counts the periods in which the kernel enforced the limit."""

    all: int
    throttled: int


class AvailableCpu:
    """Reads the files of Linux; on other systems, every value is unknown."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Finds the lowest limit among the cgroup of this process and its parents."""
        self._stat = root / "proc/stat"
        limits = [(limit, directory) for directory in _cgroups(root) if (limit := _limit(directory)) is not None]
        self.limit_cores: float | None = None
        """Cores that all processes of the cgroup may use together; None without a limit."""
        self._cgroup: Path | None = None
        if limits:
            self.limit_cores, self._cgroup = min(limits)

    def periods(self) -> Periods | None:
        """Returns the periods since the cgroup was made; None without a limit."""
        if self._cgroup is None:
            return None
        counters = dict(line.split() for line in _text(self._cgroup / "cpu.stat").splitlines())
        try:
            return Periods(int(counters["nr_periods"]), int(counters["nr_throttled"]))
        except KeyError:
            return None

    def stolen(self) -> float | None:
        """Returns the steal time of all CPUs in seconds: they were ready to run, and the hypervisor ran others."""
        columns = _text(self._stat).partition("\n")[0].split()
        return int(columns[STEAL]) / os.sysconf("SC_CLK_TCK") if len(columns) > STEAL else None


def _cgroups(root: Path) -> Iterator[Path]:
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller, mounts in MOUNTS.items():
            if controller in controllers.split(","):
                for mount in mounts:
                    # In a container, the path may be the host's, and the mount the container's own cgroup.
                    cgroup = Path(path.lstrip("/"))
                    yield from (root / mount / directory for directory in (cgroup, *cgroup.parents))


def _limit(directory: Path) -> float | None:
    quota, _, period = _text(directory / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = (_text(directory / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    return int(quota) / int(period) if quota.isdecimal() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
