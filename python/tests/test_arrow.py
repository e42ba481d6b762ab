"""Results in pandas, polars and pyarrow."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import oktant
from conftest import Org
from okta_support import Tap, tap

pyarrow = pytest.importorskip("pyarrow")

STATEMENT = "SELECT Id, Status, Created, Profile FROM Users ORDER BY Id"


@pytest.fixture
def rows(connection: oktant.Connection) -> list[tuple]:
    return connection.execute(STATEMENT).fetchall()


def test_pyarrow_reads_a_result_with_its_types(connection: oktant.Connection, rows: list[tuple]) -> None:
    table = pyarrow.table(connection.sql(STATEMENT))
    assert table.schema.field("Id").type == pyarrow.string()
    assert table.schema.field("Created").type == pyarrow.timestamp("ms", tz="UTC")
    assert [tuple(row.values())[:3] for row in table.to_pylist()] == [row[:3] for row in rows]


def test_json_columns_are_text_to_work_with(connection: oktant.Connection) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(connection.sql("SELECT Id, Profile FROM Users"))
    assert frame["Profile"].dtype == polars.String
    assert frame["Profile"].str.json_decode(polars.Struct({"login": polars.String})).struct.field("login").null_count() == 0
    assert "Profile" in frame.write_csv()


def test_json_columns_say_so_if_asked(connection: oktant.Connection) -> None:
    result = connection.sql("SELECT Profile FROM Users", json_extension=True)
    field = result.fetch_record_batch().schema.field("Profile")
    name = getattr(field.type, "extension_name", None) or (field.metadata or {}).get(b"ARROW:extension:name", b"").decode()
    assert name == "arrow.json"


def test_the_schema_alone_is_exported(connection: oktant.Connection) -> None:
    assert pyarrow.schema(connection.sql(STATEMENT)).names == ["Id", "Status", "Created", "Profile"]


def test_record_batches_stream(connection: oktant.Connection, rows: list[tuple]) -> None:
    reader = connection.execute(STATEMENT).fetch_record_batch()
    assert sum(batch.num_rows for batch in reader) == len(rows)


def test_polars_reads_a_result(connection: oktant.Connection, rows: list[tuple]) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(connection.sql("SELECT Id, Status, Created FROM Users ORDER BY Id"))
    assert frame.rows() == [row[:3] for row in rows]
    assert connection.execute("SELECT Id FROM Users").fetch_polars().height == len(rows)
    read = polars.read_database("SELECT Id, Status FROM Users ORDER BY Id", connection)
    assert read.rows() == [row[:2] for row in rows]


def test_pandas_reads_a_result(connection: oktant.Connection, rows: list[tuple]) -> None:
    pytest.importorskip("pandas")
    frame = connection.sql(STATEMENT).to_pandas()
    assert list(frame["Id"]) == [row[0] for row in rows]
    assert str(frame["Created"].dt.tz) == "UTC"


def test_a_result_is_read_once(connection: oktant.Connection) -> None:
    result = connection.sql("SELECT Id FROM Users")
    assert result.to_arrow().num_rows > 0
    with pytest.raises(oktant.InterfaceError):
        pyarrow.table(result)
    cursor = connection.execute("SELECT Id FROM Users")
    cursor.fetchone()
    with pytest.raises(oktant.InterfaceError):
        cursor.fetch_arrow_table()


def test_the_rest_of_a_result_is_not_exported_as_the_whole(connection: oktant.Connection) -> None:
    result = connection.sql("SELECT Id FROM Users")
    reader, other = result.fetch_record_batch(), result.fetch_record_batch()
    assert reader.read_next_batch().num_rows > 0
    with pytest.raises(oktant.InterfaceError):
        result.to_arrow()
    with pytest.raises(pyarrow.ArrowException, match="already read"):
        other.read_all()
    assert reader.read_all().num_rows > 0


def test_errors_inside_a_stream_keep_their_class(connection: oktant.Connection) -> None:
    result = connection.sql("SELECT 1 / (length(Id) - length(Id)) FROM Users")
    with pytest.raises(oktant.DataError) as caught:
        result.to_arrow()
    assert caught.value.code == "OKT3006"


def test_previews_read_no_rows(connection: oktant.Connection, rows: list[tuple]) -> None:
    result = connection.sql("SELECT Id, Status AS \"<b>\" FROM Users")
    assert repr(result) == "<oktant.Result (Id VARCHAR, <b> VARCHAR)>"
    assert "&lt;b&gt;" in result._repr_html_()
    assert result.to_arrow().num_rows == len(rows)


@pytest.fixture
def lacking(org: Org) -> Iterator[tuple[Tap, oktant.Connection]]:
    """An org that lacks the feature behind one kind of policies, if it is told so first."""
    with tap(org.url) as running, oktant.connect(BaseURL=running.url, APIToken=org.token) as connection:
        yield running, connection


def fetched_one_by_one(connection: oktant.Connection, statement: str) -> list[tuple]:
    cursor = connection.execute(statement)
    return list(iter(cursor.fetchone, None))


@pytest.mark.parametrize(
    "read",
    [
        lambda connection, statement: connection.sql(statement).to_arrow(),
        pytest.param(lambda connection, statement: connection.sql(statement).to_pandas(), id="pandas"),
        pytest.param(lambda connection, statement: connection.sql(statement).to_polars(), id="polars"),
        lambda connection, statement: pyarrow.table(connection.sql(statement)),
        pytest.param(lambda connection, statement: connection.execute(statement).fetch_df(), id="pandas-cursor"),
        lambda connection, statement: connection.execute(statement).fetchall(),
        fetched_one_by_one,
    ],
)
def test_what_a_result_lacks_is_a_warning_however_it_is_read(
    lacking: tuple[Tap, oktant.Connection], read: Callable[[oktant.Connection, str], Any], request: pytest.FixtureRequest
) -> None:
    for package in ("pandas", "polars"):
        if package in request.node.callspec.id:
            pytest.importorskip(package)
    running, connection = lacking
    running.answer(401, {"errorCode": "E0000015", "errorSummary": "no such feature"})
    with pytest.warns(UserWarning, match="Policies leaves out Type") as caught:
        read(connection, "SELECT Id, Name FROM Policies")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(connection, "SELECT Id, Name FROM Policies")


def test_what_a_result_lacks_stays_with_it(lacking: tuple[Tap, oktant.Connection]) -> None:
    running, connection = lacking
    running.answer(401, {"errorCode": "E0000015", "errorSummary": "no such feature"})
    result = connection.sql("SELECT Id FROM Policies")
    assert result.messages == []
    with pytest.warns(UserWarning) as caught:
        result.to_arrow()
    assert caught[0].filename == __file__
    [(kind, message)] = result.messages
    assert kind is oktant.Warning and "Policies leaves out Type" in str(message)


def test_a_value_that_python_cannot_hold_ends_the_result(connection: oktant.Connection, rows: list[tuple]) -> None:
    first = rows[0][0]
    # Year 10183, in the first of several batches.
    far = f"arrow_cast(CASE WHEN Id = '{first}' THEN 3000000 ELSE 0 END, 'Date32')"
    cursor = connection.execute(f"SELECT {far} FROM Users")
    for _ in range(3):
        with pytest.raises(oktant.DataError, match="OKT3006.*outside the range"):
            cursor.fetchall()
