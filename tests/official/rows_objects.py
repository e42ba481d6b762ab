"""Rows about objects and answers: users, groups, factors, applications, schemas, errors, pages, the log."""

from __future__ import annotations

import contextlib
import io
import logging

from rowkit import Sdk, World, grouped, made, person, row


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


@row(
    28,
    "A status that nobody knew",
    official="an unknown value of an enumeration fails the whole call",
    failure="AssertionError at `assert error is None, error`: 'ABDUCTED' is not a valid",
)
async def unknown_status(sdk: Sdk, world: World) -> None:
    world.tap.answer(200, [{"id": "00u1", "status": "ABDUCTED", "profile": {"firstName": "Ada"}}])
    users, _, error = await sdk.Client(world.config).list_users()
    assert error is None, error
    assert users[0].status == "ABDUCTED"


@row(28, "An application of an unknown mode")
async def unknown_application(sdk: Sdk, world: World) -> None:
    world.tap.answer(200, {"id": "1", "name": "radius", "signOnMode": "RADIUS_X", "status": "PAUSED"})
    application, _, error = await sdk.Client(world.config).get_application("1")
    assert error is None and type(application) is sdk.models.Application
    assert (application.sign_on_mode, application.status) == ("RADIUS_X", "PAUSED")


@row(29, "Create a SWA application")
async def create_swa(sdk: Sdk, world: World) -> None:
    client, models = sdk.Client(world.config), sdk.models
    fields = {
        "buttonField": "btn-login",
        "passwordField": "pw",
        "usernameField": "user",
        "url": "https://example.com/login",
    }
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


@row(
    33,
    "Exceptions are a matter of each client",
    official="the last client that is built decides for all",
    failure="AssertionError at `raise AssertionError(\"nothing was raised\")`",
)
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


@row(
    36,
    "The log never shows a token, and has one handler",
    official="DEBUG prints requests whole; handlers multiply",
    failure="AssertionError at `assert text.getvalue() and world.token not in text.getvalue()`",
)
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
