"""A server that hands requests on to the sandbox and remembers them, headers and bodies included. Standard library only."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import urllib.parse
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Headers that belong to one connection, not to what travels over it.
HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    """Without the query, and without the slash that okta 2.x puts before it."""
    query: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    connection: int
    """Number of the connection that it came over."""

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    @property
    def parameters(self) -> dict[str, str]:
        """The decoded query."""
        return dict(urllib.parse.parse_qsl(self.query, keep_blank_values=True))


class Tap:
    """What was seen, and what is answered in the sandbox's place."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.answers: deque[tuple[int, dict[str, str], bytes]] = deque()

    def answer(self, status: int = 200, body: Any = None, **headers: str) -> None:
        """Answers one later request; underscores in names of headers are dashes."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, {"Content-Type": "application/json", **named}, content))

    def last(self, method: str | None = None) -> Seen:
        """The last request, of a method if one is named."""
        return [seen for seen in self.seen if method in (None, seen.method)][-1]

    def forget(self) -> None:
        """Forgets what was seen."""
        self.seen.clear()


@contextmanager
def tap(url: str | None, context: Any = None) -> Iterator[Tap]:
    """Runs a tap before the sandbox at ``url``, or before nothing; with a TLS context it speaks https."""
    running = Tap()
    numbers = itertools.count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.number = next(numbers)

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, path.rstrip("/"), query, headers, body, self.number)
            running.seen.append(seen)
            status, pairs, content = running.answers.popleft() if running.answers else forward(url, seen)
            self.send_response_only(status)
            for name, value in pairs.items() if isinstance(pairs, dict) else pairs:
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "http"
    if context is not None:
        server.socket, scheme = context.wrap_socket(server.socket, server_side=True), "https"
    running.url = f"{scheme}://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()


def forward(url: str | None, seen: Seen) -> tuple[int, Any, bytes]:
    """The sandbox's answer."""
    if url is None:
        return 404, {}, b""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    headers = {name: value for name, value in seen.headers.items() if name not in HOP_BY_HOP | {"accept-encoding"}}
    target = f"{seen.path}?{seen.query}" if seen.query else seen.path
    connection.request(seen.method, target, body=seen.body or None, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    pairs = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
    connection.close()
    return answer.status, pairs, content
