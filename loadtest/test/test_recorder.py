"""Compares the histograms with plain lists of times."""

import json
import math
import random

import pytest

from f2c_loadtest.client import RequestError, keep_secret
from f2c_loadtest.http_client import HttpRequest
from f2c_loadtest.question import WrongAnswerError
from f2c_loadtest.recorder import (
    BUCKET_BITS,
    Recorder,
    Sample,
    bucket,
    failures,
    latencies,
    percentile,
    requests,
    wrong_answers,
)


def recorder_of(times_us: list[float], end: float = 100.0) -> Recorder:
    recorder = Recorder()
    for time_us in times_us:
        recorder.request(end, time_us)
    return recorder


def test_buckets_are_narrow_and_rise() -> None:
    times = [
        *range(3000),
        *(2**power + step for power in range(12, 40) for step in range(0, 2**power, 2**power // 999)),
    ]
    lower = [bucket(time) for time in times]
    assert lower == sorted(lower)
    assert all(low <= time <= low * (1 + 2 ** (1 - BUCKET_BITS)) for low, time in zip(lower, times, strict=True))
    assert all(bucket(low) == low for low in lower)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1])
def test_percentile_is_the_order_statistic_to_a_bucket(share: float) -> None:
    draw = random.Random(1)
    times = [1000 * draw.lognormvariate(0, 1) for _ in range(1001)]
    value = percentile(latencies(recorder_of(times).between(0, 10_000)), share)
    exact = sorted(times)[math.ceil(share * len(times)) - 1]
    assert value == bucket(exact)


def test_percentile_of_nothing() -> None:
    assert percentile({}, 0.5) is None


def test_a_request_counts_in_the_second_in_which_it_ended() -> None:
    recorder = recorder_of([1_500_000], end=102.3)
    assert requests(recorder.between(100, 102)) == 0
    assert requests(recorder.between(102, 103)) == 1


def test_parts_add_up_to_the_whole() -> None:
    draw = random.Random(2)
    whole, sum_of_parts = Recorder(), Recorder()
    for _ in range(3):
        part = Recorder()
        for _ in range(200):
            end, service = draw.uniform(100, 110), draw.expovariate(0.0001)
            exception = draw.choice([None, None, ConnectionError("refused"), WrongAnswerError("wrong")])
            app_id, response = draw.choice(["a", "b"]), service + draw.uniform(0, 10_000)
            for recorder in (whole, part):
                recorder.request(end, service, response, exception, app_id)
        part.samples.append(Sample(100, "worker", 1, 0.5, 2.0, backlog=3, under_way=4))
        part.due.update({100: 50, 109: 20})
        # Workers and the command exchange records as JSON.
        sum_of_parts.add(json.loads(json.dumps(part.take())))
        assert not any((part.seconds, part.samples, part.due))
    # Each part has a first failure of its own.
    for counts in (*sum_of_parts.seconds.values(), *whole.seconds.values()):
        assert counts.pop("first")
    assert sum_of_parts.seconds == whole.seconds
    assert (sum_of_parts.due_between(100, 109), sum_of_parts.due_between(100, 110)) == (150, 210)
    assert (sum_of_parts.backlog_at(101), sum_of_parts.outstanding_at(101)) == (9, 21)
    assert (sum_of_parts.backlog_at(100), sum_of_parts.outstanding_at(102)) == (0, 0)


def test_failed_and_wrong_answers_are_told_apart() -> None:
    recorder = Recorder()
    for exception in (None, ConnectionError("refused"), WrongAnswerError("wrong")):
        recorder.request(100, 1000, exception=exception)
    counts = recorder.between(100, 101)
    assert (requests(counts), failures(counts), wrong_answers(counts)) == (3, 2, 1)


def test_the_first_failure_of_a_second_is_kept_in_full_and_without_secrets() -> None:
    keep_secret("s3cret")
    recorder = Recorder()
    request = HttpRequest("GET", "/price?sku=007", headers={"authorization": "s3cret"})
    failures = [
        (102.5, RequestError("the status is 500", lambda: "with s3cret\n things")),
        (101.7, WrongAnswerError("a value is wrong", lambda: "/price is 1, and 2 was expected")),
        (101.8, ConnectionError("refused")),
    ]
    for end, exception in failures:
        recorder.request(end, 1000, exception=exception, request=request)
    expected = "GET /price?sku=007: a value is wrong: /price is 1, and 2 was expected"
    assert recorder.first_failure_between(100, 110) == recorder.first_failure_between(101, 102) == expected
    assert recorder.first_failure_between(102, 103) == "GET /price?sku=007: the status is 500: with ****** things"
    assert recorder.first_failure_between(103, 110) is None


def test_connections_are_counted_by_the_second() -> None:
    recorder = Recorder()
    for at in (100.0, 100.9, 101.0):
        recorder.connection(at)
    assert [recorder.between(start, 102)["connections"].total() for start in (100, 101)] == [3, 1]


def test_both_clocks_are_kept() -> None:
    recorder = Recorder()
    recorder.request(100.5, 100, 200)
    counts = recorder.between(100, 101)
    assert latencies(counts) == {100: 1}
    assert latencies(counts, "response") == {200: 1}
