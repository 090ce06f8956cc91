"""Measures how many requests/s one core of the load generator can send, compared with plain Locust."""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from f2c_loadtest.__main__ import free_port

BENCH = Path(__file__).parent
LOADTEST = BENCH.parent
BARE_SERVER = LOADTEST.parent / "compare" / "programs" / "bare-server.cjs"

# The server and the generator each have a CPU of their own.
SERVER_CPU, GENERATOR_CPU = {0}, {1}

# The first seconds of each load are not measured.
SETTLE = 2

PLAIN = "plain Locust, `FastHttpUser`"
THIS = "**this load generator**"

EPILOG = """\
A bare server answers with a constant on the first CPU. Each generator sends to it from the second CPU: as fast as it
can, and this one then in the open loop, at a share of the rate that it reached in the same round. The table has the
medians, with the lowest and the highest value of all rounds in brackets. Ratios are of values from the same round.

example, from the project's root:
  PYTHONPATH=loadtest .venv/bin/python loadtest/bench/bench.py --rounds 2 --seconds 5
"""


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="loads from each generator, in turns (default: 5)")
    parser.add_argument("--seconds", type=int, default=10, help="seconds for which each load runs (default: 10)")
    parser.add_argument("--users", type=int, default=16, help="concurrent users (default: 16)")
    options = parser.parse_args()
    if min(options.rounds, options.users) < 1 or options.seconds <= SETTLE:
        parser.error(f"--rounds and --users must be 1 at least, and --seconds more than {SETTLE}")
    if (os.cpu_count() or 1) < 2:
        parser.error("it takes two CPUs: one for the server, and one for the generator")

    port, grpc_port = free_port(), free_port()
    server = subprocess.Popen(
        ["node", str(BARE_SERVER)],
        env={**os.environ, "PORT": str(port), "GRPC_PORT": str(grpc_port)},
        preexec_fn=lambda: os.sched_setaffinity(0, SERVER_CPU),
    )
    try:
        url, grpc_url = (f"http://127.0.0.1:{number}" for number in (port, grpc_port))
        wait_for(url)
        print_table(measure_all(options.rounds, url, grpc_url, options.users, options.seconds), options)
    finally:
        server.terminate()
        server.wait()


class Load(NamedTuple):
    """What a load generator achieved."""

    rate: float
    """In requests/s."""
    cpu_us: float
    """CPU time of the generator for each request, in µs; 0 where it is not known."""


def measure_all(rounds: int, url: str, grpc_url: str, users: int, seconds: int) -> dict[str, list[Load]]:
    """Returns the loads of every round, by name."""
    unchecked = f"--locustfile={BENCH / 'unchecked.py'}"
    keep_connections = "--requests-per-connection=0"
    loads: dict[str, list[Load]] = defaultdict(list)

    def open_loop(share: float) -> Load:
        return this(url, users, seconds, f"--rate={share * loads[THIS][-1].rate:.0f}")

    candidates: dict[str, Callable[[], Load]] = {
        PLAIN: lambda: plain(url, users, seconds),
        THIS: lambda: this(url, users, seconds),
        "the same, connections kept": lambda: this(url, users, seconds, keep_connections),
        "the same, answers not checked": lambda: this(url, users, seconds, unchecked, keep_connections),
        "the same, as TensorFlow Serving is asked by REST": lambda: this(url, users, seconds, target="tfserving"),
        "the same, as it is asked by gRPC": lambda: this(grpc_url, users, seconds, target="tfserving-grpc"),
        "one user, who waits for each answer": lambda: this(url, 1, seconds),
        "one user by REST": lambda: this(url, 1, seconds, target="tfserving"),
        "one user by gRPC": lambda: this(grpc_url, 1, seconds, target="tfserving-grpc"),
        "open loop, a quarter of the highest rate": lambda: open_loop(0.25),
        "open loop, half of the highest rate": lambda: open_loop(0.5),
        "open loop, three quarters of the highest rate": lambda: open_loop(0.75),
    }
    for number in range(rounds):
        for name, measure in candidates.items():
            loads[name].append(measure())
            rate, cpu_us = loads[name][-1]
            print(f"round {number + 1} of {rounds}: {name}: {rate:.0f} requests/s, {cpu_us:.1f} µs", file=sys.stderr)
    return loads


