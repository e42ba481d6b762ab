"""The HTTP client: requests go through the native module, which authorises, paces and repeats them.

A class of one's own as ``httpClient`` derives from :class:`HTTPClient`, or has its methods.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import re
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from oktant import _native
from oktant.errors import Error as NativeError
from oktant.okta._json import dumps
from oktant.okta.errors import Error, HTTPError, OktaAPIError

__all__ = ["HTTPClient", "Headers", "Response"]

logger = logging.getLogger("okta-sdk-python")


class Headers(Mapping[str, str]):
    """Headers of an answer, in any letter case; one that came several times has several values."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def getall(self, name: str, default: Any = ()) -> Any:
        """Every value of a header."""
        return [value for known, value in self._pairs if known.lower() == name.lower()] or default

    def __getitem__(self, name: str) -> str:
        for known, value in self._pairs:
            if known.lower() == name.lower():
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._pairs))

    def __len__(self) -> int:
        return len({name for name, _ in self._pairs})

    def __repr__(self) -> str:
        return f"<Headers({', '.join(f'{name!r}: {value!r}' for name, value in self._pairs)})>"


class Response:
    """An answer of any status."""

    def __init__(self, url: str, status: int, headers: Headers, body: bytes) -> None:
        self.url = url
        self.status = status
        self.headers = headers
        self.body = body
        self.content_type = headers.get("Content-Type", "").partition(";")[0].strip()

    async def text(self) -> str:
        """The body as text."""
        return self.decoded()

    def decoded(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """URL of each relation of the ``Link`` headers."""
        return links_of(self.headers)


class Sent(NamedTuple):
    """What a request was, for those who look at the first place of ``send_request``."""

    method: str
    url: str


class HTTPClient:
    """Sends requests.

    Args:
        http_config: What the request executor hands on: ``requestTimeout``, ``headers``, ``proxy``, ``sslContext``.
    """

    raise_exception = False

    def __init__(self, http_config: Mapping[str, Any] | None = None) -> None:
        config = http_config or {}
        self._default_headers = dict(config.get("headers") or {})
        self._timeout = config.get("requestTimeout")
        self._session: Any = None
        self._org: _native.Org | None = None
        self._is_blocking = False

    def open(self, org: _native.Org, is_blocking: bool) -> None:
        """Takes the org that requests go to."""
        self._org, self._is_blocking = org, is_blocking

    def set_session(self, session: Any) -> None:
        """Takes a session of another library, for classes that override :meth:`send_request` and use it."""
        self._session = session

    async def close_session(self) -> None:
        """Closes such a session."""
        if self._session is not None:
            await self._session.close()

    async def send_request(self, request: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        """Sends a request.

        Args:
            request: ``method``, ``url``, ``headers``, and ``data`` or ``form`` or ``json``.

        Returns:
            What was sent, the answer of any status, its text, and the error of a request without an answer.
        """
        if self._org is None:
            raise RuntimeError("the HTTP client has no org: it is used outside of a client")
        method, url = request["method"].upper(), request["url"]
        headers = {name: str(value) for name, value in {**self._default_headers, **request["headers"]}.items()}
        body = self._body(request, headers)
        path = url.removeprefix(self._org.url)
        try:
            if self._is_blocking:
                reply = self._org.request_blocking(method, path, list(headers.items()), body)
            else:
                reply = await self._org.request(asyncio.get_running_loop(), method, path, list(headers.items()), body)
        except NativeError as error:
            logger.error("%s %s: %s", method, url.partition("?")[0], error.message)
            return None, None, None, error
        status, pairs, content = reply
        response = Response(url, status, Headers(pairs), content)
        logger.debug("%s %s answered %d", method, url, status)
        return Sent(method, url), response, response.decoded(), None

    def _body(self, request: dict[str, Any], headers: dict[str, str]) -> bytes | None:
        """The body of a request; says in the headers what it is."""
        data = request.get("data") or request.get("json")
        if isinstance(data, str):
            return data.encode()
        if isinstance(data, (bytes, bytearray)):
            return bytes(data)
        if data and headers.get("Content-Type") == "application/x-www-form-urlencoded":
            return urllib.parse.urlencode(data).encode()
        if data:
            headers.setdefault("Content-Type", "application/json")
            return dumps(data)
        if request.get("form"):
            body, headers["Content-Type"] = multipart(request["form"])
            return body
        return None

    @staticmethod
    def check_response_for_error(url: str, response_details: Any, response_body: Any) -> tuple[Any, Error | None]:
        """Decodes an answer.

        Returns:
            The decoded body of a success, or the error.
        """
        body = decoded(response_details.content_type, response_body)
        if 200 <= response_details.status <= 299:
            return body, None
        error: Error
        try:
            error = OktaAPIError(url, response_details, body)
        except (KeyError, TypeError, AttributeError):
            error = HTTPError(url, response_details, body)
        logger.error(error.message)
        return None, error

    @staticmethod
    def format_binary_data(data: Any) -> Any:
        """The content of a file, or what is one already."""
        return data.read() if hasattr(data, "read") else data


def decoded(content_type: str, body: Any) -> Any:
    """A body by its media type; text where it is not what it claims to be."""
    if not isinstance(body, (str, bytes)):
        return body
    if content_type in ("application/json", "") or content_type.endswith("+json"):
        try:
            return json.loads(body) if body else None
        except ValueError:
            return body
    if content_type == "application/xml":
        try:
            return importlib.import_module("xmltodict").parse(body)
        except ImportError:
            return body
    return body


def links_of(headers: Any) -> dict[str, dict[str, str]]:
    """URL of each relation in the ``Link`` headers of an answer (RFC 8288).

    Raises:
        OperationalError: A next page is named in a way that cannot be followed.
    """
    lines = headers.getall("Link", []) if hasattr(headers, "getall") else [headers.get("Link", "")]
    found: dict[str, dict[str, str]] = {}
    for relation, url in (link for line in lines for link in _native.links(line)):
        found.setdefault(relation, {"url": url})
    return found


def multipart(form: Mapping[str, Any]) -> tuple[bytes, str]:
    """A form with files (RFC 7578): the body and its media type."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, value in form.items():
        content = value.read() if hasattr(value, "read") else value
        file_name = re.sub(r'[\r\n"]', "_", str(getattr(value, "name", name)).replace("\\", "/").rpartition("/")[2])
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        kind = "Content-Type: application/octet-stream\r\n\r\n"
        body += (head + kind).encode() + (content.encode() if isinstance(content, str) else content) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
