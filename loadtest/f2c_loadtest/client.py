"""What sends the requests: a client for each protocol, with one connection for each user."""

from typing import Protocol
from urllib.parse import urlsplit

# Longer than a request can take, whatever the target is.
CONNECTION_TIMEOUT = 5.0
NETWORK_TIMEOUT = 10.0


class RequestError(Exception):
    """A request that got no answer to check. Its message has no values in it: Locust counts by message."""


class Request(Protocol):
    """A request, before it is made for a host."""

    @property
    def method(self) -> str:
        """The method, as Locust's files show it."""

    def encode(self, host: str, is_last: bool) -> bytes:
        """Returns what a client sends to the URL of a host; the last request of a connection may say so."""


class Client(Protocol):
    """One connection, so that a Service sees as many as there are users; it is made when it is needed."""

    def ask(self, request: bytes) -> bytes:
        """Returns the content of the answer; raises OSError or RequestError."""

    def close(self) -> None:
        """Ends the connection; the next request makes a new one."""


def address(host: str) -> tuple[str, int, bool]:
    """Returns the name and the port in the URL of a host, and whether it asks for TLS."""
    url = urlsplit(host)
    assert url.hostname
    is_secret = url.scheme == "https"
    return url.hostname, url.port or (443 if is_secret else 80), is_secret
