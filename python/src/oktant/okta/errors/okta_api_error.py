"""``OktaAPIError`` where 2.x has it."""

from oktant.okta.errors import OktaAPIError

__all__ = ["OktaAPIError"]
