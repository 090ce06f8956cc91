"""A server that does to each connection what a test says, byte by byte."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[["Connection"], object]


class Connection:
    """The server's side of a connection."""

    def __init__(self, connected: socket.socket) -> None:
        """Takes a connection that the client has just opened."""
        self.socket = connected
        self._rest = b""

    def request(self) -> bytes:
        """Returns the next request, which has no body."""
        while b"\r\n\r\n" not in self._rest:
            data = self.socket.recv(65536)
            assert data, "The client has closed the connection."
            self._rest += data
        request, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return request

    def answer(self, body: bytes, *headers: str, first: str = "HTTP/1.1 200 OK", has_length: bool = True) -> None:
        """Sends an answer."""
        lines = [first, *headers, *[f"Content-Length: {len(body)}"] * has_length, "", ""]
        self.socket.sendall("\r\n".join(lines).encode() + body)


class Connections(list[Connection]):
    """The connections that were opened, and the URL of the server."""

    url = ""


@contextmanager
def scripted_http(*scripts: Script) -> Iterator[Connections]:
    """Runs a server until the block ends: each connection has a script, after which it is closed."""
    opened = Connections()
    failures: list[BaseException] = []

    def serve() -> None:
        try:
            for script in scripts:
                connected, _ = listener.accept()
                with connected:
                    connected.settimeout(10)
                    opened.append(Connection(connected))
                    script(opened[-1])
        except BaseException as error:
            failures.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        opened.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield opened
        thread.join(15)
    if failures:
        raise failures[0]
