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
from collections.abc import Callable
from pathlib import Path
from statistics import median

from f2c_loadtest.__main__ import free_port

BENCH = Path(__file__).parent
LOADTEST = BENCH.parent
STATIC_SERVER = LOADTEST / "compare" / "static-server.cjs"

# The server and the generator each have a CPU of their own.
SERVER_CPU, GENERATOR_CPU = {0}, {1}

# The first seconds of each load are not measured.
SETTLE = 2

EPILOG = """\
A bare server answers with a constant on the first CPU. Each generator sends to it from the second CPU, as fast as it
can. The table has the medians, with the lowest and the highest value of all rounds in brackets. Ratios are of values
from the same round.

example, from the project's root:
  PYTHONPATH=loadtest .venv/bin/python loadtest/bench/bench.py --rounds 2 --seconds 5
"""


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often to measure each generator (default: 5)")
    parser.add_argument("--seconds", type=int, default=10, help="how long to measure each time (default: 10)")
    parser.add_argument("--users", type=int, default=16, help="how many users send requests (default: 16)")
    options = parser.parse_args()
    if min(options.rounds, options.users) < 1 or options.seconds <= SETTLE:
        parser.error(f"--rounds and --users must be 1 at least, and --seconds more than {SETTLE}")
    if (os.cpu_count() or 1) < 2:
        parser.error("it takes two CPUs: one for the server, and one for the generator")

    port = free_port()
    server = subprocess.Popen(
        ["node", str(STATIC_SERVER)],
        env={**os.environ, "PORT": str(port)},
        preexec_fn=lambda: os.sched_setaffinity(0, SERVER_CPU),
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        print_table(measure_all(options.rounds, url, options.users, options.seconds), options)
    finally:
        server.terminate()
        server.wait()


def measure_all(rounds: int, url: str, users: int, seconds: int) -> dict[str, list[float]]:
    """Returns the requests/s of every round, by the name of the generator."""
    own = f"--locustfile={LOADTEST / 'locustfile.py'}"
    unchecked = f"--locustfile={BENCH / 'unchecked.py'}"
    kept = "--requests-per-connection=0"
    candidates: dict[str, Callable[[], float]] = {
        "plain Locust, `FastHttpUser`": lambda: plain(url, users, seconds),
        "**this load generator**": lambda: this(url, users, seconds, own),
        "the same, connections kept": lambda: this(url, users, seconds, own, kept),
        "the same, answers not checked": lambda: this(url, users, seconds, unchecked, kept),
    }
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds):
        for name, measure in candidates.items():
            rates[name].append(measure())
            print(f"round {number + 1} of {rounds}: {name}: {rates[name][-1]:.0f} requests/s", file=sys.stderr)
    return rates


def plain(url: str, users: int, seconds: int) -> float:
    """Returns the requests/s of plain Locust, from its own statistics: from the first request to the last one."""
    with tempfile.TemporaryDirectory() as directory:
        load = [f"--host={url}", f"--users={users}", f"--spawn-rate={users}", f"--run-time={seconds}s"]
        run("locust", f"--locustfile={BENCH / 'plain.py'}", "--headless", f"--csv={directory}/plain", *load)
        with Path(directory, "plain_stats.csv").open(encoding="utf-8", newline="") as file:
            (total,) = (row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
        if int(total["Failure Count"]):
            raise SystemExit(f"{total['Failure Count']} requests failed, so that nothing is measured.")
        return float(total["Requests/s"])


def this(url: str, users: int, seconds: int, *options: str) -> float:
    """Returns the requests/s of this load generator, from its verdict, which says that it was the bottleneck itself."""
    with tempfile.TemporaryDirectory() as directory:
        load = [f"--host={url}", f"--users={users}", f"--run-time={seconds}s", f"--settle={SETTLE}"]
        answer = ["--min-fahrenheit=98.6", "--max-fahrenheit=98.6"]
        run("f2c_loadtest", "--target=function", f"--results={directory}", *load, *answer, *options)
        verdict = json.loads(Path(directory, "function_verdict.json").read_text(encoding="utf-8"))
        if verdict["failures"]:
            raise SystemExit(f"{verdict['failures']} requests failed, so that nothing is measured.")
        return float(verdict["throughput"])


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


def print_table(rates: dict[str, list[float]], options: argparse.Namespace) -> None:
    """Prints the table in Markdown."""

    def spread(values: list[float], digits: int) -> str:
        return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"  # noqa: RUF001

    base = next(iter(rates.values()))
    print("| Generator | Requests/s | ÷ plain Locust |\n| --- | --: | --: |")
    for name, values in rates.items():
        ratios = [value / plain for value, plain in zip(values, base, strict=True)]
        print(f"| {name} | {spread(values, 0)} | {spread(ratios, 2)} |")
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    cpu = f"{len(models)} × {models[0].partition(':')[2].strip()}" if models else "an unknown CPU"  # noqa: RUF001
    print(
        f"\n{options.rounds} rounds of {options.seconds} s, {options.users} users; server on CPU 0, generator on "
        f"CPU 1. Python {platform.python_version()}, Linux {platform.release()}, {cpu}."
    )


if __name__ == "__main__":
    main()
