"""Defines what the load generator must know of a target."""

import dataclasses
from collections.abc import Callable

from f2c_loadtest.client import Client
from f2c_loadtest.question import Ask


@dataclasses.dataclass(frozen=True)
class Target:
    """An interface of a server that converts temperatures: what is asked over one protocol at one port."""

    key: str
    """Its name on the command line, with which the names of its files begin."""
    names_replicas: bool
    """Whether an answer names the replica that gave it."""
    client: Callable[[str], Client]
    """Makes the client of one user, for the URL of a host."""
    ask: Ask
