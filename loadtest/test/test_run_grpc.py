"""Runs the command with a real Locust against a real gRPC server, which tests can give faults."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from certificate import Certificate
from running import RATE, USERS, LoadTest, assert_complete, due_between, run_command, run_on_time
from scripted_tfserving import ScriptedTfServing, scripted_tfserving

Run = Callable[..., LoadTest]


@pytest.fixture
def tfserving() -> Iterator[ScriptedTfServing]:
    """Yields a server that gives right answers."""
    with scripted_tfserving() as server:
        yield server


@pytest.fixture
def run(tfserving: ScriptedTfServing, tmp_path: Path) -> Run:
    """Returns a function that runs a short load with further options."""

    def start(*options: str) -> LoadTest:
        tfserving.requests = 0
        tfserving.peers.clear()
        return LoadTest(tmp_path, *load(tfserving), *options, target="tfserving-grpc")

    return lambda *options: run_on_time(lambda: start(*options))


def load(server: ScriptedTfServing) -> tuple[str, ...]:
    return f"--host={server.url}", f"--users={USERS}", f"--rate={RATE}", "--run-time=4s", "--settle=1"


def errors(load_test: LoadTest) -> set[str]:
    return {row["Error"] for row in load_test.rows("failures")}


@pytest.mark.parametrize("processes", [1, 2])
def test_everything_adds_up(run: Run, tfserving: ScriptedTfServing, processes: int) -> None:
    load_test = run("--requests-per-connection=10", "--batch=3", f"--processes={processes}")
    assert load_test.verdict()["reasons"] == []
    assert_complete(load_test)
    assert tfserving.requests >= due_between(RATE, 0, 4, processes) - USERS
    assert load_test.locust_total("Request Count") == load_test.total("seconds", "requests") == tfserving.requests
    assert {row["Type"] for row in load_test.rows("stats")} == {"gRPC", ""}
    assert len({row["process"] for row in load_test.rows("generator")}) == processes
    # Each user opens a connection for ten requests, but may begin and end within ten.
    assert tfserving.requests / 10 <= tfserving.connections <= tfserving.requests / 10 + 2 * USERS


def test_one_question(tfserving: ScriptedTfServing) -> None:
    once = ("--once", "--target=tfserving-grpc", f"--host={tfserving.url}")
    assert run_command(*once).returncode == 0
    tfserving.status = grpc.StatusCode.NOT_FOUND
    ended = run_command(*once)
    assert ended.returncode == 1
    assert ": the status is NOT_FOUND: the server does not have" in ended.stdout


def test_connections_that_are_kept(run: Run, tfserving: ScriptedTfServing) -> None:
    assert run("--requests-per-connection=0").verdict()["verdict"] == "VALID"
    assert tfserving.connections == USERS


def test_wrong_answers(run: Run, tfserving: ScriptedTfServing) -> None:
    tfserving.error = 0.001
    load_test = run()
    assert load_test.process.returncode == 3
    verdict = load_test.verdict()
    assert verdict["wrongAnswers"] == verdict["failures"] == verdict["requests"] > 0
    assert_complete(load_test)


def test_another_status_than_ok(run: Run, tfserving: ScriptedTfServing) -> None:
    tfserving.status = grpc.StatusCode.FAILED_PRECONDITION
    load_test = run("--requests-per-connection=0")
    assert load_test.process.returncode == 3
    assert load_test.verdict()["wrongAnswers"] == 0
    assert errors(load_test) == {"RequestError('the status is FAILED_PRECONDITION')"}
    assert "the status is FAILED_PRECONDITION: The test wants this." in load_test.verdict()["firstWrong"]
    # The server refused the requests, and the connections are still good.
    assert tfserving.connections == USERS
    assert_complete(load_test)


def test_a_server_that_has_too_few_threads(run: Run, tfserving: ScriptedTfServing) -> None:
    tfserving.status = grpc.StatusCode.RESOURCE_EXHAUSTED
    reasons = " ".join(run().verdict()["reasons"])
    assert "; 100 % of them: the status is RESOURCE_EXHAUSTED: " in reasons


def test_a_server_that_does_not_exist(run: Run) -> None:
    load_test = run("--host=http://127.0.0.1:9")
    assert load_test.process.returncode == 3
    assert errors(load_test) == {"ConnectionRefusedError(111, 'Connection refused')"}
    assert_complete(load_test)


def test_answers_that_take_longer_than_a_request_may(run: Run, tfserving: ScriptedTfServing) -> None:
    tfserving.seconds = 10.5
    load_test = run("--run-time=13s")
    assert load_test.process.returncode == 3
    assert errors(load_test) == {"RequestError('there was no answer within 10 s')"}


def test_all_users_wait_at_the_same_time(run: Run, tfserving: ScriptedTfServing) -> None:
    tfserving.seconds = 0.5
    # In an even row, 12 of them are under way all the time. At random, there would be more now and then.
    load_test = run("--users=16", "--rate=24", "--arrivals=even", "--run-time=6s", "--settle=2")
    assert load_test.verdict()["verdict"] == "VALID"
    assert load_test.verdict()["p99Us"] < 700_000


def test_a_server_with_tls(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    credentials = grpc.ssl_server_credentials([(certificate.key.read_bytes(), certificate.file.read_bytes())])
    with scripted_tfserving(credentials) as server:
        load_test = LoadTest(tmp_path, *load(server), target="tfserving-grpc")
        load_test.end()
    assert load_test.verdict()["failures"] == 0
    assert load_test.total("seconds", "requests") == server.requests > 0
