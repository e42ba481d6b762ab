"""What flows did, and the tables that they keep, beside the tables of an org."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

import oktant
from conftest import PROGRAM, Org

GREET = """flow: Greet
trigger: {type: manual}
steps:
  - id: say
    card: string:compose
    with: {_text_: 'Hello'}
"""
TABLES = "members:\n  name: Best Members\n  columns: {Login: text, Age: number}\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a database with a flow that ran, and a table with two rows."""
    folder = tmp_path_factory.mktemp("flows")
    store = f"sqlite://{folder / 'flows.db'}"
    project = folder / "project"
    (project / "flows").mkdir(parents=True)
    (project / "flows" / "greet.flow.yaml").write_text(GREET)
    (project / "tables.yaml").write_text(TABLES)
    (folder / "members.csv").write_text("Login,Age\nann,41\nbob,7\n")

    def flow(*arguments: str | Path) -> None:
        subprocess.run([PROGRAM, "flow", *arguments, "--store", store], check=True, timeout=60)

    flow("on", project)
    flow("run", "greet", "--wait")
    flow("tables", "import", "Best Members", folder / "members.csv")
    return store


@pytest.fixture(scope="module")
def engine(org: Org, store: str) -> sa.engine.Engine:
    url = sa.engine.make_url(org.dsn).update_query_dict({"FlowsStore": store})
    return sa.create_engine(url)


def test_reflection_lists_them(engine: sa.engine.Engine) -> None:
    inspector = sa.inspect(engine)
    assert {"Users", "flow_runs", "flow_steps", "flows"} <= set(inspector.get_table_names())
    assert "flow_tables" in inspector.get_schema_names()
    assert inspector.get_table_names(schema="flow_tables") == ["Best Members"]
    assert inspector.get_pk_constraint("flow_runs")["constrained_columns"] == ["run"]
    columns = {column["name"]: column["type"] for column in inspector.get_columns("Best Members", schema="flow_tables")}
    assert isinstance(columns["Login"], sa.String) and isinstance(columns["Age"], sa.Float)


def test_statements_read_them(engine: sa.engine.Engine, org: Org) -> None:
    metadata = sa.MetaData()
    runs = sa.Table("flow_runs", metadata, autoload_with=engine)
    members = sa.Table("Best Members", metadata, schema="flow_tables", autoload_with=engine)
    org.forget_requests()
    with engine.connect() as connection:
        assert connection.execute(sa.select(runs.c.flow, runs.c.state)).fetchall() == [("greet", "succeeded")]
        old = sa.select(members.c.Login).where(members.c.Age > 40)
        assert connection.execute(old).scalars().all() == ["ann"]
        joined = "SELECT f.name, s.path FROM flow_steps s JOIN flows f ON f.flow = s.flow WHERE s.card IS NOT NULL"
        assert connection.execute(sa.text(joined)).fetchall() == [("Greet", "say")]
    assert org.requests() == []


def test_the_variable_names_the_database_and_the_property_goes_before_it(
    org: Org, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKTANT_FLOWS_STORE", store)
    with oktant.connect(org.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM flow_runs").fetchall() == [(1,)]
    with oktant.connect(org.dsn, FlowsStore=f"sqlite://{tmp_path / 'none.db'}") as connection:
        assert "flow_runs" not in {table.name for table in connection.tables()}
        with pytest.raises(oktant.ProgrammingError, match="FlowsStore"):
            connection.execute("SELECT count(*) FROM flow_runs")
    assert not (tmp_path / "none.db").exists()


def test_the_address_is_a_secret(org: Org, store: str) -> None:
    with oktant.connect(org.dsn, FlowsStore=store) as connection:
        shown = connection.execute("SELECT * FROM sys.sys_connection_props WHERE Name = 'FlowsStore'").fetchall()
    assert shown and store not in str(shown)
