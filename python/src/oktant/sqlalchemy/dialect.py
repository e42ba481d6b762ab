"""The dialect: how SQLAlchemy connects and what the engine can do."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final, Literal
from urllib.parse import quote_plus

from sqlalchemy import exc
from sqlalchemy.engine import Engine, default
from sqlalchemy.engine.url import URL
from sqlalchemy.util import immutabledict

import oktant
from oktant.sqlalchemy.compiler import OktaCompiler, OktaIdentifierPreparer, OktaTypeCompiler
from oktant.sqlalchemy.reflection import OktaReflection
from oktant.sqlalchemy.types import TYPES_BY_NAME

Level = Literal["AUTOCOMMIT"]
ISOLATION_LEVEL: Final[Level] = "AUTOCOMMIT"


# What says which org is meant; any other property may be a credential.
SHOWN: Final = frozenset({"domain", "baseurl", "authscheme", "initiateoauth", "oauthclientid"})
MASK: Final = "***"


class MaskedURL(URL):
    """The URL of an engine, as it was given; its text shows no credentials unless told to."""

    def render_as_string(self, hide_password: bool = True) -> str:
        if not hide_password:
            return URL._make(self).render_as_string(hide_password=False)
        query = {name: value if _folded(name) in SHOWN else MASK for name, value in self.query.items()}
        text = URL._make(self._replace(query=immutabledict(query))).render_as_string()
        return text.replace(quote_plus(MASK), MASK)

    def __str__(self) -> str:
        return self.render_as_string()

    def __repr__(self) -> str:
        return self.render_as_string()

    def __eq__(self, other: object) -> bool:
        return bool(URL._make(self) == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(URL._make(self))


def _folded(name: str) -> str:
    """The name of a property without what does not matter in it."""
    return name.replace("_", "").replace(" ", "").lower()


class OktaDialect(OktaReflection, default.DefaultDialect):
    """Speaks SQL to an Okta org through :mod:`oktant`."""

    name = "okta"
    driver = "oktant"

    statement_compiler = OktaCompiler
    type_compiler = OktaTypeCompiler
    type_compiler_cls = OktaTypeCompiler
    preparer = OktaIdentifierPreparer
    ischema_names = TYPES_BY_NAME

    supports_statement_cache = True
    default_paramstyle = "qmark"
    default_schema_name = "okta"
    max_identifier_length = 255
    supports_native_boolean = True
    supports_native_decimal = False
    supports_native_enum = False
    supports_comments = True
    inline_comments = True
    supports_alter = False
    supports_sequences = False
    supports_default_values = False
    supports_default_metavalue = False
    supports_empty_insert = False
    supports_multivalues_insert = True
    supports_sane_rowcount = True
    supports_sane_multi_rowcount = False
    supports_simple_order_by_label = True
    supports_is_distinct_from = True
    supports_views = True
    tuple_in_values = False
    requires_name_normalize = False
    use_insertmanyvalues = False
    insert_returning = True
    update_returning = True
    delete_returning = True
    postfetch_lastrowid = False
    # SQLAlchemy 1.4 asks for these; later versions have other names or take them for granted.
    implicit_returning = True
    supports_unicode_statements = True
    supports_unicode_binds = True
    # The JSON type looks for these on dialects; None is the json module.
    _json_serializer = None
    _json_deserializer = None

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """The DB-API module, as SQLAlchemy 2 asks for it."""
        return oktant

    @classmethod
    def dbapi(cls) -> ModuleType:
        """The DB-API module, as SQLAlchemy 1.4 asks for it."""
        return oktant

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """Keeps credentials out of the engine's text, which logs and notebooks show."""
        engine.url = MaskedURL._make(engine.url)

    def create_connect_args(self, url: URL) -> tuple[Sequence[Any], dict[str, Any]]:
        """Connection properties from a URL: the query holds them, the host is the domain.

        Raises:
            ArgumentError: The URL names a database, or a property twice.
        """
        if url.database:
            raise exc.ArgumentError(
                f"okta URLs have no database, but {url.database!r} was given; "
                "write okta:///?Domain=acme.okta.com or okta://acme.okta.com/"
            )
        properties = {
            "Domain": url.host if url.port is None else f"{url.host}:{url.port}",
            "OAuthClientId": url.username,
            "OAuthClientSecret": None if url.password is None else str(url.password),
        }
        given = {name: value for name, value in properties.items() if value is not None}
        for name, value in url.query.items():
            if not isinstance(value, str):
                raise exc.ArgumentError(f"connection property {name} is given {len(value)} times")
            given[name] = value
        return (), given

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return tuple(int(part) for part in oktant.__version__.split("-")[0].split("."))

    def _get_default_schema_name(self, connection: Any) -> str:
        return self.default_schema_name

    def get_default_isolation_level(self, dbapi_conn: Any) -> Level:
        return ISOLATION_LEVEL

    def get_isolation_level(self, dbapi_connection: Any) -> Level:
        return ISOLATION_LEVEL

    def get_isolation_level_values(self, dbapi_conn: Any) -> list[Level]:
        return [ISOLATION_LEVEL]

    def set_isolation_level(self, dbapi_connection: Any, level: str) -> None:
        if level != ISOLATION_LEVEL:
            raise exc.ArgumentError(f"an Okta org has no transactions: the isolation level is always {ISOLATION_LEVEL}")

    def reset_isolation_level(self, dbapi_conn: Any) -> None:
        """Nothing to reset: there is one level."""

    def do_begin(self, dbapi_connection: Any) -> None:
        """Nothing to begin: every statement stands alone."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing to commit: every statement stands alone."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing to roll back: every statement stands alone."""

    def do_savepoint(self, connection: Any, name: str) -> None:
        raise NotImplementedError("an Okta org has no savepoints")

    def do_rollback_to_savepoint(self, connection: Any, name: str) -> None:
        raise NotImplementedError("an Okta org has no savepoints")

    def do_release_savepoint(self, connection: Any, name: str) -> None:
        raise NotImplementedError("an Okta org has no savepoints")

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Whether the connection is open. Sends nothing: requests are independent of each other."""
        return not dbapi_connection.closed

    def is_disconnect(self, e: Exception, connection: Any, cursor: Any) -> bool:
        """Only a closed connection is gone; a failed request says nothing about the next one."""
        return isinstance(e, oktant.InterfaceError) and connection is not None and _is_closed(connection)


def _is_closed(connection: Any) -> bool:
    # SQLAlchemy hands over its pool's wrapper here, or the driver's connection.
    return getattr(getattr(connection, "dbapi_connection", connection), "closed", False)
