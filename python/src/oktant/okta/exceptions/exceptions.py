"""The exceptions where 2.x has them."""

from oktant.okta.exceptions import HTTPException, OktaAPIException, OktaBaseException

__all__ = ["HTTPException", "OktaAPIException", "OktaBaseException"]
