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
    Recorder,
    Sample,
    Second,
    failures,
    first_failure,
    latencies,
    merged,
    percentile,
    requests,
    wrong_answers,
)
from f2c_loadtest.schedule import MAX_LATENESS
from f2c_loadtest.settings import Settings
from f2c_loadtest.targets import target_of

# A Python process can use one core, or less if its cgroup limits it. Locust itself warns above this share.
MAX_CPU_SHARE = 0.9
# Milliseconds. If the generator is late by more in many seconds, a p99 of a few milliseconds means nothing. A single
# pause, such as garbage collection, does no harm, so only this quantile over the seconds counts.
MAX_LAG_MS = 50
LAG_QUANTILE = 0.9
# Share of the requests. Latencies don't include the generator's lateness, but late requests come in bursts and so wait
# for each other.
MAX_LATE_SHARE = 0.05
# Share of the requests that fell due by which the number that ended may differ. The schedule counts what fell due, so
# that chance, which makes random arrivals more or fewer than the rate says, is no difference.
MAX_RATE_ERROR = 0.02
# Requests that may fall to either side of an edge: a second's sample is taken up to 20 ms after its end. Two are also
# enough for chance in `is_saturated`. Of simulated queues with a fixed service time, at 5 to 1 000 requests/s for 6 to
# 20 s, less than 1 % are taken for saturated at 80 % of what the server can do; at 110 %, nine of ten are where 2 000
# requests fell due, and all where 5 000 did.
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
    cores, limit = _cpu_cores(settings, outcome.recorder, outcome.windows)
    samples = _samples(outcome.recorder, outcome.windows)
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
        "sentRate": None if offered is None else round(_sent_requests(outcome.recorder, outcome.windows) / seconds, 3),
        "p50Us": percentile(histogram, 0.5),
        "p99Us": percentile(histogram, 0.99),
        "generator": {
            "processes": settings.sending_processes,
            "cpuCores": cores,
            "limitCores": limit,
            "lagMs": _lag_ms(outcome.recorder, outcome.windows),
            "throttled": _mean(sample.throttled for sample in samples),
            "stolenCores": _mean(sample.stolen_cores for sample in samples),
        },
        "connections": total["connections"].total(),
        "firstWrong": _first_failure(outcome),
        "replicas": {"answered": _answering_replicas(settings, outcome), "ready": settings.ready_replicas},
        "locust": version("locust"),
        "python": platform.python_version(),
        "settings": settings.as_options,
    }


def _reasons(settings: Settings, outcome: Outcome, stopped_by: str | None) -> Iterator[str]:
    """Checks every rule, and yields a sentence for each one that is broken."""
    for worker in outcome.lost_workers:
        yield f"Worker {worker} was lost, and what it had measured."
    for worker in outcome.late_workers:
        yield f"Worker {worker} connected after the load had begun, and got no share of it."
    if stopped_by:
        yield f"It was stopped by {stopped_by} before its end."
    elif not outcome.is_complete:
        yield "It ended before its last step did."
    total = _total(outcome)
    if not requests(total):
        yield f"No request ended in the measured time{_earlier_failures(outcome.recorder)}."
        return
    yield from _clock_reasons(outcome.recorder, outcome.windows)
    yield from _generator_reasons(settings, outcome.recorder, outcome.windows)
    for window in outcome.windows:
        yield from _rate_reasons(settings, outcome.recorder, window)
    wrong, failed, ended = wrong_answers(total), failures(total), requests(total)
    first = f" The first: {_first_failure(outcome)}."
    if wrong:
        yield f"{wrong} answers were wrong{most_frequent(total['wrong'])}.{first}"
    if failed > settings.max_failed * ended:
        yield (
            f"{failed} of {ended} requests failed, more than the share of {settings.max_failed:g} that may"
            f"{most_frequent(total['errors'])}.{first * (not wrong)}"
        )
    replicas = _answering_replicas(settings, outcome)
    if replicas is not None and settings.ready_replicas is not None and replicas < settings.ready_replicas:
        yield f"Only {replicas} of {settings.ready_replicas} ready replicas answered in the last step."
    if outcome.is_complete:
        yield from _steadiness_reasons(outcome.recorder, outcome.windows[-1])


def _first_failure(outcome: Outcome) -> str | None:
    """Returns all about the first request that failed in the measured time, or before if none was measured."""
    recorder = outcome.recorder
    measured = (recorder.first_failure_between(window.start, window.end) for window in outcome.windows)
    return next(filter(None, measured), None) or (
        None
        if requests(_total(outcome))
        else first_failure(recorder.seconds[second] for second in sorted(recorder.seconds))
    )


def errors_of(outcome: Outcome) -> Counter[str]:
    """Counts the requests that failed in the measured time, by the reason of the failure."""
    return _total(outcome)["errors"]


