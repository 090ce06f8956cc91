"""Draws the instants at which requests are due in the open loop."""

import random
from collections.abc import Iterator
from itertools import count

POISSON, EVEN = ARRIVALS = ("poisson", "even")


def instants(arrivals: str, rate: float, seed: str, process: int, processes: int) -> Iterator[float]:
    """Yields when the requests of one process are due, in seconds since the step began, in order and without end.

    `rate` is that of all processes together, in requests/s. `poisson` is what independent clients do: the gaps are
    exponential, with a mean of n / rate for a process of n. The union of n independent Poisson streams is a Poisson
    stream of the sum of their rates. `even` is a row, in which the processes take turns.
    """
    if arrivals == EVEN:
        for number in count():
            yield (number * processes + process) / rate
    draw = random.Random(f"{seed} {process}").expovariate
    share, instant = rate / processes, 0.0
    while True:
        instant += draw(share)
        yield instant
