"""PEP 249 over a sandbox org."""

from __future__ import annotations

import datetime
import importlib
import json
import multiprocessing
import os
import signal
import threading

import pytest

import oktant
from conftest import Org


def test_module_globals_are_those_of_pep_249() -> None:
    assert (oktant.apilevel, oktant.threadsafety, oktant.paramstyle) == ("2.0", 2, "qmark")
    for name in ("Date", "Time", "Timestamp", "DateFromTicks", "TimeFromTicks", "TimestampFromTicks", "Binary"):
        assert callable(getattr(oktant, name))
    assert issubclass(oktant.ProgrammingError, oktant.DatabaseError) and issubclass(oktant.DatabaseError, oktant.Error)
    assert not issubclass(oktant.InterfaceError, oktant.DatabaseError)


def test_paramstyle_is_found_beside_the_connection_class(connection: oktant.Connection) -> None:
    # petl reads it from the module of the connection's class.
    assert importlib.import_module(type(connection).__module__).paramstyle == "qmark"


def test_rows_equal_what_the_org_holds(connection: oktant.Connection, truth: list[dict]) -> None:
    rows = connection.execute("SELECT Id, ProfileLogin, Status FROM Users").fetchall()
    assert sorted(rows) == sorted((user["id"], user["profile"]["login"], user["status"]) for user in truth)


def test_description_is_known_before_the_first_row(connection: oktant.Connection) -> None:
    cursor = connection.execute("SELECT Id, Created AS Since, 1 AS One, Profile FROM Users")
    assert cursor.description is not None
    assert [column[0] for column in cursor.description] == ["Id", "Since", "One", "Profile"]
    codes = [column[1] for column in cursor.description]
    assert codes[0] == oktant.STRING and codes[1] == oktant.DATETIME and codes[2] == oktant.NUMBER
    assert codes[3] == oktant.JSON
    assert all(len(column) == 7 for column in cursor.description)
    assert cursor.rowcount == -1


def test_values_have_the_types_of_the_contract(connection: oktant.Connection, truth: list[dict]) -> None:
    expected = next(user for user in truth if user["status"] == "ACTIVE")
    row = connection.execute(
        "SELECT Id, Created, CAST(Created AS DATE) AS Day, 1, 1.5, TRUE, NULL, Profile FROM Users WHERE Id = ?", [expected["id"]]
    ).fetchone()
    assert row is not None
    created = datetime.datetime.fromisoformat(expected["created"].replace("Z", "+00:00"))
    assert row[:7] == (expected["id"], created, created.date(), 1, 1.5, True, None)
    assert [type(value) for value in row[:7]] == [
        str, datetime.datetime, datetime.date, int, float, bool, type(None)
    ]
    assert row[1].utcoffset() == datetime.timedelta(0)
    assert json.loads(row[7])["login"] == expected["profile"]["login"]


def test_json_is_parsed_on_request(org: Org) -> None:
    with oktant.connect(org.dsn, json_as_python=True) as connection:
        row = connection.execute("SELECT Profile, Id FROM Users LIMIT 1").fetchone()
    assert row is not None and isinstance(row[0], dict) and isinstance(row[1], str)


@pytest.mark.parametrize(
    ("where", "parameters"),
    [
        ("Status = ? AND ProfileLogin <> ?", ["ACTIVE", "?"]),
        ("Status = :status", {"status": "Active"}),
        ("Status = %(status)s", {"status": "active"}),
        ("Status IN ?", [["ACTIVE", "no such status"]]),
        ("Status IN (?)", [("ACTIVE",)]),
    ],
)
def test_parameters_in_every_style(
    connection: oktant.Connection, truth: list[dict], where: str, parameters: object
) -> None:
    rows = connection.execute(f"SELECT Id FROM Users WHERE {where}", parameters).fetchall()  # type: ignore[arg-type]
    assert sorted(row[0] for row in rows) == sorted(user["id"] for user in truth if user["status"] == "ACTIVE")


def test_parameters_are_never_spliced(connection: oktant.Connection) -> None:
    text = "x' OR '1'='1"
    assert connection.execute("SELECT ?", [text]).fetchone() == (text,)
    assert connection.execute("SELECT Id FROM Users WHERE Status = ?", [text]).fetchall() == []
    assert connection.execute("SELECT Id FROM Users WHERE Status = ?", [None]).fetchall() == []


@pytest.mark.parametrize(
    "value",
    [
        "text", 5, -(2**63), 2.5, True, None, datetime.date(2026, 2, 28), b"\x00\xff",
        datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.timezone.utc),
    ],
)
def test_bound_values_come_back_as_they_went_in(connection: oktant.Connection, value: object) -> None:
    row = connection.execute("SELECT ?", [value]).fetchone()
    assert row == (value,) and type(row[0]) is type(value)


def test_moments_are_bound_in_utc(connection: oktant.Connection) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    local, naive = datetime.datetime(2026, 1, 1, 1, tzinfo=zone), datetime.datetime(2025, 12, 31, 23)
    row = connection.execute("SELECT ?, ?", [local, naive]).fetchone()
    assert row == (local, local)
    assert row[0].utcoffset() == datetime.timedelta(0)


