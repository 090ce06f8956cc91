"""Runs the command with a real Locust, and reads its results."""

import base64
import csv
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from records import built_in
from scripted_function import ScriptedFunction

from f2c_loadtest.archive import BEGIN, END
from f2c_loadtest.arrivals import POISSON, instants
from f2c_loadtest.files import result_files

PACKAGE_ROOT = Path(__file__).parents[1]

# The load that tests start when they do not say otherwise.
USERS, RATE = 4, 40

Rows = list[dict[str, str]]
Start = Callable[..., "LoadTest"]


class LoadTest:
    """A load, which runs as a process of its own."""

    def __init__(self, directory: Path, *arguments: str, target: str = "function") -> None:
        """Starts the command, which leaves its files in the folder."""
        directory.mkdir(exist_ok=True)
        self.target = target
        self.results = directory / "results"
        self.termination_log = directory / "termination-log"
        self.termination_log.touch()
        # Kubernetes sets LOCUST_PORT for a service named locust, and people may set LOCUST_USERS for another Locust.
        environment = {**os.environ, "LOCUST_PORT": "tcp://10.0.0.1:8089", "LOCUST_USERS": "999"}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "f2c_loadtest", f"--target={target}", f"--results={self.results}"),
                *(f"--termination-log={self.termination_log}", *arguments),
            ],
            env={**environment, "PYTHONPATH": str(PACKAGE_ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.output = self.log = ""

    def end(self) -> int:
        """Waits until the command ends, and returns the exit code."""
        self.output, self.log = self.process.communicate(timeout=90)
        print(self.output, self.log)
        assert "Traceback" not in self.log + self.output
        return self.process.returncode

    def rows(self, kind: str) -> Rows:
        """Reads a CSV file of the results."""
        with (self.results / f"{self.target}_{kind}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def total(self, kind: str, column: str) -> int:
        """Returns the sum of a column."""
        return sum(int(row[column]) for row in self.rows(kind))

    def verdict(self) -> dict[str, Any]:
        """Reads the verdict."""
        verdict: dict[str, Any] = json.loads((self.results / f"{self.target}_verdict.json").read_text(encoding="utf-8"))
        return verdict

    def reasons(self) -> list[str]:
        """Returns the reasons of the verdict, except for a neighbour that took the CPU."""
        reasons: list[str] = self.verdict()["reasons"]
        return [reason for reason in reasons if "late itself" not in reason]

    def locust_total(self, column: str) -> int:
        """Reads a total of Locust's own statistics."""
        (aggregated,) = (row for row in self.rows("stats") if row["Name"] == "Aggregated")
        return int(aggregated[column])


def run_on_time(start: Callable[[], LoadTest]) -> LoadTest:
    """Runs a load up to three times: a neighbour that takes the CPU makes it late, and rightly INVALID."""
    for _ in range(3):
        load_test = start()
        load_test.end()
        if load_test.reasons() == load_test.verdict()["reasons"]:
            break
    return load_test


def wait_for_requests(function: ScriptedFunction, number: int) -> None:
    """Waits until the function has got as many requests."""
    deadline = time.monotonic() + 30
    while function.requests < number:
        assert time.monotonic() < deadline, f"There were only {function.requests} requests."
        time.sleep(0.05)


def due_between(rate: float, start: int, end: int, processes: int = 1) -> int:
    """Counts the requests that fall due in these seconds of the first step, by the default seed."""
    streams = [instants(POISSON, rate, "1 0", process, processes) for process in range(processes)]
    return sum(start <= due for stream in streams for due in takewhile(lambda due: due < end, stream))


def run_command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command until it ends."""
    command = [sys.executable, "-m", "f2c_loadtest", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


# Prints each file kind's columns as results/files.ts defines them.
PRINT_COLUMNS = """
const { KINDS } = await import('./results/files.ts');
const columns = Object.entries(KINDS).map(([kind, { schema }]) => [kind, Object.keys(schema.entries)]);
console.log(JSON.stringify(Object.fromEntries(columns)));
"""


@cache
def defined_columns() -> dict[str, list[str]]:
    """Returns the columns of each kind of file, or the members of a JSON file."""
    node = [str(PACKAGE_ROOT.parent / "node_modules/.bin/node"), "--input-type=module", "--eval", PRINT_COLUMNS]
    columns: dict[str, list[str]] = json.loads(subprocess.check_output(node, cwd=PACKAGE_ROOT.parent))
    return columns


def assert_complete(load_test: LoadTest) -> None:
    """Checks the archive in the log and the termination message against the files, and these against files.ts."""
    files = result_files(load_test.results, built_in(load_test.target))
    for file in files:
        columns = defined_columns()[file.stem.removeprefix(f"{load_test.target}_")]
        if file.suffix == ".json":
            assert set(load_test.verdict()) == set(columns)
        else:
            assert file.read_text(encoding="utf-8").splitlines()[0].split(",") == columns, file.name
    assert unpack(load_test.output) == {file.name: file.read_bytes() for file in files}
    message = load_test.termination_log.read_text(encoding="utf-8")
    assert f"{message}\n{BEGIN}" in load_test.output
    assert message.startswith(f"{load_test.verdict()['verdict']} {load_test.target}: ")


def unpack(log: str) -> dict[str, bytes]:
    """Returns the files of the archive in a log, by name and in their order."""
    lines = log.partition(BEGIN)[2].partition(END)[0].splitlines()
    text = "".join(line[1:] for line in lines if line.startswith(":")).rstrip("=")
    packed = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {entry.name: file.read() for entry in tar if (file := tar.extractfile(entry))}
