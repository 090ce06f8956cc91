"""Judges whether the load was what was asked for. If not, reasons say why its figures tell nothing of the target."""

import math
import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from itertools import pairwise
from statistics import mean, median
from typing import Any

from f2c_loadtest.outcome import Outcome, Window
from f2c_loadtest.recorder import (
    Record,
    Sample,
    Second,
    failures,
    latencies,
    merged,
    percentile,
    requests,
    wrong_answers,
)
from f2c_loadtest.schedule import MAX_LATENESS
from f2c_loadtest.settings import Settings
from f2c_loadtest.targets import TARGETS

# A Python process can use one core, or less if its cgroup limits it. Locust itself warns above this share.
MAX_CPU_SHARE = 0.9
# Milliseconds. If the generator is late by more in many seconds, a p99 of a few milliseconds means nothing. A single
# pause, such as garbage collection, does no harm, so only this quantile over the seconds counts.
MAX_LAG_MS = 50
LAG_QUANTILE = 0.9
# Share of the requests. Latencies don't include the generator's lateness, but late requests come in bursts and so wait
# for each other.
MAX_LATE_SHARE = 0.05
# Share of the offered rate by which the achieved rate may differ from it.
MAX_RATE_ERROR = 0.02
# Requests at both edges of the measured time, which may fall to either side.
EDGE_REQUESTS = 2
# Throughput is steady if the highest of three thirds is at most this multiple of the lowest, as in Triton's
# perf_analyzer.
MAX_RATIO = 1.1
THIRDS = 3
# Thirds may also differ by chance. Where requests end at random times, their count is Poisson distributed: its variance
# is the count itself. Two rates differ only beyond this number of standard deviations.
DEVIATIONS = 3

# Seconds. NTP corrects less, bit by bit. After a larger step, what others sampled meanwhile belongs to other seconds.
MAX_CLOCK_MOVE = 0.5

MORE_CPU = "Give it more CPU, or offer less."


def judge(settings: Settings, outcome: Outcome, stopped_by: str | None) -> dict[str, Any]:
    """Returns the verdict as its file holds it. `stopped_by` names the signal that ended the load, if one did."""
    total = _total(outcome)
    seconds = sum(window.end - window.start for window in outcome.windows)
    histogram = latencies(total)
    ended = requests(total)
    reasons = list(_reasons(settings, outcome, stopped_by))
    offered = _offered_requests(settings, outcome.windows)
    cores, limit = _cpu_cores(settings, outcome.record, outcome.windows)
    samples = _samples(outcome.record, outcome.windows)
    return {
        "target": settings.target,
        "verdict": "INVALID" if reasons else "VALID",
        "reasons": reasons,
        "requests": ended,
        "failures": failures(total),
        "wrongAnswers": wrong_answers(total),
        "seconds": seconds,
        "throughput": round(ended / seconds, 3) if seconds else 0,
        "saturatedFrom": next((window.step for window in outcome.windows if window.is_saturated), None),
        "offeredRate": None if offered is None else round(offered / seconds, 3),
        "sentRate": None if offered is None else round(ended / seconds, 3),
        "p50Us": percentile(histogram, 0.5),
        "p99Us": percentile(histogram, 0.99),
        "generator": {
            "processes": settings.sending_processes,
            "cpuCores": cores,
            "limitCores": limit,
            "lagMs": _lag_ms(outcome.record, outcome.windows),
            "throttled": _mean(sample.throttled for sample in samples),
            "stolenCores": _mean(sample.stolen_cores for sample in samples),
        },
        "replicas": {"answered": _answering_replicas(settings, outcome), "ready": settings.ready_replicas},
        "locust": version("locust"),
        "python": platform.python_version(),
        "settings": settings.as_options,
    }


