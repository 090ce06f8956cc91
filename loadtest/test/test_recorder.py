"""Compares the histograms with plain lists of times."""

import json
import math
import random

import pytest

from f2c_loadtest.recorder import (
    BUCKET_US,
    Record,
    Sample,
    failures,
    latencies,
    percentile,
    requests,
    wrong_answers,
)
from f2c_loadtest.targets import WrongAnswerError


def record_of(times_ms: list[float], start: float = 100.0) -> Record:
    record = Record()
    for time_ms in times_ms:
        record.request(start, time_ms, None, {})
    return record


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1])
def test_percentile_is_the_order_statistic_to_a_bucket(share: float) -> None:
    draw = random.Random(1)
    times = [draw.lognormvariate(0, 1) for _ in range(1001)]
    found = percentile(latencies(record_of(times).between(0, 10_000)), share)
    exact = sorted(times)[math.ceil(share * len(times)) - 1] * 1000
    assert found is not None
    assert found <= exact < found + BUCKET_US


def test_percentile_of_nothing() -> None:
    assert percentile({}, 0.5) is None


def test_a_request_counts_in_the_second_in_which_it_ended() -> None:
    record = record_of([1500], start=100.8)
    assert requests(record.between(100, 102)) == 0
    assert requests(record.between(102, 103)) == 1


def test_parts_add_up_to_the_whole() -> None:
    draw = random.Random(2)
    whole, sum_of_parts = Record(), Record()
    for _ in range(3):
        part = Record()
        for _ in range(200):
            start, time_ms = draw.uniform(100, 110), draw.expovariate(0.1)
            exception = draw.choice([None, None, ConnectionError("refused"), WrongAnswerError("wrong")])
            context = {"app_id": draw.choice(["a", "b"]), "intended": start - draw.uniform(0, 0.01)}
            for record in (whole, part):
                record.request(start, time_ms, exception, context)
        part.samples.append(Sample(100, "worker", 1, 0.5, 2.0))
        # Workers and the command exchange it as JSON.
        sum_of_parts.add(json.loads(json.dumps(part.take())))
        assert not part.seconds
    assert sum_of_parts.seconds == whole.seconds
    assert len(sum_of_parts.samples) == 3


def test_failed_and_wrong_answers_are_told_apart() -> None:
    record = Record()
    for exception in (None, ConnectionError("refused"), WrongAnswerError("wrong")):
        record.request(100, 1, exception, {})
    counts = record.between(100, 101)
    assert (requests(counts), failures(counts), wrong_answers(counts)) == (3, 2, 1)


def test_the_response_counts_from_when_it_was_intended() -> None:
    record = Record()
    record.request(100.5, 10, None, {"intended": 100.25})
    counts = record.between(100, 102)
    assert latencies(counts) == {10_000: 1}
    assert latencies(counts, "response") == {260_000: 1}


def test_a_request_before_its_time_is_not_early() -> None:
    record = Record()
    record.request(100.5, 10, None, {"intended": 100.5001})
    assert latencies(record.between(100, 102), "response") == {10_000: 1}
