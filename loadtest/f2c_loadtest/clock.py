"""The clock of the load test, which goes on evenly, whatever is done to the machine's clock meanwhile."""

import time

CLOCK_MONOTONIC = 1
"""The constant of <time.h> on Linux for the clock below."""

OFFSET = time.time() - time.monotonic()
"""What makes unix time of it, in seconds, as the machine's clock had it at the start."""


def now() -> float:
    """Returns the unix time in seconds."""
    return OFFSET + time.monotonic()


def moved() -> float:
    """Returns by how many seconds the machine's clock was put forward, or below 0 back, since the start."""
    return time.time() - now()
