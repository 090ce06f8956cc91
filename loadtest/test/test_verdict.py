"""Breaks one rule of the verdict at a time, with made-up loads."""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from f2c_loadtest.__main__ import MESSAGE_BYTES, summary
from f2c_loadtest.arrivals import POISSON, instants
from f2c_loadtest.client import RequestError
from f2c_loadtest.outcome import Outcome, Window
from f2c_loadtest.question import WrongAnswerError
from f2c_loadtest.recorder import Sample, requests
from f2c_loadtest.settings import MAX_USERS, Settings, Step, parse
from f2c_loadtest.verdict import errors_of, is_saturated, judge

START, SECONDS, RATE = 1000, 30, 100

EVERY_SECOND, ONE_SECOND, SECOND_HALF = slice(None), slice(3, 4), slice(15, None)


def settings_with(tmp_path: Path, *options: str) -> Settings:
    results = f"--results={tmp_path}"
    return parse(["--target=function", "--host=http://localhost:1", "--run-time=30s", results, *options])


def outcome_with(
    counts: list[int] | None = None, lag_ms: float = 1.0, cpu_cores: float = 0.3, app_ids: str = "ab"
) -> Outcome:
    """Makes a load with these numbers of requests per second, without a fault unless the arguments bring one."""
    outcome = Outcome(is_complete=True)
    counts = counts or [RATE] * SECONDS
    for second, count in enumerate(counts):
        for request in range(count):
            app_id = app_ids[request % len(app_ids)]
            outcome.recorder.request(START + second, 2000, replica=app_id)
        outcome.recorder.samples.append(Sample(START + second, "local", 1, cpu_cores, lag_ms))
    outcome.windows.append(Window(0, START, START + len(counts)))
    return outcome


def fail(outcome: Outcome, times: int, exception: Exception) -> Outcome:
    for _ in range(times):
        outcome.recorder.request(START + 1, 2000, exception=exception)
    return outcome


def unsent(outcome: Outcome, due: list[int] | int) -> Outcome:
    """Lets so many requests fall due in each second, of which the load generator sent only those that ended."""
    return with_samples(with_due(outcome, due), under_way=0, backlog=0)


def with_samples(outcome: Outcome, seconds: slice = EVERY_SECOND, **members: Any) -> Outcome:  # noqa: ANN401
    """Changes the load generator's samples of itself in these seconds."""
    outcome.recorder.samples[seconds] = [sample._replace(**members) for sample in outcome.recorder.samples[seconds]]
    return outcome


def with_due(outcome: Outcome, due: list[int] | int, users: list[int] | int = 20) -> Outcome:
    """Lets so many requests fall due in each second. What did not end waits for one of the users, or is under way."""
    recorder, waiting = outcome.recorder, 0
    for number, sample in enumerate(recorder.samples):
        recorder.due[sample.second] = due if isinstance(due, int) else due[number]
        waiting += recorder.due[sample.second] - requests(recorder.between(sample.second, sample.second + 1))
        busy = users if isinstance(users, int) else users[number]
        under_way = min(max(0, waiting), busy)
        recorder.samples[number] = sample._replace(users=busy, under_way=under_way, backlog=max(0, waiting) - under_way)
    return outcome


def behind_a_queue(rate: float, utilization: float, seed: int, settle: int = 5, seconds: int = SECONDS) -> Outcome:
    """Makes the load that a server leaves which answers one request at a time, in a time that is always the same."""
    outcome, service, free = Outcome(is_complete=True), utilization / rate, 0.0
    under_way: Counter[int] = Counter()
    for due in takewhile(lambda due: due < settle + seconds, instants(POISSON, rate, f"{seed} 0", 0, 1)):
        free = max(free, due) + service
        outcome.recorder.due[START + int(due)] += 1
        outcome.recorder.request(START + free, 1e6 * (free - due))
        under_way.update(range(int(due), min(int(free), settle + seconds)))
    for second in range(settle + seconds):
        outcome.recorder.samples.append(Sample(START + second, "local", 20, 0.3, 1, under_way=under_way[second]))
    outcome.windows.append(Window(0, START + settle, START + settle + seconds))
    return outcome


def test_nothing_is_wrong(tmp_path: Path) -> None:
    verdict = judge(settings_with(tmp_path, "--ready-replicas=2"), outcome_with(), None)
    assert (verdict["verdict"], verdict["reasons"]) == ("VALID", [])
    assert (verdict["requests"], verdict["seconds"], verdict["throughput"]) == (3000, 30, 100)
    assert (verdict["p50Us"], verdict["p99Us"]) == (2000, 2000)
    assert verdict["replicas"] == {"answered": 2, "ready": 2}
    expected = "VALID function: 3000 requests in 30 s, 100.0/s, p50 2.00 ms, p99 2.00 ms, 0 failed;"
    assert summary(verdict, Counter()) == expected


