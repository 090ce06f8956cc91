"""What clients have in common: one connection, of geventhttpclient's pool, on which the calling greenlet waits."""

import select
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gevent.monkey import get_original
from gevent.socket import IPPROTO_TCP, TCP_NODELAY
from gevent.ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, SSLContext
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool

from f2c_loadtest import clock
from f2c_loadtest.client import CONNECTION_TIMEOUT, NETWORK_TIMEOUT
from f2c_loadtest.recorder import RECORDER

# Bytes to ask a socket for at once.
BLOCK_SIZE = 65536


class Trust(NamedTuple):
    """Whose certificates a client accepts."""

    is_needed: bool = False
    """Whether a certificate must be valid; otherwise any will do."""
    authorities: str | None = None
    """Certificates of authorities in PEM; by default those of the system."""

    def context(self, protocol: str, **_options: str) -> SSLContext:
        """Returns the context for what TLS calls a protocol (ALPN); raises SSLError."""
        context = SSLContext(PROTOCOL_TLS_CLIENT)
        if self.authorities is not None:
            context.load_verify_locations(cadata=self.authorities)
        elif self.is_needed:
            context.load_default_certs()
        else:
            context.check_hostname = False
            context.verify_mode = CERT_NONE
        context.set_alpn_protocols([protocol])
        return context


ANYBODY = Trust()


class SocketClient:
    """Opens and closes the connection of a client to a host."""

    def __init__(self, host: str, protocol: str, trust: Trust) -> None:
        """Takes the URL of the host, what TLS calls the protocol (ALPN), and whose certificates are trusted."""
        url = urlsplit(host)
        assert url.hostname
        is_secret = url.scheme == "https"
        port = url.port or (443 if is_secret else 80)
        factory = partial(trust.context, protocol)
        make = partial(SSLConnectionPool, insecure=not trust.is_needed, ssl_context_factory=factory)
        self._pool = (make if is_secret else ConnectionPool)(
            url.hostname,
            port,
            url.hostname,
            port,
            size=1,
            connection_timeout=CONNECTION_TIMEOUT,
            network_timeout=NETWORK_TIMEOUT,
        )
        self._socket: Any = None

    def _connect(self) -> None:
        """Opens the connection; raises OSError."""
        self._socket = self._pool.get_socket()
        RECORDER.connection(clock.now())
        # Otherwise a second small packet would wait until the server has acknowledged the first.
        self._socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        # gevent's own `poll` would wait for a turn of its loop.
        self._readable = get_original("select", "poll")()
        self._readable.register(self._socket, select.POLLIN)

    def close(self) -> None:
        """Closes the connection; the next request opens a new one."""
        if self._socket is not None:
            self._pool.release_socket(self._socket)
            self._socket = None
