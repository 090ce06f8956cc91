"""Runs the command with a real Locust. Only the target is scripted, so that tests can give it faults."""

import json
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from records import built_in
from running import (
    RATE,
    USERS,
    LoadTest,
    Start,
    assert_complete,
    due_between,
    run_command,
    run_on_time,
    wait_for_requests,
)
from scripted_function import APP_ID, ScriptedFunction

from f2c_loadtest.files import result_files


def test_without_an_archive_the_log_has_the_verdict_alone(start: Start) -> None:
    load_test = start("--no-archive")
    assert load_test.end() in (0, 3)
    assert all(file.stat().st_size for file in result_files(load_test.results, built_in("function")))
    assert load_test.output.splitlines()[-1] == load_test.termination_log.read_text(encoding="utf-8")


def test_a_valid_load(start: Start, function: ScriptedFunction) -> None:
    load_test = start("--requests-per-connection=10", "--ready-replicas=1")
    assert load_test.end() == 0
    assert load_test.verdict()["reasons"] == []
    assert_complete(load_test)
    # The server, Locust and the load generator count the same number of requests.
    assert function.requests >= due_between(RATE, 0, 4) - USERS
    assert load_test.locust_total("Request Count") == function.requests
    assert load_test.total("seconds", "requests") == function.requests
    assert load_test.total("replicas", "answers") == function.requests
    assert {row["app_id"] for row in load_test.rows("replicas")} == {APP_ID}
    # Each measured request is in the steps and in the latencies, once.
    measured = load_test.verdict()["requests"]
    assert load_test.total("steps", "requests") == measured
    assert load_test.total("latency", "count") == measured
    assert {row["clock"] for row in load_test.rows("latency")} == {"response"}
    # The history is shorter than ten seconds, so only the first and the last one are left.
    history = load_test.rows("stats_history")
    assert len({row["Timestamp"] for row in history}) == 2
    assert int(history[-1]["Total Request Count"]) == function.requests
    assert 0 < load_test.verdict()["connections"] <= function.connections
    assert load_test.verdict()["firstWrong"] is None
    # Each user opens a connection for ten requests, but may begin and end within ten.
    assert function.requests / 10 <= function.connections <= function.requests / 10 + 2 * USERS


def test_one_question(function: ScriptedFunction) -> None:
    def ask(host: str) -> tuple[int, str]:
        ended = run_command("--once", "--target=function", f"--host={host}")
        return ended.returncode, ended.stdout + ended.stderr

    assert ask(function.url) == (0, f"function at {function.url} answers rightly.\n")
    function.error = 0.001
    code, sentence = ask(function.url)
    assert (code, function.requests) == (1, 2)
    assert sentence.startswith(f"function at {function.url} does not answer rightly: GET /?fahrenheit=")
    assert re.search(r": a value at /celsius is wrong: /celsius is \S+, and .+ was expected; the answer is {", sentence)
    assert "[Errno 111] Connection refused." in ask("http://127.0.0.1:9")[1]


def test_connections_that_are_kept(start: Start, function: ScriptedFunction) -> None:
    assert start("--requests-per-connection=0").end() == 0
    assert function.connections == USERS


def test_a_server_that_closes_connections_without_saying_so(start: Start, function: ScriptedFunction) -> None:
    # Batches go by POST, and a POST must not be sent twice. At a rate that the server does not sustain, the next
    # request follows at once, before the client knows that the connection has ended.
    load_test = start("--batch=2", "--requests-per-connection=2", "--rate=4000")
    load_test.end()
    assert load_test.verdict()["requests"] > 0
    assert load_test.locust_total("Failure Count") == 0
    assert function.connections >= function.requests / 2


def test_connections_recycled_by_age(start: Start, function: ScriptedFunction) -> None:
    assert start("--requests-per-connection=0", "--seconds-per-connection=1").end() == 0
    assert 3 * USERS <= function.connections <= 6 * USERS


def test_wrong_answers(start: Start, function: ScriptedFunction) -> None:
    function.error = 0.001
    load_test = start()
    assert load_test.end() == 3
    verdict = load_test.verdict()
    assert verdict["wrongAnswers"] == verdict["failures"] == verdict["requests"] > 0
    assert "wrong; 100 % of them: a value at /celsius is wrong. The first: GET /?fahrenheit=" in " ".join(
        verdict["reasons"]
    )
    assert load_test.locust_total("Failure Count") == function.requests
    assert_complete(load_test)


def test_refused_requests(start: Start, function: ScriptedFunction) -> None:
    function.status = 503
    load_test = start()
    assert load_test.end() == 3
    assert load_test.verdict()["wrongAnswers"] == 0
    reasons = " ".join(load_test.verdict()["reasons"])
    assert re.search(r"requests failed, more than the share of 0\.01 that may; 100 % of them: .*503", reasons)
    assert not load_test.rows("replicas")
    assert_complete(load_test)


def test_a_share_of_failed_requests_is_allowed(start: Start, function: ScriptedFunction) -> None:
    function.status = 503
    assert start("--max-failed=1").end() == 0


def test_a_target_that_does_not_exist(start: Start) -> None:
    load_test = start("--host=http://127.0.0.1:9")
    assert load_test.end() == 3
    assert re.search("requests failed, .*; 100 % of them: .*refused", " ".join(load_test.verdict()["reasons"]))
    assert_complete(load_test)