@pytest.mark.parametrize(
    ("option", "outcome", "reason"),
    [
        ("", dataclasses.replace(outcome_with(), is_complete=False), "It ended before its last step did."),
        ("", dataclasses.replace(outcome_with(), lost_workers=["a"]), "Worker a was lost"),
        ("", Outcome(is_complete=True), "No request ended in the measured time."),
        (
            "",
            dataclasses.replace(fail(Outcome(is_complete=True), 52, OSError("no such name")), windows=[]),
            r"^No request ended in the measured time, and 52 failed before; 100 % of them: no such name\.$",
        ),
        (
            "",
            with_samples(outcome_with(), SECOND_HALF, clock_moved=-5),
            r"clock was moved by 5\.0 s while the load ran",
        ),
        ("", outcome_with(cpu_cores=0.95), "one of its processes used 0.95 cores, more than 0.9 of the 1 that"),
        ("", outcome_with(lag_ms=80), r"was late itself: by 80 ms, more than 50\."),
        (
            "",
            with_samples(outcome_with(), late=RATE // 20 + 1),
            "late itself: 180 of the 3000 requests of its process local were sent more than 5 ms after they were due, "
            "although a user was free",
        ),
        ("", with_samples(outcome_with(cpu_cores=0.58), limit_cores=0.6), "used 0.58 cores, more than 0.9 of the 0.6"),
        ("--processes=2", with_samples(outcome_with(), limit_cores=0.6), "used 0.30 cores, .* of the 0.3"),
        ("", with_samples(outcome_with(), throttled=0.1), "throttled the load generator in more than every tenth"),
        ("--rate=103", unsent(outcome_with(), 103), "Step 0 missed its offered rate: 3000 requests ended .* of 3090"),
        ("--rate=97", unsent(outcome_with(), 97), "missed its offered rate: 3000 requests ended in place of 2910"),
        (
            "",
            fail(outcome_with(), 1, WrongAnswerError("wrong")),
            r"^1 answers were wrong; 100 % of them: wrong\. The first: wrong\.$",
        ),
        (
            "",
            fail(fail(outcome_with(), 30, ConnectionError("refused\nhere.")), 10, ConnectionError()),
            r"^40 of 3040 requests failed, more than .*; 75 % of them: refused here\. The first: re",
        ),
        ("", fail(outcome_with(), 40, RequestError("x" * 5000)), r"; 100 % of them: x{199}…\. The first: x{199}…\.$"),
        ("--ready-replicas=3", outcome_with(), "Only 2 of 3 ready replicas answered"),
        ("", outcome_with([100] * 10 + [115] * 10 + [100] * 10), "in the thirds .* 100.0, 115.0, 100.0"),
        (
            "--rate=100",
            with_due(outcome_with([100] * 10 + [85] * 10 + [100] * 10), 100),
            "in the thirds .* 100.0, 85.0, 100.0 % as many requests ended as fell due",
        ),
        ("", outcome_with([100, 100]), "No steady state can be seen in 2 s"),
    ],
)
def test_each_rule(option: str, outcome: Outcome, reason: str, tmp_path: Path) -> None:
    verdict = judge(settings_with(tmp_path, *option.split()), outcome, None)
    assert verdict["verdict"] == "INVALID"
    assert len(verdict["reasons"]) == 1
    assert re.search(reason, verdict["reasons"][0])


def test_a_load_that_a_signal_ended(tmp_path: Path) -> None:
    reasons = judge(settings_with(tmp_path), dataclasses.replace(outcome_with(), is_complete=False), "SIGTERM")[
        "reasons"
    ]
    assert reasons == ["It was stopped by SIGTERM before its end."]


@pytest.mark.parametrize(
    ("option", "outcome"),
    [
        ("--rate=101.5", unsent(outcome_with(), [101, 102] * 15)),
        # Two requests at the edges may fall to either side.
        ("--rate=10", unsent(outcome_with([10, 10, 12]), 10)),
        # By chance, random arrivals are more or fewer than the rate says, and they differ between the thirds.
        ("--rate=94", with_due(outcome_with(), 100)),
        ("--rate=100", with_due(outcome_with([90] * 10 + [115] * 10 + [90] * 10), [90] * 10 + [115] * 10 + [90] * 10)),
        ("--rate=0.1", with_due(outcome_with([0] * 12 + [1] + [0] * 17), [0] * 12 + [1] + [0] * 17)),
        # What waits or is under way at the end is neither missed nor lost: it is the target's queue.
        ("--rate=100", with_due(outcome_with([100] * 25 + [85] * 5), 100)),
        ("--max-failed=0.02", fail(outcome_with(), 40, ConnectionError())),
        ("", outcome_with([100] * 10 + [109] * 10 + [100] * 10)),
        # Throughput differs by more than a tenth, but not by more than chance explains.
        ("", outcome_with([4] * 10 + [6] * 10 + [4] * 10)),
        ("", with_samples(outcome_with(), late=RATE // 20)),
        # A single pause, as by garbage collection, does no harm.
        ("", with_samples(outcome_with(), ONE_SECOND, lag_ms=500)),
        ("", with_samples(with_samples(outcome_with(), throttled=0.0), ONE_SECOND, throttled=0.5)),
        ("", with_samples(outcome_with(cpu_cores=0.5), limit_cores=0.6)),
    ],
)
def test_within_each_limit(option: str, outcome: Outcome, tmp_path: Path) -> None:
    assert judge(settings_with(tmp_path, *option.split()), outcome, None)["reasons"] == []


GROWING = [20] * 10 + [200] * 10 + [MAX_USERS] * 10


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (with_due(outcome_with(), 110), True),
        # Users are still being added, which does not help.
        (with_due(outcome_with(), 110, GROWING), True),
        # It does: there were too few of them.
        (with_due(outcome_with([60] * 10 + [80] * 10 + [100] * 10), 110, GROWING), False),
        (with_due(outcome_with([60] * 10 + [80] * 10 + [100] * 10), 110, MAX_USERS), True),
        # It catches up.
        (with_due(outcome_with([90] * 10 + [110] * 10 + [130] * 10), 110), False),
        # It stalls once, at the end.
        (with_due(outcome_with([110] * 20 + [55] * 10), 110), False),
        # The load generator may be what is slow.
        (with_due(outcome_with(cpu_cores=0.95), 110), False),
        (with_due(outcome_with(lag_ms=80), 110), False),
        (unsent(outcome_with(), 110), False),
        # It answers nearly everything, and by chance that is less than the rate says.
        (with_due(outcome_with([109] * SECONDS), 110), False),
        (with_due(outcome_with(), 100), False),
    ],
)
def test_a_target_is_saturated_if_only_it_is_too_slow_for_the_rate(
    outcome: Outcome, expected: bool, tmp_path: Path
) -> None:
    settings = settings_with(tmp_path, "--rate=110")
    assert is_saturated(settings, outcome.recorder, outcome.windows[0]) is expected
    # In a closed loop, there is no rate to sustain.
    assert not is_saturated(settings_with(tmp_path), outcome.recorder, outcome.windows[0])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("rate", "seconds"), [(2, 6), (20, 20), (100, 6), (1000, 10)])
