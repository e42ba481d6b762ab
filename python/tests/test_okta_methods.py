"""Methods: the names of both generations, their arguments, and what is sent for them."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from conftest import ROOT
from okta_support import configured, tap
from oktant.okta import Client, SyncClient, _methods, _table, models, v3

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    tomllib = None  # type: ignore[assignment]

COLLIDING = {
    "forgot_password_set_new_password",
    "get_role",
    "update_inline_hook",
    "update_sms_template",
    "update_user",
}


def sent(name: str, *arguments: Any, client: Any = SyncClient, **named: Any) -> Any:
    """The request that a call makes."""
    with tap(None) as running:
        running.answer(200, {})
        getattr(client(configured(running)), name)(*arguments, **named)
        return running.last()


def test_all_names_are_there() -> None:
    operations = {line.split("|")[0] for line in _table.METHODS.values()} | {
        line.split("|")[0] for line in _table.THIRD.values()
    }
    assert operations == set(_table.CALLS)
    assert len([call for call in _table.CALLS if call[0].islower() and "_" not in call]) == 772
    for name in ("list_o_auth2_claims", "list_o_auth_2_claims", "delete_user", "deactivate_or_delete_user"):
        assert name in _methods.KNOWN


@pytest.mark.skipif(tomllib is None, reason="needs tomllib")
def test_every_method_of_2_x_is_there_with_its_arguments() -> None:
    known = tomllib.loads((ROOT / "catalog" / "okta-sdk-python-2.toml").read_text())["methods"]
    assert len(known) == 350 and sum(method.get("void", False) for method in known.values()) == 95
    keeping = {name for name, method in known.items() if method.get("keep_empty")}
    assert keeping == {
        "get_application_user_schema",
        "get_user_schema",
        "update_application_user_profile",
        "update_user_profile",
    }
    for name, method in known.items():
        parameters = list(inspect.signature(getattr(Client, name)).parameters.values())
        positional = [parameter.name for parameter in parameters[1 : 1 + len(method.get("arguments", []))]]
        assert positional == method.get("arguments", []), name
        made = _methods.Method(name, _table.METHODS[name])
        assert (made.is_void, made.keep_empty) == (method.get("void", False), name in keeping), name


def test_methods_are_ordinary_methods() -> None:
    assert Client.list_users.__name__ == "list_users" and inspect.iscoroutinefunction(Client.list_users)
    assert not inspect.iscoroutinefunction(SyncClient.list_users)

    class Mine(SyncClient):
        def list_users(self, *arguments: Any, **named: Any) -> Any:
            return ("mine", *super().list_users(*arguments, **named))

    with tap(None) as running:
        running.answer(200, [])
        assert Mine(configured(running)).list_users()[:2] == ("mine", [])


def test_colliding_names_mean_what_their_generation_meant() -> None:
    assert set(_table.THIRD) == COLLIDING
    assert sent("update_user", "1", {}).method == "PUT"
    assert sent("update_user", "1", {}, client=v3.SyncClient).method == "POST"
    assert sent("get_role", "g", "r").path == "/api/v1/groups/g/roles/r"
    assert sent("get_role", "r", client=v3.SyncClient).path == "/api/v1/iam/roles/r"
    assert sent("replace_user", "1", {}, client=v3.SyncClient).method == "PUT"
    assert issubclass(v3.Client, Client) and v3.Client.list_users is Client.list_users


@pytest.mark.parametrize(
    ("arguments", "named", "query"),
    [
        (({"limit": "2", "q": "a b"},), {}, "limit=2&q=a%20b"),
        ((), {"query_params": {"limit": 2}}, "limit=2"),
        ((), {"limit": 2, "sort_by": "profile.lastName", "q": None}, "limit=2&sortBy=profile.lastName"),
        ((), {"sortBy": "id"}, "sortBy=id"),
        (({"search": 'profile.x eq "ü&="'},), {}, "search=profile.x%20eq%20%22%C3%BC%26%3D%22"),
        (({"unknown": True},), {}, "unknown=true"),
    ],
)
def test_queries(arguments: tuple[Any, ...], named: dict[str, Any], query: str) -> None:
    assert sent("list_users", *arguments, **named).query == query


@pytest.mark.parametrize(
    "named", [{"userId": "1", "user": {"a": 1}}, {"user_id": "1", "body": {"a": 1}}, {"id": "1", "user": {"a": 1}}]
)
def test_arguments_by_name(named: dict[str, Any]) -> None:
    seen = sent("update_user", **named)
    assert (seen.path, seen.json) == ("/api/v1/users/1", {"a": 1})


def test_headers_of_an_operation() -> None:
    variant = 'application/json; okta-response="omitCredentials"'
    assert sent("list_users", content_type=variant).headers["content-type"] == variant
    assert sent("update_user", "1", {"a": 1}, if_match='"e1"').headers["if-match"] == '"e1"'
    assert sent("list_users", _headers={"X-Trace": "7"}).headers["x-trace"] == "7"


@pytest.mark.parametrize(
    ("arguments", "named", "problem"),
    [
        ((), {}, "missing userId, user"),
        (("1",), {}, "missing user"),
        (("1", {}, {}, False, 5), {}, "5 were given"),
        (("1", {}), {"limit": 5}, "unexpected keyword argument 'limit'"),
        (("1", {}), {"userId": "2"}, "multiple values for argument 'userId'"),
    ],
)
def test_wrong_arguments_are_type_errors(arguments: tuple[Any, ...], named: dict[str, Any], problem: str) -> None:
    with tap(None) as running, pytest.raises(TypeError, match=problem):
        SyncClient(configured(running)).update_user(*arguments, **named)


@pytest.mark.parametrize("value", ["", ".", "..", None])
def test_an_argument_that_would_address_another_resource_is_refused(value: Any) -> None:
    with tap(None) as running:
        client = SyncClient(configured(running))
        with pytest.raises(ValueError, match=r"get_user\(\) got .* for userId"):
            client.get_user(value)
        with pytest.raises(ValueError, match="for roleId"):
            client.remove_role_from_user("00u1", value)
    assert not running.seen


def test_fixed_queries_and_media_types() -> None:
    assert sent("expire_password", "1").query == "tempPassword=false"
    assert sent("expire_password_and_get_temporary_password", "1").query == "tempPassword=true"
    seen = sent("publish_binary_pem_cert", "app", "csr", b"-----BEGIN")
    assert (seen.headers["content-type"], seen.body) == ("application/x-pem-file", b"-----BEGIN")
    seen = sent("upload_application_logo", "app", b"\x89PNG")
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=") and b"\x89PNG" in seen.body
    assert seen.headers["accept"] == "application/json"
    assert int(seen.headers["content-length"]) == len(seen.body)


def test_forms() -> None:
    seen = sent("token", {"grant_type": "client_credentials", "scope": "a b"})
    assert (seen.path, seen.body) == ("/oauth2/v1/token", b"grant_type=client_credentials&scope=a+b")
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"


def test_lists_wrapped_in_an_object_page_by_their_body() -> None:
    with tap(None) as running:
        client = SyncClient(configured(running))
        follows = {"next": {"href": f"{running.url}/api/v1/iam/roles?after=2"}}
        running.answer(200, {"roles": [{"id": "1"}], "_links": follows})
        running.answer(200, {"roles": [{"id": "2"}], "_links": {}})
        first, response, error = client.list_roles()
        assert error is None and [role.id for role in first.roles] == ["1"] and response.has_next()
        second, error = response.next()
        assert error is None and [role.id for role in second.roles] == ["2"] and not response.has_next()
        assert running.last().query == "after=2"


def test_every_method_can_be_called() -> None:
    """Each sends the request of its operation; of several names for one thing, one is tried."""
    different = {line: name for name, line in reversed(_table.METHODS.items())}
    with tap(None) as running:
        client = SyncClient(configured(running))
        for line, name in different.items():
            method = _methods.Method(name, line)
            arguments = [f"arg{place}" for place in range(method.path_count)]
            body = [{"a": 1}] if len(method.positional) > method.path_count and "json" in method.body_type else []
            body = body or ([b"x"] if len(method.positional) > method.path_count else [])
            running.answer(204)
            answer = getattr(client, name)(*arguments, *body)
            assert answer[-1] is None and len(answer) == (2 if method.is_void else 3), (name, answer)
            path = method.path
            for argument in arguments:
                path = path.replace(path[path.index("{") : path.index("}") + 1], argument, 1)
            assert (running.last().method, running.last().path) == (method.verb, path.rstrip("/")), name
        assert len(running.seen) == len(different) > len(_table.CALLS)


def test_answers_of_the_class_that_the_operation_says() -> None:
    async def call() -> Any:
        with tap(None) as running:
            running.answer(200, [{"id": "1", "type": "PASSWORD"}, None, "odd"])
            return await Client(configured(running)).list_policies({"type": "PASSWORD"})

    policies, response, error = asyncio.run(call())
    assert error is None and type(policies[0]) is models.PasswordPolicy and policies[1:] == [None, "odd"]
    assert response.get_body()[0] == {"id": "1", "type": "PASSWORD"}
