"""``OktaCache`` where 2.x has it."""

from oktant.okta.cache import OktaCache

__all__ = ["OktaCache"]
