"""Reads limits from files in the form of the kernel, with both versions of cgroups."""

import time
from pathlib import Path

import pytest

from f2c_loadtest.available_cpu import AvailableCpu, Periods

STAT = "nr_periods 50\nnr_throttled 5\nthrottled_time 1000\n"

# In a container of its own cgroup namespace, in one without, and on a host where a parent has the limit.
VERSION_2 = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "60000 100000\n", "sys/fs/cgroup/cpu.stat": STAT}
VERSION_1 = {
    "proc/self/cgroup": "12:pids:/kubepods/pod1\n4:cpu,cpuacct:/kubepods/pod1\n0::/\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "60000\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.stat": STAT,
}
PARENT = {
    "proc/self/cgroup": "0::/user.slice/session.scope\n",
    "sys/fs/cgroup/user.slice/cpu.max": "60000 100000\n",
    "sys/fs/cgroup/user.slice/cpu.stat": STAT,
    "sys/fs/cgroup/user.slice/session.scope/cpu.max": "max 100000\n",
}


def cpu_with(root: Path, files: dict[str, str]) -> AvailableCpu:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return AvailableCpu(root)


@pytest.mark.parametrize("files", [VERSION_2, VERSION_1, PARENT])
def test_a_limit_and_its_periods(files: dict[str, str], tmp_path: Path) -> None:
    cpu = cpu_with(tmp_path, files)
    assert (cpu.limit_cores, cpu.periods()) == (0.6, Periods(50, 5))


@pytest.mark.parametrize(
    "files",
    [
        {},
        VERSION_2 | {"sys/fs/cgroup/cpu.max": "max 100000\n"},
        VERSION_1 | {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n"},
    ],
)
def test_no_limit(files: dict[str, str], tmp_path: Path) -> None:
    cpu = cpu_with(tmp_path, files)
    assert (cpu.limit_cores, cpu.periods()) == (None, None)


def test_stolen_time(tmp_path: Path) -> None:
    assert AvailableCpu(tmp_path).stolen() is None
    stat = {"proc/stat": "cpu  1 2 3 4 5 6 7 1000 0 0\ncpu0 1 2 3 4 5 6 7 1000 0 0\n"}
    # On all common architectures, Linux counts hundredths of a second.
    assert cpu_with(tmp_path, stat).stolen() == 10


def test_this_machine() -> None:
    cpu = AvailableCpu()
    before = cpu.stolen()
    time.sleep(0.01)
    assert before is not None
    assert (cpu.stolen() or 0) >= before >= 0
    assert cpu.limit_cores is None or cpu.periods() is not None
