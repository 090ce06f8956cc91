"""HTTP/2 (RFC 9113) as far as a client needs it that has one request at a time under way, always with the same headers.

Neither side uses a header table, so that a block of headers has the same bytes each time: it is made once for requests,
and taken apart once for answers.
"""

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ssl import SSLWantReadError
from time import monotonic
from typing import Any, NamedTuple

from hpack import Decoder, Encoder, HPACKError

from f2c_loadtest.client import NETWORK_TIMEOUT, ClosedError, RequestError
from f2c_loadtest.socket_client import BLOCK_SIZE

DATA, HEADERS, _PRIORITY, RST_STREAM, SETTINGS, _PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, WITH_PRIORITY = 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 1, 2, 3, 4

ERRORS = (
    *("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED"),
    *("FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM"),
    *("INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"),
)
NO_ERROR, CANCEL = 0, 8

# Bytes that each side may send in a frame, whatever its settings, and of a request or an answer ahead, if it has none.
FRAME_SIZE = 2**14
DEFAULT_WINDOW = 2**16 - 1
# The largest number of a stream, and the largest window.
LARGEST = 2**31 - 1

# The head of a frame: its length in two parts, its type, its flags and its stream.
HEAD = struct.Struct(">HBBBL")
DATA_AND_END = bytes([DATA, END_STREAM])
SETTING = struct.Struct(">HL")
TWO_NUMBERS = struct.Struct(">LL")


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return HEAD.pack(len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


def _number(value: int) -> bytes:
    return value.to_bytes(4, "big")


# A server may send as much as it likes at once: the window of a stream is as large as it can be, and that of the
# connection is kept so. Nobody measures how a server waits for its client.
_SETTINGS = {HEADER_TABLE_SIZE: 0, ENABLE_PUSH: 0, INITIAL_WINDOW_SIZE: LARGEST}
_GREETING = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + _frame(SETTINGS, 0, 0, b"".join(SETTING.pack(*item) for item in _SETTINGS.items()))
    + _frame(WINDOW_UPDATE, 0, 0, _number(LARGEST - DEFAULT_WINDOW))
)

Fields = Mapping[bytes, bytes]
"""Header fields by name."""


def header_block(fields: Iterable[tuple[str, str]]) -> bytes:
    """Returns the block for fields. It begins by saying that there is no table, whatever the server offers."""
    encoder = Encoder()
    encoder.header_table_size = 0
    return encoder.encode([(name, value, True) for name, value in fields], huffman=False)


class Answer(NamedTuple):
    """A whole answer. Where it has no more than one block of headers, these are also the trailers."""

    headers: Fields
    content: bytes
    trailers: Fields


class StreamResetError(RequestError):
    """The server has ended a request without an answer; the connection is still good."""


class UnprocessedError(RequestError):
    """The server closes the connection, and has said that it did nothing about the request."""


