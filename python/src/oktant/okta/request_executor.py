"""The request executor: builds requests, and sends them through the cache and the HTTP client.

A class of one's own as ``requestExecutor`` derives from :class:`RequestExecutor` and overrides what it likes.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import platform
import time
import urllib.parse
from collections.abc import Coroutine, Mapping
from typing import Any

import oktant
from oktant import _native
from oktant.okta._json import plain
from oktant.okta.api_response import OktaAPIResponse, SyncOktaAPIResponse
from oktant.okta.cache import Cache, NoOpCache
from oktant.okta.errors import Error, OktaAPIError
from oktant.okta.exceptions import HTTPException, OktaAPIException
from oktant.okta.http_client import HTTPClient, Response, decoded

__all__ = ["RequestExecutor"]

logger = logging.getLogger("okta-sdk-python")

# An answer that says that nothing was done, and those after which it may have been.
REFUSED = 429
OUTAGES = frozenset({503, 504})


class RequestExecutor:
    """Builds and sends the requests of a client.

    Args:
        config: The client's configuration, as ``get_config`` gives it.
        cache: What single objects are kept in.
        http_client: Class of the HTTP client.
    """

    RETRY_COUNT_HEADER = "X-Okta-Retry-Count"
    RETRY_FOR_HEADER = "X-Okta-Retry-For"

    def __init__(self, config: dict[str, Any], cache: Cache, http_client: Any = None) -> None:
        client = config["client"]
        self._config = config
        self._cache = cache
        self._base_url: str = client["orgUrl"].rstrip("/")
        self._request_timeout = client.get("requestTimeout") or 0
        self._max_retries = (client.get("rateLimit") or {}).get("maxRetries", 4)
        self._raises = bool(client.get("raiseException"))
        self._default_headers = {"User-Agent": user_agent(client.get("userAgent")), "Accept": "application/json"}
        self._custom_headers: dict[str, str] = {}
        self._http_client = (http_client or HTTPClient)(
            {
                "requestTimeout": self._request_timeout,
                "headers": self._default_headers,
                "proxy": client.get("proxy"),
                "sslContext": client.get("sslContext"),
            }
        )
        self._org: _native.Org | None = None
        self._is_blocking = False
        self._writes = 0
        """Requests that may have changed something."""

    def open(self, org: _native.Org, is_blocking: bool) -> None:
        """Takes the org that requests go to."""
        self._org, self._is_blocking = org, is_blocking
        if isinstance(self._http_client, HTTPClient):
            self._http_client.open(org, is_blocking)

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of work, waited for: at once where nothing in it suspends, else on a loop of its own."""
        if self._is_ours():
            try:
                work.send(None)
            except StopIteration as end:
                return end.value
            raise RuntimeError("a blocking client was suspended")
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(work)
        finally:
            loop.close()

    async def create_request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, Any] | None = None,
        oauth: bool = False,
        keep_empty_params: bool = False,
    ) -> tuple[Any, Any]:
        """Builds a request.

        Args:
            method: HTTP method.
            url: Path with query, or the whole URL on the org's host.
            body: Dictionary, model, text or bytes.
            headers: Headers of this request.
            form: Files of a form, in place of a body.
            oauth: Whether it is a call of the token endpoint. Those are made by themselves.
            keep_empty_params: Whether empty members of the body are sent.

        Returns:
            The request as a dictionary, and the error.
        """
        merged = {**self._default_headers, **self._custom_headers, **(headers or {})}
        parts = urllib.parse.urlsplit(url)
        if parts.scheme or parts.netloc:
            if not (url + "/").startswith(self._base_url + "/"):
                return None, ValueError(f"{url.partition('?')[0]} is not on {self._base_url}")
        else:
            url = self._base_url + url
        if body is not None and not isinstance(body, (str, bytes)):
            body = plain(body, keep_empty=keep_empty_params)
        if body and "Content-Type" not in merged:
            merged["Content-Type"] = "application/json"
        return {"method": method, "url": url, "headers": merged, "data": body, "form": dict(form or {})}, None

    async def execute(self, request: dict[str, Any], response_type: Any = None) -> tuple[Any, Any]:
        """Sends a request.

        Args:
            request: What :meth:`create_request` built.
            response_type: Class of the objects in the answer.

        Returns:
            The answer and the error. A request that was not answered has no answer.

        Raises:
            OktaAPIException: An error object of Okta, where the configuration says to raise.
            HTTPException: Another error status, likewise.
        """
        return await self._answered(request, response_type, "")

    async def execute_wrapped(self, request: dict[str, Any], response_type: Any, wrapped: str) -> tuple[Any, Any]:
        """As :meth:`execute`, for a list in the member ``wrapped`` of the answer."""
        return await (
            self._answered(request, response_type, wrapped) if wrapped else self.execute(request, response_type)
        )

    async def _answered(self, request: dict[str, Any], response_type: Any, wrapped: str) -> tuple[Any, Any]:
        req, details, body, error = await self.fire_request(request)
        if error is not None:
            if self._raises and isinstance(error, Exception):
                raise error
            return None, error
        error = self.error_of(request["url"], details, body)
        return self.answer(req, details, body, response_type, wrapped), error

    async def fire_request(self, request: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        """Sends a request through the cache.

        Returns:
            The request, the answer, its text, and the error of a request that was not answered.
        """
        key = self._cache.create_key(request["url"])
        is_read = request["method"].upper() == "GET"
        if is_read and self._cache.contains(key):
            details, body = self._cache.get(key)
            return request, details, body, None
        writes = self._writes
        try:
            _, details, body, error = await self.fire_request_helper(request, 0, time.monotonic())
        finally:
            # After the write, or a read during it would bring back what was; also after an error,
            # for the org may have done what was asked.
            if not is_read:
                self._forget(request["url"])
                self._writes += 1
        if error is not None:
            return None, details, body, error
        is_current = is_read and writes == self._writes
        keeps = is_current and type(self._cache) is not NoOpCache and 200 <= details.status <= 299
        if keeps and isinstance(_json(body), dict):
            self._cache.add(key, (details, body))
        return request, details, body, None

    def _forget(self, url: str) -> None:
        for changed in _resources(url):
            self._cache.delete(self._cache.create_key(changed))

    async def fire_request_helper(
        self, request: dict[str, Any], attempts: int, request_start_time: float
    ) -> tuple[Any, Any, Any, Any]:
        """Sends a request. The native module repeats it by itself; for other HTTP clients it is done here."""
        if type(self._http_client) is HTTPClient:
            return await self._http_client.send_request(request)
        first_id: str | None = None
        while True:
            headers = {**request["headers"], **self._authorization(request)}
            if attempts:
                headers[self.RETRY_COUNT_HEADER] = str(attempts)
                headers.update({self.RETRY_FOR_HEADER: first_id} if first_id else {})
            sent = tuple(await self._http_client.send_request({**request, "headers": headers}))
            details = sent[1]
            is_final = details is None or isinstance(details, Response) or not _may_repeat(request, details.status)
            if is_final or attempts >= self._max_retries:
                return sent
            wait = _wait_of(details, attempts)
            spent = time.monotonic() - request_start_time
            if self._request_timeout and spent + wait > self._request_timeout:
                return sent
            logger.info("Hit rate limit. Retry request in %.0f seconds.", wait)
            await asyncio.sleep(wait)
            attempts += 1
            first_id = first_id or details.headers.get("X-Okta-Request-Id")

    def error_of(self, url: str, details: Any, body: Any) -> Error | None:
        """The error of an answer, raised where the configuration says so."""
        if 200 <= details.status <= 299:
            return None
        check = getattr(self._http_client, "check_response_for_error", HTTPClient.check_response_for_error)
        _, error = check(url, details, body)
        if error is not None and self._raises:
            exception = OktaAPIException if isinstance(error, OktaAPIError) else HTTPException
            raise exception(decoded(details.content_type, body))
        return error

    def answer(self, req: Any, details: Any, body: Any, data_type: Any, wrapped: str = "") -> OktaAPIResponse:
        """An answer as the client hands it out."""
        cls = SyncOktaAPIResponse if self._is_blocking else OktaAPIResponse
        return cls(self, req, details, body, data_type, wrapped)

    def set_session(self, session: Any) -> None:
        """Hands a session of another library on to the HTTP client."""
        self._http_client.set_session(session)

    def set_custom_headers(self, headers: Mapping[str, str]) -> None:
        """Adds headers to every later request."""
        self._custom_headers.update(headers)

    def clear_custom_headers(self) -> None:
        """Forgets the added headers, at once."""
        self._custom_headers.clear()

    def get_custom_headers(self) -> dict[str, str]:
        """The added headers."""
        return self._custom_headers

    def get_default_headers(self) -> dict[str, str]:
        """The headers of every request, but for the credentials."""
        return self._default_headers

    def clear_empty_params(self, body: Any) -> Any:
        """A body without its empty members."""
        return plain(body, keep_empty=False)

    def _authorization(self, request: dict[str, Any]) -> dict[str, str]:
        """The credentials, for an HTTP client that sends by itself."""
        if self._org is None:
            return {}
        path = request["url"].removeprefix(self._org.url)
        return {name.title(): value for name, value in self._org.authorization(request["method"].upper(), path)}

    def _is_ours(self) -> bool:
        """Whether nothing on the way of a request belongs to someone else, who may suspend it."""
        return type(self) is RequestExecutor and type(self._http_client) is HTTPClient


def user_agent(suffix: str | None) -> str:
    """The name of this client, its interpreter and its system."""
    name = f"oktant-python/{oktant.__version__} python/{platform.python_version()} {platform.system()}/{platform.release()}"
    return f"{name} {suffix}" if suffix else name


def _resources(url: str) -> list[str]:
    """The URL of a change and those of the objects that it lies within: a user for its lifecycle."""
    parts = urllib.parse.urlsplit(url)
    path = parts.path.rstrip("/")
    found = [url]
    while path.count("/") > 3:
        found.append(urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, "", "")))
        path = path.rpartition("/")[0]
    return found


def _may_repeat(request: dict[str, Any], status: int) -> bool:
    """Whether a request may be sent again after this status: never one that might then be done twice."""
    path = urllib.parse.urlsplit(request["url"]).path
    return status == REFUSED or (status in OUTAGES and _native.is_repeatable(request["method"], path))


def _json(body: Any) -> Any:
    try:
        return json.loads(body)
    except (TypeError, ValueError):
        return None


def _wait_of(details: Any, attempts: int) -> float:
    """Seconds until a refused request makes sense again: the reset by the org's own clock, and one for rounding."""
    date, resets = details.headers.get("Date"), details.headers.get("X-Rate-Limit-Reset")
    if details.status != 429 or not date or not resets:
        return float(min(0.3 * 2**attempts, 20.0))
    now = email.utils.parsedate_to_datetime(date).timestamp()
    return max(float(resets) - now, 0.0) + 1.0
