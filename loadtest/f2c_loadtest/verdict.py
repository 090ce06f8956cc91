"""Whether the load was what was asked for: if not, its figures say nothing of the target, and the verdict says why."""

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

# One process of Python uses one core, if its cgroup lets it. Locust itself warns from here on.
MAX_CPU_SHARE = 0.9
# A p99 of a few ms means nothing if the generator itself is late by more in many of the seconds; a single pause, as
# by Python's garbage collection, does no harm. A limit that throttles it makes it late as well.
MAX_LAG_MS = 50
LAG_QUANTILE = 0.9
# Lateness of the generator is not in the latencies, but what is sent late comes all at once, and waits for itself.
MAX_LATE_SHARE = 0.05
# A rate that is missed by more than this share of it is not kept.
MAX_RATE_ERROR = 0.02
# Requests at both edges of the measured time, which may fall to either side.
EDGE_REQUESTS = 2
# The largest of three windows' throughput by the smallest: the rule of Triton's perf_analyzer for a stable load.
MAX_RATIO = 1.1
THIRDS = 3
# Beyond what is chance: requests that end at random times are a Poisson process, where the variance of a count is the
# count itself. The difference of two rates has to exceed so many of its standard deviations.
DEVIATIONS = 3

# Beyond what NTP corrects bit by bit. What others sample beside the load would belong to other seconds.
MAX_CLOCK_MOVE = 0.5

MORE_CPU = "Give it more CPU, or offer less."


def judge(settings: Settings, outcome: Outcome, stopped_by: str | None) -> dict[str, Any]:
    """Returns the verdict as its file holds it. `stopped_by` names the signal that ended the load, if one did."""
    total = merged(_counts(outcome, window) for window in outcome.windows)
    seconds = sum(window.end - window.start for window in outcome.windows)
    histogram = latencies(total)
    ended = requests(total)
    reasons = list(_reasons(settings, outcome, stopped_by))
    offered = _offered(settings, outcome.windows)
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
        yield f"No request ended in the time that is measured{_before(outcome.record)}."
        return
    yield from _of_clock(outcome.record, outcome.windows)
    yield from _of_generator(settings, outcome.record, outcome.windows)
    for window in outcome.windows:
        yield from _of_rate(settings, outcome, window)
    wrong, failed, ended = wrong_answers(total), failures(total), requests(total)
    if wrong:
        yield f"{wrong} answers were wrong{most_frequent(total['wrong'])}."
    if failed > settings.max_failed * ended:
        yield (
            f"{failed} of {ended} requests failed, more than the share of {settings.max_failed:g} that may"
            f"{most_frequent(total['errors'])}."
        )
    answered = _answered(settings, outcome)
    if answered is not None and settings.ready_replicas is not None and answered < settings.ready_replicas:
        yield f"Only {answered} of {settings.ready_replicas} ready replicas answered in the last step."
    if outcome.is_complete:
        yield from _of_steadiness(outcome.record, outcome.windows[-1])


def errors_of(outcome: Outcome) -> Counter[str]:
    """Counts the failed requests of the measured time by why they failed."""
    return merged(_counts(outcome, window) for window in outcome.windows)["errors"]


def most_frequent(errors: Counter[str]) -> str:
    """Returns the end of a sentence about failed requests: their most frequent error, and its share."""
    for error, count in errors.most_common(1):
        return f"; {100 * count / errors.total():.3g} % of them: {error}"
    return ""


def _before(record: Record) -> str:
    errors = merged(record.seconds.values())["errors"]
    return f", and {errors.total()} failed before{most_frequent(errors)}" if errors else ""


def is_saturated(settings: Settings, record: Record, window: Window) -> bool:
    """Whether the target could not keep up with the rate of a step: that is no fault of the load, but a finding.

    All users wait for answers, as many as there may be, and the backlog grows to the end of the step, while the load
    generator itself is in time.
    """
    step = settings.steps[window.step]
    if step.rate is None:
        return False
    promised = step.rate * (window.end - window.start)
    is_behind = requests(record.between(window.start, window.end)) < promised * (1 - MAX_RATE_ERROR)
    backlogs = [mean(record.backlogs(start, end) or [0]) for start, end in pairwise(_edges(window))]
    return (
        is_behind
        and record.max_users(window.start, window.end) >= step.max_users
        and backlogs[0] < backlogs[-1]
        and not any(_of_generator(settings, record, [window]))
    )