class Http2Connection:
    """Sends requests over a connection, and reads the answers.

    After any other error than StreamResetError, the connection must be closed.
    """

    def __init__(self, socket: Any, readable: Any, block: bytes) -> None:  # noqa: ANN401
        """Takes a new connection, what polls it, and the block of headers of all requests."""
        self._socket = socket
        self._readable = readable
        # A frame of headers begins with this, and ends with the block. Between them is the number of its stream.
        self._head, self._block = HEAD.pack(len(block) >> 8, len(block) & 0xFF, HEADERS, END_HEADERS, 0)[:5], block
        # What precedes the next request; it need not wait for the server's own settings.
        self._greeting = _GREETING
        self._next_stream = 1
        # What came of the next frame.
        self._rest = b""

        # What the server has said.
        self._is_greeted = False
        self._max_streams = LARGEST
        self._initial_window = DEFAULT_WINDOW
        self._window = DEFAULT_WINDOW
        self._goaway: int | None = None

        # Bytes that have come since the server's window was filled up.
        self._received = 0
        self._decoder = Decoder()
        # The pieces of a block of headers that is not whole yet, and the flags of its frame.
        self._pieces: list[bytes] = []
        self._flags = 0

        # The request under way: its stream, or 0, what may be sent ahead, and what has come of the answer.
        self._stream = 0
        self._stream_window = 0
        self._is_complete = False
        self._reset: int | None = None
        self._headers: Fields | None = None
        self._content: list[bytes] = []
        self._trailers: Fields = {}

    def is_ready(self) -> bool:
        """Takes in what the server has said since the last answer, and returns whether it accepts another request."""
        try:
            while self._readable.poll(0):
                self._socket.settimeout(0.0)
                self._take(self._socket.recv(BLOCK_SIZE))
        except SSLWantReadError:
            # What came was TLS's own, or not a whole record.
            pass
        except (OSError, RequestError):
            return False
        return self._goaway is None and self._next_stream <= LARGEST

    def has_begun(self) -> bool:
        """Returns whether anything came of the answer to the last request."""
        return self._headers is not None or bool(self._rest)

    def ask(self, content: bytes) -> Answer:
        """Sends a request, and waits for its answer; raises TimeoutError, other OSErrors or RequestError."""
        self._deadline = monotonic() + NETWORK_TIMEOUT
        self._socket.settimeout(NETWORK_TIMEOUT)
        while not self._max_streams:
            self._receive()
            if self._goaway is not None:
                raise UnprocessedError("the server has closed the connection before it took the request")
        self._stream = stream = self._next_stream
        self._next_stream += 2
        self._stream_window = self._initial_window
        self._is_complete = False
        self._reset = self._headers = None
        self._content = []
        number, size = _number(stream), len(content)
        head = (self._greeting, self._head, number, self._block)
        self._greeting = b""
        if size <= FRAME_SIZE and size <= self._window and size <= self._stream_window:
            self._window -= size
            self._send(b"".join((*head, size.to_bytes(3, "big"), DATA_AND_END, number, content)))
        else:
            self._send(b"".join(head))
            self._send_in_parts(content)
        while not self._is_complete:
            self._receive()
        self._stream = 0
        if self._reset is not None:
            raise StreamResetError(f"the server has reset the request: {_name(self._reset)}")
        return Answer(self._headers or {}, b"".join(self._content), self._trailers)

    def _send(self, data: bytes) -> None:
        sent = self._socket.send(data)
        if sent < len(data):
            self._socket.sendall(data[sent:])

    def _send_in_parts(self, content: bytes) -> None:
        """Sends the content of a request in frames, as far ahead as the server allows."""
        at = 0
        while at < len(content) and not self._is_complete:
            until = min(len(content), at + self._window, at + self._stream_window)
            if until <= at:
                self._receive()
                continue
            self._window -= until - at
            self._stream_window -= until - at
            frames = []
            while at < until:
                end = min(at + FRAME_SIZE, until)
                frames.append(_frame(DATA, END_STREAM * (end == len(content)), self._stream, content[at:end]))
                at = end
            self._send(b"".join(frames))
        if at < len(content) and self._stream:
            # The answer came without the rest of the request, and the server has not said that it wants none.
            self._send(_frame(RST_STREAM, 0, self._stream, _number(CANCEL)))

    def _receive(self) -> None:
        """Waits for more from the server."""
        remaining = self._deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)
        self._take(self._socket.recv(BLOCK_SIZE))

    def _take(self, data: bytes) -> None:
        """Handles the frames of which the last byte has come."""
        if not data:
            if self._goaway:
                raise RequestError(f"the connection was closed before the answer was there: {_name(self._goaway)}")
            raise ClosedError
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        try:
            while end - at >= HEAD.size:
                high, low, kind, flags, stream = HEAD.unpack_from(data, at)
                length = high << 8 | low
                # A server that does not speak HTTP/2 may answer with text, which would be a long frame.
                if not (self._is_greeted or kind == SETTINGS):
                    raise ValueError("not the server's settings")
                begin = at + HEAD.size
                if begin + length > end:
                    break
                at = begin + length
                self._handle(kind, flags, stream & LARGEST, data[begin:at])
        except (ValueError, IndexError, struct.error, HPACKError):
            raise RequestError("the answer is not HTTP/2") from None
        self._rest = data[at:]

    def _handle(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == HEADERS:
            self._flags = flags
            # A priority is five bytes, which nobody needs.
            block = _unpadded(flags, payload)[5 if flags & WITH_PRIORITY else 0 :]
            if flags & END_HEADERS:
                self._take_headers(stream, block)
            else:
                self._pieces = [block]
        elif kind == DATA:
            self._received += len(payload)
            if self._received > LARGEST // 2:
                self._send(_frame(WINDOW_UPDATE, 0, 0, _number(self._received)))
                self._received = 0
            if stream == self._stream:
                self._content.append(_unpadded(flags, payload))
                if flags & END_STREAM:
                    self._trailers, self._is_complete = {}, True
        elif kind == CONTINUATION:
            self._pieces.append(payload)
            if flags & END_HEADERS:
                self._take_headers(stream, b"".join(self._pieces))
        elif kind == SETTINGS:
            if not flags & ACK:
                self._take_settings(payload)
        elif kind == WINDOW_UPDATE:
            increment = int.from_bytes(payload, "big") & LARGEST
            if stream == 0:
                self._window += increment
            elif stream == self._stream:
                self._stream_window += increment
        elif kind == PING:
            if not flags & ACK:
                self._send(_frame(PING, ACK, 0, payload))
        elif kind == RST_STREAM:
            if stream == self._stream:
                if not self._is_complete:
                    self._reset, self._is_complete = int.from_bytes(payload, "big"), True
                self._stream = 0
        elif kind == GOAWAY:
            self._take_goaway(payload)
        # Other types of frames say nothing that a client must know.

    def _take_headers(self, stream: int, block: bytes) -> None:
        # Without a table, the meaning of a block does not depend on those before. A server has one until it has said
        # otherwise, in a block.
        has_table = self._decoder.header_table_size
        fields: Fields = dict(self._decoder.decode(block, raw=True)) if has_table else _decoded(block)
        if stream != self._stream:
            return
        if self._flags & END_STREAM:
            self._trailers, self._is_complete = fields, True
            self._headers = self._headers or fields
        elif self._headers is not None:
            raise ValueError("headers in the middle")
        elif not fields.get(b":status", b"").startswith(b"1"):
            self._headers = fields

    def _take_settings(self, payload: bytes) -> None:
        for setting, value in SETTING.iter_unpack(payload):
            if setting == MAX_CONCURRENT_STREAMS:
                self._max_streams = value
            elif setting == INITIAL_WINDOW_SIZE:
                # This also holds for the request under way, whose window may then be less than nothing.
                self._stream_window += value - self._initial_window
                self._initial_window = value
        self._is_greeted = True
        self._send(_frame(SETTINGS, ACK, 0, b""))

    def _take_goaway(self, payload: bytes) -> None:
        last, self._goaway = TWO_NUMBERS.unpack_from(payload)
        if self._stream > last and not self._is_complete:
            if self._goaway != NO_ERROR:
                raise RequestError(f"the server has closed the connection: {_name(self._goaway)}")
            raise UnprocessedError("the server has closed the connection before it took the request")


def _unpadded(flags: int, payload: bytes) -> bytes:
    """Returns what a frame has beside padding."""
    if not flags & PADDED:
        return payload
    if payload[0] >= len(payload):
        raise ValueError("more padding than frame")
    return payload[1 : len(payload) - payload[0]]


@lru_cache(maxsize=128)
def _decoded(block: bytes) -> Fields:
    """Returns the fields of a block that uses no table; raises HPACKError."""
    decoder = Decoder()
    decoder.header_table_size = decoder.max_allowed_table_size = 0
    return dict(decoder.decode(block, raw=True))


def _name(error: int) -> str:
    """Returns what RFC 9113 calls an error."""
    return ERRORS[error] if error < len(ERRORS) else f"error {error}"
