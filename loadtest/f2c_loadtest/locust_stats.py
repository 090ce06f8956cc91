"""Adds correct answers to Locust's own statistics in batches: one at a time would cost as much CPU as sending."""

from collections import Counter
from time import time
from typing import Any

from locust.stats import RequestStats, StatsEntry, bucket_response_time

# Adding a batch takes some 50 µs, too short to make a request late.
BATCH = 200


class LocustStats:
    """Requests that are not in Locust's statistics yet."""

    def __init__(self) -> None:
        """Begins empty."""
        self.stats = RequestStats()
        """Locust's statistics; the plugin sets those of the environment."""
        self._key = "", ""
        self._times: list[Any] = []  # Locust takes floats, although its types say int
        self._bytes = 0

    def add(self, method: str, name: str, milliseconds: float, length: int, error: Exception | None) -> None:
        """Adds a request that ended after so many milliseconds, with an answer of `length` bytes."""
        if error is not None:
            self.stats.log_request(method, name, milliseconds, length)  # type: ignore[arg-type]
            self.stats.log_error(method, name, error)
            return
        if self._key != (name, method):
            self.flush()
            self._key = name, method
        self._times.append(milliseconds)
        self._bytes += length
        if len(self._times) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Brings Locust's statistics up to date."""
        if not self._times:
            return
        part = StatsEntry(self.stats, *self._key)
        part.num_requests = len(self._times)
        part.total_response_time = sum(self._times)
        part.min_response_time, part.max_response_time = min(self._times), max(self._times)
        part.response_times = Counter(map(bucket_response_time, self._times))
        part.total_content_length = self._bytes
        part.last_request_timestamp = time()
        part.num_reqs_per_sec = {int(part.last_request_timestamp): len(self._times)}
        self._times, self._bytes = [], 0
        self.stats.entries[self._key].extend(part)
        self.stats.total.extend(part)


LOCUST_STATS = LocustStats()
"""The batch of this process."""