def most_frequent(errors: Counter[str]) -> str:
    """Returns the end of a sentence about failed requests: the most frequent error, and its share of them."""
    for error, count in errors.most_common(1):
        return f"; {100 * count / errors.total():.3g} % of them: {error}"
    return ""


def _earlier_failures(recorder: Recorder) -> str:
    errors = merged(recorder.seconds.values())["errors"]
    return f", and {errors.total()} failed before{most_frequent(errors)}" if errors else ""


def is_saturated(settings: Settings, recorder: Recorder, window: Window) -> bool:
    """Whether the target does not sustain the offered rate of a step, which is a finding and no fault of the load.

    It is, if in each third of the step less ended than fell due, while the load generator was on time and all the rest
    waited or was under way. So what waits has grown all the time, and a single stall, even at the end, is none of that.
    """
    if settings.steps[window.step].rate is None:
        return False
    # A window of a second or two has fewer parts.
    parts = [(start, end) for start, end in _thirds(window) if start < end]
    due, ended = [recorder.due_between(*part) for part in parts], [requests(recorder.between(*part)) for part in parts]
    falls_behind = all(number < fell_due - _tolerance(fell_due) for number, fell_due in zip(ended, due, strict=True))
    # Users are added while requests wait for one. Near saturation, that takes longer than a step, so it need not have
    # come to its end. But if more users also get more answers, there were too few of them, and the target can do more.
    users = [recorder.max_users(*part) for part in parts]
    lacks_users = users[0] < users[-1] and ended[-1] > MAX_RATIO * ended[0]
    return (
        falls_behind
        and not lacks_users
        and not any(_generator_reasons(settings, recorder, [window]))
        and not any(_rate_reasons(settings, recorder, window))
    )


def is_steady(recorder: Recorder, window: Window) -> bool:
    """Whether a window is the same in each of its thirds."""
    return not any(_steadiness_reasons(recorder, window))


def _clock_reasons(recorder: Recorder, windows: list[Window]) -> Iterator[str]:
    moves = [sample.clock_moved for sample in _samples(recorder, windows)]
    if moves and max(moves) - min(moves) > MAX_CLOCK_MOVE:
        yield (
            f"The machine's clock was moved by {max(moves) - min(moves):.1f} s while the load ran, so that what was "
            "sampled beside it belongs to other seconds. Run it again."
        )


def _generator_reasons(settings: Settings, recorder: Recorder, windows: list[Window]) -> Iterator[str]:
    (cores, limit), lag = _cpu_cores(settings, recorder, windows), _lag_ms(recorder, windows)
    if cores is not None and cores > MAX_CPU_SHARE * limit:
        yield (
            f"The load generator was the bottleneck: one of its processes used {cores:.2f} cores, more than "
            f"{MAX_CPU_SHARE} of the {limit:g} that it may use. Give it more --processes, --workers or CPU, or offer "
            "less."
        )
    if lag is not None and lag > MAX_LAG_MS:
        yield f"The load generator was late itself: by {lag:.0f} ms, more than {MAX_LAG_MS}. {MORE_CPU}"
    late: Counter[str] = Counter()
    for sample in _samples(recorder, windows):
        late[sample.process] += sample.late
    ended = sum(requests(recorder.between(window.start, window.end)) for window in windows)
    for process, number in late.most_common(1):
        # All of them send the same share.
        sent = ended // settings.sending_processes
        if number > MAX_LATE_SHARE * sent:
            yield (
                f"The load generator was late itself: {number} of the {sent} requests of its process {process} were "
                f"sent more than {MAX_LATENESS * 1000:g} ms after they were due, although a user was free. {MORE_CPU}"
            )
    throttled = _quantile(recorder, windows, lambda sample: sample.throttled)
    if throttled and throttled > 0:
        yield (f"The CPU limit of its cgroup throttled the load generator in more than every tenth second. {MORE_CPU}")


def _rate_reasons(settings: Settings, recorder: Recorder, window: Window) -> Iterator[str]:
    if settings.steps[window.step].rate is None:
        return
    due, ended = recorder.due_between(window.start, window.end), requests(recorder.between(window.start, window.end))
    # What waits for a user or is under way at an edge is the target's queue, and the load generator did its part.
    expected = due + recorder.outstanding_at(window.start) - recorder.outstanding_at(window.end)
    if abs(ended - expected) > _tolerance(due):
        yield (
            f"Step {window.step} missed its offered rate: {ended} requests ended in place of {expected}, which is what "
            "fell due, without what then waited or was under way. The load generator did not send what was due when it "
            "was due."
        )


