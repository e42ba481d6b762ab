"""What is raised in place of an error in the answer, where the configuration has ``raiseException``."""

from __future__ import annotations

__all__ = ["HTTPException", "OktaAPIException", "OktaBaseException"]


class OktaBaseException(Exception):
    """Base of the two. Its argument is the decoded body of the answer."""


class HTTPException(OktaBaseException):
    """An error status without an error object of Okta."""


class OktaAPIException(OktaBaseException):
    """An error object of Okta."""
