"""Types of answers, for checkers.

An answer holds an object or an error, which no checker can know from a triple; ``Any`` beside the type
spares a test for ``None`` where the error has been looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, TypeAlias, TypeVar

from oktant.okta._model import OktaObject
from oktant.okta.api_response import OktaAPIResponse, SyncOktaAPIResponse

T = TypeVar("T")

Failure: TypeAlias = Exception | None
Answer: TypeAlias = tuple[T | Any, OktaAPIResponse | Any, Failure]
VoidAnswer: TypeAlias = tuple[OktaAPIResponse | Any, Failure]
SyncAnswer: TypeAlias = tuple[T | Any, SyncOktaAPIResponse | Any, Failure]
SyncVoidAnswer: TypeAlias = tuple[SyncOktaAPIResponse | Any, Failure]
Body: TypeAlias = OktaObject | Mapping[str, Any] | list[Any] | str | bytes | IO[bytes] | None
