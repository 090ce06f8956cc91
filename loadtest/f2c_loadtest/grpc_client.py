"""A gRPC client for messages that are serialised in advance, by grpcio."""

import dataclasses
import logging
from functools import cache
from typing import ClassVar

import gevent
import grpc
from grpc.experimental.gevent import init_gevent

from f2c_loadtest.client import NETWORK_TIMEOUT, RequestError, address

# Under gevent, grpcio waits for each answer in a thread of gevent's pool. There are 10 by default, and further answers
# would have to wait for a thread. More users than this one process can't have; a thread is made when it is needed.
MAX_THREADS = 10_000

OPTIONS = [
    # Otherwise all channels to an address share one connection.
    ("grpc.use_local_subchannel_pool", 1),
    # A request that is sent again would hide a failure, and its time.
    ("grpc.enable_retries", 0),
    # The HTTP client takes no proxy from the environment either.
    ("grpc.enable_http_proxy", 0),
    # An answer of any size; 4 MiB by default.
    ("grpc.max_receive_message_length", -1),
]

MEANINGS = {
    grpc.StatusCode.UNAVAILABLE: "the server could not be reached, broke off the connection, or takes no requests",
    grpc.StatusCode.DEADLINE_EXCEEDED: f"there was no answer within {NETWORK_TIMEOUT:g} s",
    grpc.StatusCode.UNIMPLEMENTED: "the server does not have the method that was called",
    grpc.StatusCode.NOT_FOUND: "the server does not have what was asked for, such as the model",
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        "the server is out of some resource, such as threads, of which TensorFlow Serving may have more with "
        "--grpc_max_threads in its extraArgs"
    ),
}
# What a server or gRPC itself says of a failure may hold values. It is logged once for each status of a process.
_logged: set[grpc.StatusCode] = set()

# The connection may be of no use after these.
BROKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@dataclasses.dataclass(frozen=True)
class GrpcRequest:
    """A serialised message."""

    method: ClassVar[str] = "gRPC"
    message: bytes

    def encode(self, host: str, is_last: bool) -> bytes:
        """Returns the message: gRPC itself tells the server the host, and the end of a connection."""
        return self.message


class GrpcClient:
    """A `Client` of one unary method, that accepts answers with status OK."""

    def __init__(self, method: str, host: str) -> None:
        """Takes the path of the method, such as `/package.Service/Method`, and the URL of the host."""
        _prepare()
        name, port, self._is_secret = address(host)
        self._address = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        self._method = method
        self._channel: grpc.Channel | None = None

    def ask(self, request: bytes) -> bytes:
        """Returns the message of the answer; raises RequestError."""
        if self._channel is None:
            self._connect()
        try:
            answer: bytes = self._call(request, timeout=NETWORK_TIMEOUT)
        except grpc.RpcError as error:
            code = error.code()
            if code in BROKEN:
                # A channel would wait longer and longer before it tries to connect again.
                self.close()
            if code not in _logged:
                _logged.add(code)
                logging.getLogger(__name__).warning("The first %s: %s", code.name, error.details())
            meaning = f": {MEANINGS[code]}" if code in MEANINGS else ""
            raise RequestError(f"the status is {code.name}{meaning}") from None
        return answer

    def _connect(self) -> None:
        if self._is_secret:
            self._channel = grpc.secure_channel(self._address, grpc.ssl_channel_credentials(), OPTIONS)
        else:
            self._channel = grpc.insecure_channel(self._address, OPTIONS)
        # Without serialisers, it takes bytes and returns bytes.
        self._call = self._channel.unary_unary(self._method)

    def close(self) -> None:
        """Ends the connection; the next request makes a new one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


@cache
def _prepare() -> None:
    """Lets gRPC wait in greenlets. Not before Locust has forked its processes, which gRPC's threads do not survive."""
    gevent.get_hub().threadpool.maxsize = MAX_THREADS
    init_gevent()