def _tolerance(due: int) -> float:
    """Returns by how many requests what ended may differ from what fell due."""
    return max(MAX_RATE_ERROR * due, EDGE_REQUESTS)


def _steadiness_reasons(recorder: Recorder, window: Window) -> Iterator[str]:
    seconds = window.end - window.start
    if seconds < THIRDS:
        yield f"No steady state can be seen in {seconds} s: measure longer."
        return
    parts = _thirds(window)
    # Random arrivals differ between the thirds, and the answers with them. So answers are counted for each request that
    # fell due, and for each second only in a closed loop. A saturated target answers as in a closed loop.
    due = [recorder.due_between(*part) for part in parts]
    is_closed = window.is_saturated or not any(due)
    per = [end - start for start, end in parts] if is_closed else due
    if not all(per):
        # A third without a request is chance at a very low rate.
        return
    rates = [(requests(recorder.between(*part)) / number, number) for part, number in zip(parts, per, strict=True)]
    (lowest, of_lowest), (highest, of_highest) = min(rates), max(rates)
    chance = DEVIATIONS * math.sqrt(lowest / of_lowest + highest / of_highest)
    if highest > MAX_RATIO * lowest and highest - lowest > chance:
        found = ", ".join(f"{rate:.1f}" if is_closed else f"{100 * rate:.1f}" for rate, _ in rates)
        what = "requests/s ended" if is_closed else "% as many requests ended as fell due"
        yield f"No steady state was reached: in the thirds of the last step, {found} {what}."


def _thirds(window: Window) -> list[tuple[int, int]]:
    """Returns the Unix times at which each third of a window starts and ends."""
    seconds = window.end - window.start
    return list(pairwise(window.start + seconds * number // THIRDS for number in range(THIRDS + 1)))


def _counts(outcome: Outcome, window: Window) -> Second:
    return outcome.recorder.between(window.start, window.end)


def _total(outcome: Outcome) -> Second:
    return merged(_counts(outcome, window) for window in outcome.windows)


def _offered_requests(settings: Settings, windows: list[Window]) -> float | None:
    """Returns how many requests were offered in the measured time; None if a step was a closed loop."""
    rates = [(settings.steps[window.step].rate, window.end - window.start) for window in windows]
    offered = [rate * seconds for rate, seconds in rates if rate is not None]
    return sum(offered) if offered and len(offered) == len(windows) else None


def _sent_requests(recorder: Recorder, windows: list[Window]) -> int:
    """Returns how many requests were sent in the measured time: what fell due, less what the backlog grew by."""
    return sum(
        recorder.due_between(window.start, window.end)
        + recorder.backlog_at(window.start)
        - recorder.backlog_at(window.end)
        for window in windows
    )


def _samples(recorder: Recorder, windows: list[Window]) -> list[Sample]:
    return [sample for window in windows for sample in recorder.samples_between(window.start, window.end)]


def _cpu_cores(settings: Settings, recorder: Recorder, windows: list[Window]) -> tuple[float | None, float]:
    """Returns the cores that the process closest to its limit used, as the median of a step, and the limit."""
    busiest: tuple[float | None, float] = (None, 1.0)
    for window in windows:
        by_process = defaultdict(list)
        for sample in recorder.samples_between(window.start, window.end):
            by_process[sample.process].append(sample)
        for samples in by_process.values():
            # The processes of a pod share its limit, and none of them can use more than one core.
            limit = min(1.0, (samples[0].limit_cores or math.inf) / settings.processes)
            cores = median(sample.cpu_cores for sample in samples)
            if busiest[0] is None or cores / limit > busiest[0] / busiest[1]:
                busiest = round(cores, 4), round(limit, 4)
    return busiest


def _lag_ms(recorder: Recorder, windows: list[Window]) -> float | None:
    return _quantile(recorder, windows, lambda sample: sample.lag_ms)


def _quantile(recorder: Recorder, windows: list[Window], member: Callable[[Sample], float | None]) -> float | None:
    """Returns a quantile over the seconds, each of which counts with the largest value of any process."""
    largest: defaultdict[int, float] = defaultdict(float)
    for sample in _samples(recorder, windows):
        value = member(sample)
        if value is not None:
            largest[sample.second] = max(largest[sample.second], value)
    if not largest:
        return None
    values = sorted(largest.values())
    # In a step of a few seconds, a single one must not count either.
    return values[max(0, min(math.ceil(LAG_QUANTILE * len(values)), len(values) - 1) - 1)]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(mean(known), 4) if known else None


def _answering_replicas(settings: Settings, outcome: Outcome) -> int | None:
    """Returns how many replicas answered in the last step; None where answers don't name them."""
    if not target_of(settings).names_replicas or not outcome.windows:
        return None
    return len(_counts(outcome, outcome.windows[-1])["answers"])
