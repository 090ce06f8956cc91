"""Measures what a request costs one core of the load generator, over HTTP and over gRPC, compared with plain Locust."""

import argparse
import base64
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
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from f2c_loadtest.__main__ import free_port
from f2c_loadtest.settings import BUILT_IN_RECORD

BENCH = Path(__file__).parent
LOADTEST = BENCH.parent
BARE_SERVER = LOADTEST.parent / "compare" / "programs" / "bare-server.cjs"

# The server and the generator each have a CPU of their own.
SERVER_CPU, GENERATOR_CPU = {0}, {1}

# The first seconds of each load are not measured.
SETTLE = 2

PLAIN = "plain Locust, `FastHttpUser`"
THIS = "**this load generator**"

REST, GRPC = "tfserving", "tfserving-grpc"
FORMS = {"function": "GET", REST: "POST", GRPC: "gRPC"}
"""How the targets are asked."""

# All are asked for one case, whose answer by the real TensorFlow Serving is recorded.
CASES = {"fahrenheit": [212], "celsius": [100]}

CLOSED, ALONE = "as fast as it can", "one user, who waits for each answer"
SHARES = {"a quarter": 0.25, "half": 0.5, "three quarters": 0.75}

EPILOG = """\
A bare server replays an answer on the first CPU. Each generator sends to it from the second CPU: as fast as it
can, and this one also in the open loop, in all forms of requests at the same rates: shares of the lowest of the rates
that it reached in the same round. The tables have the medians, with the lowest and the highest value of all rounds in
brackets. Ratios are of values from the same round.

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

    answers = recorded_answers()
    ports = {target: free_port() for target in FORMS}
    replays = json.dumps([{"port": ports[target], **answers[target]} for target in FORMS])
    server = subprocess.Popen(
        ["node", str(BARE_SERVER)],
        env={**os.environ, "REPLAYS": replays},
        preexec_fn=lambda: os.sched_setaffinity(0, SERVER_CPU),
    )
    try:
        urls = {target: f"http://127.0.0.1:{port}" for target, port in ports.items()}
        wait_for(urls["function"])
        print_tables(measure_all(options.rounds, urls, options.users, options.seconds), options)
    finally:
        server.terminate()
        server.wait()


def recorded_answers() -> dict[str, dict[str, Any]]:
    """Returns the answer of each target to the only case, as the bare server takes it."""

    def recorded(file: str, name: str) -> Any:  # noqa: ANN401
        exchanges = json.loads((LOADTEST / "test" / file).read_text(encoding="utf-8"))["exchanges"]
        (response,) = (exchange["response"] for exchange in exchanges if exchange["name"] == name)
        return response

    bodies = {
        "function": '{"celsius":100,"appId":"static"}',
        REST: recorded("tfserving-exchanges.json", "predict one, row form")["body"],
    }
    kind = [["content-type", "application/json"]]
    by_http = {
        target: {"status": 200, "headers": kind, "body": base64.b64encode(body.encode()).decode()}
        for target, body in bodies.items()
    }
    message = recorded("tfserving-grpc-exchanges.json", "one value by tensor_content")["base64"]
    return {**by_http, GRPC: {"message": message}}


class Load(NamedTuple):
    """What a load generator achieved."""

    rate: float
    """In requests/s."""
    cpu_us: float
    """CPU time of the generator for each request, in µs; 0 where it is not known."""


def measure_all(rounds: int, urls: dict[str, str], users: int, seconds: int) -> dict[tuple[str, str], list[Load]]:
    """Returns the loads of every round, by what was measured and by target."""
    unchecked = f"--locustfile={BENCH / 'unchecked.py'}"
    keep_connections = "--requests-per-connection=0"
    loads: dict[tuple[str, str], list[Load]] = defaultdict(list)

    def open_loop(target: str, share: float) -> Load:
        highest = min(loads[CLOSED, each][-1].rate for each in FORMS)
        return this(urls[target], users, seconds, f"--rate={share * highest:.0f}", target=target)

    def closed(target: str, users: int, *options: str) -> Callable[[], Load]:
        return lambda: this(urls[target], users, seconds, *options, target=target)

    candidates: dict[tuple[str, str], Callable[[], Load]] = {
        (PLAIN, "function"): lambda: plain(urls["function"], users, seconds),
        **{(CLOSED, target): closed(target, users) for target in FORMS},
        ("the same, connections kept", "function"): closed("function", users, keep_connections),
        ("the same, answers not checked", "function"): closed("function", users, unchecked, keep_connections),
        **{(ALONE, target): closed(target, 1) for target in FORMS},
        **{
            (f"open loop, {name} of the highest rate", target): partial(open_loop, target, share)
            for name, share in SHARES.items()
            for target in FORMS
        },
    }
    for number in range(rounds):
        for (name, target), measure in candidates.items():
            loads[name, target].append(measure())
            rate, cpu_us = loads[name, target][-1]
            what = f"round {number + 1} of {rounds}: {name}, {FORMS[target]}"
            print(f"{what}: {rate:.0f} requests/s, {cpu_us:.1f} µs", file=sys.stderr)
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


def this(url: str, users: int, seconds: int, *options: str, target: str) -> Load:
    """Returns the load by the load generator's verdict, whether or not it was itself the bottleneck."""
    with tempfile.TemporaryDirectory() as directory:
        load = [f"--host={url}", f"--users={users}", f"--run-time={seconds}s", f"--settle={SETTLE}"]
        record = json.loads(BUILT_IN_RECORD.read_text(encoding="utf-8"))
        file = Path(directory, "record.json")
        file.write_text(json.dumps({**record, "cases": CASES}), encoding="utf-8")
        load += [f"--record={file}", f"--target={target}", f"--results={directory}"]
        run("f2c_loadtest", *load, *options)
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


