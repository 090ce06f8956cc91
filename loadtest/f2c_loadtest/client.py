"""Defines what a client is: it sends the requests of one user over one connection. There is one for each protocol."""

from typing import Protocol

# Seconds: longer than any target should take.
CONNECTION_TIMEOUT = 5.0
NETWORK_TIMEOUT = 10.0


class RequestError(Exception):
    """A request got no answer to check. The message holds no values, because Locust counts failures by message."""


class Request(Protocol):
    """A request to any host."""

    @property
    def method(self) -> str:
        """The method that Locust's files show."""

    def encode(self, host: str, is_last: bool) -> bytes:
        """Returns what a client sends to the URL of a host; the last request of a connection may announce its end."""


class Client(Protocol):
    """Keeps one connection, so that a Service sees as many as there are users, and opens it when it is needed."""

    def ask(self, request: bytes) -> bytes:
        """Returns the content of the answer; raises OSError or RequestError."""

    def close(self) -> None:
        """Closes the connection; the next request opens a new one."""
