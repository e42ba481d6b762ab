"""Where a configuration comes from, and what becomes of a wrong one."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from okta_support import KEY, clean_environment
from oktant.okta import SyncClient
from oktant.okta.errors import ConfigurationError

ORG = "https://acme.okta.com"
SOURCES = ("home", "project", "environment", "constructor")


def yaml(**settings: str) -> str:
    return "okta:\n  client:\n" + "".join(f"    {name}: {value}\n" for name, value in settings.items())


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    home, project = tmp_path / "home", tmp_path / "project"
    (home / ".okta").mkdir(parents=True)
    project.mkdir()
    return home, project


@pytest.mark.parametrize(("lower", "higher"), list(itertools.combinations(SOURCES, 2)))
def test_the_higher_source_wins_and_the_lower_one_is_merged(
    lower: str, higher: str, folders: tuple[Path, Path]
) -> None:
    home, project = folders
    texts = {source: {"userAgent": source, "token": "00t", "orgUrl": ORG} for source in (lower, higher)}
    texts[lower]["clientId"] = "only-below"
    if "home" in texts:
        (home / ".okta" / "okta.yaml").write_text(yaml(**texts["home"]))
    if "project" in texts:
        (project / "okta.yaml").write_text(yaml(**texts["project"]))
    variables = {f"OKTA_CLIENT_{name.upper()}": value for name, value in texts.get("environment", {}).items()}
    with clean_environment(home, project, variables):
        client = SyncClient(texts.get("constructor"))
    assert client.get_config()["client"]["userAgent"] == higher
    assert client.get_config()["client"]["clientId"] == "only-below"
    assert client.get_base_url() == ORG


VARIABLES = {
    "ORGURL": (ORG, "orgUrl", ORG),
    "TOKEN": ("00t", "token", "***"),
    "AUTHORIZATIONMODE": ("SSWS", "authorizationMode", "SSWS"),
    "CLIENTID": ("0oa1", "clientId", "0oa1"),
    "SCOPES": ("okta.users.read, okta.groups.read", "scopes", ["okta.users.read", "okta.groups.read"]),
    "PRIVATEKEY": (KEY, "privateKey", "***"),
    "KID": ("k1", "kid", "k1"),
    "OAUTHTOKENRENEWALOFFSET": ("7", "oauthTokenRenewalOffset", 7),
    "USERAGENT": ("mine/1", "userAgent", "mine/1"),
    "CONNECTIONTIMEOUT": ("11", "connectionTimeout", 11),
    "REQUESTTIMEOUT": ("12", "requestTimeout", 12),
    "RATELIMIT_MAXRETRIES": ("3", "rateLimit.maxRetries", 3),
    "CACHE_ENABLED": ("true", "cache.enabled", True),
    "CACHE_DEFAULTTTL": ("100", "cache.defaultTtl", 100),
    "CACHE_DEFAULTTTI": ("50", "cache.defaultTti", 50),
    "LOGGING_ENABLED": ("false", "logging.enabled", False),
    "LOGGING_LOGLEVEL": ("DEBUG", "logging.logLevel", "DEBUG"),
    "PROXY_HOST": ("proxy.example.com", "proxy.host", "proxy.example.com"),
    "PROXY_PORT": ("8080", "proxy.port", 8080),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_works(name: str, folders: tuple[Path, Path]) -> None:
    text, path, expected = VARIABLES[name]
    variables = {"OKTA_CLIENT_ORGURL": ORG, "OKTA_CLIENT_TOKEN": "00t"}
    variables |= {"OKTA_CLIENT_PROXY_HOST": "proxy.example.com"} if name == "PROXY_PORT" else {}
    variables |= {f"OKTA_CLIENT_{name}": text}
    with clean_environment(*folders, variables):
        found: Any = SyncClient().get_config()["client"]
    for part in path.split("."):
        found = found[part]
    if expected == "***":
        assert text not in str(found)
    else:
        assert found == expected


def test_files_of_a_service_app_with_a_key_over_several_lines(folders: tuple[Path, Path]) -> None:
    home, project = folders
    lines = "".join(f"      {line}\n" for line in KEY.splitlines())
    settings = f"    authorizationMode: PrivateKey\n    clientId: 0oa1\n    scopes:\n      - okta.users.read\n    privateKey: |\n{lines}"
    (project / "okta.yaml").write_text(yaml(orgUrl=ORG) + settings)
    with clean_environment(home, project, {}):
        client = SyncClient()
    assert client.get_config()["client"]["authorizationMode"] == "PrivateKey"
    assert client.get_scopes() == ["okta.users.read"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "orgUrl"),
        ({"orgUrl": ORG}, "token"),
        ({"orgUrl": "http://acme.okta.com", "token": "t"}, "https"),
        ({"orgUrl": "https://acme-admin.okta.com", "token": "t"}, "admin"),
        ({"orgUrl": "https://{yourOktaDomain}", "token": "t"}, "yourOktaDomain"),
        ({"orgUrl": ORG, "token": "t", "authorizationMode": "Magic"}, "authorizationMode"),
        ({"orgUrl": ORG, "token": "t", "requestTimeout": -1}, "requestTimeout"),
        ({"orgUrl": ORG, "authorizationMode": "PrivateKey", "scopes": ["okta.users.read"]}, "clientId"),
    ],
)
def test_a_wrong_configuration_is_a_value_error(
    given: dict[str, Any], problem: str, folders: tuple[Path, Path]
) -> None:
    with clean_environment(*folders, {}), pytest.raises(ValueError, match=problem) as caught:
        SyncClient(given)
    assert isinstance(caught.value, ConfigurationError) and caught.value.code.startswith("OKT") and caught.value.hint


def test_all_problems_are_told_at_once_and_no_secret(folders: tuple[Path, Path]) -> None:
    given = {
        "orgUrl": "http://acme.okta.com",
        "token": "00topsecret",
        "requestTimeout": "soon",
        "rateLimit": {"maxRetries": -1},
    }
    with clean_environment(*folders, {}), pytest.raises(ValueError) as caught:
        SyncClient(given)
    text = str(caught.value)
    assert all(part in text for part in ("orgUrl", "requestTimeout", "maxRetries")) and "00topsecret" not in text
    assert isinstance(caught.value, ConfigurationError) and len(caught.value.causes) == 3
    for cause, part in zip(caught.value.causes, ("requestTimeout", "maxRetries", "orgUrl"), strict=True):
        assert part in cause and "(the values passed in code)" in cause and text.count(cause) == 1


@pytest.mark.parametrize("value", [object(), "context", 1])
def test_a_tls_context_has_to_be_one(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="sslContext"):
        SyncClient({"orgUrl": ORG, "token": "t", "sslContext": value})
