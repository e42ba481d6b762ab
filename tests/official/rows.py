"""What the README of okta-sdk-python 2.x shows, section by section, as scripts that both packages run.

``okta`` itself and ``oktant.okta`` are loaded by the same code: :func:`load`. Rows bear the numbers of the table that
they come from. A row that the official package fails says why; it has to fail there, else the row is wrong.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import itertools
import json
import logging
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tap import Tap


@dataclass(frozen=True)
class Row:
    """One section."""

    number: int
    title: str
    run: Callable[[Sdk, World], Awaitable[None]]
    official: str
    """Why the official package fails it; empty if it does not."""


@dataclass(frozen=True)
class Sdk:
    """A package under test."""

    name: str
    Client: Any
    models: Any
    exceptions: Any
    RequestExecutor: Any
    HTTPClient: Any
    OktaCache: Any


@dataclass(frozen=True)
class World:
    """An org behind a tap."""

    tap: Tap
    token: str

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of a client."""
        return {"orgUrl": self.tap.url, "token": self.token}


ROWS: list[Row] = []
KEY = (Path(__file__).resolve().parents[2] / "crates" / "client" / "src" / "auth" / "key" / "rsa_2048.json").read_text()
"""A private key as JWK text, of no use anywhere."""

_numbers = itertools.count(1)


def row(number: int, title: str, official: str = "") -> Callable[[Any], Any]:
    """Enters a row."""

    def enter(run: Any) -> Any:
        ROWS.append(Row(number, title, run, official))
        return run

    return enter


def load(prefix: str) -> Sdk:
    """The package ``okta`` or ``oktant.okta``."""
    part = lambda name: importlib.import_module(f"{prefix}.{name}")  # noqa: E731
    return Sdk(
        prefix,
        part("client").Client,
        part("models"),
        part("exceptions"),
        part("request_executor").RequestExecutor,
        part("http_client").HTTPClient,
        part("cache.okta_cache").OktaCache,
    )


def person(**profile: Any) -> dict[str, Any]:
    """The profile of somebody new."""
    login = f"row{next(_numbers)}@example.com"
    return {"firstName": "Ada", "lastName": "Row", "email": login, "login": login, **profile}


