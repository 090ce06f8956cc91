"""What the load generator knows of each target."""

import dataclasses
from collections.abc import Callable

from f2c_loadtest.client import Client
from f2c_loadtest.question import Ask


@dataclasses.dataclass(frozen=True)
class Target:
    """A server that converts temperatures."""

    key: str
    """Its name on the command line, and the beginning of the names of its files."""
    names_replicas: bool
    """Whether its answers say which replica gave them."""
    client: Callable[[str], Client]
    """Makes the client of a user, for the URL of a host."""
    ask: Ask
