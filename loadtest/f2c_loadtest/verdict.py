"""Whether the load was what was asked for: if not, its figures say nothing of the target, and the verdict says why."""

import math
import platform
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from statistics import median
from typing import Any

from f2c_loadtest.outcome import Outcome, Window
from f2c_loadtest.recorder import (
    Second,
    failures,
    latencies,
    merged,
    percentile,
    requests,
    wrong_answers,
)
from f2c_loadtest.settings import Settings

# One process of Python uses one core. Locust itself warns from here on.
MOST_CPU_CORES = 0.9
# A p99 of a few ms means nothing if the generator itself is late by more in many of the seconds; a single pause, as
# by Python's garbage collection, does no harm.
MOST_LAG_MS = 50
LAG_SHARE = 0.9
# Of the promised rate.
MOST_RATE_ERROR = 0.02
# Requests at both edges of the measured time, which may fall to either side.
EDGE_REQUESTS = 2
# The largest of three windows' throughput by the smallest: the rule of Triton's perf_analyzer for a stable load.
MOST_CHANGE = 1.1
WINDOWS = 3
# Beyond what is chance: requests that end at random times are a Poisson process, where the variance of a count is the
# count itself. The difference of two rates has to exceed so many of its standard deviations.
DEVIATIONS = 3


def judge(settings: Settings, outcome: Outcome, stopped_by: str | None) -> dict[str, Any]:
    """Returns the verdict as its file holds it. `stopped_by` names the signal that ended the load, if one did."""
    total = merged(_counts(outcome, window) for window in outcome.windows)
    seconds = sum(window.end - window.start for window in outcome.windows)
    histogram = latencies(total)
    ended = requests(total)
    reasons = list(_reasons(settings, outcome, stopped_by))
    offered = _offered(settings, outcome.windows)
    return {
        "target": settings.target,
        "verdict": "INVALID" if reasons else "VALID",
        "reasons": reasons,
        "requests": ended,
        "failures": failures(total),
        "wrongAnswers": wrong_answers(total),
        "seconds": seconds,
        "throughput": round(ended / seconds, 3) if seconds else 0,
        "offeredRate": None if offered is None else round(offered / seconds, 3),
        "sentRate": None if offered is None else round(ended / seconds, 3),
        "p50Us": percentile(histogram, 0.5),
        "p99Us": percentile(histogram, 0.99),
        "generator": {
            "processes": settings.sending_processes,
            "cpuCores": _cpu_cores(outcome),
            "lagMs": _lag_ms(outcome),
        },
        "replicas": {"answered": _answered(settings, outcome), "ready": settings.ready_replicas},
        "locust": version("locust"),
        "python": platform.python_version(),
        "settings": settings.as_options,
    }


def _reasons(settings: Settings, outcome: Outcome, stopped_by: str | None) -> Iterator[str]:
    """Every rule: a sentence for each that is broken."""
    if stopped_by:
        yield f"It was stopped by {stopped_by} before its end."
    elif not outcome.is_complete:
        yield "It ended before its last step did."
    for worker in outcome.lost_workers:
        yield f"Worker {worker} was lost, and what it had measured."
    total = merged(_counts(outcome, window) for window in outcome.windows)
    if not requests(total):
        yield "No request ended in the time that is measured."
        return
    yield from _of_generator(outcome)
    for window in outcome.windows:
        yield from _of_rate(settings, outcome, window)
    wrong, failed, ended = wrong_answers(total), failures(total), requests(total)
    if wrong:
        what = "; ".join(f"{message} ({count})" for message, count in sorted(total["wrong"].items()))
        yield f"{wrong} answers were wrong: {what}."
    if failed > settings.max_failed * ended:
        yield f"{failed} of {ended} requests failed, more than the share of {settings.max_failed:g} that may."
    answered = _answered(settings, outcome)
    if answered is not None and settings.ready_replicas is not None and answered < settings.ready_replicas:
        yield f"Only {answered} of {settings.ready_replicas} ready replicas answered in the last step."
    if outcome.is_complete:
        yield from _of_steadiness(outcome, outcome.windows[-1])


def _of_generator(outcome: Outcome) -> Iterator[str]:
    cores, lag = _cpu_cores(outcome), _lag_ms(outcome)
    if cores is not None and cores > MOST_CPU_CORES:
        yield (
            f"The load generator was the bottleneck: a process of it used {cores:.2f} cores, more than "
            f"{MOST_CPU_CORES}. Give it more --processes or --workers, or offer less."
        )
    if lag is not None and lag > MOST_LAG_MS:
        yield (
            f"The load generator was late itself: its event loop by {lag:.0f} ms, more than {MOST_LAG_MS}. "
            "Give it more CPU, or offer less."
        )


def _of_rate(settings: Settings, outcome: Outcome, window: Window) -> Iterator[str]:
    rate = settings.steps[window.step].rate
    if rate is None:
        return
    seconds = window.end - window.start
    ended = requests(_counts(outcome, window))
    if abs(ended - rate * seconds) > max(MOST_RATE_ERROR * rate * seconds, EDGE_REQUESTS):
        yield (
            f"In step {window.step} {rate:g} requests/s were promised, and {ended / seconds:.1f} came to an end: "
            "the users were too few, or the target was too slow."
        )


def _of_steadiness(outcome: Outcome, window: Window) -> Iterator[str]:
    seconds = window.end - window.start
    if seconds < WINDOWS:
        yield f"No steady state can be seen in {seconds} s: measure longer."
        return
    edges = [window.start + seconds * number // WINDOWS for number in range(WINDOWS + 1)]
    thirds = [
        (requests(outcome.record.between(start, end)) / (end - start), end - start) for start, end in pairwise(edges)
    ]
    (lowest, its_seconds), (highest, other_seconds) = min(thirds), max(thirds)
    chance = DEVIATIONS * math.sqrt(lowest / its_seconds + highest / other_seconds)
    if highest > MOST_CHANGE * lowest and highest - lowest > chance:
        rates = ", ".join(f"{rate:.1f}" for rate, _ in thirds)
        yield f"No steady state was reached: in the thirds of the last step {rates} requests/s came to an end."


def _counts(outcome: Outcome, window: Window) -> Second:
    return outcome.record.between(window.start, window.end)


def _offered(settings: Settings, windows: list[Window]) -> float | None:
    """Returns how many requests were promised for the time that is measured; None if a step was a closed loop."""
    total = 0.0
    for window in windows:
        rate = settings.steps[window.step].rate
        if rate is None:
            return None
        total += rate * (window.end - window.start)
    return total or None


def _cpu_cores(outcome: Outcome) -> float | None:
    medians = []
    for window in outcome.windows:
        by_process = defaultdict(list)
        for sample in outcome.record.samples_between(window.start, window.end):
            by_process[sample.process].append(sample.cpu_cores)
        medians += [median(cores) for cores in by_process.values()]
    return round(max(medians), 4) if medians else None


def _lag_ms(outcome: Outcome) -> float | None:
    """Returns the percentile over seconds of the longest lag of any process in each."""
    longest: defaultdict[int, float] = defaultdict(float)
    for window in outcome.windows:
        for sample in outcome.record.samples_between(window.start, window.end):
            longest[sample.second] = max(longest[sample.second], sample.lag_ms)
    if not longest:
        return None
    lags = sorted(longest.values())
    return lags[math.ceil(LAG_SHARE * len(lags)) - 1]


def _answered(settings: Settings, outcome: Outcome) -> int | None:
    if settings.target != "function" or not outcome.windows:
        return None
    return len(_counts(outcome, outcome.windows[-1])["answers"])
