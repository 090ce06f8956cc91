"""Defines what a client is: it sends the requests of one user over one connection. There is one for each protocol."""

from collections.abc import Callable
from typing import Protocol

# Seconds: longer than any target should take.
CONNECTION_TIMEOUT = 5.0
NETWORK_TIMEOUT = 10.0

# Characters of a request, an answer or a value that a sentence can hold.
SHOWN = 400


class RequestError(Exception):
    """A request got no answer to check. The message holds no values, because Locust counts failures by message."""

    def __init__(self, message: str, detail: Callable[[], str] = str) -> None:
        """Takes the message, and what tells what came; it is called for the first failure only."""
        super().__init__(message)
        self.detail = detail


class ClosedError(RequestError):
    """The server has closed the connection, and has not said that it found a fault."""

    def __init__(self) -> None:
        """Says so."""
        super().__init__("the connection was closed before the answer was there")


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


_secrets: set[str] = set()


def keep_secret(text: str) -> None:
    """Sees to it that nothing shows a text from now on."""
    _secrets.update([text] if text else [])


def hide(content: bytes) -> bytes:
    """Returns content with asterisks in place of what is secret, and of the same length."""
    # One may be part of another.
    for secret in sorted(_secrets, key=len, reverse=True):
        content = content.replace(secret.encode(), b"*" * len(secret.encode()))
    return content


def shown(content: object, most: int = SHOWN) -> str:
    """Returns text, or bytes that may be text, in a line of so many characters at most, without what is secret."""
    known = hide(content if isinstance(content, bytes) else str(content).encode())
    text = known[: 4 * most].decode(errors="replace")
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
