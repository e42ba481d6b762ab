"""Caches of single objects: the interface, one in memory, and one that keeps nothing.

Any object with these methods will do as ``cacheManager``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Cache", "NoOpCache", "OktaCache"]

logger = logging.getLogger("okta-sdk-python")


class Cache:
    """What a cache has to offer. Keys are URLs, values are pairs of an answer and its body."""

    def get(self, key: str) -> Any:
        """The value of a key, or ``None``."""
        raise NotImplementedError

    def contains(self, key: str) -> bool:
        """Whether there is a value that has not expired."""
        raise NotImplementedError

    def add(self, key: str, value: Any) -> None:
        """Keeps a value."""
        raise NotImplementedError

    def delete(self, key: str) -> None:
        """Forgets a value; one that is not there is not missed."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forgets everything."""
        raise NotImplementedError

    def create_key(self, request: str) -> str:
        """The key of a URL."""
        return request


class NoOpCache(Cache):
    """Keeps nothing."""

    def get(self, key: str) -> Any:
        """``None``."""
        return None

    def contains(self, key: str) -> bool:
        """``False``."""
        return False

    def add(self, key: str, value: Any) -> None:
        """Does nothing."""

    def delete(self, key: str) -> None:
        """Does nothing."""

    def clear(self) -> None:
        """Does nothing."""


class OktaCache(Cache):
    """Keeps values in memory until they are too old or were not asked for.

    Args:
        ttl: Seconds that a value lives.
        tti: Seconds that a value lives without being asked for.
        clock: Seconds, ever rising.
    """

    def __init__(self, ttl: float, tti: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl = ttl
        self._tti = tti
        self._clock = clock
        self._entries: dict[str, tuple[Any, float, float]] = {}
        """Value, moment it expires at, moment it was last asked for at."""

    def get(self, key: str) -> Any:
        """The value of a key, or ``None``; it counts as asked for."""
        if not self.contains(key):
            self._entries.pop(key, None)
            return None
        value, expires, _ = self._entries[key]
        self._entries[key] = (value, expires, self._clock())
        logger.info('Got value from cache for key "%s".', key)
        return value

    def contains(self, key: str) -> bool:
        """Whether there is a value that has not expired."""
        entry = self._entries.get(key)
        return entry is not None and self._is_alive(entry)

    def add(self, key: str, value: Any) -> None:
        """Keeps a value, and drops those that have expired."""
        now = self._clock()
        self._entries = {known: entry for known, entry in self._entries.items() if self._is_alive(entry)}
        self._entries[key] = (value, now + self._ttl, now)
        logger.info('Added to cache value for key "%s".', key)

    def delete(self, key: str) -> None:
        """Forgets a value and everything below it: a changed user's groups as well as the user."""
        below = (key + "/", key + "?")
        for known in [known for known in self._entries if known == key or known.startswith(below)]:
            del self._entries[known]
            logger.info('Removed value from cache for key "%s".', known)

    def clear(self) -> None:
        """Forgets everything."""
        self._entries.clear()
        logger.info("Cleared the cache.")

    def _is_alive(self, entry: tuple[Any, float, float]) -> bool:
        _, expires, asked_for = entry
        return self._clock() < min(expires, asked_for + self._tti)
