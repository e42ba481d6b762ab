"""The clients: every operation as a method, answering ``(result, response, error)``.

>>> import asyncio
>>> from oktant.okta import Client
>>> async def names():
...     async with Client({"orgUrl": sandbox.url, "token": sandbox.token}) as client:
...         users, response, error = await client.list_users({"limit": 1})
...         return [type(user).__name__ for user in users], response.has_next(), error
>>> asyncio.run(names())
(['User'], True, None)
"""

from __future__ import annotations

import inspect
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any

from oktant.okta import _methods
from oktant.okta.api_response import typed
from oktant.okta.cache import Cache, NoOpCache
from oktant.okta.config import Configuration
from oktant.okta.logger import setup_logging
from oktant.okta.request_executor import RequestExecutor

__all__ = ["Client", "SyncClient"]


class _Base:
    """What the blocking and the asynchronous client share.

    Args:
        user_config: Values that win over those of the environment and the files ``okta.yaml``.

    Raises:
        ConfigurationError: If the configuration is wrong; it lists all problems and is a ``ValueError``.
    """

    def __init__(self, user_config: Mapping[str, Any] | None = None) -> None:
        configuration = Configuration(user_config or {})
        self._config = configuration.effective
        setup_logging(**configuration.logging)
        self._request_executor: RequestExecutor = configuration.executor_class(
            self._config, _cache(configuration), configuration.http_client_class
        )
        # A class of one's own need not know of our connections: it may send by itself.
        if isinstance(self._request_executor, RequestExecutor):
            self._request_executor.open(configuration.org, self._is_blocking())

    @staticmethod
    def _is_blocking() -> bool:
        return False

    def get_config(self) -> dict[str, Any]:
        """The configuration in force."""
        return self._config

    def get_scopes(self) -> Any:
        """The OAuth scopes, if any are configured."""
        return self._config["client"].get("scopes")

    def get_base_url(self) -> str:
        """The URL of the org."""
        return str(self._config["client"]["orgUrl"])

    def get_request_executor(self) -> Any:
        """What builds and sends requests, for calls that no method makes."""
        return self._request_executor

    def set_custom_headers(self, headers: Mapping[str, str]) -> None:
        """Adds headers to every later request."""
        self._request_executor.set_custom_headers(headers)

    def clear_custom_headers(self) -> None:
        """Forgets the added headers."""
        self._request_executor.clear_custom_headers()

    def get_custom_headers(self) -> dict[str, str]:
        """The added headers."""
        return self._request_executor.get_custom_headers()

    def get_default_headers(self) -> dict[str, str]:
        """The headers of every request, but for the credentials."""
        return self._request_executor.get_default_headers()

    @staticmethod
    def form_response_body(body: Any) -> Any:
        """A decoded body as constructors take it: as it is."""
        return body

    async def _invoke(self, method: _methods.Method, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Makes a call and shapes its answer: a triple, or a pair where there is no object."""
        bound = method.bind(arguments, named)
        nothing = () if method.is_void else (None,)
        executor = self._request_executor
        form = {"file": bound.body} if bound.is_upload else {}
        request, error = await executor.create_request(
            method.verb,
            self.get_base_url() + bound.url,
            None if bound.is_upload else bound.body,
            bound.headers,
            form,
            keep_empty_params=bound.keep_empty,
        )
        if error is not None:
            return (*nothing, None, error)
        data_type = method.data_type
        if method.wrapped and isinstance(executor, RequestExecutor):
            response, error = await executor.execute_wrapped(request, data_type, method.wrapped)
        else:
            response, error = await executor.execute(request, data_type)
        if error is not None or method.is_void:
            return (*nothing, response, error)
        try:
            return typed(data_type, response.get_body()), response, None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return None, response, error


class Client(_Base, _methods.Methods):  # type: ignore[misc, unused-ignore]
    """An org, for programs with an event loop. Connections are kept and shared by all calls."""

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close = getattr(getattr(self._request_executor, "_http_client", None), "close_session", None)
        if close is not None:
            await close()


class SyncClient(_Base, _methods.SyncMethods):  # type: ignore[misc, unused-ignore]
    """An org, for programs without an event loop: each method blocks until it has its answer."""

    @staticmethod
    def _is_blocking() -> bool:
        return True

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._request_executor.wait(work)

    def get_request_executor(self) -> Any:
        """As that of :class:`Client`, with methods that block."""
        return BlockingExecutor(self._request_executor)

    def __enter__(self) -> SyncClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Connections are closed with the last client that uses them."""


class BlockingExecutor:
    """A request executor whose methods wait for their result."""

    def __init__(self, executor: RequestExecutor) -> None:
        self._executor = executor

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._executor, name)
        if not inspect.iscoroutinefunction(found):
            return found
        return lambda *arguments, **named: self._executor.wait(found(*arguments, **named))


def _cache(configuration: Configuration) -> Cache:
    """The caller's own cache, where the configuration switches it on; the native module has one for the rest."""
    is_on = configuration.effective["client"]["cache"]["enabled"]
    own: Cache | None = configuration.cache_manager
    return own if is_on and own is not None else NoOpCache()
