"""Answers, and the pages that follow them."""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from typing import Any

from oktant.errors import Error, OperationalError
from oktant.okta import _model
from oktant.okta.http_client import decoded, links_of

__all__ = ["OktaAPIResponse", "SyncOktaAPIResponse"]

Query = tuple[tuple[str, str], ...]

SYSTEM_LOG = "/api/v1/logs"


class OktaAPIResponse:
    """An answer to a request.

    Args:
        request_executor: What later pages are asked of.
        req: The request.
        res_details: The answer's status and headers.
        response_body: Its body as text.
        data_type: Class of the objects in it, or ``None``.
        wrapped: Member that holds the list, where the next page is named in the body.
    """

    def __init__(
        self,
        request_executor: Any,
        req: dict[str, Any],
        res_details: Any,
        response_body: Any = "",
        data_type: Any = None,
        wrapped: str = "",
    ) -> None:
        self._request_executor = request_executor
        self._request = req
        self._headers = res_details.headers
        self._status: int = res_details.status
        self._type = data_type
        self._wrapped = wrapped
        self._body = decoded(res_details.content_type, response_body)
        try:
            self._following: str | Error | None = self._next_url()
        except Error as error:
            # This page is good: the error is the next one's.
            self._following = error
        self._next = self._following
        self._seen = {_query(self._request["url"])}

    def get_headers(self) -> Any:
        """The headers, in any letter case."""
        return self._headers

    def get_body(self) -> Any:
        """The decoded body."""
        return self._body

    def get_status(self) -> int:
        """The HTTP status."""
        return self._status

    def get_type(self) -> Any:
        """Class of the objects in the answer."""
        return self._type

    @property
    def status_code(self) -> int:
        """As :meth:`get_status`, under the name of 3.x."""
        return self._status

    @property
    def headers(self) -> Any:
        """As :meth:`get_headers`, under the name of 3.x."""
        return self._headers

    @property
    def data(self) -> Any:
        """As :meth:`objects`, under the name of 3.x."""
        return self.objects()

    def has_next(self) -> bool:
        """Whether there is a later page than the last one that was read."""
        return self._next is not None

    async def next(self, includeResponse: bool = False) -> Any:
        """Reads the next page.

        Returns:
            The objects and the error; with ``includeResponse`` the answer as well.

        Raises:
            StopAsyncIteration: After the last page.
        """
        page, error, response = await self._read_next()
        if error is not None:
            page = None
        return (page, error, response) if includeResponse else (page, error)

    async def get_next(self) -> AsyncIterator[tuple[Any, Any, Any]]:
        """Yields the later pages as they are decoded, each with the error and the answer."""
        while self._next is not None:
            _, error, response = await self._read_next()
            yield (None if error is not None else response.get_body(), error, response)

    async def pages(self) -> AsyncIterator[list[Any]]:
        """Yields this page and the later ones; the next page is on its way while one is worked on.

        Raises:
            Exception: What a page failed with. A list never ends early without saying so.
        """
        current: OktaAPIResponse = self
        seen: set[Query] = set()
        while True:
            follows = current._following is not None
            ahead = asyncio.ensure_future(current._read_following(seen)) if follows else None
            try:
                yield current.items()
            except BaseException:
                if ahead is not None:
                    ahead.cancel()
                raise
            if ahead is None:
                return
            _, error, following = await ahead
            if error is not None:
                raise error
            current = following

    def __aiter__(self) -> AsyncIterator[Any]:
        """Every object of this page and the later ones."""
        return self._each()

    async def _each(self) -> AsyncIterator[Any]:
        async for page in self.pages():
            for item in page:
                yield item

    def objects(self) -> Any:
        """The body as objects of the answer's class."""
        return typed(self._type, self._body)

    def items(self) -> list[Any]:
        """The objects of a list, also where the answer is an object around it."""
        found = self.objects()
        return (found[self._wrapped] if self._wrapped else found) or []

    async def _read_next(self) -> tuple[Any, Any, Any]:
        """Objects, error and answer of the page after the last one that was read in this way."""
        if self._next is None:
            raise StopAsyncIteration
        place, self._next = self._next, None
        page, error, response = await self._read(place, self._seen)
        if error is None:
            self._next = response._following
        return page, error, response

    async def _read_following(self, seen: set[Query]) -> tuple[Any, Any, Any]:
        """Objects, error and answer of the page after this one."""
        seen.add(_query(self._request["url"]))
        return await self._read(self._following, seen)

    async def _read(self, place: Any, seen: set[Query]) -> tuple[Any, Any, Any]:
        """Objects, error and answer of the page at a URL; a link back to what was seen would never end."""
        if isinstance(place, Error):
            return None, place, None
        executor = self._request_executor
        # The headers went through the executor once; what it adds by itself is added again.
        kept = {name: value for name, value in self._request["headers"].items() if name.lower() != "content-type"}
        request, error = await executor.create_request("GET", place, {}, kept)
        if error is not None:
            return None, error, None
        req, details, body, error = await executor.fire_request(request)
        if error is not None:
            return None, error, None
        response = executor.answer(req, details, body, self._type, self._wrapped)
        error = executor.error_of(request["url"], details, body)
        if error is not None:
            return None, error, response
        seen.add(_query(request["url"]))
        if isinstance(response._following, str) and _query(response._following) in seen:
            response._following = response._next = _loop(response._following)
        return response.objects(), None, response

    def _next_url(self) -> str | Error | None:
        """URL of the next page: this request's, with what the link changes.

        Raises:
            OperationalError: The answer names a next page in a way that cannot be followed.
        """
        link = self._next_link()
        if link is None:
            return None
        here, there = urllib.parse.urlsplit(self._request["url"]), urllib.parse.urlsplit(link)
        if self._body == [] and _has_no_end(here):
            return None
        asked = urllib.parse.parse_qsl(here.query, keep_blank_values=True)
        changed = urllib.parse.parse_qsl(there.query, keep_blank_values=True)
        named = {name for name, _ in changed}
        pairs = [pair for pair in asked if pair[0] not in named] + changed
        if sorted(pairs) == sorted(asked):
            return _loop(self._request["url"])
        query = urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote, safe="")
        return f"{here.path}?{query}" if query else here.path

    def _next_link(self) -> str | None:
        link: str | None = links_of(self._headers).get("next", {}).get("url")
        if link is not None or not self._wrapped or not isinstance(self._body, dict):
            return link
        following = (self._body.get("_links") or {}).get("next")
        if following is None:
            return None
        link = following.get("href") if isinstance(following, dict) else None
        if not isinstance(link, str):
            raise OperationalError("where a list goes on cannot be read: its next link has no href", code="OKT2004")
        return link


