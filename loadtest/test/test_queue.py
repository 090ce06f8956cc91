"""Compares measured latencies with the theory of queues.

A server that answers one request at a time, always in the same time, is an M/D/1 queue if requests arrive at random.
"""

import contextlib
import json
import math
import os
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path
from statistics import fmean

import pytest
from running import LoadTest
from scripted_function import scripted_function

from f2c_loadtest.arrivals import EVEN, POISSON, instants

# Seconds that each answer takes, beside the way to the server and back.
SERVICE, WAY = 0.01, 0.002
UTILIZATIONS = (0.5, 0.7)
SECONDS, SETTLE = 7, 1
# Share by which what is measured may differ from what the same instants make of a queue.
TOLERANCE = 0.05
# A neighbour that takes the CPU adds to latencies, and never makes a wrong queue right.
ATTEMPTS = 3


def instants_of(step: int) -> Iterator[float]:
    """Returns when the requests of a step are due, at the default seed."""
    return instants(POISSON, UTILIZATIONS[step] / SERVICE, f"1 {step}", 0, 1)


def answers(due: Iterator[float]) -> Iterator[tuple[float, float]]:
    """Yields when each request is answered, and how long that took since it was due, by Lindley's recursion."""
    free = 0.0
    for instant in due:
        free = max(instant, free) + SERVICE
        yield free, free - instant


@pytest.fixture
def precedence() -> Iterator[None]:
    """Lets the server and the load generator, which need little CPU, go before their neighbours, where they may."""
    # Other systems than Linux don't have it.
    with contextlib.suppress(AttributeError, PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    yield
    with contextlib.suppress(AttributeError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[math.ceil(share * len(times)) - 1]


def mean_wait(utilization: float) -> float:
    """Returns the mean wait in an M/D/1 queue, after Pollaczek (1930) and Khinchine (1932)."""
    return utilization * SERVICE / (2 * (1 - utilization))


def share_that_waits_at_most(seconds: float, utilization: float) -> float:
    """Returns the distribution function of the wait in an M/D/1 queue, after Erlang (1909)."""
    parts = [utilization * (number - seconds / SERVICE) for number in range(int(seconds / SERVICE) + 1)]
    return (1 - utilization) * sum(
        part**number / math.factorial(number) * math.exp(-part) for number, part in enumerate(parts)
    )


@pytest.mark.parametrize("step", range(len(UTILIZATIONS)))
def test_the_instants_make_the_queue_of_theory(step: int) -> None:
    waits = [time - SERVICE for _, time in answers(islice(instants_of(step), 300_000))]
    utilization = UTILIZATIONS[step]
    # Of so many requests that wait for each other, the mean differs by 1 or 2 %.
    assert fmean(waits) == pytest.approx(mean_wait(utilization), rel=0.05)
    for share in (0.6, 0.9, 0.99):
        assert share_that_waits_at_most(percentile(waits, share), utilization) == pytest.approx(share, abs=0.005)


def measure(directory: Path, arrivals: str, steps: list[dict[str, float]]) -> list[list[float]]:
    """Returns the response times of each step in seconds, to half the width of a bucket."""
    with scripted_function() as server:
        server.seconds = SERVICE
        options = (f"--arrivals={arrivals}", f"--steps={json.dumps(steps)}", f"--settle={SETTLE}", "--spawn-rate=100")
        load_test = LoadTest(directory, f"--host={server.url}", "--requests-per-connection=0", *options)
        load_test.end()
    assert load_test.reasons() == []
    times: list[list[float]] = [[] for _ in steps]
    for row in load_test.rows("latency"):
        assert (row["clock"], row["outcome"]) == ("response", "ok")
        times[int(row["step"])] += [int(row["latency_us"]) * (1 + 1 / 128) / 1e6] * int(row["count"])
    return times


def differences(directory: Path) -> list[str]:
    """Loads a server evenly and at random, and returns how what is measured differs from theory."""
    steps = [{"seconds": SECONDS, "users": 32, "rate": utilization / SERVICE} for utilization in UTILIZATIONS]
    (even,) = measure(directory, EVEN, [{**steps[-1], "seconds": 4}])
    at_random = measure(directory, POISSON, steps)
    found = []

    def compare(what: str, measured: float, expected: float) -> None:
        print(f"{what}: {1000 * measured:.2f} ms measured, {1000 * expected:.2f} ms expected")
        if abs(measured - expected) > TOLERANCE * expected + WAY:
            found.append(what)

    for share in (0.5, 0.9):
        compare(f"p{100 * share:g} of an even row", percentile(even, share), SERVICE)
    for step, utilization in enumerate(UTILIZATIONS):
        due = takewhile(lambda due: due < SECONDS, instants_of(step))
        expected = [time for end, time in answers(due) if SETTLE <= end < SECONDS]
        # By theory, the mean wait of so few requests may differ by a half; in an even row, it is 0.
        assert fmean(expected) - SERVICE == pytest.approx(mean_wait(utilization), rel=0.5)
        # One at each edge may fall to the other side.
        assert len(at_random[step]) == pytest.approx(len(expected), abs=2)
        compare(f"mean at {utilization}", fmean(at_random[step]), fmean(expected))
        for share in (0.5, 0.9, 0.99):
            compare(
                f"p{100 * share:g} at {utilization}", percentile(at_random[step], share), percentile(expected, share)
            )
    return found


@pytest.mark.usefixtures("precedence")
def test_the_waits_of_that_queue_are_measured_and_an_even_row_has_none(tmp_path: Path) -> None:
    for attempt in range(ATTEMPTS):
        found = differences(tmp_path)
        if not found:
            break
        print(f"Attempt {attempt + 1} differs from theory: {', '.join(found)}.")
    assert found == []