def test_fetching_in_pieces_gives_each_row_once(connection: oktant.Connection, truth: list[dict]) -> None:
    cursor = connection.cursor()
    cursor.arraysize = 7
    cursor.execute("SELECT Id FROM Users")
    ids = [cursor.fetchone(), *cursor.fetchmany(3), *cursor.fetchmany()]
    assert len(ids) == 11 and cursor.rownumber == 11 and cursor.rowcount == -1
    ids += [next(cursor), *cursor.fetchmany(250), *cursor.fetchall()]
    assert sorted(row[0] for row in ids if row) == sorted(user["id"] for user in truth)
    assert cursor.rowcount == len(truth)
    assert (cursor.fetchone(), cursor.fetchmany(), cursor.fetchall()) == (None, [], [])


def test_iteration_gives_every_row(connection: oktant.Connection, truth: list[dict]) -> None:
    assert sum(1 for _ in connection.execute("SELECT Id FROM Users")) == len(truth)


def test_a_cursor_runs_one_statement_after_the_other(connection: oktant.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT Id FROM Users").fetchone()
    assert cursor.execute("SELECT 1 AS One").fetchall() == [(1,)]
    assert cursor.executemany("SELECT ?", [[1], [2]]).fetchall() == [(2,)]


def test_requests_of_a_statement_are_told(connection: oktant.Connection, org: Org, truth: list[dict]) -> None:
    org.forget_requests()
    cursor = connection.execute("SELECT Id FROM Users WHERE Status = 'ACTIVE'")
    active = len(cursor.fetchall())
    assert active == sum(user["status"] == "ACTIVE" for user in truth)
    made = [request for request in cursor.requests() if request.path == "/api/v1/users"]
    received = [request for request in org.requests() if request["path"] == "/api/v1/users"]
    assert len(made) == len(received) == -(-active // 200)
    assert sum(request.rows for request in made) == active


def test_closed_objects_refuse_work(org: Org) -> None:
    connection = oktant.connect(org.dsn)
    cursor = connection.execute("SELECT 1")
    connection.close()
    for attempt in (connection.cursor, connection.commit, cursor.fetchone, lambda: cursor.execute("SELECT 1")):
        with pytest.raises(oktant.InterfaceError) as caught:
            attempt()
        assert caught.value.code == "OKT3012"
    connection.close()


def test_fetching_without_a_statement_is_an_interface_error(connection: oktant.Connection) -> None:
    with pytest.raises(oktant.InterfaceError):
        connection.cursor().fetchone()


def test_transactions_are_harmless_and_writes_refused(connection: oktant.Connection) -> None:
    assert connection.autocommit is True
    connection.commit()
    connection.rollback()
    with pytest.raises(oktant.NotSupportedError) as caught:
        connection.execute("DELETE FROM Users")
    assert caught.value.code == "OKT3009"


def test_threads_share_a_connection(connection: oktant.Connection, truth: list[dict]) -> None:
    counts: list[int] = []
    work = lambda: counts.append(len(connection.execute("SELECT Id FROM Users").fetchall()))  # noqa: E731
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [len(truth)] * 4


def test_another_thread_cancels(connection: oktant.Connection) -> None:
    cursor = connection.execute("SELECT Id FROM Users")
    canceller = threading.Thread(target=connection.cancel)
    canceller.start()
    canceller.join()
    for _ in range(2):
        with pytest.raises(oktant.OperationalError) as caught:
            cursor.fetchall()
        assert caught.value.code == "OKT3010"


def test_an_interrupt_ends_a_slow_statement(connection: oktant.Connection) -> None:
    # The handler runs while the engine waits for the org, which is when Python gets its turn.
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            while True:
                connection.execute("SELECT count(*) FROM Users a, Users b WHERE a.ProfileLogin || b.Id LIKE '%z'").fetchall()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert connection.execute("SELECT 1").fetchone() == (1,)


def _in_child(connection: oktant.Connection, dsn: str, answers: multiprocessing.SimpleQueue) -> None:
    try:
        connection.execute("SELECT 1")
    except oktant.InterfaceError as error:
        answers.put(error.code)
    with oktant.connect(dsn) as own:
        answers.put(own.execute("SELECT count(*) FROM Users").fetchone())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_needs_its_own_connection(connection: oktant.Connection, org: Org, truth: list[dict]) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(connection, org.dsn, answers))
    child.start()
    child.join(timeout=60)
    assert child.exitcode == 0
    assert answers.get() == "OKT3012"
    assert answers.get() == (len(truth),)
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_keywords_and_the_environment_name_the_org(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    with oktant.connect(BaseURL=org.url, auth_scheme="APIToken", APIToken=org.token, MaxRetries=2) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    monkeypatch.setenv("OKTANT_DSN", org.dsn)
    with oktant.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    monkeypatch.delenv("OKTANT_DSN")
    with pytest.raises(oktant.ProgrammingError) as caught:
        oktant.connect()
    assert caught.value.code == "OKT4003"


def test_tables_and_columns_are_described(connection: oktant.Connection, org: Org) -> None:
    org.forget_requests()
    users = next(table for table in connection.tables() if table.name == "Users")
    members = next(table for table in connection.tables() if table.name == "GroupMembers")
    assert users.primary_key == ("Id",) and users.schema == "okta"
    assert oktant.ForeignKey("GroupId", "Groups", "Id") in members.foreign_keys
    assert org.requests() == []
    columns = {column.name: column for column in connection.columns("users")}
    assert columns["Created"].type == "TIMESTAMP" and not columns["Id"].nullable
    assert "ACTIVE" in columns["Status"].values