class SyncOktaAPIResponse(OktaAPIResponse):
    """An answer whose later pages are read by blocking calls."""

    def next(self, includeResponse: bool = False) -> Any:
        """As :meth:`OktaAPIResponse.next`, at once."""
        return self._request_executor.wait(super().next(includeResponse))

    def pages(self) -> Iterator[list[Any]]:  # type: ignore[override, unused-ignore]
        """As :meth:`OktaAPIResponse.pages`, one page after the other."""
        current: OktaAPIResponse = self
        seen: set[Query] = set()
        while True:
            yield current.items()
            if current._following is None:
                return
            _, error, current = self._request_executor.wait(current._read_following(seen))
            if error is not None:
                raise error

    def __iter__(self) -> Iterator[Any]:
        for page in self.pages():
            yield from page


def _query(url: str) -> Query:
    """What tells the pages of one list apart."""
    return tuple(sorted(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True)))


def _has_no_end(url: urllib.parse.SplitResult) -> bool:
    """Whether a list may be asked for what is new, for ever: its last page is empty and leads to itself.

    Source: Okta developer reference, System Log API, "Polling requests" and "Bounded requests".
    """
    query = {name: value.upper() for name, value in urllib.parse.parse_qsl(url.query)}
    return url.path == SYSTEM_LOG and "until" not in query and query.get("sortOrder") != "DESCENDING"


def _loop(url: str) -> Error:
    path = urllib.parse.urlsplit(url).path
    return OperationalError(f"a page of {path} links back to a page that was already read", code="OKT2005")


def typed(data_type: Any, body: Any) -> Any:
    """Decoded objects as objects of a class: ours, in its subclass, or any class that takes a dictionary."""
    if data_type is None or body is None:
        return body
    if isinstance(body, list):
        return [typed(data_type, item) for item in body]
    if isinstance(data_type, type) and issubclass(data_type, _model.OktaObject):
        return _model.class_for(data_type, body)._view(dict(body)) if isinstance(body, dict) else body
    return data_type(body)
