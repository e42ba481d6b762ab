"""``NoOpCache`` where 2.x has it."""

from oktant.okta.cache import NoOpCache

__all__ = ["NoOpCache"]
