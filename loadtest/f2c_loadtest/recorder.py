"""What is known of each second: the one structure that all files and the verdict are made of."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from f2c_loadtest.question import WrongAnswerError

# A bucket of a histogram holds the times in µs that have these leading binary digits in common: the log-linear buckets
# of HdrHistogram. So it is as wide as a 64th of its time at most, which keeps a run of two hours under 3 MB.
BUCKET_BITS = 7

# An error may hold a whole page; a sentence can't.
ERROR_LENGTH = 200

OUTCOMES = ("ok", "failed")

Second = defaultdict[str, Counter[Any]]
"""What ended in a second, counted.

`service ok`, `service failed`, `response ok` and `response failed`: by lower end of the bucket in µs;
`answers`: by appId; `errors`: by why a request failed; `wrong`: by what was wrong, which is an error as well.
"""


class Sample(NamedTuple):
    """How busy a process was in a second, and what its machine let it have; None where that is not known."""

    second: int
    process: str
    users: int
    cpu_cores: float
    lag_ms: float
    backlog: int = 0
    """Requests that were due at the end of the second, and waited for a free user."""
    limit_cores: float | None = None
    """Cores that its cgroup may use; None without a limit."""
    throttled: float | None = None
    """Share of its cgroup's periods."""
    stolen_cores: float | None = None
    late: int = 0
    """Requests that were sent late although a user was free."""
    clock_moved: float = 0.0
    """By how many seconds the clock of its machine was moved since the start."""


class Record:
    """Counts by second, and samples; parts of it, from other processes or times, can be added."""

    def __init__(self) -> None:
        """Begins empty."""
        self.seconds: defaultdict[int, Second] = defaultdict(lambda: defaultdict(Counter))
        self.samples: list[Sample] = []

    def request(
        self,
        end: float,
        service: float,
        response: float | None = None,
        exception: BaseException | None = None,
        app_id: str | None = None,
    ) -> None:
        """Counts a request that ended at a unix time in seconds.

        `service` is the time in µs from its sending, and `response`, where a rate is offered, the one from when it was
        due, if it had to wait for a free user. `app_id` tells who answered.
        """
        counts = self.seconds[int(end)]
        counts["service failed" if exception else "service ok"][bucket(service)] += 1
        if response is not None:
            counts["response failed" if exception else "response ok"][bucket(response)] += 1
        if app_id is not None:
            counts["answers"][app_id] += 1
        if exception is not None:
            error = in_a_line(exception)
            counts["errors"][error] += 1
            if isinstance(exception, WrongAnswerError):
                counts["wrong"][error] += 1

    def take(self) -> dict[str, Any]:
        """Returns all that is in the record, as JSON or msgpack can hold it, and empties it."""
        part = {
            "seconds": [
                [second, {kind: list(counter.items()) for kind, counter in counts.items()}]
                for second, counts in self.seconds.items()
            ],
            "samples": [list(sample) for sample in self.samples],
        }
        self.seconds.clear()
        self.samples.clear()
        return part

    def add(self, part: Mapping[str, Any]) -> None:
        """Adds what `take` returned."""
        for second, kinds in part["seconds"]:
            for kind, items in kinds.items():
                self.seconds[second][kind].update(dict(items))
        self.samples.extend(Sample(*sample) for sample in part["samples"])

    def between(self, start: int, end: int) -> Second:
        """Returns what ended from a unix second on, and before another one."""
        return merged(self.seconds[second] for second in range(start, end) if second in self.seconds)

    def samples_between(self, start: int, end: int) -> list[Sample]:
        """Returns the samples of the same time."""
        return [sample for sample in self.samples if start <= sample.second < end]

    def backlogs(self, start: int, end: int) -> list[int]:
        """Returns the backlog of all processes at the end of each second of the same time."""
        return self._sums(start, end, lambda sample: sample.backlog)

    def max_users(self, start: int, end: int) -> int:
        """Returns the most users of all processes in a second of the same time."""
        return max(self._sums(start, end, lambda sample: sample.users), default=0)

    def _sums(self, start: int, end: int, member: Callable[[Sample], int]) -> list[int]:
        sums: Counter[int] = Counter()
        for sample in self.samples_between(start, end):
            sums[sample.second] += member(sample)
        return [sums[second] for second in sorted(sums)]


def in_a_line(exception: BaseException) -> str:
    """Returns what an exception says, as a sentence can hold it."""
    text = " ".join((str(exception) or repr(exception)).split()).rstrip(".")
    return text if len(text) <= ERROR_LENGTH else f"{text[: ERROR_LENGTH - 1]}…"


RECORD = Record()
"""What this process has recorded."""


def merged(seconds: Iterable[Second]) -> Second:
    """Adds seconds up."""
    total: Second = defaultdict(Counter)
    for counts in seconds:
        for kind, counter in counts.items():
            total[kind].update(counter)
    return total


def latencies(counts: Second, clock: str = "service") -> Counter[int]:
    """Returns the histogram of all requests, the failed ones too."""
    return sum((counts[f"{clock} {outcome}"] for outcome in OUTCOMES if f"{clock} {outcome}" in counts), Counter())


def requests(counts: Second) -> int:
    """Returns how many requests ended, the failed ones too."""
    return latencies(counts).total()


def failures(counts: Second) -> int:
    """Returns how many requests failed."""
    return counts["service failed"].total() if "service failed" in counts else 0


def wrong_answers(counts: Second) -> int:
    """Returns how many requests failed because their answer was wrong."""
    return counts["wrong"].total() if "wrong" in counts else 0


def percentile(histogram: Mapping[int, int], share: float) -> int | None:
    """Returns the lower end of the first bucket up to which there is such a share of the requests; None without any."""
    rank = max(1, math.ceil(share * sum(histogram.values())))
    for bucket in sorted(histogram):
        rank -= histogram[bucket]
        if rank <= 0:
            return bucket
    return None


def bucket(microseconds: float) -> int:
    """Returns the lower end of the bucket of a time."""
    whole = int(microseconds)
    shift = whole.bit_length() - BUCKET_BITS
    return whole >> shift << shift if shift > 0 else whole
