"""Service apps: the token request, its assertion, and the forms of a key."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from okta_support import KEY, Seen, Tap, decoded, tap
from oktant.okta import SyncClient
from oktant.okta.http_client import HTTPClient

GRANT = {"token_type": "Bearer", "expires_in": 3600, "access_token": "at1", "scope": "okta.users.read"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def service(running: Tap, **more: Any) -> dict[str, Any]:
    scopes = ["okta.users.read", "okta.groups.read"]
    return {
        "orgUrl": running.url,
        "authorizationMode": "PrivateKey",
        "clientId": "0oa1",
        "scopes": scopes,
        "privateKey": KEY,
        **more,
    }


def form(seen: Seen) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(seen.body.decode()))


def test_one_token_for_many_calls() -> None:
    with tap(None) as running:
        running.answer(200, GRANT)
        client = SyncClient(service(running, kid="k1"))
        for _ in range(3):
            running.answer(200, [])
            assert client.list_users()[2] is None
        token, *calls = running.seen
    assert [seen.path for seen in running.seen] == ["/oauth2/v1/token", *["/api/v1/users"] * 3]
    assert {seen.headers["authorization"] for seen in calls} == {"Bearer at1"}
    fields = form(token)
    assert fields["grant_type"] == "client_credentials" and fields["client_assertion_type"] == ASSERTION_TYPE
    assert fields["scope"] == "okta.users.read okta.groups.read"
    header, claims = (decoded(part) for part in fields["client_assertion"].split(".")[:2])
    assert (header["alg"], header["kid"]) == ("RS256", "k1")
    assert claims["iss"] == claims["sub"] == "0oa1" and claims["aud"] == f"{running.url}/oauth2/v1/token"
    assert 0 < claims["exp"] - claims["iat"] <= 3600 and claims["jti"]


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_one_key_as_jwk_and_as_pem(tmp_path: Path) -> None:
    jwk = json.loads(KEY)
    der = tmp_path / "key.asn1"
    fields = {
        name: int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "=="), "big")
        for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi")
    }
    order = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
    lines = [
        "asn1=SEQUENCE:key",
        "[key]",
        "version=INTEGER:0",
        *(f"{name}=INTEGER:{fields[name]:#x}" for name in order),
    ]
    der.write_text("\n".join(lines))
    run = lambda *command: subprocess.run(["openssl", *command], check=True, capture_output=True, cwd=tmp_path)
    run("asn1parse", "-genconf", "key.asn1", "-out", "key.der", "-noout")
    run("rsa", "-inform", "DER", "-in", "key.der", "-out", "key.pem")
    run("rsa", "-in", "key.pem", "-pubout", "-out", "public.pem")
    pem = (tmp_path / "key.pem").read_text()
    for number, key in enumerate((KEY, jwk, pem, pem.encode(), tmp_path / "key.pem", str(tmp_path / "key.pem"))):
        with tap(None) as running:
            running.answer(200, GRANT)
            running.answer(200, [])
            assert SyncClient(service(running, privateKey=key)).list_users()[2] is None, number
            assertion = form(running.seen[0])["client_assertion"]
        signed, _, signature = assertion.rpartition(".")
        (tmp_path / "signed").write_text(signed)
        (tmp_path / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
        run("dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "signed")


def test_a_refused_token_request_is_an_error_of_the_call() -> None:
    with tap(None) as running:
        running.answer(401, {"error": "invalid_client", "error_description": "The client_id is unknown."})
        users, response, error = SyncClient(service(running)).list_users()
    assert users is None and response is None and "invalid_client" in str(error)
    assert KEY[:40] not in str(error)


def test_a_client_that_sends_by_itself_gets_the_access_token() -> None:
    class Own(HTTPClient):
        headers: dict[str, str] = {}

        async def send_request(self, request: Any) -> Any:
            self.headers.update(request["headers"])
            raise_nothing = type(
                "Details", (), {"status": 200, "content_type": "application/json", "headers": {}, "url": ""}
            )
            return None, raise_nothing, "[]", None

    with tap(None) as running:
        running.answer(200, GRANT)
        users, _, error = SyncClient(service(running, httpClient=Own)).list_users()
    assert (users, error) == ([], None) and Own.headers["Authorization"] == "Bearer at1"
