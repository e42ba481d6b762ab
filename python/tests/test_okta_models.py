"""Models: spelling, custom attributes, nesting, enumerations, polymorphism."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from oktant.okta import _json, _table, models

PROFILE = {"firstName": "Ada", "customAttr": "own", "snake_own": 1}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first_name", "Ada"),
        ("firstName", "Ada"),
        ("customAttr", "own"),
        ("custom_attr", "own"),
        ("snake_own", 1),
        ("snakeOwn", 1),
        ("last_name", None),
        ("lastName", None),
    ],
)
def test_attributes_in_both_spellings(name: str, expected: Any) -> None:
    assert getattr(models.UserProfile(PROFILE), name) == expected


def test_custom_attributes_are_members() -> None:
    profile = models.UserProfile(PROFILE)
    assert profile["customAttr"] == "own" and profile["first_name"] == profile["firstName"] == "Ada"
    assert "customAttr" in profile and "first_name" in profile and "lastName" not in profile
    assert list(profile) == ["firstName", "customAttr", "snake_own"] == list(profile.keys())
    assert profile.get("nothing", 7) == 7 and len(profile) == 3
    profile["customAttr"] = "changed"
    del profile["snake_own"]
    assert profile.to_dict() == {"firstName": "Ada", "customAttr": "changed"} == dict(profile)


@pytest.mark.parametrize("name", ["missingAttr", "missing_attr", "__missing__"])
def test_what_is_not_there_is_an_error_as_for_any_object(name: str) -> None:
    profile = models.UserProfile(PROFILE)
    with pytest.raises(AttributeError):
        getattr(profile, name)
    with pytest.raises(KeyError):
        profile[name]
    assert not hasattr(profile, name)


def test_both_spellings_are_one_member() -> None:
    profile = models.UserProfile({"first_name": "Ada"}, nick_name="Countess")
    profile.firstName = "Grace"
    profile.first_name = "Radia"
    assert profile.to_dict() == {"firstName": "Radia", "nickName": "Countess"}


def test_dictionaries_inside_are_mended_and_not_shared() -> None:
    given = {"profile": {"first_name": "Ada"}, "credentials": {"password": {"value": "p"}}}
    user = models.User(given)
    user.profile.nick_name = "Countess"
    assert isinstance(user.profile, models.UserProfile) and user.profile is user.profile
    assert user.to_dict()["profile"] == {"firstName": "Ada", "nickName": "Countess"}
    assert given["profile"] == {"first_name": "Ada"}


def test_lists_of_objects_can_be_changed() -> None:
    zone = models.IPNetworkZone({"gateways": [{"type": "CIDR", "value": "1.2.3.4/32"}]})
    assert isinstance(zone.gateways[0], models.NetworkZoneAddress)
    zone.gateways.append(models.NetworkZoneAddress({"type": "RANGE", "value": "1.1.1.1-1.1.1.2"}))
    assert [gateway["value"] for gateway in zone.to_dict()["gateways"]] == ["1.2.3.4/32", "1.1.1.1-1.1.1.2"]


def test_none_is_kept_and_can_be_left_out() -> None:
    user = models.User({"id": "1", "activated": None})
    assert user.to_dict() == {"id": "1", "activated": None}
    assert user.as_dict() == {"id": "1"}


def test_enumerations() -> None:
    status = models.User({"status": "active"}).status
    assert status == models.UserStatus.ACTIVE == "Active" and "ACTIVE" == status and status != "STAGED"
    assert status is models.UserStatus("ACTIVE") and isinstance(status, models.UserStatus)
    assert (status.value, status.name, str(status), f"{status}") == ("ACTIVE",) * 4
    assert {"ACTIVE": 1}[status] == 1 and json.dumps([status]) == '["ACTIVE"]'
    unknown = models.User({"status": "ABDUCTED"}).status
    assert unknown == "abducted" and unknown not in models.UserStatus and "staged" in models.UserStatus
    assert models.FactorType.TOKEN_SOFTWARE_TOTP == "token:software:totp"
    assert models.FactorType.U_2_F == models.FactorType.U2F == models.FactorType["u2f"] == "u2f"
    with pytest.raises(AttributeError):
        _ = models.UserStatus.ABDUCTED


@pytest.mark.parametrize(
    ("base", "members", "name"),
    [
        ("Application", {"signOnMode": "SAML_2_0"}, "SamlApplication"),
        ("Application", {"signOnMode": "BROWSER_PLUGIN", "name": "template_swa"}, "SwaApplication"),
        ("Application", {"signOnMode": "BROWSER_PLUGIN", "name": "template_swa3field"}, "SwaThreeFieldApplication"),
        ("Application", {"signOnMode": "BROWSER_PLUGIN", "name": "netflix"}, "BrowserPluginApplication"),
        ("Application", {"signOnMode": "RADIUS_X"}, "Application"),
        ("Application", {}, "Application"),
        ("UserFactor", {"factorType": "sms"}, "UserFactorSMS"),
        ("Policy", {"type": "PASSWORD"}, "PasswordPolicy"),
        ("Application", {"signOnMode": ["odd"]}, "Application"),
    ],
)
def test_the_class_is_what_the_members_say(base: str, members: dict[str, Any], name: str) -> None:
    made = getattr(models, base).from_dict(members)
    assert type(made) is getattr(models, name) and isinstance(made, getattr(models, base))
    assert {**made.to_dict(), **members} == made.to_dict()


def test_old_names_of_classes() -> None:
    assert models.SmsUserFactor is models.UserFactorSMS
    assert models.SmsUserFactor({}).to_dict() == {"factorType": "sms"}
    assert models.SwaApplication({"label": "x"}).to_dict() == {
        "label": "x",
        "name": "template_swa",
        "signOnMode": "BROWSER_PLUGIN",
    }
    assert models.SamlApplication({"sign_on_mode": "SAML_1_1"}).to_dict() == {"signOnMode": "SAML_1_1"}


def test_what_3_x_calls_custom_attributes() -> None:
    profile = models.UserProfile(first_name="Ada", additional_properties={"badge": 7})
    assert dict(profile.additional_properties) == {"badge": 7} and profile.badge == 7
    profile.additional_properties["desk"] = "b"
    del profile.additional_properties["badge"]
    assert profile.to_dict() == {"firstName": "Ada", "desk": "b"} and "firstName" not in profile.additional_properties
    assert profile.actual_instance is profile


def test_secrets_are_not_printed() -> None:
    user = models.User({"credentials": {"password": {"value": "Compil3r-1952"}}})
    assert "Compil3r" not in repr(user) and "***" in repr(user)
    assert user.to_dict()["credentials"]["password"]["value"] == "Compil3r-1952"


def test_secrets_of_answers_are_not_printed_and_can_be_read() -> None:
    application = models.OpenIdConnectApplication({"credentials": {"oauthClient": {"client_secret": "Compil3r-1952"}}})
    assert "Compil3r" not in repr(application) and "***" in repr(application)
    assert application.credentials.oauth_client.client_secret == "Compil3r-1952"
    assert "Compil3r" in str(application.to_dict())


def test_copies_and_pickles() -> None:
    user = models.User({"profile": {"firstName": "Ada", "customAttr": [1, {"a": None}]}})
    for other in (copy.deepcopy(user), pickle.loads(pickle.dumps(user))):
        assert other == user and other is not user
        other.profile.first_name = "Grace"
        assert user.profile.first_name == "Ada" and other != user


def test_members_named_as_methods_are_members() -> None:
    keys = models.ListJwk200ResponseInner if hasattr(models, "ListJwk200ResponseInner") else models.OktaObject
    made = keys({"keys": [1], "items": 2})
    assert made.to_dict() == {"keys": [1], "items": 2} and made["keys"] == [1]


def test_every_class_can_be_made_and_read_whatever_it_is_given() -> None:
    odd: list[Any] = [None, "text", 7, 1.5, True, [], [None, "x", {"a": 1}], {"a": {"b": None}}]
    count = 0
    for name in _table.MODELS:
        cls = getattr(models, name)
        for value in odd:
            members = {member: value for member in set(cls._json_names.values())}
            made = cls._view(copy.deepcopy(members))
            for attribute in cls._json_names:
                getattr(made, attribute)
            assert made.to_dict() == members, (name, value)
            count += 1
    assert count > 10_000


def test_bodies_hold_everything_that_python_programs_put_in() -> None:
    import datetime
    import enum

    class Colour(enum.Enum):
        RED = "red"

    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=datetime.timezone.utc)
    body = {"a": moment, "b": Colour.RED, "c": models.UserStatus.ACTIVE, "d": [models.Group({"id": "1"})], "e": "ä"}
    sent = json.loads(_json.dumps(_json.plain(body)))
    assert sent == {"a": "2026-01-02T03:04:05.678Z", "b": "red", "c": "ACTIVE", "d": [{"id": "1"}], "e": "ä"}
    with pytest.raises(TypeError, match="object"):
        _json.dumps({"a": object()})
