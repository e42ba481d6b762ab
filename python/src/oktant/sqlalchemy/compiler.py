"""SQL text for the engine, which reads PostgreSQL-like SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exc
from sqlalchemy.sql import compiler, sqltypes

# Column names of the model that mean something else in SQL (sql-model: reserved words as columns).
RESERVED_COLUMN_NAMES = frozenset(
    {"default", "group", "interface", "key", "order", "scope", "system", "type", "user", "value", "values"}
)


class OktaIdentifierPreparer(compiler.IdentifierPreparer):
    """Quotes names with double quotes where case or meaning ask for it."""

    reserved_words = compiler.RESERVED_WORDS | RESERVED_COLUMN_NAMES


class OktaCompiler(compiler.SQLCompiler):
    """Statements."""

    def for_update_clause(self, select: Any, **kw: Any) -> str:
        """Nothing: rows of an org cannot be locked."""
        return ""

    def limit_clause(self, select: Any, **kw: Any) -> str:
        """LIMIT and OFFSET as numbers: they decide how many pages are requested."""
        parts = []
        for keyword, clause in (("LIMIT", select._limit_clause), ("OFFSET", select._offset_clause)):
            if clause is None:
                continue
            if select._simple_int_clause(clause):
                clause = clause.render_literal_execute()
            parts.append(f"\n {keyword} {self.process(clause, **kw)}")
        return "".join(parts)

    def visit_ilike_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._ilike(binary, "ILIKE", **kw)

    def visit_not_ilike_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._ilike(binary, "NOT ILIKE", **kw)

    def _ilike(self, binary: Any, word: str, **kw: Any) -> str:
        text = f"{self.process(binary.left, **kw)} {word} {self.process(binary.right, **kw)}"
        escape = binary.modifiers.get("escape")
        return text if escape is None else f"{text} ESCAPE {self.render_literal_value(escape, sqltypes.STRINGTYPE)}"

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._regexp(binary, "~", **kw)

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._regexp(binary, "!~", **kw)

    def _regexp(self, binary: Any, word: str, **kw: Any) -> str:
        flags = binary.modifiers.get("flags")
        if flags not in (None, "i"):
            raise exc.CompileError(f"regular expressions take the flag 'i' only, not {flags!r}")
        word += "*" if flags else ""
        return f"{self.process(binary.left, **kw)} {word} {self.process(binary.right, **kw)}"

    def visit_json_getitem_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        raise exc.CompileError("JSON columns are text here: parse them in Python, or use their flattened columns")

    visit_json_path_getitem_op_binary = visit_json_getitem_op_binary

    def visit_empty_set_expr(self, element_types: Any, **kw: Any) -> str:
        nulls = ", ".join("NULL" for _ in element_types or [None])
        return f"SELECT {nulls} WHERE 1 != 1"


class OktaTypeCompiler(compiler.GenericTypeCompiler):
    """Type names for CAST."""

    def visit_string(self, type_: Any, **kw: Any) -> str:
        return "VARCHAR"

    visit_VARCHAR = visit_NVARCHAR = visit_CHAR = visit_NCHAR = visit_TEXT = visit_CLOB = visit_string  # noqa: N815
    visit_text = visit_unicode = visit_unicode_text = visit_enum = visit_uuid = visit_UUID = visit_string  # noqa: N815
    visit_JSON = visit_string  # noqa: N815 - JSON travels as text

    def visit_FLOAT(self, type_: Any, **kw: Any) -> str:  # noqa: N802 - named by SQLAlchemy
        return "DOUBLE"

    visit_DOUBLE = visit_DOUBLE_PRECISION = visit_REAL = visit_FLOAT  # noqa: N815

    def visit_large_binary(self, type_: Any, **kw: Any) -> str:
        return "BYTEA"

    visit_BLOB = visit_BINARY = visit_VARBINARY = visit_large_binary  # noqa: N815

    def visit_TIMESTAMP(self, type_: Any, **kw: Any) -> str:  # noqa: N802 - named by SQLAlchemy
        return "TIMESTAMP WITH TIME ZONE" if type_.timezone else "TIMESTAMP"

    visit_DATETIME = visit_datetime = visit_TIMESTAMP  # noqa: N815
