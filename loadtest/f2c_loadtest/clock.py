"""The clock of the load test. It is monotonic: nobody who sets the machine's clock can move it."""

import time

CLOCK_MONOTONIC = 1
"""The same clock, as <time.h> of Linux numbers it."""

OFFSET = time.time() - time.monotonic()
"""Add this to CLOCK_MONOTONIC to get Unix time in seconds, by the machine's clock at the start."""


def now() -> float:
    """Returns the Unix time in seconds."""
    return OFFSET + time.monotonic()


def moved() -> float:
    """Returns by how many seconds somebody has set the machine's clock ahead since the start; negative if back."""
    return time.time() - now()
