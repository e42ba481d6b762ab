"""Reflection from the catalogue of the connection; only custom attributes ask the org."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import exc
from sqlalchemy.engine import reflection

from oktant.catalog import Column, Table
from oktant.sqlalchemy.types import reflected_type

DEFAULT_SCHEMA = "okta"

Method = TypeVar("Method", bound=Callable[..., Any])


def cached(method: Method) -> Method:
    """Remembers the answer for as long as an inspector or a reflection lasts."""
    # SQLAlchemy 1.4 writes the signature out as source text and stumbles over annotations.
    method.__annotations__ = {}
    return reflection.cache(method)


class OktaReflection:
    """The reflection methods of a dialect.

    Names are matched in any letter case, as the engine does; what comes back is spelt as in the model.
    """

    default_schema_name: str

    @cached
    def get_schema_names(self, connection: Any, **kw: Any) -> list[str]:
        names = {table.schema for table in self._tables(connection, **kw)}
        return sorted(names, key=lambda name: (name != DEFAULT_SCHEMA, name))

    @cached
    def get_table_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        return self._names(connection, "table", schema, **kw)

    @cached
    def get_view_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        return self._names(connection, "view", schema, **kw)

    @cached
    def get_materialized_view_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        return []

    @cached
    def get_temp_table_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        return []

    @cached
    def get_temp_view_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        return []

    @cached
    def get_sequence_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        return []

    @cached
    def get_view_definition(self, connection: Any, view_name: str, schema: str | None = None, **kw: Any) -> str | None:
        self._table(connection, view_name, schema, **kw)
        return None

    @cached
    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        return self._find(connection, table_name, schema, **kw) is not None

    def has_sequence(self, connection: Any, sequence_name: str, schema: str | None = None, **kw: Any) -> bool:
        return False

    def has_index(
        self, connection: Any, table_name: str, index_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        return False

    @cached
    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> list[dict[str, Any]]:
        columns = self._columns(connection, table_name, schema, **kw)
        return [_described(column) for column in columns if not column.hidden]

    @cached
    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> dict[str, Any]:
        key = self._table(connection, table_name, schema, **kw).primary_key
        return {"constrained_columns": list(key), "name": None}

    @cached
    def get_foreign_keys(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[dict[str, Any]]:
        return [
            {
                "name": None,
                "constrained_columns": [key.column],
                "referred_schema": schema,
                "referred_table": key.referred_table,
                "referred_columns": [key.referred_column],
                "options": {},
            }
            for key in self._table(connection, table_name, schema, **kw).foreign_keys
        ]

    @cached
    def get_indexes(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> list[dict[str, Any]]:
        self._table(connection, table_name, schema, **kw)
        return []

    @cached
    def get_unique_constraints(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[dict[str, Any]]:
        self._table(connection, table_name, schema, **kw)
        return []

    @cached
    def get_check_constraints(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[dict[str, Any]]:
        """The enumerations. Okta adds members without notice, so they inform and are not enforced."""
        columns = self._columns(connection, table_name, schema, **kw)
        return [{"name": f"{table_name}_{column.name}", "sqltext": _membership(column)} for column in columns if column.values]

    @cached
    def get_table_comment(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> dict[str, Any]:
        return {"text": self._table(connection, table_name, schema, **kw).comment}

    @cached
    def get_table_options(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> dict[str, Any]:
        self._table(connection, table_name, schema, **kw)
        return {}

    @cached
    def _tables(self, connection: Any, **kw: Any) -> list[Table]:
        tables: list[Table] = _driver(connection).tables()
        return tables

    def _names(self, connection: Any, kind: str, schema: str | None, **kw: Any) -> list[str]:
        wanted = _schema(schema)
        tables = self._tables(connection, **kw)
        return [table.name for table in tables if table.kind == kind and table.schema.lower() == wanted]

    def _find(self, connection: Any, name: str, schema: str | None, **kw: Any) -> Table | None:
        wanted = _schema(schema), name.lower()
        tables = self._tables(connection, info_cache=kw.get("info_cache"))
        return next((table for table in tables if (table.schema.lower(), table.name.lower()) == wanted), None)

    def _table(self, connection: Any, name: str, schema: str | None, **kw: Any) -> Table:
        table = self._find(connection, name, schema, **kw)
        if table is None:
            raise exc.NoSuchTableError(name if schema is None else f"{schema}.{name}")
        return table

    def _columns(self, connection: Any, name: str, schema: str | None, **kw: Any) -> list[Column]:
        table = self._table(connection, name, schema, **kw)
        columns: list[Column] = _driver(connection).columns(f"{table.schema}.{table.name}")
        return columns


def _driver(connection: Any) -> Any:
    return connection.connection.dbapi_connection


def _schema(name: str | None) -> str:
    return (name or DEFAULT_SCHEMA).lower()


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": reflected_type(column.type),
        "nullable": column.nullable,
        "default": None,
        "autoincrement": False,
        "comment": column.comment,
    }


def _membership(column: Column) -> str:
    members = ", ".join("'" + value.replace("'", "''") + "'" for value in column.values)
    return f'"{column.name}" IN ({members})'
