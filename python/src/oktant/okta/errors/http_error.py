"""``HTTPError`` where 2.x has it."""

from oktant.okta.errors import HTTPError

__all__ = ["HTTPError"]
