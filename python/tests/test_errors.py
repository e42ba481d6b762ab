"""Every common mistake gets the right class, a code, a cause and a way out."""

from __future__ import annotations

import pickle
import socket
import sys
from pathlib import Path

import pytest

import oktant
from conftest import ROOT, Org


def provoke(dsn: str, statement: str = "SELECT Id FROM Users") -> oktant.Error:
    """The error that a statement ends in, wherever it shows."""
    with pytest.raises(oktant.Error) as caught:
        with oktant.connect(dsn) as connection:
            connection.execute(statement).fetchall()
    return caught.value


def check(error: oktant.Error, kind: type[oktant.Error], code: str, *words: str) -> None:
    assert (type(error), error.code) == (kind, code), str(error)
    text = str(error)
    assert text.startswith(f"[{code}] ") and "\n  hint: " in text
    for word in words:
        assert word in text, text
    assert error.sqlstate and len(error.sqlstate) == 5
    assert error.hint and not error.hint.endswith(".")


def test_wrong_column(org: Org) -> None:
    check(provoke(org.dsn, "SELECT Stauts FROM Users"), oktant.ProgrammingError, "OKT3003", "Stauts", "Status")


def test_wrong_table(org: Org) -> None:
    check(provoke(org.dsn, "SELECT * FROM Usres"), oktant.ProgrammingError, "OKT3002", "Usres", "Users")


def test_wrong_syntax(org: Org) -> None:
    check(provoke(org.dsn, "SELEC Id FROM Users"), oktant.ProgrammingError, "OKT3001")


def test_wrong_property(org: Org) -> None:
    check(provoke(org.dsn + "&Domian=x"), oktant.ProgrammingError, "OKT1001", "Domian", "Domain")


def test_wrong_domain() -> None:
    error = provoke("okta:///?Domain=${yourOktaDomain}&APIToken=00abc")
    check(error, oktant.ProgrammingError, "OKT1005", "Domain")


def test_plain_http_outside_loopback() -> None:
    error = provoke("okta:///?BaseURL=http://acme.okta.com&APIToken=00abc")
    check(error, oktant.ProgrammingError, "OKT1006")


def test_refused_api_token(org: Org) -> None:
    error = provoke(org.dsn.replace(org.token, "00wrong"))
    check(error, oktant.OperationalError, "OKT1011", "token")
    assert error.okta_error_code == "E0000011" and error.sqlstate == "28000"
    assert error.okta_error_id and error.request_id


def test_expired_access_token(org: Org) -> None:
    error = provoke(f"okta:///?BaseURL={org.url}&AuthScheme=OAuth&InitiateOAuth=OFF&OAuthAccessToken=expired")
    check(error, oktant.OperationalError, "OKT1012")


def test_missing_scope(org: Org, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", f"{sys.executable} {ROOT / 'scripts' / 'unattended_browser.py'}")
    monkeypatch.setenv("OKTANT_DEMO_LOGIN", org.announcement["admin_login"])
    monkeypatch.setenv("OKTANT_DEMO_PASSWORD", org.announcement["admin_password"])
    properties = {
        "BaseURL": org.url,
        "InitiateOAuth": "GETANDREFRESH",
        "OAuthClientId": org.announcement["client_id"],
        "OAuthClientSecret": org.announcement["client_secret"],
        "OAuthSettingsLocation": str(tmp_path / "settings.json"),
        "Scope": "okta.groups.read offline_access",
    }
    error = provoke(";".join(f'{name}="{value}"' for name, value in properties.items()))
    check(error, oktant.ProgrammingError, "OKT1013", "okta.users.read")


def test_unreachable_host() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    error = provoke(f"okta:///?BaseURL=http://127.0.0.1:{port}&APIToken=00abc&MaxRetries=0")
    check(error, oktant.OperationalError, "OKT2001", "127.0.0.1")


def test_budget(org: Org) -> None:
    error = provoke(org.dsn + "&MaxApiRequests=1", "SELECT * FROM UserFactors")
    check(error, oktant.ProgrammingError, "OKT3004")


def test_errors_survive_pickling() -> None:
    error = oktant.DataError("a value", code="OKT3006", hint="another", causes=("b", "c"))
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.sqlstate) == (oktant.DataError, str(error), "22000")


def test_every_code_has_an_exception_class() -> None:
    from oktant import _native

    entry = _native.explain("okt2011")
    assert entry["code"] == "OKT2011" and issubclass(getattr(oktant, entry["exception"]), oktant.Error)
    with pytest.raises(LookupError):
        _native.explain("OKT0000")


def test_what_a_statement_hardly_means_is_a_warning(connection: oktant.Connection) -> None:
    with pytest.warns(UserWarning, match="no value 'Actve' of Status is known; did you mean ACTIVE"):
        assert connection.execute("SELECT Id FROM Users WHERE Status = 'Actve'").fetchall() == []


def test_text_is_not_compared_with_numbers(connection: oktant.Connection) -> None:
    with pytest.raises(oktant.DataError) as raised:
        connection.execute("SELECT Id FROM Users WHERE Id = ?", [42]).fetchall()
    assert raised.value.hint.startswith("write '42'")


def test_a_write_that_does_not_parse_is_still_a_write(connection: oktant.Connection) -> None:
    with pytest.raises(oktant.Error) as raised:
        connection.execute("CREATE TABLE frame (index BIGINT, order TEXT)")
    assert raised.value.code == "OKT3009"


def test_a_result_that_was_read_says_how_to_get_another(connection: oktant.Connection) -> None:
    pytest.importorskip("pyarrow")
    result = connection.sql("SELECT Id FROM Groups")
    result.to_arrow()
    with pytest.raises(oktant.InterfaceError) as raised:
        result.to_arrow()
    assert "run the statement again" in raised.value.hint
