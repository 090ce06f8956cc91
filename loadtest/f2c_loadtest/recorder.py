"""Records what happened in each second: the one structure behind all files and the verdict."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from f2c_loadtest.client import Request
from f2c_loadtest.question import WrongAnswerError, explain

# The times in a bucket of a histogram, in µs, share so many leading binary digits, as in HdrHistogram's log-linear
# buckets. A bucket is at most a 64th of its time wide, which keeps a run of two hours under 3 MB.
BUCKET_BITS = 7

# An error may be a whole page; a sentence can't hold that.
ERROR_LENGTH = 200

OUTCOMES = ("ok", "failed")

Second = defaultdict[str, Counter[Any]]
"""Counts the requests that ended in a second.

`service ok`, `service failed`, `response ok` and `response failed` count by the lower end of the bucket in µs,
`answers` by replica, and `errors` by the reason of the failure. `wrong` counts the errors that are wrong answers,
`connections` those that were opened. `first` has all about the first failure of each process.
"""


class Sample(NamedTuple):
    """How busy a process was in a second, and how much CPU it could get; None where that is unknown."""

    second: int
    process: str
    users: int
    cpu_cores: float
    lag_ms: float
    backlog: int = 0
    """Requests that were due at the end of the second and not sent, because no user was free."""
    limit_cores: float | None = None
    """Cores that its cgroup may use; None without a limit."""
    throttled: float | None = None
    """Share of the cgroup's periods in which the limit stopped it."""
    stolen_cores: float | None = None
    late: int = 0
    """Requests that were sent late although a user was free."""
    clock_moved: float = 0.0
    """Seconds by which the machine's clock was set ahead since the start."""
    under_way: int = 0
    """Requests that were sent and had not ended at the end of the second."""


class Recorder:
    """Holds counts by second, and samples. It adds up: parts may come from other processes."""

    def __init__(self) -> None:
        """Begins empty."""
        self.seconds: defaultdict[int, Second] = defaultdict(lambda: defaultdict(Counter))
        self.samples: list[Sample] = []
        self.due: Counter[int] = Counter()
        """Requests that fell due in each second, sent or not. It is exact, since the schedule knows each instant."""

    def request(
        self,
        end: float,
        service: float,
        response: float | None = None,
        exception: BaseException | None = None,
        replica: str | None = None,
        request: Request | None = None,
    ) -> None:
        """Counts a request that ended at a Unix time in seconds.

        `service` is its time in µs since it was sent. Where a rate is offered, `response` is the time since it was due
        if it had to wait for a free user, and otherwise the same. `replica` names the one that answered.
        """
        counts = self.seconds[int(end)]
        counts["service failed" if exception else "service ok"][bucket(service)] += 1
        if response is not None:
            counts["response failed" if exception else "response ok"][bucket(response)] += 1
        if replica is not None:
            counts["answers"][replica] += 1
        if exception is not None:
            error = in_a_line(exception)
            counts["errors"][error] += 1
            if isinstance(exception, WrongAnswerError):
                counts["wrong"][error] += 1
            if "first" not in counts:
                counts["first"][error if request is None else explain(request, exception)] = 1

    def connection(self, at: float) -> None:
        """Counts a connection that was opened at a Unix time in seconds."""
        self.seconds[int(at)]["connections"]["opened"] += 1

    def take(self) -> dict[str, Any]:
        """Empties the recorder, and returns its content in types that JSON and msgpack have."""
        part = {
            "seconds": [
                [second, {kind: list(counter.items()) for kind, counter in counts.items()}]
                for second, counts in self.seconds.items()
            ],
            "samples": [list(sample) for sample in self.samples],
            "due": list(self.due.items()),
        }
        self.seconds.clear()
        self.samples.clear()
        self.due.clear()
        return part

    def add(self, part: Mapping[str, Any]) -> None:
        """Adds what `take` returned."""
        for second, kinds in part["seconds"]:
            for kind, items in kinds.items():
                self.seconds[second][kind].update(dict(items))
        self.samples.extend(Sample(*sample) for sample in part["samples"])
        self.due.update(dict(part["due"]))

    def between(self, start: int, end: int) -> Second:
        """Adds up the seconds from a Unix time on, and before another."""
        return merged(self.seconds[second] for second in range(start, end) if second in self.seconds)

    def first_failure_between(self, start: int, end: int) -> str | None:
        """Returns all about the first failure from a Unix time on, and before another."""
        return first_failure(self.seconds[second] for second in range(start, end) if second in self.seconds)

    def samples_between(self, start: int, end: int) -> list[Sample]:
        """Returns the samples of these seconds."""
        return [sample for sample in self.samples if start <= sample.second < end]

    def due_between(self, start: int, end: int) -> int:
        """Returns how many requests fell due in these seconds; 0 in a closed loop."""
        return sum(self.due[second] for second in range(start, end))

    def backlog_at(self, moment: int) -> int:
        """Returns how many requests waited for a free user at a Unix time."""
        return sum(sample.backlog for sample in self.samples_between(moment - 1, moment))

    def outstanding_at(self, moment: int) -> int:
        """Returns how many requests waited for a free user or were under way at a Unix time."""
        return sum(sample.backlog + sample.under_way for sample in self.samples_between(moment - 1, moment))

    def max_users(self, start: int, end: int) -> int:
        """Returns the largest number of users of all processes together in any of these seconds."""
        users: Counter[int] = Counter()
        for sample in self.samples_between(start, end):
            users[sample.second] += sample.users
        return max(users.values(), default=0)


def in_a_line(exception: BaseException) -> str:
    """Returns the message of an exception for the end of a sentence."""
    text = " ".join((str(exception) or repr(exception)).split()).rstrip(".")
    return text if len(text) <= ERROR_LENGTH else f"{text[: ERROR_LENGTH - 1]}…"


RECORDER = Recorder()
"""The recorder of this process."""


def merged(seconds: Iterable[Second]) -> Second:
    """Adds up seconds."""
    total: Second = defaultdict(Counter)
    for counts in seconds:
        for kind, counter in counts.items():
            total[kind].update(counter)
    return total


def latencies(counts: Second, clock: str = "service") -> Counter[int]:
    """Returns the histogram of all requests, including failed ones."""
    return sum((counts[f"{clock} {outcome}"] for outcome in OUTCOMES if f"{clock} {outcome}" in counts), Counter())


def requests(counts: Second) -> int:
    """Returns the number of requests that ended, including failed ones."""
    return latencies(counts).total()


def failures(counts: Second) -> int:
    """Returns the number of requests that failed."""
    return counts["service failed"].total() if "service failed" in counts else 0


def wrong_answers(counts: Second) -> int:
    """Returns the number of requests that failed because their answer was wrong."""
    return counts["wrong"].total() if "wrong" in counts else 0


def first_failure(seconds: Iterable[Second]) -> str | None:
    """Returns all about the first failure in seconds that follow each other."""
    return next((failure for counts in seconds if "first" in counts for failure in counts["first"]), None)


def percentile(histogram: Mapping[int, int], share: float) -> int | None:
    """Returns the lower end of the bucket that holds this share's order statistic; None without requests."""
    rank = max(1, math.ceil(share * sum(histogram.values())))
    for bucket in sorted(histogram):
        rank -= histogram[bucket]
        if rank <= 0:
            return bucket
    return None


def bucket(microseconds: float) -> int:
    """Returns the lower end of the bucket that holds a time."""
    whole = int(microseconds)
    shift = whole.bit_length() - BUCKET_BITS
    return whole >> shift << shift if shift > 0 else whole
