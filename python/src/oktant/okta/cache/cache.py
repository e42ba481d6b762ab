"""``Cache`` where 2.x has it."""

from oktant.okta.cache import Cache

__all__ = ["Cache"]