def is_steady(record: Record, window: Window) -> bool:
    """Whether throughput was the same in each third of a window."""
    return not any(_of_steadiness(record, window))


def _of_clock(record: Record, windows: list[Window]) -> Iterator[str]:
    moves = [sample.clock_moved for sample in _samples(record, windows)]
    if moves and max(moves) - min(moves) > MAX_CLOCK_MOVE:
        yield (
            f"The machine's clock was moved by {max(moves) - min(moves):.1f} s while the load ran, so that what was "
            "sampled beside it belongs to other seconds. Run it again."
        )


def _of_generator(settings: Settings, record: Record, windows: list[Window]) -> Iterator[str]:
    (cores, limit), lag = _cpu_cores(settings, record, windows), _lag_ms(record, windows)
    if cores is not None and cores > MAX_CPU_SHARE * limit:
        yield (
            f"The load generator was the bottleneck: a process of it used {cores:.2f} cores, more than "
            f"{MAX_CPU_SHARE} of the {limit:g} that it may use. Give it more --processes, --workers or CPU, or offer "
            "less."
        )
    if lag is not None and lag > MAX_LAG_MS:
        yield f"The load generator was late itself: by {lag:.0f} ms, more than {MAX_LAG_MS}. {MORE_CPU}"
    late = sum(sample.late for sample in _samples(record, windows))
    sent = sum(requests(record.between(window.start, window.end)) for window in windows)
    if late > MAX_LATE_SHARE * sent:
        yield (
            f"The load generator was late itself: {late} of {sent} requests were sent more than "
            f"{MAX_LATENESS * 1000:g} ms after they were due, although a user was free. {MORE_CPU}"
        )
    throttled = _by_second(record, windows, lambda sample: sample.throttled)
    if throttled and throttled > 0:
        yield (
            "The load generator was throttled in more than every tenth second, by the CPU limit of its cgroup. "
            f"{MORE_CPU}"
        )


def _of_rate(settings: Settings, outcome: Outcome, window: Window) -> Iterator[str]:
    rate = settings.steps[window.step].rate
    if rate is None or window.is_saturated:
        return
    seconds = window.end - window.start
    promised, ended = rate * seconds, requests(_counts(outcome, window))
    tolerance = max(MAX_RATE_ERROR * promised, EDGE_REQUESTS)
    # A target that has caught up with what waited before has answered more than was due.
    before = sum(outcome.record.backlogs(window.start - 1, window.start))
    if not promised - tolerance <= ended <= promised + tolerance + before:
        yield (
            f"In step {window.step} {rate:g} requests/s were promised, and {ended / seconds:.1f} came to an end: the "
            "load generator was late, or the step too short for the target to be saturated at its end."
        )


def _of_steadiness(record: Record, window: Window) -> Iterator[str]:
    seconds = window.end - window.start
    if seconds < THIRDS:
        yield f"No steady state can be seen in {seconds} s: measure longer."
        return
    thirds = [
        (requests(record.between(start, end)) / (end - start), end - start) for start, end in pairwise(_edges(window))
    ]
    (lowest, its_seconds), (highest, other_seconds) = min(thirds), max(thirds)
    chance = DEVIATIONS * math.sqrt(lowest / its_seconds + highest / other_seconds)
    if highest > MAX_RATIO * lowest and highest - lowest > chance:
        rates = ", ".join(f"{rate:.1f}" for rate, _ in thirds)
        yield f"No steady state was reached: in the thirds of the last step {rates} requests/s came to an end."


def _edges(window: Window) -> list[int]:
    seconds = window.end - window.start
    return [window.start + seconds * number // THIRDS for number in range(THIRDS + 1)]


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


def _samples(record: Record, windows: list[Window]) -> list[Sample]:
    return [sample for window in windows for sample in record.samples_between(window.start, window.end)]


def _cpu_cores(settings: Settings, record: Record, windows: list[Window]) -> tuple[float | None, float]:
    """Returns what the process that came closest to its limit used, as the median of a step, and this limit."""
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
    return _by_second(record, windows, lambda sample: sample.lag_ms)


def _by_second(record: Record, windows: list[Window], member: Callable[[Sample], float | None]) -> float | None:
    """Returns the percentile over seconds of the largest value of any process in each."""
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


def _answered(settings: Settings, outcome: Outcome) -> int | None:
    if not TARGETS[settings.target].names_replicas or not outcome.windows:
        return None
    return len(_counts(outcome, outcome.windows[-1])["answers"])