def plain(url: str, users: int, seconds: int) -> Load:
    """Returns the load by Locust's own statistics, from its first request to its last one."""
    with tempfile.TemporaryDirectory() as directory:
        load = [f"--host={url}", f"--users={users}", f"--spawn-rate={users}", f"--run-time={seconds}s"]
        run("locust", f"--locustfile={BENCH / 'plain.py'}", "--headless", f"--csv={directory}/plain", *load)
        with Path(directory, "plain_stats.csv").open(encoding="utf-8", newline="") as file:
            (total,) = (row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
        if int(total["Failure Count"]):
            raise SystemExit(f"{total['Failure Count']} requests failed, so that nothing is measured.")
        return Load(float(total["Requests/s"]), 0)


def this(url: str, users: int, seconds: int, *options: str, target: str = "function") -> Load:
    """Returns the load by the load generator's verdict, whether or not it was itself the bottleneck."""
    with tempfile.TemporaryDirectory() as directory:
        load = [f"--host={url}", f"--users={users}", f"--run-time={seconds}s", f"--settle={SETTLE}"]
        answer = ["--min-fahrenheit=98.6", "--max-fahrenheit=98.6"]
        run("f2c_loadtest", f"--target={target}", f"--results={directory}", *load, *answer, *options)
        verdict = json.loads(Path(directory, f"{target}_verdict.json").read_text(encoding="utf-8"))
        if verdict["failures"]:
            raise SystemExit(f"{verdict['failures']} requests failed, so that nothing is measured.")
        rate = float(verdict["throughput"])
        return Load(rate, verdict["generator"]["cpuCores"] / rate * 1e6)


def run(module: str, *arguments: str) -> None:
    """Runs a Python module on the generator's CPU."""
    environment = {**os.environ, "PYTHONPATH": str(LOADTEST)}
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, GENERATOR_CPU),
    )
    if ended.returncode not in (0, 3):
        raise SystemExit(f"{module} has ended with exit code {ended.returncode}:\n{ended.stdout}{ended.stderr}")


def wait_for(url: str) -> None:
    """Waits until the server answers."""
    deadline = time.monotonic() + 10
    while True:
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise SystemExit("The bare server does not answer: is there a node?") from None
            time.sleep(0.05)
        else:
            return


def print_table(loads: dict[str, list[Load]], options: argparse.Namespace) -> None:
    """Prints the table in Markdown."""

    def spread(values: list[float], digits: int) -> str:
        return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"  # noqa: RUF001

    print("| Generator | Requests/s | ÷ plain Locust | CPU a request, µs | ÷ as fast as it can |")
    print("| --- | --: | --: | --: | --: |")
    for name, values in loads.items():
        cells = [spread([load.rate for load in values], 0), "", "", ""]
        if not name.startswith("open loop"):
            cells[1] = spread([load.rate / base.rate for load, base in zip(values, loads[PLAIN], strict=True)], 2)
        if name != PLAIN:
            cells[2] = spread([load.cpu_us for load in values], 0)
            cells[3] = spread([load.cpu_us / base.cpu_us for load, base in zip(values, loads[THIS], strict=True)], 2)
        print(f"| {name} | {' | '.join(cells)} |")
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    cpu = f"{len(models)} × {models[0].partition(':')[2].strip()}" if models else "an unknown CPU"  # noqa: RUF001
    print(
        f"\n{options.rounds} rounds of {options.seconds} s, {options.users} users; server on CPU 0, generator on "
        f"CPU 1. Python {platform.python_version()}, Linux {platform.release()}, {cpu}."
    )


if __name__ == "__main__":
    main()
