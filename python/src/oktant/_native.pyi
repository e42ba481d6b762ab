"""The native module: sessions, results, orgs and the table of codes. Not a public interface."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, final

__version__: str

class Explanation(TypedDict):
    code: str
    title: str
    sqlstate: str
    exception: str
    cause: str
    fix: str

class TableInfo(TypedDict):
    schema: str
    name: str
    kind: str
    comment: str | None
    primary_key: list[str]
    foreign_keys: list[tuple[str, str, str]]

class ColumnInfo(TypedDict):
    name: str
    type: str
    nullable: bool
    read_only: bool
    hidden: bool
    comment: str | None
    values: list[str]

class RequestInfo(TypedDict):
    method: str
    path: str
    query: str
    status: int | None
    attempt: int
    elapsed_ms: int
    bytes: int
    rows: int
    bucket: str

def explain(code: str) -> Explanation: ...
def log_to(log: Callable[[int, str], None], level: int) -> None: ...
def is_repeatable(method: str, path: str) -> bool: ...
def links(line: str) -> list[tuple[str, str]]: ...
@final
class Session:
    @staticmethod
    def connect(dsn: str | None, properties: Sequence[tuple[str, str]]) -> Session: ...
    @property
    def warnings(self) -> list[str]: ...
    def query(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> Rows: ...
    def tables(self) -> list[TableInfo]: ...
    def columns(self, table: str) -> list[ColumnInfo]: ...
    def requests(self) -> list[RequestInfo]: ...

@final
class Rows:
    @property
    def columns(self) -> list[tuple[str, str, bool]]: ...
    @property
    def statement_id(self) -> int: ...
    @property
    def warnings(self) -> list[str]: ...
    def fetch(self, limit: int | None = None) -> list[tuple[Any, ...]]: ...
    def requests(self) -> list[RequestInfo]: ...
    def keep_json_extension(self) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...
    def raise_failure(self) -> None: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...

Answer = tuple[int, list[tuple[str, str]], bytes]

@final
class Org:
    @staticmethod
    def open(values: str, cache: bool) -> Org: ...
    @property
    def url(self) -> str: ...
    @property
    def settings(self) -> dict[str, str]: ...
    @property
    def warnings(self) -> list[str]: ...
    def request(
        self,
        event_loop: asyncio.AbstractEventLoop,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
    ) -> asyncio.Future[Answer]: ...
    def request_blocking(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes | None
    ) -> Answer: ...
    def authorization(self, method: str, path: str) -> list[tuple[str, str]]: ...
