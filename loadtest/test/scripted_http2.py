"""An HTTP/2 server that does to each connection what a test says, frame by frame."""

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hpack import Decoder, Encoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32

OK_HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
OK_TRAILERS = [("grpc-status", "0")]


class Frame(NamedTuple):
    """A frame that the client has sent."""

    kind: int
    flags: int
    stream: int
    payload: bytes


class Request(NamedTuple):
    """A request that is whole."""

    stream: int
    block: bytes
    content: bytes


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Returns the bytes of a frame."""
    return struct.pack(">L", len(payload))[1:] + struct.pack(">BBL", kind, flags, stream) + payload


def numbers(*values: int) -> bytes:
    """Returns numbers of 32 bits."""
    return struct.pack(f">{len(values)}L", *values)


def settings(**values: int) -> bytes:
    """Returns a frame of settings."""
    known = {"table": 1, "streams": 3, "window": 4, "frame": 5}
    return frame(SETTINGS, payload=b"".join(struct.pack(">HL", known[name], value) for name, value in values.items()))


def message(content: bytes) -> bytes:
    """Returns what gRPC sends of a message."""
    return struct.pack(">BL", 0, len(content)) + content


class Connection:
    """The server's side of a connection."""

    def __init__(self, connected: socket.socket) -> None:
        """Takes a connection that the client has just opened."""
        self.socket = connected
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.unread: list[Frame] = []
        """Frames that came while another one was awaited."""
        assert self._bytes(len(PREFACE)) == PREFACE

    def send(self, *frames: bytes) -> None:
        """Sends frames at once."""
        self.socket.sendall(b"".join(frames))

    def frame(self) -> Frame:
        """Waits for the next frame."""
        head = self._bytes(9)
        length = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBL", head[3:])
        return Frame(kind, flags, stream, self._bytes(length))

    def await_frame(self, kind: int, flags: int | None = None) -> Frame:
        """Waits for a frame of a type, with these flags if they are given, and keeps the others."""
        while True:
            found = self.frame()
            if found.kind == kind and flags in (None, found.flags):
                return found
            self.unread.append(found)

    def request(self) -> Request:
        """Waits until a request is whole."""
        head = self.await_frame(HEADERS)
        assert head.flags == END_HEADERS
        content = bytearray()
        while True:
            found = self.frame()
            if found.kind != DATA:
                self.unread.append(found)
                continue
            assert found.stream == head.stream
            content += found.payload
            if found.flags & END_STREAM:
                return Request(head.stream, head.payload, bytes(content))

    def headers(self, stream: int, fields: list[tuple[str, str]], flags: int = 0) -> bytes:
        """Returns a frame with a whole block of headers."""
        return frame(HEADERS, flags | END_HEADERS, stream, self.encoder.encode(fields))

    def answer(self, stream: int, content: bytes = b"right") -> bytes:
        """Returns the frames of a usual answer."""
        return (
            self.headers(stream, OK_HEADERS)
            + frame(DATA, 0, stream, message(content))
            + self.headers(stream, OK_TRAILERS, END_STREAM)
        )

    def is_silent(self, seconds: float = 0.2) -> bool:
        """Returns whether the client sends nothing for a while."""
        return not select.select([self.socket], [], [], seconds)[0]

    def is_closed(self) -> bool:
        """Waits until the client closes the connection, and returns whether it sent nothing before."""
        try:
            return not self.socket.recv(1)
        except ConnectionResetError:
            return True

    def _bytes(self, length: int) -> bytes:
        content = b""
        while len(content) < length:
            more = self.socket.recv(length - len(content))
            if not more:
                raise EOFError("The client has closed the connection.")
            content += more
        return content


Script = Callable[[Connection], None]


@contextmanager
def scripted_http2(*scripts: Script, host: str = "127.0.0.1") -> Iterator[str]:
    """Does to each further connection what the next script says, and yields the URL.

    Raises what a script raises, and AssertionError unless there are as many connections as scripts.
    """
    listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.settimeout(10)
    sockets: list[socket.socket] = []
    failures: list[BaseException] = []
    done = 0

    def serve() -> None:
        nonlocal done
        try:
            for script in scripts:
                connected, _ = listener.accept()
                sockets.append(connected)
                connected.settimeout(10)
                script(Connection(connected))
                # To close it now would discard what the client has not read yet.
                connected.shutdown(socket.SHUT_WR)
                done += 1
        except BaseException as error:
            failures.append(error)
            connected.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{listener.getsockname()[1]}"
    finally:
        thread.join()
        listener.setblocking(False)
        is_one_more = bool(select.select([listener], [], [], 0)[0])
        for item in (listener, *sockets):
            item.close()
    if failures:
        raise failures[0]
    assert done == len(scripts)
    assert not is_one_more
