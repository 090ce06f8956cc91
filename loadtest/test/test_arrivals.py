"""Compares the instants at which requests are due with what theory says of them. The seeds are fixed."""

import heapq
import math
from collections import Counter
from itertools import islice, pairwise
from statistics import fmean, pvariance

import pytest

from f2c_loadtest.arrivals import EVEN, POISSON, instants

RATE, NUMBER = 250.0, 20_000
# Standard deviations by which a figure may differ from what is expected; by chance, 99.7 % of them differ by less.
DEVIATIONS = 3


def gaps_of(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise([0.0, *times])]


def stream(arrivals: str, processes: int, seed: str = "1 0") -> list[float]:
    """Returns the first instants of all processes together."""
    parts = [instants(arrivals, RATE, seed, process, processes) for process in range(processes)]
    return list(islice(heapq.merge(*parts), NUMBER))


def distance_from_exponential(gaps: list[float]) -> float:
    """Returns the statistic of Kolmogorov and Smirnov: the largest distance between two distribution functions."""
    expected = [1 - math.exp(-RATE * gap) for gap in sorted(gaps)]
    return max(max((rank + 1) / len(gaps) - value, value - rank / len(gaps)) for rank, value in enumerate(expected))


def dispersion(times: list[float], interval: float) -> float:
    """Returns the variance of the counts in intervals, divided by their mean, which is 1 in a Poisson stream."""
    counts = Counter(int(instant / interval) for instant in times)
    whole = [counts[number] for number in range(int(times[-1] / interval))]
    return pvariance(whole) / fmean(whole)


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_all_processes_together_are_a_poisson_stream_of_the_whole_rate(processes: int) -> None:
    times = stream(POISSON, processes)
    gaps = gaps_of(times)
    # The mean of an exponential distribution has a relative standard error of 1 / sqrt(n), the variance of sqrt(8 / n).
    assert fmean(gaps) == pytest.approx(1 / RATE, rel=DEVIATIONS / math.sqrt(NUMBER))
    assert pvariance(gaps) == pytest.approx(1 / RATE**2, rel=DEVIATIONS * math.sqrt(8 / NUMBER))
    # The critical value at 1 %.
    assert distance_from_exponential(gaps) < 1.63 / math.sqrt(NUMBER)
    # A gap tells nothing of the next one.
    covariance = fmean((gap * RATE - 1) * (next_gap * RATE - 1) for gap, next_gap in pairwise(gaps))
    assert covariance == pytest.approx(0, abs=DEVIATIONS / math.sqrt(NUMBER))
    for interval in (0.01, 0.1, 1.0):
        error = math.sqrt(2 * interval / times[-1])
        assert dispersion(times, interval) == pytest.approx(1, abs=DEVIATIONS * error), interval


def test_an_even_row_is_no_such_stream() -> None:
    times = stream(EVEN, 3)
    assert times == pytest.approx([number / RATE for number in range(NUMBER)])
    assert dispersion(times, 0.1) < 0.1
    assert distance_from_exponential(gaps_of(times)) > 0.5


def test_each_process_sends_its_share() -> None:
    for process in range(2):
        times = list(islice(instants(POISSON, RATE, "1 0", process, 2), NUMBER))
        assert fmean(gaps_of(times)) == pytest.approx(2 / RATE, rel=DEVIATIONS / math.sqrt(NUMBER))


def test_the_same_seed_draws_the_same_instants_and_another_one_others() -> None:
    assert stream(POISSON, 2) == stream(POISSON, 2)
    # Of the load, and of the step.
    assert len({stream(POISSON, 2, seed)[0] for seed in ("1 0", "2 0", "1 1", "11 0")}) == 4
    assert next(instants(POISSON, RATE, "1 0", 0, 2)) != next(instants(POISSON, RATE, "1 0", 1, 2))
