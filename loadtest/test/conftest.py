"""What the tests share that start the command with a real Locust."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import RATE, USERS, LoadTest, Start
from scripted_function import ScriptedFunction, scripted_function


@pytest.fixture
def function() -> Iterator[ScriptedFunction]:
    """Yields a server that gives right answers."""
    with scripted_function() as server:
        yield server


@pytest.fixture
def start(function: ScriptedFunction, tmp_path: Path) -> Iterator[Start]:
    """Yields a function that starts a short load with further options."""
    started: list[LoadTest] = []

    def start_with(*options: str) -> LoadTest:
        directory = tmp_path / str(len(started))
        load = (f"--host={function.url}", f"--users={USERS}", f"--rate={RATE}", "--run-time=4s", "--settle=1")
        started.append(LoadTest(directory, *load, *options))
        return started[-1]

    yield start_with
    for load_test in started:
        if load_test.process.poll() is None:
            load_test.process.terminate()
            load_test.process.wait()