@pytest.mark.parametrize("utilization", [0.1, 0.5, 0.8])
def test_chance_breaks_no_rule(rate: float, seconds: int, utilization: float, seed: int, tmp_path: Path) -> None:
    settings, outcome = settings_with(tmp_path, f"--rate={rate}"), behind_a_queue(rate, utilization, seed, 5, seconds)
    assert not is_saturated(settings, outcome.recorder, outcome.windows[0])
    verdict = judge(settings, outcome, None)
    assert verdict["reasons"] == []
    assert verdict["offeredRate"] == rate
    assert verdict["sentRate"] == pytest.approx(rate, rel=4 / math.sqrt(rate * seconds))


def test_a_target_is_saturated_in_a_short_step_with_one_pause_of_the_load_generator(tmp_path: Path) -> None:
    outcome = with_samples(behind_a_queue(500, 1.5, seed=1, seconds=6), slice(7, 8), lag_ms=80)
    assert is_saturated(settings_with(tmp_path, "--rate=500"), outcome.recorder, outcome.windows[0])
    with_samples(outcome, slice(7, 9), lag_ms=80)
    assert not is_saturated(settings_with(tmp_path, "--rate=500"), outcome.recorder, outcome.windows[0])


@pytest.mark.parametrize("utilization", [1.1, 1.5, 5])
def test_a_queue_that_grows_without_end_is_saturated_with_few_users_and_many(
    utilization: float, tmp_path: Path
) -> None:
    settings, outcome = settings_with(tmp_path, "--rate=500"), behind_a_queue(500, utilization, seed=1)
    assert is_saturated(settings, outcome.recorder, outcome.windows[0])
    outcome.windows = [dataclasses.replace(outcome.windows[0], is_saturated=True)]
    verdict = judge(settings, outcome, None)
    assert (verdict["reasons"], verdict["saturatedFrom"]) == ([], 0)