def _reasons(settings: Settings, outcome: Outcome, stopped_by: str | None) -> Iterator[str]:
    """Checks every rule, and yields a sentence for each one that is broken."""
    if stopped_by:
        yield f"It was stopped by {stopped_by} before its end."
    elif not outcome.is_complete:
        yield "It ended before its last step did."
    for worker in outcome.lost_workers:
        yield f"Worker {worker} was lost, and what it had measured."
    total = _total(outcome)
    if not requests(total):
        yield f"No request ended in the measured time{_earlier_failures(outcome.record)}."
        return
    yield from _clock_reasons(outcome.record, outcome.windows)
    yield from _generator_reasons(settings, outcome.record, outcome.windows)
    for window in outcome.windows:
        yield from _rate_reasons(settings, outcome, window)
    wrong, failed, ended = wrong_answers(total), failures(total), requests(total)
    if wrong:
        yield f"{wrong} answers were wrong{most_frequent(total['wrong'])}."
    if failed > settings.max_failed * ended:
        yield (
            f"{failed} of {ended} requests failed, more than the share of {settings.max_failed:g} that may"
            f"{most_frequent(total['errors'])}."
        )
    replicas = _answering_replicas(settings, outcome)
    if replicas is not None and settings.ready_replicas is not None and replicas < settings.ready_replicas:
        yield f"Only {replicas} of {settings.ready_replicas} ready replicas answered in the last step."
    if outcome.is_complete:
        yield from _steadiness_reasons(outcome.record, outcome.windows[-1])


def errors_of(outcome: Outcome) -> Counter[str]:
    """Counts the requests that failed in the measured time, by the reason of the failure."""
    return _total(outcome)["errors"]


def most_frequent(errors: Counter[str]) -> str:
    """Returns the end of a sentence about failed requests: the most frequent error, and its share of them."""
    for error, count in errors.most_common(1):
        return f"; {100 * count / errors.total():.3g} % of them: {error}"
    return ""


def _earlier_failures(record: Record) -> str:
    errors = merged(record.seconds.values())["errors"]
    return f", and {errors.total()} failed before{most_frequent(errors)}" if errors else ""


def is_saturated(settings: Settings, record: Record, window: Window) -> bool:
    """Whether the target does not sustain the offered rate of a step, which is a finding and no fault of the load.

    It is, if all users that there may be wait for answers, and the backlog grows until the end of the step, while the
    load generator itself is on time.
    """
    step = settings.steps[window.step]
    if step.rate is None:
        return False
    offered = step.rate * (window.end - window.start)
    misses_rate = requests(record.between(window.start, window.end)) < offered * (1 - MAX_RATE_ERROR)
    backlogs = [mean(record.backlogs(start, end) or [0]) for start, end in _thirds(window)]
    return (
        misses_rate
        and record.max_users(window.start, window.end) >= step.max_users
        and backlogs[0] < backlogs[-1]
        and not any(_generator_reasons(settings, record, [window]))
    )


def is_steady(record: Record, window: Window) -> bool:
    """Whether throughput is the same in each third of a window."""
    return not any(_steadiness_reasons(record, window))


def _clock_reasons(record: Record, windows: list[Window]) -> Iterator[str]:
    moves = [sample.clock_moved for sample in _samples(record, windows)]
    if moves and max(moves) - min(moves) > MAX_CLOCK_MOVE:
        yield (
            f"The machine's clock was moved by {max(moves) - min(moves):.1f} s while the load ran, so that what was "
            "sampled beside it belongs to other seconds. Run it again."
        )


def _generator_reasons(settings: Settings, record: Record, windows: list[Window]) -> Iterator[str]:
    (cores, limit), lag = _cpu_cores(settings, record, windows), _lag_ms(record, windows)
    if cores is not None and cores > MAX_CPU_SHARE * limit:
        yield (
            f"The load generator was the bottleneck: one of its processes used {cores:.2f} cores, more than "
            f"{MAX_CPU_SHARE} of the {limit:g} that it may use. Give it more --processes, --workers or CPU, or offer "
            "less."
        )
    if lag is not None and lag > MAX_LAG_MS:
        yield f"The load generator was late itself: by {lag:.0f} ms, more than {MAX_LAG_MS}. {MORE_CPU}"
    late = sum(sample.late for sample in _samples(record, windows))
    ended = sum(requests(record.between(window.start, window.end)) for window in windows)
    if late > MAX_LATE_SHARE * ended:
        yield (
            f"The load generator was late itself: {late} of {ended} requests were sent more than "
            f"{MAX_LATENESS * 1000:g} ms after they were due, although a user was free. {MORE_CPU}"
        )
    throttled = _quantile(record, windows, lambda sample: sample.throttled)
    if throttled and throttled > 0:
        yield (f"The CPU limit of its cgroup throttled the load generator in more than every tenth second. {MORE_CPU}")


