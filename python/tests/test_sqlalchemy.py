"""The dialect, under whichever SQLAlchemy is installed."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

import oktant
from conftest import Org

VERSION = tuple(int(part) for part in sa.__version__.split(".")[:2])


@pytest.fixture
def engine(org: Org) -> Iterator[sa.engine.Engine]:
    engine = sa.create_engine(org.dsn)
    yield engine
    engine.dispose()


@pytest.fixture
def users(engine: sa.engine.Engine) -> sa.Table:
    return sa.Table("Users", sa.MetaData(), autoload_with=engine)


def compiled(element: Any, **options: Any) -> str:
    dialect = sa.create_engine("okta:///?Domain=acme.okta.com").dialect
    return " ".join(str(element.compile(dialect=dialect, **options)).split())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "okta:///?Domain=a.okta.com&InitiateOAuth=GETANDREFRESH&OAuthSettingsLocation=/p/O%20A.txt",
            {"Domain": "a.okta.com", "InitiateOAuth": "GETANDREFRESH", "OAuthSettingsLocation": "/p/O A.txt"},
        ),
        ("okta://a.okta.com/?APIToken=x%26y", {"Domain": "a.okta.com", "APIToken": "x&y"}),
        ("okta+oktant://id:s%2Fc@a.okta.com/", {"Domain": "a.okta.com", "OAuthClientId": "id", "OAuthClientSecret": "s/c"}),
        ("okta://127.0.0.1:8080/?APIToken=t", {"Domain": "127.0.0.1:8080", "APIToken": "t"}),
    ],
)
def test_urls_become_properties(url: str, expected: dict[str, str]) -> None:
    engine = sa.create_engine(url)
    assert (engine.dialect.name, engine.dialect.driver) == ("okta", "oktant")
    assert engine.dialect.create_connect_args(engine.url) == ((), expected)


@pytest.mark.parametrize(
    "url",
    [
        "okta:///?Domain=a.okta.com&APIToken=s3cret",
        "okta:///?Domain=a.okta.com&api_token=s3cret&CustomHeaders=X-Key%3A+s3cret",
        "okta://id:s3cret@a.okta.com/?OAuthRefreshToken=s3cret",
    ],
)
def test_the_text_of_an_engine_shows_no_credentials(url: str) -> None:
    engine = sa.create_engine(url)
    for text in (repr(engine), str(engine.url), repr(engine.url), f"{engine.url}"):
        assert "s3cret" not in text and "a.okta.com" in text and "***" in text
    given = sa.engine.make_url(url)
    assert engine.url == given and hash(engine.url) == hash(given)
    assert sa.engine.make_url(engine.url.render_as_string(hide_password=False)) == given
    assert "s3cret" in str(engine.dialect.create_connect_args(engine.url))


@pytest.mark.parametrize("url", ["okta:///database?Domain=a.okta.com", "okta:///?Domain=a.okta.com&Domain=b.okta.com"])
def test_urls_that_mean_nothing_are_refused(url: str) -> None:
    with pytest.raises(exc.ArgumentError):
        sa.create_engine(url).connect()


def test_connecting_sends_nothing(engine: sa.engine.Engine, org: Org) -> None:
    org.forget_requests()
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "AUTOCOMMIT"
        assert engine.dialect.server_version_info == tuple(int(part) for part in oktant.__version__.split("."))
    assert org.requests() == []


def test_statements_compile_to_the_engines_sql() -> None:
    users = sa.table("Users", sa.column("Id", sa.String), sa.column("Status", sa.String), sa.column("Default"))
    select = sa.select(users.c.Id).where(users.c.Status == "Active").limit(5).offset(10).with_for_update()
    assert compiled(select, compile_kwargs={"literal_binds": True}) == (
        'SELECT "Users"."Id" FROM "Users" WHERE "Users"."Status" = \'Active\' LIMIT 5 OFFSET 10'
    )
    assert compiled(users.c.Status.ilike("a%")) == '"Users"."Status" ILIKE ?'
    assert compiled(~users.c.Status.ilike("a%", escape="/")) == "\"Users\".\"Status\" NOT ILIKE ? ESCAPE '/'"
    assert compiled(users.c.Status.regexp_match("^A", flags="i")) == '"Users"."Status" ~* ?'
    assert compiled(sa.cast(users.c.Id, sa.String)) == 'CAST("Users"."Id" AS VARCHAR)'
    assert compiled(sa.cast(users.c.Id, sa.Float)) == 'CAST("Users"."Id" AS DOUBLE)'
    assert compiled(sa.select(users.c.Id + "x")) == 'SELECT "Users"."Id" || ? AS anon_1 FROM "Users"'
    with pytest.raises(exc.CompileError):
        compiled(sa.column("Profile", sa.JSON)["login"])
    with pytest.raises(exc.CompileError):
        compiled(users.c.Status.regexp_match("^A", flags="x"))


def test_statements_are_cached(engine: sa.engine.Engine, users: sa.Table) -> None:
    logged: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with engine.connect() as connection:
            for limit in (1, 3):
                result = connection.execute(sa.select(users.c.Id).limit(limit))
                logged.append(result.context._get_cache_stats())
                assert len(result.fetchall()) == limit
    assert "cached" in logged[1], logged


def test_core_statements_answer_like_the_org(
    engine: sa.engine.Engine, users: sa.Table, truth: list[dict[str, Any]]
) -> None:
    active = sorted(user["id"] for user in truth if user["status"] == "ACTIVE")
    with engine.connect() as connection:
        rows = connection.execute(sa.select(users.c.Id).where(users.c.Status == "Active").order_by(users.c.Id)).fetchall()
        assert [row.Id for row in rows] == active
        assert connection.execute(sa.select(sa.func.count()).select_from(users)).scalar() == len(truth)
        some = active[:3] + ["no such id"]
        found = connection.execute(sa.select(users.c.Id).where(users.c.Id.in_(some))).scalars().all()
        assert sorted(found) == active[:3]
        assert connection.execute(sa.select(users.c.Id).where(users.c.Id.in_([]))).fetchall() == []
        assert len(connection.execute(sa.select(users.c.Id).where(users.c.Id.not_in([]))).fetchall()) == len(truth)
        page = connection.execute(sa.select(users.c.Id).order_by(users.c.Id).limit(5).offset(7)).scalars().all()
        assert page == sorted(user["id"] for user in truth)[7:12]


def test_moments_are_aware_and_compare(engine: sa.engine.Engine, users: sa.Table, truth: list[dict[str, Any]]) -> None:
    moments = sorted(datetime.datetime.fromisoformat(user["created"].replace("Z", "+00:00")) for user in truth)
    with engine.connect() as connection:
        later = connection.execute(sa.select(users.c.Created).where(users.c.Created >= moments[-5])).scalars().all()
    assert sorted(later) == [moment for moment in moments if moment >= moments[-5]]


def test_text_statements_take_names(engine: sa.engine.Engine) -> None:
    with engine.connect() as connection:
        statement = sa.text("SELECT DISTINCT Status FROM Users WHERE Status = :status")
        assert connection.execute(statement, {"status": "ACTIVE"}).fetchall() == [("ACTIVE",)]


def test_reflection_tells_tables_keys_and_types(engine: sa.engine.Engine, org: Org) -> None:
    inspector = sa.inspect(engine)
    org.forget_requests()
    assert inspector.default_schema_name == "okta" and "okta" in inspector.get_schema_names()
    assert {"Users", "Groups", "GroupMembers", "Applications"} <= set(inspector.get_table_names())
    assert inspector.get_table_names(schema="okta") == inspector.get_table_names()
    assert inspector.has_table("users") and not inspector.has_table("Usres")
    assert inspector.get_pk_constraint("Users")["constrained_columns"] == ["Id"]
    foreign = inspector.get_foreign_keys("GroupMembers")
    assert ("GroupId", "Groups") in [(key["constrained_columns"][0], key["referred_table"]) for key in foreign]
    assert inspector.get_indexes("Users") == [] and inspector.get_unique_constraints("Users") == []
    assert inspector.get_table_comment("Users")["text"]
    assert org.requests() == []
    columns = {column["name"]: column for column in inspector.get_columns("Users")}
    assert isinstance(columns["Id"]["type"], sa.String) and columns["Id"]["nullable"] is False
    assert isinstance(columns["Created"]["type"], sa.TIMESTAMP) and columns["Created"]["type"].timezone
    assert isinstance(columns["Profile"]["type"], sa.JSON)
    assert not any("RawJson" == name for name in columns)
    checks = inspector.get_check_constraints("Users")
    assert any("'ACTIVE'" in check["sqltext"] for check in checks)
    with pytest.raises(exc.NoSuchTableError):
        inspector.get_columns("Usres")


def test_whole_schema_reflects(engine: sa.engine.Engine) -> None:
    metadata = sa.MetaData()
    metadata.reflect(engine)
    assert "Users" in metadata.tables and metadata.tables["Users"].primary_key.columns.keys() == ["Id"]


def test_automap_maps_users(engine: sa.engine.Engine, truth: list[dict[str, Any]]) -> None:
    base = automap_base()
    base.prepare(autoload_with=engine)
    with Session(engine) as session:
        user = session.get(base.classes.Users, truth[0]["id"])
        assert user is not None and user.ProfileLogin == truth[0]["profile"]["login"]
        assert user.Profile["login"] == user.ProfileLogin


def test_errors_are_wrapped_with_code_and_hint(engine: sa.engine.Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(exc.ProgrammingError) as caught:
            connection.execute(sa.text("SELECT Stauts FROM Users"))
    assert caught.value.orig.code == "OKT3003" and "hint" in str(caught.value)


def test_transactions_are_no_ops_and_savepoints_refused(engine: sa.engine.Engine) -> None:
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
        with pytest.raises(NotImplementedError):
            connection.begin_nested()
    with pytest.raises(exc.ArgumentError):
        engine.connect().execution_options(isolation_level="SERIALIZABLE")


def test_a_closed_connection_is_replaced(org: Org) -> None:
    engine = sa.create_engine(org.dsn, pool_pre_ping=True)
    with engine.connect() as connection:
        connection.connection.dbapi_connection.close()
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_pandas_reads_through_the_engine(engine: sa.engine.Engine, truth: list[dict[str, Any]]) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_sql("SELECT Id, Status, Created FROM Users ORDER BY Id", engine)
    assert list(frame["Id"]) == sorted(user["id"] for user in truth)
    pieces = pandas.read_sql("SELECT Id FROM Users", engine, chunksize=100)
    assert sum(len(piece) for piece in pieces) == len(truth)
    assert len(pandas.read_sql_table("Users", engine, columns=["Id", "Status"])) == len(truth)


def test_petl_reads_through_a_connection(engine: sa.engine.Engine, org: Org, truth: list[dict[str, Any]]) -> None:
    petl = pytest.importorskip("petl")
    with oktant.connect(org.dsn) as connection:
        table = petl.fromdb(connection, "SELECT Id, Status FROM Users")
        assert petl.nrows(table) == len(truth)
