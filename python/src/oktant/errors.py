"""Exceptions of PEP 249, each with a code, a cause and a way out.

The classes form the tree that PEP 249 asks for. What went wrong is in :attr:`Error.code`
(``oktant explain OKT1001`` prints its page) and how to mend it in :attr:`Error.hint`.
"""

from __future__ import annotations

from oktant import _native

__all__ = [
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Warning",
]


class Warning(Exception):  # noqa: A001 - the name is given by PEP 249
    """Something worth knowing that did not stop the statement."""


class Error(Exception):
    """Base of every error.

    Args:
        message: What was attempted on which object.
        code: Entry of the table of codes, such as ``"OKT3003"``.
        sqlstate: Five characters; that of the code if omitted.
        hint: How to mend it; the code's own advice if omitted.
        detail: Figures worth seeing, such as requests made.
        causes: What it was caused by, nearest first.
        okta_error_code: The org's own code, such as ``"E0000007"``.
        okta_error_id: The org's id of this very error.
        request_id: The org's ``X-Okta-Request-Id``.

    Example:
        >>> error = ProgrammingError("unknown column \\"Nmae\\"", code="OKT3003", hint="did you mean \\"Name\\"?")
        >>> print(error)
        [OKT3003] unknown column "Nmae"
          hint: did you mean "Name"?
        >>> error.sqlstate
        '42703'
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "OKT9001",
        sqlstate: str | None = None,
        hint: str | None = None,
        detail: str | None = None,
        causes: tuple[str, ...] = (),
        okta_error_code: str | None = None,
        okta_error_id: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        entry = _native.explain(code)
        self.message = message
        self.code = code
        self.sqlstate = sqlstate or entry["sqlstate"]
        self.hint = hint or entry["fix"]
        self.detail = detail
        self.causes = causes
        self.okta_error_code = okta_error_code
        self.okta_error_id = okta_error_id
        self.request_id = request_id

    @property
    def errors(self) -> tuple[str, ...]:
        """The causes, under the name that drivers of this family use."""
        return self.causes

    def __str__(self) -> str:
        lines = [f"[{self.code}] {self.message}"]
        lines += [f"  cause: {cause}" for cause in self.causes if cause not in self.message]
        if self.detail:
            lines.append(f"  detail: {self.detail}")
        lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class InterfaceError(Error):
    """The interface was used wrongly, such as a closed cursor."""


class DatabaseError(Error):
    """Base of everything that concerns the org or the statement."""


class DataError(DatabaseError):
    """A value does not fit."""


class OperationalError(DatabaseError):
    """The org, the network or the credentials failed."""


class IntegrityError(DatabaseError):
    """The org refused a state, such as a second user with one login."""


class InternalError(DatabaseError):
    """A mistake of ours."""


class ProgrammingError(DatabaseError):
    """A mistake in the statement or in the connection properties."""


class NotSupportedError(DatabaseError):
    """Something that is not offered."""
