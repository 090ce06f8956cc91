"""A server that answers like the function, or with the faults that a test sets, and counts its requests."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from certificate import Certificate

APP_ID = "00000000-0000-4000-8000-000000000000"


class ScriptedFunction(ThreadingHTTPServer):
    """Answers one request at a time, and rightly unless a test sets `status`, `error` or `seconds`."""

    daemon_threads = True
    request_queue_size = 1000

    def __init__(self) -> None:
        """Listens on a free port of the loopback interface."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.error = 0.0  # °C that each temperature is too high
        self.seconds = 0.0  # that each answer takes
        self.free = 0.0  # when it has answered all so far, by the monotonic clock
        self.requests = self.connections = 0
        self.scheme = "http"
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedFunction
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self) -> None:
        (fahrenheit,) = parse_qs(urlsplit(self.path).query)["fahrenheit"]
        self.answer(self.celsius(float(fahrenheit)))

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer([self.celsius(fahrenheit) for fahrenheit in question["fahrenheit"]])

    def celsius(self, fahrenheit: float) -> float:
        return float((Fraction(fahrenheit) - 32) * 5 / 9) + self.server.error

    def answer(self, celsius: float | list[float]) -> None:
        with self.server.lock:
            self.server.requests += 1
        if self.server.seconds:
            with self.server.lock:
                # Sleep is too long by up to 0.1 ms. So it follows the clock, and does not add up.
                self.server.free = max(self.server.free, time.monotonic()) + self.server.seconds
                end = self.server.free
            time.sleep(max(0.0, end - time.monotonic()))
        # The server closes the connection if the client wants that, but no header of the answer says so.
        body = json.dumps({"celsius": celsius, "appId": APP_ID}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def scripted_function(certificate: Certificate | None = None) -> Iterator[ScriptedFunction]:
    """Runs a server until the block ends, with TLS if there is a certificate."""
    with ScriptedFunction() as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.file, certificate.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.scheme = "https"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()