def print_tables(loads: dict[tuple[str, str], list[Load]], options: argparse.Namespace) -> None:
    """Prints the tables in Markdown."""

    def spread(values: list[float], digits: int) -> str:
        return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"  # noqa: RUF001

    def ratio(values: list[float], bases: list[float]) -> str:
        return spread([value / base for value, base in zip(values, bases, strict=True)], 2)

    def rates(name: str, target: str = "function") -> list[float]:
        return [load.rate for load in loads[name, target]]

    def costs(name: str, target: str) -> list[float]:
        return [load.cpu_us for load in loads[name, target]]

    print("| Generator, as fast as it can | Requests/s | ÷ plain Locust |")
    print("| --- | --: | --: |")
    generators = {
        PLAIN: rates(PLAIN),
        THIS: rates(CLOSED),
        **{name: rates(name) for name, _ in loads if name.startswith("the same")},
        "as TensorFlow Serving is asked over REST": rates(CLOSED, REST),
        "as it is asked over gRPC": rates(CLOSED, GRPC),
    }
    for name, values in generators.items():
        print(f"| {name} | {spread(values, 0)} | {ratio(values, rates(PLAIN))} |")

    print("\n| CPU a request, µs | GET | POST | gRPC | gRPC ÷ POST |")
    print("| --- | --: | --: | --: | --: |")
    for name in (name for name, target in loads if target == GRPC):
        cells = [spread(costs(name, target), 0) for target in FORMS]
        print(f"| {name} | {' | '.join(cells)} | {ratio(costs(name, GRPC), costs(name, REST))} |")
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    cpu = f"{len(models)} × {models[0].partition(':')[2].strip()}" if models else "an unknown CPU"  # noqa: RUF001
    print(
        f"\n{options.rounds} rounds of {options.seconds} s, {options.users} users; server on CPU 0, generator on "
        f"CPU 1. Python {platform.python_version()}, Linux {platform.release()}, {cpu}."
    )


if __name__ == "__main__":
    main()
