"""Runs the command with a real Locust as a master, and as its workers.

They are in one file, whose tests run one by one, since all workers connect to the same port.
"""

import math
import os
import re
import signal
import socket
from pathlib import Path

import pytest
from running import RATE, LoadTest, Start, assert_complete, due_between, wait_for_requests
from scripted_function import ScriptedFunction


def test_workers_send_what_as_many_processes_of_one_send(start: Start, function: ScriptedFunction) -> None:
    master = start("--workers=2", "--run-time=6s")
    workers = [start("--worker-of=127.0.0.1") for _ in range(2)]
    assert master.end() in (0, 3)
    assert [worker.end() for worker in workers] == [0, 0]
    verdict = master.verdict()
    assert (master.reasons(), verdict["generator"]["processes"]) == ([], 2)
    assert {row["process"] for row in master.rows("generator")} == {"worker-0", "worker-1"}
    assert master.total("seconds", "requests") == function.requests
    due = due_between(RATE, 1, 6, processes=2)
    assert verdict["requests"] == pytest.approx(due, abs=2)
    assert verdict["sentRate"] == pytest.approx(due / 5)


def locust_of(worker: LoadTest) -> int:
    pid = worker.process.pid
    (locust,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(locust)


def test_a_worker_that_is_killed_and_started_again(start: Start, function: ScriptedFunction) -> None:
    master = start("--workers=2", "--run-time=60s")
    workers = [start("--worker-of=127.0.0.1") for _ in range(2)]
    wait_for_requests(function, 3 * RATE)
    os.kill(locust_of(workers[0]), signal.SIGKILL)
    assert workers[0].end() == 1
    assert "the worker has ended by SIGKILL, as also happens when memory runs out" in workers[0].output
    workers[0] = start("--worker-of=127.0.0.1")
    assert master.end() == 3
    assert [worker.end() for worker in workers] == [0, 0]
    lost, *others = master.verdict()["reasons"]
    assert re.search(r"^Worker .+ was lost, and what it had measured\.$", lost)
    # The load ended when the worker was missed, and nobody took over.
    assert "It ended before its last step did." in others
    assert 0 < master.verdict()["seconds"] < 30
    assert_complete(master)


@pytest.mark.parametrize("number", [1, 2])
def test_a_worker_that_leaves_in_order(start: Start, function: ScriptedFunction, number: int) -> None:
    master = start(f"--workers={number}", "--run-time=60s")
    workers = [start("--worker-of=127.0.0.1") for _ in range(number)]
    wait_for_requests(function, 3 * RATE)
    # As when a node is drained.
    workers[0].process.terminate()
    assert workers[0].end() == 1
    assert master.end() == 3
    assert re.search(r"^Worker .+ was lost, and what it had measured\.$", master.verdict()["reasons"][0])
    assert master.verdict()["seconds"] < 30


def test_a_worker_that_comes_too_late_gets_no_share(start: Start, function: ScriptedFunction) -> None:
    master = start("--workers=1", "--run-time=12s")
    workers = [start("--worker-of=127.0.0.1")]
    wait_for_requests(function, RATE)
    workers.append(start("--worker-of=127.0.0.1"))
    assert master.end() == 3
    assert [worker.end() for worker in workers] == [0, 0]
    (reason,) = master.reasons()
    assert re.search(r"^Worker .+ connected after the load had begun, and got no share of it\.$", reason)
    # The other one sent the whole rate all the same.
    assert master.verdict()["sentRate"] == pytest.approx(RATE, rel=4 / math.sqrt(RATE * 11))


def test_a_master_whose_port_is_taken(start: Start) -> None:
    with socket.create_server(("", 5557)):
        load_test = start("--workers=1")
        assert load_test.end() == 1
    assert load_test.output == (
        "BROKEN function: Port 5557, to which workers connect, can't be opened: Address already in use.\n"
    )


def test_workers_that_do_not_come(start: Start) -> None:
    load_test = start("--workers=1", "--worker-wait=2")
    assert load_test.end() == 1
    assert load_test.output.splitlines()[-1].startswith(
        "BROKEN function: Only 0 of 1 workers have connected within 2 s. Do they run, and reach port 5557"
    )
    assert load_test.termination_log.read_text(encoding="utf-8") == load_test.output.splitlines()[-1]