@pytest.mark.parametrize(
    ("processes", "users", "rate", "users_in_the_end"),
    [
        (1, 200, 800, [512]),
        (2, 200, 800, [512]),
        # Near saturation, users are still being added when the step ends.
        (1, 20, 260, range(80, 512)),
    ],
)
def test_a_target_that_does_not_sustain_a_rate_is_a_finding(
    function: ScriptedFunction,
    tmp_path: Path,
    processes: int,
    users: int,
    rate: int,
    users_in_the_end: Sequence[int],
) -> None:
    function.seconds = 0.005
    steps = [{"seconds": 9, "users": users, "rate": rate} for rate in (rate, rate + 100, 60)]
    load = (f"--steps={json.dumps(steps)}", "--settle=6", "--spawn-rate=200", f"--processes={processes}")

    def start() -> LoadTest:
        function.requests = 0
        return LoadTest(tmp_path, f"--host={function.url}", *load)

    load_test = run_on_time(start)
    assert load_test.process.returncode == 0
    verdict = load_test.verdict()
    assert (verdict["reasons"], verdict["saturatedFrom"], verdict["failures"]) == ([], 0, 0)
    saturated, sustained = load_test.rows("steps")
    assert (saturated["step"], saturated["saturated"]) == ("0", "1")
    assert int(saturated["users"]) in users_in_the_end
    # The function answers at most one request each 5 ms.
    assert 0 < int(saturated["requests"]) <= 3 * 200 + 1
    # A higher rate is left out, and a lower one is not.
    assert (sustained["step"], sustained["saturated"]) == ("2", "0")
    assert load_test.locust_total("Request Count") == load_test.total("seconds", "requests") == function.requests


def test_a_load_goes_on_until_it_is_steady(function: ScriptedFunction, tmp_path: Path) -> None:
    function.seconds = 0.02
    load = (f"--host={function.url}", f"--users={USERS}", "--run-time=4s", "--settle=1")
    load_test = LoadTest(tmp_path, *load)
    # From now on, the thirds of the first three seconds differ.
    wait_for_requests(function, 110)
    function.seconds = 0.005
    assert load_test.end() == 0
    (step,) = load_test.rows("steps")
    assert int(step["end_s"]) - int(step["start_s"]) == 3
    assert int(step["requests"]) > 110
    seconds = [row for row in load_test.rows("seconds") if int(row["timestamp_s"]) < int(step["start_s"])]
    assert len(seconds) > 2


def test_a_load_that_is_stopped_keeps_what_it_measured(start: Start, function: ScriptedFunction) -> None:
    load_test = start("--run-time=5m")
    wait_for_requests(function, 3 * RATE)
    load_test.process.send_signal(signal.SIGTERM)
    assert load_test.end() == 3
    assert load_test.verdict()["reasons"][0] == "It was stopped by SIGTERM before its end."
    assert load_test.verdict()["requests"] > RATE
    assert load_test.total("seconds", "requests") == function.requests
    assert_complete(load_test)


def test_processes_add_up(start: Start, function: ScriptedFunction) -> None:
    load_test = start("--processes=2", "--run-time=5s")
    assert load_test.end() == 0
    assert load_test.total("seconds", "requests") == load_test.locust_total("Request Count") == function.requests
    assert {row["process"] for row in load_test.rows("generator")} == {"worker-0", "worker-1"}
    assert load_test.verdict()["generator"]["processes"] == 2
    assert_complete(load_test)


def test_an_option_that_locust_does_not_know(start: Start) -> None:
    assert start("--no-such-option=1").end() == 2


def test_somebodys_own_locustfile(start: Start, function: ScriptedFunction, tmp_path: Path) -> None:
    locustfile = tmp_path / "mine.py"
    locustfile.write_text(
        "from locust import FastHttpUser, constant, task\n"
        "class Mine(FastHttpUser):\n"
        "    wait_time = constant(0.1)\n"
        "    @task\n"
        "    def ask(self):\n"
        "        self.client.get('/?fahrenheit=212')\n"
    )
    load_test = start(f"--locustfile={locustfile}")
    load_test.end()
    assert load_test.locust_total("Request Count") == function.requests > 0
    assert load_test.total("seconds", "requests") == function.requests
    assert_complete(load_test)


def test_a_clock_that_is_moved_while_the_load_runs(start: Start, function: ScriptedFunction, tmp_path: Path) -> None:
    locustfile = tmp_path / "mine.py"
    locustfile.write_text(
        "import time, gevent\n"
        "from locustfile import CaseUser\n"
        "unix_time = time.time\n"
        "def move():\n"
        "    time.time = lambda: unix_time() - 5\n"
        "from locust import events\n"
        "@events.spawning_complete.add_listener\n"
        "def later(user_count, **_):\n"
        "    if user_count:\n"
        "        gevent.spawn_later(5, move)\n",
        encoding="utf-8",
    )
    load_test = start(f"--locustfile={locustfile}", "--run-time=8s")
    assert load_test.end() == 3
    assert "The machine's clock was moved by 5.0 s while the load ran" in " ".join(load_test.verdict()["reasons"])
    # No second is missing or double.
    seconds = [int(row["timestamp_s"]) for row in load_test.rows("seconds")]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))
    assert function.requests >= due_between(RATE, 0, 8) - USERS