def decoded(part: str) -> Any:
    """The content of a part of a signed token."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def made(client: Any, **profile: Any) -> Any:
    """Somebody new."""
    user, _, error = await client.create_user({"profile": person(**profile)})
    assert error is None, error
    return user


async def grouped(client: Any, sdk: Sdk) -> Any:
    """A new group."""
    profile = sdk.models.GroupProfile({"name": f"Row group {next(_numbers)}"})
    group, _, error = await client.create_group(sdk.models.Group({"profile": profile}))
    assert error is None, error
    return group


@row(1, "Getting started: a dictionary")
async def dictionary(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    users, response, error = await client.list_users()
    assert error is None and users
    assert all(user.profile.first_name and user.profile.last_name for user in users)
    asked = [seen for seen in world.tap.seen if seen.path == "/api/v1/users"]
    assert len(asked) == 1 and asked[0].method == "GET"
    assert asked[0].headers["authorization"] == f"SSWS {world.token}"
    assert response.get_status() == 200


@row(3, "Session reuse: the context manager")
async def session_reuse(sdk: Sdk, world: World) -> None:
    async with sdk.Client(world.config) as client:
        await client.list_users()
        await client.list_groups()
    assert len({seen.connection for seen in world.tap.seen}) == 1


@row(4, "OAuth 2.0 with a private key")
async def private_key(sdk: Sdk, world: World) -> None:
    service = {"authorizationMode": "PrivateKey", "clientId": "0oa1", "scopes": ["okta.users.read"], "privateKey": KEY, "kid": "k1"}
    client = sdk.Client({"orgUrl": world.tap.url, **service})
    grant = {"token_type": "Bearer", "expires_in": 3600, "access_token": "at1", "scope": "okta.users.read"}
    world.tap.answer(200, grant)
    for _ in range(2):
        world.tap.answer(200, [])
        _, _, error = await client.list_users()
        assert error is None, error
    assert [seen.path for seen in world.tap.seen] == ["/oauth2/v1/token", "/api/v1/users", "/api/v1/users"]
    token, *calls = world.tap.seen
    assert {seen.headers["authorization"] for seen in calls} == {"Bearer at1"}
    fields = {**token.parameters, **dict(urllib.parse.parse_qsl(token.body.decode()))}
    assert fields["grant_type"] == "client_credentials" and fields["scope"] == "okta.users.read"
    header, claims = (decoded(part) for part in fields["client_assertion"].split(".")[:2])
    assert header["kid"] == "k1" and claims["iss"] == claims["sub"] == "0oa1"
    assert claims["aud"] == f"{world.tap.url}/oauth2/v1/token"


@row(6, "Extending the client")
async def extending(sdk: Sdk, world: World) -> None:
    calls: list[str] = []

    class Executor(sdk.RequestExecutor):
        async def create_request(self, *arguments: Any, **named: Any) -> Any:
            calls.append("create_request")
            return await super().create_request(*arguments, **named)

        async def execute(self, request: Any, response_type: Any = None) -> Any:
            calls.append("execute")
            return await super().execute(request, response_type)

    class Http(sdk.HTTPClient):
        async def send_request(self, request: Any) -> Any:
            calls.append("send_request")
            info, details, text, error = await super().send_request(request)
            assert details.status == 200 and text.startswith("[") and error is None
            return info, details, text, error

    client = sdk.Client({**world.config, "requestExecutor": Executor, "httpClient": Http})
    users, _, error = await client.list_users()
    assert error is None and users
    assert calls == ["create_request", "execute", "send_request"]


@row(7, "A cache of one's own")
async def own_cache(sdk: Sdk, world: World) -> None:
    class Memory:
        def __init__(self) -> None:
            self.kept: dict[str, Any] = {}

        def create_key(self, url: str) -> str:
            return url

        def contains(self, key: str) -> bool:
            return key in self.kept

        def get(self, key: str) -> Any:
            return self.kept.get(key)

        def add(self, key: str, value: Any) -> None:
            self.kept[key] = value

        def delete(self, key: str) -> None:
            self.kept.pop(key, None)

    memory = Memory()
    client = sdk.Client({**world.config, "cacheManager": memory, "cache": {"enabled": True}})
    user = await made(client)
    world.tap.forget()
    for _ in range(2):
        found, _, error = await client.get_user(user.id)
        assert error is None and found.id == user.id
    assert len(world.tap.seen) == 1 and len(memory.kept) == 1


@row(7, "The cache in memory")
async def built_in_cache(sdk: Sdk, world: World) -> None:
    client = sdk.Client({**world.config, "cache": {"enabled": True}})
    user = await made(client)
    world.tap.forget()
    await client.get_user(user.id)
    await client.get_user(user.id)
    assert len(world.tap.seen) == 1
    await client.update_user(user.id, {"profile": person(nickName="changed")})
    found, _, _ = await client.get_user(user.id)
    assert found.profile.nick_name == "changed" and len(world.tap.seen) == 3


@row(7, "The cache forgets what a lifecycle changes", official="only the entry of the very URL is removed")
async def cache_and_lifecycle(sdk: Sdk, world: World) -> None:
    client = sdk.Client({**world.config, "cache": {"enabled": True}})
    user = await made(client)
    await client.get_user(user.id)
    await client.deactivate_user(user.id)
    found, _, _ = await client.get_user(user.id)
    assert found.status == "DEPROVISIONED"


@row(8, "An HTTP client of one's own that sends by itself")
async def own_http_client(sdk: Sdk, world: World) -> None:
    class Details:
        status = 200
        content_type = "application/json"
        headers: dict[str, str] = {}
        links: dict[str, Any] = {}
        url = "http://nowhere"

    class Canned(sdk.HTTPClient):
        sent: list[Any] = []

        async def send_request(self, request: Any) -> Any:
            self.sent.append(request)
            return None, Details, '[{"id": "00u1", "profile": {"firstName": "Canned"}}]', None

    client = sdk.Client({**world.config, "httpClient": Canned})
    users, _, error = await client.list_users()
    assert error is None and [user.profile.first_name for user in users] == ["Canned"]
    assert Canned.sent[0]["method"] == "GET" and "/api/v1/users" in Canned.sent[0]["url"]
    assert Canned.sent[0]["headers"]["Authorization"] == f"SSWS {world.token}"
    assert not world.tap.seen


@row(11, "Custom attributes")
async def custom_attributes(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    profile = sdk.models.UserProfile(person(customAttr="custom"))
    assert (profile.first_name, profile.firstName) == ("Ada", "Ada")
    assert (profile.customAttr, profile.custom_attr) == ("custom", "custom")
    profile.other_attr = "kept as it is written"
    with contextlib.suppress(AttributeError):
        raise AssertionError(profile.missingAttr)
    world.tap.answer(200, {"id": "00u1", "profile": {"customAttr": "seen", "firstName": "Ada"}})
    user, _, error = await client.create_user({"profile": profile.as_dict()})
    assert error is None and user.profile.customAttr == user.profile.custom_attr == "seen"
    sent = world.tap.last("POST").json["profile"]
    assert sent["customAttr"] == "custom" and sent["other_attr"] == "kept as it is written"


@row(11, "An empty object, filled by attributes")
async def empty_object(sdk: Sdk, world: World) -> None:
    profile = sdk.models.UserProfile()
    profile.first_name, profile.last_name = "Ada", "Row"
    profile.customAttr = 7
    assert profile.as_dict() == {"firstName": "Ada", "lastName": "Row", "customAttr": 7}


@row(12, "Both spellings of a default attribute")
async def both_spellings(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    profile = sdk.models.UserProfile(person())
    profile.firstName = "Grace"
    assert profile.first_name == "Grace"
    profile.nick_name = "Amazing"
    assert profile.nickName == "Amazing"
    await client.create_user(sdk.models.CreateUserRequest({"profile": profile}))
    sent = world.tap.last("POST").body
    assert sent.count(b'"firstName"') == 1 and b"first_name" not in sent and b'"Grace"' in sent


@row(13, "Custom attributes, the whole example")
async def whole_example(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    for attributes in ({"customAttr": "custom"}, {}):
        world.tap.answer(200, {"id": "00u1", "profile": attributes})
        await client.create_user({"profile": person(**attributes)})
    world.tap.answer(200, [{"id": "1", "profile": {"customAttr": "custom"}}, {"id": "2", "profile": {"email": "e"}}])
    users, _, _ = await client.list_users()
    printed = []
    for user in users:
        try:
            printed.append(user.profile.customAttr)
        except AttributeError:
            printed.append("User has no customAttr")
    assert printed == ["custom", "User has no customAttr"]


@row(14, "Custom headers")
async def custom_headers(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    client.set_custom_headers({"Custom-Header": "custom value"})
    assert client.get_custom_headers() == {"Custom-Header": "custom value"}
    await client.list_groups()
    assert world.tap.last().headers["custom-header"] == "custom value"
    client.clear_custom_headers()
    assert client.get_custom_headers() == {}
    assert {"User-Agent", "Accept"} <= set(client.get_default_headers())


@row(14, "Cleared headers are gone", official="they stay on the wire: the dictionary is shared and never cleaned")
async def cleared_headers(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    client.set_custom_headers({"Custom-Header": "custom value"})
    await client.list_groups()
    client.clear_custom_headers()
    await client.list_groups()
    assert "custom-header" not in world.tap.last().headers


@row(15, "Get a user by id and by login")
async def get_user(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    user = await made(client)
    for name in (user.id, user.profile.login):
        found, _, error = await client.get_user(name)
        assert error is None and found.id == user.id


@row(15, "Odd logins", official="path parameters are put into the URL as they are")
async def odd_logins(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    for login, path in (
        ("a+b@example.com", "a%2Bb%40example.com"),
        ("a/b#c?d e%f", "a%2Fb%23c%3Fd%20e%25f"),
    ):
        world.tap.answer(200, {"id": "00u1"})
        user, _, error = await client.get_user(login)
        assert error is None and user.id == "00u1"
        assert world.tap.last().path == f"/api/v1/users/{path}"


@row(16, "List users")
async def list_users(sdk: Sdk, world: World) -> None:
    users, response, error = await sdk.Client(world.config).list_users()
    assert error is None and len(users) == len(response.get_body()) > 1
    assert response.get_type() is sdk.models.User and type(users[0]) is sdk.models.User


@row(17, "Filter and search")
async def filter_and_search(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    user = await made(client, lastName="Searched")
    query = {"search": 'profile.lastName eq "Searched"', "limit": "5"}
    users, _, error = await client.list_users(query)
    assert error is None and [found.id for found in users] == [user.id]
    assert world.tap.last().parameters == query
    users, _, error = await client.list_users({"filter": f'id eq "{user.id}"'})
    assert error is None and [found.id for found in users] == [user.id]


@row(18, "Create a user from models")
async def create_user(sdk: Sdk, world: World) -> None:
    models = sdk.models
    password = models.PasswordCredential({"value": "Compil3r-1952"})
    credentials = models.UserCredentials({"password": password})
    profile = models.UserProfile(person())
    body = models.CreateUserRequest({"credentials": credentials, "profile": profile})
    user, _, error = await sdk.Client(world.config).create_user(body)
    assert error is None and user.status == models.UserStatus.ACTIVE and user.status == "ACTIVE"
    expected = {"credentials": {"password": {"value": "Compil3r-1952"}}, "profile": profile.as_dict()}
    assert world.tap.last("POST").json == expected


@row(19, "Update a user")
async def update_user(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    user = await made(client)
    new_profile = user.profile
    new_profile.nick_name = "Changed"
    updated, _, error = await client.update_user(user.id, sdk.models.User({"profile": new_profile}))
    assert error is None and updated.profile.nick_name == "Changed"
    assert world.tap.last().method == "PUT"
    partial, _, error = await client.partial_update_user(user.id, {"profile": {"title": "Countess"}})
    assert error is None and (partial.profile.title, partial.profile.nick_name) == ("Countess", "Changed")
    assert world.tap.last().method == "POST"


@row(20, "Remove a user")
async def remove_user(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    user = await made(client)
    response, error = await client.deactivate_or_delete_user(user.id)
    assert error is None and response.get_status() == 204
    found, _, _ = await client.get_user(user.id)
    assert found.status == "DEPROVISIONED"
    _, error = await client.deactivate_or_delete_user(user.id)
    assert error is None
    found, _, error = await client.get_user(user.id)
    assert found is None and error.status == 404
    assert [seen.method for seen in world.tap.seen].count("DELETE") == 2


@row(21, "A user's groups")
async def user_groups(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    user, group = await made(client), await grouped(client, sdk)
    await client.add_user_to_group(group.id, user.id)
    groups, _, error = await client.list_user_groups(user.id)
    assert error is None and group.id in [found.id for found in groups]
    assert all(isinstance(found, sdk.models.Group) for found in groups)


@row(22, "Create a group")
async def create_group(sdk: Sdk, world: World) -> None:
    group = await grouped(sdk.Client(world.config), sdk)
    assert group.profile.name.startswith("Row group")
    assert world.tap.last().json == {"profile": {"name": group.profile.name}}


@row(23, "Add a user to a group, and take it out")
async def add_user_to_group(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    user, group = await made(client), await grouped(client, sdk)
    response, error = await client.add_user_to_group(group.id, user.id)
    assert error is None and response.get_status() == 204
    assert (world.tap.last().method, world.tap.last().path) == ("PUT", f"/api/v1/groups/{group.id}/users/{user.id}")
    members, _, _ = await client.list_group_users(group.id)
    assert [member.id for member in members] == [user.id]
    _, error = await client.remove_user_from_group(group.id, user.id)
    assert error is None


@row(24, "Factors: enrolled and supported")
async def list_factors(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    user = await made(client)
    supported, _, error = await client.list_supported_factors(user.id)
    assert error is None and supported
    assert world.tap.last().path.endswith("/factors/catalog")
    enrolled, _, error = await client.list_factors(user.id)
    assert error is None and enrolled == []
    assert world.tap.last().path.endswith("/factors")


@row(25, "Enroll a factor")
async def enroll_factor(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    world.tap.answer(200, {"id": "sms1", "factorType": "sms", "provider": "OKTA", "status": "PENDING_ACTIVATION"})
    profile = sdk.models.SmsUserFactorProfile({"phoneNumber": "+15550100123"})
    factor, _, error = await client.enroll_factor("00u1", sdk.models.SmsUserFactor({"profile": profile}))
    assert error is None and factor.factor_type == "sms" and isinstance(factor, sdk.models.SmsUserFactor)
    assert world.tap.last().json == {"factorType": "sms", "profile": {"phoneNumber": "+15550100123"}}


@row(26, "Activate a factor")
async def activate_factor(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    world.tap.answer(200, {"id": "sms1", "factorType": "sms", "status": "ACTIVE"})
    request = sdk.models.ActivateFactorRequest({"passCode": "123456"})
    factor, _, error = await client.activate_factor("00u1", "sms1", request)
    assert error is None and factor.status == "ACTIVE"
    assert world.tap.last().path == "/api/v1/users/00u1/factors/sms1/lifecycle/activate"
    assert world.tap.last().json == {"passCode": "123456"}


@row(27, "Verify a factor")
async def verify_factor(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    world.tap.answer(200, {"factorResult": "SUCCESS"})
    request = sdk.models.VerifyFactorRequest({"passCode": "123456"})
    result, _, error = await client.verify_factor("00u1", "sms1", request)
    assert error is None and result.factor_result == "SUCCESS"
    assert world.tap.last().path == "/api/v1/users/00u1/factors/sms1/verify"


@row(28, "Applications are of the class of their sign-on mode")
async def list_applications(sdk: Sdk, world: World) -> None:
    client, models = sdk.Client(world.config), sdk.models
    world.tap.answer(
        200,
        [
            {"id": "1", "name": "bookmark", "signOnMode": "BOOKMARK"},
            {"id": "2", "name": "template_swa", "signOnMode": "BROWSER_PLUGIN"},
            {"id": "3", "name": "oidc_client", "signOnMode": "OPENID_CONNECT"},
        ],
    )
    applications, _, error = await client.list_applications()
    classes = [models.BookmarkApplication, models.SwaApplication, models.OpenIdConnectApplication]
    assert error is None and [type(application) for application in applications] == classes
    assert all(isinstance(application, models.Application) for application in applications)


@row(28, "A status that nobody knew", official="an unknown value of an enumeration fails the whole call")
async def unknown_status(sdk: Sdk, world: World) -> None:
    world.tap.answer(200, [{"id": "00u1", "status": "ABDUCTED", "profile": {"firstName": "Ada"}}])
    users, _, error = await sdk.Client(world.config).list_users()
    assert error is None and users[0].status == "ABDUCTED"


@row(28, "An application of an unknown mode")
async def unknown_application(sdk: Sdk, world: World) -> None:
    world.tap.answer(200, {"id": "1", "name": "radius", "signOnMode": "RADIUS_X", "status": "PAUSED"})
    application, _, error = await sdk.Client(world.config).get_application("1")
    assert error is None and type(application) is sdk.models.Application
    assert (application.sign_on_mode, application.status) == ("RADIUS_X", "PAUSED")


@row(29, "Create a SWA application")
async def create_swa(sdk: Sdk, world: World) -> None:
    client, models = sdk.Client(world.config), sdk.models
    fields = {"buttonField": "btn-login", "passwordField": "pw", "usernameField": "user", "url": "https://example.com/login"}
    settings = models.SwaApplicationSettings({"app": models.SwaApplicationSettingsApplication(fields)})
    world.tap.answer(200, {"id": "0oa1", "name": "template_swa", "signOnMode": "BROWSER_PLUGIN"})
    application = models.SwaApplication({"label": "Sample", "settings": settings})
    created, _, error = await client.create_application(application)
    assert error is None and isinstance(created, models.SwaApplication)
    expected = {"label": "Sample", "name": "template_swa", "signOnMode": "BROWSER_PLUGIN", "settings": {"app": fields}}
    assert world.tap.last().json == expected


@row(30, "The attributes of groups")
async def group_schema(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    attribute = {"title": "Group number", "type": "integer", "required": []}
    custom = {"id": "#custom", "type": "object", "properties": {"groupNumber": attribute}, "required": []}
    answer = {"id": "https://example.com/schema", "definitions": {"custom": custom}}
    world.tap.answer(200, answer)
    schema, _, error = await client.update_group_schema({"definitions": {"custom": custom}})
    assert error is None
    schema.definitions.custom.properties["groupNumber"]["title"] = "Changed"
    world.tap.answer(200, answer)
    schema, _, error = await client.update_group_schema(schema)
    assert error is None
    sent = world.tap.last().json["definitions"]["custom"]["properties"]["groupNumber"]
    assert sent["title"] == "Changed"


@row(30, "Schemas of users keep what is empty")
async def user_schema(sdk: Sdk, world: World) -> None:
    custom = {"properties": {"badge": {"title": "", "type": "string"}}, "required": []}
    world.tap.answer(200, {"definitions": {"custom": custom}})
    _, _, error = await sdk.Client(world.config).update_user_profile("osc1", {"definitions": {"custom": custom}})
    assert error is None and world.tap.last().json == {"definitions": {"custom": custom}}


@row(31, "Other endpoints")
async def other_endpoints(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    user = await made(client)
    executor = client.get_request_executor()
    path = f"/api/v1/users/{user.id}"
    request, error = await executor.create_request(method="GET", url=path, body={}, headers={}, oauth=False)
    assert error is None
    response, error = await executor.execute(request, None)
    assert error is None and response.get_body()["id"] == user.id
    response, error = await executor.execute(request, sdk.models.User)
    found = response.get_type()(client.form_response_body(response.get_body()))
    assert isinstance(found, sdk.models.User) and found.profile.login == user.profile.login


@row(32, "Empty parameters")
async def empty_parameters(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    body = {"profile": person(badgeNumber="", n=None, z=0, f=False, l=[], d={})}
    kept = {name: value for name, value in body["profile"].items() if name not in ("badgeNumber", "n", "l", "d")}
    for arguments, expected in (((), kept), ((False,), kept), ((True,), body["profile"])):
        world.tap.answer(200, {"id": "00u1"})
        named = {"keep_empty_params": arguments[0]} if arguments else {}
        await client.create_user(body, **named)
        assert world.tap.last().json == {"profile": expected}


@row(33, "Exceptions")
async def exceptions(sdk: Sdk, world: World) -> None:
    client = sdk.Client({**world.config, "raiseException": True})
    try:
        await client.get_user("nobody")
    except sdk.exceptions.OktaAPIException as error:
        printed = io.StringIO()
        print(error, file=printed)
        keys = ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]
        assert list(error.args[0]) == keys and "'errorCode': 'E0000007'" in printed.getvalue()
    else:
        raise AssertionError("nothing was raised")
    world.tap.answer(500, b"<html>out of order</html>", Content_Type="text/html")
    try:
        await client.get_user("nobody")
    except sdk.exceptions.HTTPException as error:
        assert error.args[0] == "<html>out of order</html>"
    else:
        raise AssertionError("nothing was raised")


@row(33, "Exceptions are a matter of each client", official="the last client that is built decides for all")
async def exceptions_per_client(sdk: Sdk, world: World) -> None:
    raising = sdk.Client({**world.config, "raiseException": True})
    _, _, error = await sdk.Client(world.config).get_user("nobody")
    assert error.error_code == "E0000007" and "E0000007" in error.message
    try:
        await raising.get_user("nobody")
    except sdk.exceptions.OktaAPIException:
        return
    raise AssertionError("nothing was raised")


@row(33, "Errors in the answer")
async def errors(sdk: Sdk, world: World) -> None:
    _, response, error = await sdk.Client(world.config).create_user({"profile": {"login": "not an address"}})
    assert (error.status, error.error_code, response.get_status()) == (400, "E0000001", 400)
    assert error.error_causes and error.error_id and error.error_link == "E0000001"
    assert error.message.startswith("Okta HTTP 400 E0000001 Api validation failed: ")
    assert repr(error) == str({"message": error.message})


@row(34, "Pages")
async def pages(sdk: Sdk, world: World) -> None:
    client = sdk.Client(world.config)
    for _ in range(7):
        await made(client, lastName="Paged")
    users, response, error = await client.list_users({"search": 'profile.lastName eq "Paged"', "limit": "2"})
    sizes, names = [len(users)], [user.profile.login for user in users]
    while response.has_next():
        users, error = await response.next()
        assert error is None
        sizes.append(len(users))
        names += [user.profile.login for user in users]
    assert sizes == [2, 2, 2, 1] and len(set(names)) == 7
    try:
        await response.next()
    except StopAsyncIteration:
        return
    raise AssertionError("the last page was followed by another")


@row(35, "Pages with their answers")
async def pages_with_answers(sdk: Sdk, world: World) -> None:
    _, response, _ = await sdk.Client(world.config).list_users({"limit": "2"})
    users, error, second = await response.next(True)
    assert error is None and len(users) == 2
    assert second.get_status() == 200 and "link" in {name.lower() for name in second.get_headers()}
    assert len(second.get_body()) == 2


@row(36, "The log")
async def log(sdk: Sdk, world: World) -> None:
    logger = logging.getLogger("okta-sdk-python")
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Lines()
    logger.addHandler(handler)
    try:
        client = sdk.Client({**world.config, "logging": {"enabled": True, "logLevel": logging.INFO}})
        await client.get_user("nobody")
    finally:
        logger.removeHandler(handler)
        logger.disabled = True
    assert any("E0000007" in line for line in lines)


@row(36, "The log never shows a token, and has one handler", official="DEBUG prints requests whole; handlers multiply")
async def quiet_log(sdk: Sdk, world: World) -> None:
    logger = logging.getLogger("okta-sdk-python")
    before, text = len(logger.handlers), io.StringIO()
    handler = logging.StreamHandler(text)
    logger.addHandler(handler)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            for _ in range(3):
                client = sdk.Client({**world.config, "logging": {"enabled": True, "logLevel": logging.DEBUG}})
            await client.list_groups()
        assert text.getvalue() and world.token not in text.getvalue()
        assert len(logger.handlers) <= before + 2
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.INFO)
        logger.disabled = True