def _rate_reasons(settings: Settings, outcome: Outcome, window: Window) -> Iterator[str]:
    rate = settings.steps[window.step].rate
    if rate is None or window.is_saturated:
        return
    seconds = window.end - window.start
    offered, ended = rate * seconds, requests(_counts(outcome, window))
    tolerance = max(MAX_RATE_ERROR * offered, EDGE_REQUESTS)
    # A target that works off the backlog of the time before answers more than is offered.
    backlog = sum(outcome.record.backlogs(window.start - 1, window.start))
    if not offered - tolerance <= ended <= offered + tolerance + backlog:
        yield (
            f"Step {window.step} missed its offered rate: {ended / seconds:.1f} instead of {rate:g} requests/s ended. "
            "The load generator was late, or the step was too short for the target to be saturated at its end."
        )


def _steadiness_reasons(record: Record, window: Window) -> Iterator[str]:
    seconds = window.end - window.start
    if seconds < THIRDS:
        yield f"No steady state can be seen in {seconds} s: measure longer."
        return
    rates = [(requests(record.between(start, end)) / (end - start), end - start) for start, end in _thirds(window)]
    (lowest, lowest_seconds), (highest, highest_seconds) = min(rates), max(rates)
    chance = DEVIATIONS * math.sqrt(lowest / lowest_seconds + highest / highest_seconds)
    if highest > MAX_RATIO * lowest and highest - lowest > chance:
        yield (
            "No steady state was reached: in the thirds of the last step, "
            f"{', '.join(f'{rate:.1f}' for rate, _ in rates)} requests/s ended."
        )


def _thirds(window: Window) -> list[tuple[int, int]]:
    """Returns the Unix times at which each third of a window starts and ends."""
    seconds = window.end - window.start
    return list(pairwise(window.start + seconds * number // THIRDS for number in range(THIRDS + 1)))


def _counts(outcome: Outcome, window: Window) -> Second:
    return outcome.record.between(window.start, window.end)


def _total(outcome: Outcome) -> Second:
    return merged(_counts(outcome, window) for window in outcome.windows)


def _offered_requests(settings: Settings, windows: list[Window]) -> float | None:
    """Returns how many requests were offered in the measured time; None if a step was a closed loop."""
    rates = [(settings.steps[window.step].rate, window.end - window.start) for window in windows]
    offered = [rate * seconds for rate, seconds in rates if rate is not None]
    return sum(offered) if offered and len(offered) == len(windows) else None


def _samples(record: Record, windows: list[Window]) -> list[Sample]:
    return [sample for window in windows for sample in record.samples_between(window.start, window.end)]


def _cpu_cores(settings: Settings, record: Record, windows: list[Window]) -> tuple[float | None, float]:
    """Returns the cores that the process closest to its limit used, as the median of a step, and the limit."""
    busiest: tuple[float | None, float] = (None, 1.0)
    for window in windows:
        by_process = defaultdict(list)
        for sample in record.samples_between(window.start, window.end):
            by_process[sample.process].append(sample)
        for samples in by_process.values():
            # The processes of a pod share its limit, and none of them can use more than one core.
            limit = min(1.0, (samples[0].limit_cores or math.inf) / settings.processes)
            cores = median(sample.cpu_cores for sample in samples)
            if busiest[0] is None or cores / limit > busiest[0] / busiest[1]:
                busiest = round(cores, 4), round(limit, 4)
    return busiest


def _lag_ms(record: Record, windows: list[Window]) -> float | None:
    return _quantile(record, windows, lambda sample: sample.lag_ms)


def _quantile(record: Record, windows: list[Window], member: Callable[[Sample], float | None]) -> float | None:
    """Returns a quantile over the seconds, each of which counts with the largest value of any process."""
    largest: defaultdict[int, float] = defaultdict(float)
    for sample in _samples(record, windows):
        value = member(sample)
        if value is not None:
            largest[sample.second] = max(largest[sample.second], value)
    if not largest:
        return None
    values = sorted(largest.values())
    return values[math.ceil(LAG_QUANTILE * len(values)) - 1]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(mean(known), 4) if known else None


def _answering_replicas(settings: Settings, outcome: Outcome) -> int | None:
    """Returns how many replicas answered in the last step; None where answers don't name them."""
    if not TARGETS[settings.target].names_replicas or not outcome.windows:
        return None
    return len(_counts(outcome, outcome.windows[-1])["answers"])
