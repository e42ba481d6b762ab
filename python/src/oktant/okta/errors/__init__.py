"""Errors as they stand in the last place of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oktant.errors import ProgrammingError

__all__ = ["ConfigurationError", "Error", "HTTPError", "OktaAPIError"]


class ConfigurationError(ProgrammingError, ValueError):
    """The configuration is wrong: ``causes`` are all of its problems, each with the place it came from."""


class Error(Exception):
    """Base of the errors that an org answers with. It can be raised, too."""

    message = ""
    status: int | None = None

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return str({"message": self.message})


class HTTPError(Error):
    """An error status without an error object of Okta.

    Args:
        url: The URL of the request.
        response_details: The answer: ``status`` and ``headers`` are read.
        response_body: The decoded body.
    """

    def __init__(self, url: str, response_details: Any, response_body: Any) -> None:
        self.status = response_details.status
        self.url = url
        self.response_headers = response_details.headers
        self.stack = ""
        self.message = f"HTTP {self.status} {response_body}"
        super().__init__(self.message)


class OktaAPIError(Error):
    """An error object of Okta.

    Args:
        url: The URL of the request.
        response_details: The answer: ``status`` and ``headers`` are read.
        response_body: The error object.

    Raises:
        KeyError: If the body has no ``errorCode``.
    """

    def __init__(self, url: str, response_details: Any, response_body: Mapping[str, Any]) -> None:
        self.status = response_details.status
        self.error_code: str = response_body["errorCode"]
        self.error_summary: str = response_body.get("errorSummary") or ""
        self.error_causes: list[dict[str, Any]] = response_body.get("errorCauses") or []
        # Orgs of older days leave both out.
        self.error_link: str = response_body.get("errorLink", self.error_code)
        self.error_id: str | None = response_body.get("errorId")
        self.url = url
        self.headers = response_details.headers
        self.stack = ""
        causes = ". ".join(cause.get("errorSummary") or "" for cause in self.error_causes)
        self.message = f"Okta HTTP {self.status} {self.error_code} {self.error_summary}\n{causes}"
        super().__init__(self.message)

    @property
    def request_id(self) -> str | None:
        """Okta's id of the request, for its support."""
        found: str | None = self.headers.get("X-Okta-Request-Id")
        return found