def test_each_process_is_held_to_its_own_limits(tmp_path: Path) -> None:
    def load(worker: Callable[[Sample], Sample]) -> list[str]:
        outcome = outcome_with()
        both = [sample._replace(process=f"worker-{number}") for sample in outcome.recorder.samples for number in (0, 1)]
        outcome.recorder.samples = [worker(sample) if sample.process == "worker-1" else sample for sample in both]
        reasons: list[str] = judge(settings_with(tmp_path, "--users=2", "--workers=2"), outcome, None)["reasons"]
        return reasons

    assert load(lambda sample: sample) == []
    (busy,) = load(lambda sample: sample._replace(limit_cores=0.3))
    assert "one of its processes used 0.30 cores, more than 0.9 of the 0.3" in busy
    # A twentieth of its own requests, which are half of all.
    assert load(lambda sample: sample._replace(late=RATE // 40)) == []
    (late,) = load(lambda sample: sample._replace(late=RATE // 40 + 1))
    assert "90 of the 1500 requests of its process worker-1" in late


def test_a_valid_load_tells_why_some_requests_failed(tmp_path: Path) -> None:
    outcome = fail(outcome_with(), 3, RequestError("the status is 503"))
    verdict = judge(settings_with(tmp_path), outcome, None)
    assert summary(verdict, errors_of(outcome)).endswith("3 failed; 100 % of them: the status is 503;")


def test_a_saturated_target_is_a_finding(tmp_path: Path) -> None:
    outcome = with_due(outcome_with(), 110)
    outcome.windows = [dataclasses.replace(outcome.windows[0], is_saturated=True)]
    verdict = judge(settings_with(tmp_path, "--rate=110"), outcome, None)
    assert (verdict["reasons"], verdict["saturatedFrom"]) == ([], 0)
    assert summary(verdict, Counter()).endswith("the target saturated from step 0 on, 0 failed;")
    # Its throughput has to be steady all the same.
    unsteady = with_due(outcome_with([100] * 10 + [115] * 10 + [100] * 10), 130)
    unsteady.windows = outcome.windows
    assert "No steady state" in judge(settings_with(tmp_path, "--rate=130"), unsteady, None)["reasons"][0]


def test_a_backlog_from_before_may_be_answered_too(tmp_path: Path) -> None:
    outcome = unsent(outcome_with([100] * 2 + [105] * 28), 100)
    outcome.windows = [Window(0, START + 2, START + SECONDS)]
    settings = settings_with(tmp_path, "--rate=100")
    assert "missed its offered rate: 2940 requests ended in" in judge(settings, outcome, None)["reasons"][0]
    with_samples(outcome, slice(1, 2), backlog=140, under_way=20)
    verdict = judge(settings, with_samples(outcome, slice(29, 30), under_way=20), None)
    assert verdict["reasons"] == []
    # It was sent in addition to what fell due.
    assert (verdict["offeredRate"], verdict["sentRate"]) == (100, 105)


def test_throttling_and_steal_time_are_in_the_verdict(tmp_path: Path) -> None:
    outcome = with_samples(outcome_with(), limit_cores=0.6, throttled=0.0, stolen_cores=0.2)
    with_samples(outcome, ONE_SECOND, throttled=0.5)
    verdict = judge(settings_with(tmp_path), outcome, None)
    assert verdict["generator"] == {
        **{"processes": 1, "cpuCores": 0.3, "limitCores": 0.6, "lagMs": 1.0},
        **{"throttled": pytest.approx(0.5 / SECONDS, abs=1e-4), "stolenCores": 0.2},
    }


def test_the_offered_rate_of_several_steps(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    steps = (Step(seconds=15, users=1, rate=50.0), Step(seconds=15, users=1, rate=200.0))
    counts = [50] * 10 + [0] * 5 + [200] * 10
    outcome = with_due(outcome_with(counts), counts)
    outcome.windows = [Window(0, START, START + 10), Window(1, START + 15, START + 25)]
    verdict = judge(dataclasses.replace(settings, steps=steps), outcome, None)
    assert verdict["reasons"] == []
    assert (verdict["offeredRate"], verdict["sentRate"], verdict["seconds"]) == (125, 125, 20)


def test_what_comes_after_many_reasons_is_not_cut_off(tmp_path: Path) -> None:
    workers = [f"worker-with-a-long-name-{number}" for number in range(200)]
    verdict = judge(settings_with(tmp_path), dataclasses.replace(outcome_with(), lost_workers=workers), None)
    assert len(verdict["reasons"]) == 200
    assert len(summary(verdict, Counter())) < MESSAGE_BYTES - 200
