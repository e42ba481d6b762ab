"""``Error`` where 2.x has it."""

from oktant.okta.errors import Error

__all__ = ["Error"]
