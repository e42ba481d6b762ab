"""What happens on the way: repeats, limits, time, TLS, cancellation, many calls at once."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import os
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import Org
from okta_support import configured, tap
from oktant.errors import OperationalError
from oktant.okta import Client, SyncClient
from oktant.okta.cache import OktaCache
from oktant.okta.http_client import Headers, HTTPClient, links_of


def limited(seconds: int) -> dict[str, str]:
    now = int(time.time())
    return {
        "Date": email.utils.formatdate(now, usegmt=True),
        "X_Rate_Limit_Limit": "600",
        "X_Rate_Limit_Remaining": "0",
        "X_Rate_Limit_Reset": str(now + seconds),
        "X_Okta_Request_Id": "req1",
    }


def test_a_rate_limit_is_waited_for() -> None:
    with tap(None) as running:
        running.answer(429, {"errorCode": "E0000047", "errorSummary": "limit"}, **limited(0))
        running.answer(200, [])
        users, _, error = SyncClient(configured(running, rateLimit={"maxRetries": 1})).list_users()
    assert (users, error) == ([], None) and len(running.seen) == 2
    again = running.last().headers
    assert (again["x-okta-retry-for"], again["x-okta-retry-count"]) == ("req1", "1")


def test_without_repeats_the_answer_of_the_org_is_the_error() -> None:
    with tap(None) as running:
        running.answer(429, {"errorCode": "E0000047", "errorSummary": "limit"}, **limited(1))
        _, response, error = SyncClient(configured(running, rateLimit={"maxRetries": 0})).list_users()
    assert len(running.seen) == 1 and (error.status, error.error_code) == (429, "E0000047")
    assert response.get_headers()["x-rate-limit-remaining"] == "0" and error.request_id == "req1"


def test_the_time_of_a_call_is_bounded() -> None:
    with tap(None) as running:
        running.answer(429, {"errorCode": "E0000047", "errorSummary": "limit"}, **limited(60))
        started = time.monotonic()
        _, _, error = SyncClient(configured(running, requestTimeout=2)).list_users()
    assert error is not None and time.monotonic() - started < 5


def sending(*statuses: int) -> type[HTTPClient]:
    """An HTTP client that sends by itself, and is answered with these statuses in turn."""

    class Own(HTTPClient):
        seen: list[Any] = []

        async def send_request(self, request: Any) -> Any:
            self.seen.append(request["headers"])
            headers = Headers([("Content-Type", "application/json"), ("X-Okta-Request-Id", "req1")])
            fields = {"status": statuses[len(self.seen) - 1], "content_type": "application/json", "headers": headers}
            return None, type("Details", (), {**fields, "url": ""}), "[]", None

    return Own


def test_an_own_http_client_is_repeated_here() -> None:
    own: Any = sending(503, 200)
    with tap(None) as running:
        users, _, error = SyncClient(configured(running, httpClient=own)).list_users()
    assert (users, error, len(own.seen)) == ([], None, 2)
    assert (own.seen[1]["X-Okta-Retry-For"], own.seen[1]["X-Okta-Retry-Count"]) == ("req1", "1")


@pytest.mark.parametrize(
    ("method", "url", "status", "sent"),
    [
        ("POST", "/api/v1/groups", 503, 1),
        ("POST", "/api/v1/groups", 504, 1),
        ("POST", "/api/v1/groups", 429, 2),
        ("PUT", "/api/v1/groups/00g1", 503, 2),
        ("DELETE", "/api/v1/groups/00g1", 504, 2),
        # The second one deletes for good what the first one deactivated.
        ("DELETE", "/api/v1/users/00u1", 503, 1),
        ("DELETE", "/api/v1/users/00u1", 429, 2),
    ],
)
def test_a_write_is_not_done_twice_for_an_own_http_client(method: str, url: str, status: int, sent: int) -> None:
    own: Any = sending(status, 200)
    with tap(None) as running:
        executor = SyncClient(configured(running, httpClient=own)).get_request_executor()
        request, _ = executor.create_request(method, url, {"a": 1})
        executor.execute(request)
    assert len(own.seen) == sent


@pytest.mark.parametrize(("held", "other"), [("POST", "GET"), ("GET", "POST")])
def test_an_own_cache_keeps_nothing_from_before_a_write(held: str, other: str) -> None:
    """Neither what was read during the write, nor what was asked for before it and answered after it."""

    class Held(HTTPClient):
        seen: list[str] = []

        async def send_request(self, request: Any) -> Any:
            self.seen.append(request["method"])
            if self.seen == [held]:
                begun.set()
                await released.wait()
            details = type("Details", (), {"status": 200, "content_type": "application/json", "headers": {}, "url": ""})
            return None, details, "{}", None

    async def calls() -> None:
        client = Client(configured(running, httpClient=Held, cacheManager=OktaCache(60, 60), cache={"enabled": True}))
        executor = client.get_request_executor()

        async def send(method: str) -> None:
            request, _ = await executor.create_request(method, "/api/v1/users/00u1")
            await executor.execute(request)

        first = asyncio.ensure_future(send(held))
        await begun.wait()
        await send(other)
        released.set()
        await first
        await send("GET")

    begun, released = asyncio.Event(), asyncio.Event()
    with tap(None) as running:
        asyncio.run(calls())
    assert Held.seen == [held, other, "GET"]


def test_a_web_page_in_place_of_an_answer_is_an_error_with_the_id_of_the_request() -> None:
    with tap(None) as running:
        running.answer(200, b"<html></html>", Content_Type="text/html", X_Okta_Request_Id="req1")
        users, response, error = SyncClient(configured(running)).list_users()
    assert (users, response) == (None, None) and error.request_id == "req1" and error.code.startswith("OKT")


def test_a_proxy_is_used() -> None:
    with tap(None) as running:
        running.answer(200, [])
        proxy = {"host": "127.0.0.1", "port": int(running.url.rpartition(":")[2])}
        users, _, error = SyncClient({"orgUrl": "http://127.0.0.1:9", "token": "00t", "proxy": proxy}).list_users()
    assert (users, error) == ([], None) and running.last().path == "http://127.0.0.1:9/api/v1/users"


def test_an_unreachable_org_is_an_error_in_its_place() -> None:
    config = {"orgUrl": "http://127.0.0.1:9", "token": "00t", "rateLimit": {"maxRetries": 0}}
    users, response, error = SyncClient(config).list_users()
    assert (users, response) == (None, None) and error.code.startswith("OKT") and "127.0.0.1:9" in error.message
    pair = SyncClient(config).delete_group("g")
    assert len(pair) == 2 and pair[1].code == error.code


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_a_private_authority_is_trusted_through_a_tls_context(tmp_path: Path) -> None:
    run = lambda *command: subprocess.run(["openssl", *command], check=True, capture_output=True, cwd=tmp_path)
    run(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        "/CN=Test authority",
    )
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=127.0.0.1")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    run(
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        "cert.pem",
        "-days",
        "2",
        "-extfile",
        "names",
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with tap(None, server) as running:
        running.answer(200, [])
        trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        users, _, error = SyncClient(configured(running, sslContext=trusting)).list_users()
        assert (users, error) == ([], None)
        _, _, error = SyncClient(configured(running, rateLimit={"maxRetries": 0})).list_users()
        assert error is not None and len(running.seen) == 1


def test_many_calls_at_once() -> None:
    async def calls() -> list[Any]:
        async with Client(configured(running)) as client:
            return await asyncio.gather(*(client.get_user(f"u{number}") for number in range(50)))

    with tap(None) as running:
        for number in range(50):
            running.answer(200, {"id": str(number)})
        answers = asyncio.run(calls())
    assert sorted(int(user.id) for user, _, _ in answers) == list(range(50))


def test_a_cancelled_call_leaves_the_client_usable() -> None:
    async def calls() -> Any:
        client = Client(configured(running))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.list_users(), 0.2)
        running.answer(200, [])
        return await client.list_groups()

    with tap(None) as running:
        running.answer(429, {}, **limited(30))
        assert asyncio.run(calls())[2] is None


def test_one_client_serves_one_loop_after_another() -> None:
    with tap(None) as running:
        client = Client(configured(running))
        for _ in range(2):
            running.answer(200, [])
            assert asyncio.run(client.list_users())[2] is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_client_of_the_parent_is_refused_in_a_child() -> None:
    with tap(None) as running:
        client = SyncClient(configured(running))
        child = os.fork()
        if child == 0:
            error = client.list_users()[2]
            os._exit(7 if getattr(error, "code", "") == "OKT3012" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_program_may_end_right_after_an_answer(changing_org: Org) -> None:
    """A worker that still was in the interpreter when it ended took the process down."""
    code = (
        "import asyncio, sys\nfrom oktant.okta import Client\n"
        "client = Client({'orgUrl': sys.argv[1], 'token': sys.argv[2]})\n"
        "async def many(): await asyncio.gather(*(client.list_groups() for _ in range(8)))\n"
        "asyncio.run(many())\n"
    )
    command = [sys.executable, "-c", code, changing_org.url, changing_org.token]
    for _ in range(15):
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr


def test_pages_are_read_ahead_and_whole(changing_org: Org) -> None:
    async def every() -> Any:
        async with Client({"orgUrl": changing_org.url, "token": changing_org.token}) as client:
            _, response, _ = await client.list_users({"limit": "100"})
            return [user.id async for user in response]

    ids = asyncio.run(every())
    expected = [user["id"] for user in changing_org.get_all("/api/v1/users?limit=200")]
    assert ids == expected and len(ids) > 300


def test_a_page_that_fails_ends_a_list_with_its_error() -> None:
    with tap(None) as running:
        running.answer(200, [{"id": "1"}], Link=f'<{running.url}/api/v1/users?after=1>; rel="next"')
        running.answer(403, {"errorCode": "E0000006", "errorSummary": "no", "errorLink": "E0000006", "errorId": "oae"})
        _, response, _ = SyncClient(configured(running)).list_users()
        with pytest.raises(Exception, match="E0000006"):
            list(response)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['<https://a/x?after=1>; rel="next"'], "https://a/x?after=1"),
        (['<https://a/x>; rel="self", <https://a/y?q=a,b>; rel="next"'], "https://a/y?q=a,b"),
        (["<https://a/x>; rel=next"], "https://a/x"),
        (['<https://a/x>; title="rel=next; <b>"; rel="self"'], None),
        (['<https://a/x>; foo; rel="prev next"'], "https://a/x"),
        (["<https://a/x; rel=preload"], None),
        ([], None),
    ],
)
def test_links(lines: list[str], expected: str | None) -> None:
    found = links_of(Headers([("Link", line) for line in lines])).get("next", {}).get("url")
    assert found == expected


@pytest.mark.parametrize(
    ("asked", "link", "followed"),
    [
        ("?limit=2&expand=user", "https://other.example/api/v1/users?after=c1&limit=2", "limit=2&after=c1&expand=user"),
        ("?search=a", "/api/v1/users/elsewhere?after=%3D%3D", "search=a&after=%3D%3D"),
    ],
)
def test_a_next_page_is_this_one_with_what_the_link_changes(asked: str, link: str, followed: str) -> None:
    with tap(None) as running:
        running.answer(200, [], Link=f'<{link}>; rel="next"')
        running.answer(200, [])
        query = dict(pair.split("=") for pair in asked[1:].split("&"))
        _, response, _ = SyncClient(configured(running)).list_users(query)
        assert response.next() == ([], None)
    assert running.last().path == "/api/v1/users"
    assert sorted(running.last().query.split("&")) == sorted(followed.split("&"))


def test_the_system_log_ends_where_nothing_is_new() -> None:
    with tap(None) as running:
        running.answer(200, [], Link=f'<{running.url}/api/v1/logs?limit=2>; rel="next"')
        _, response, _ = SyncClient(configured(running)).get_logs({"limit": "2"})
    assert not response.has_next()


@pytest.mark.parametrize(
    ("links", "code"),
    [
        (['</api/v1/users?limit=2>; rel="next"'], "OKT2005"),
        (['</api/v1/users?limit=2&after=1>; rel="next"', '</api/v1/users?limit=2>; rel="next"'], "OKT2005"),
        (['</api/v1/users?limit=2&after=1>; rel="next"', '</api/v1/users?after=1&limit=2>; rel="next"'], "OKT2005"),
        (['</api/v1/users?limit=2&after=1; rel="next"'], "OKT2004"),
    ],
)
def test_a_list_never_ends_early_nor_goes_round(links: list[str], code: str) -> None:
    def answered() -> None:
        for number, link in enumerate(links):
            running.answer(200, [{"id": str(number)}], Link=link)

    def by_hand(client: SyncClient) -> tuple[int, Any]:
        users, response, error = client.list_users({"limit": "2"})
        while error is None and response.has_next():
            page, error = response.next()
            users += page or []
        return len(users), error

    async def awaited() -> tuple[int, Any]:
        async with Client(configured(running)) as client:
            _, response, _ = await client.list_users({"limit": "2"})
            count = 0
            try:
                async for _ in response:
                    count += 1
            except OperationalError as error:
                return count, error
            return count, None

    with tap(None) as running:
        client = SyncClient(configured(running))
        answered()
        count, error = by_hand(client)
        assert (count, error and error.code) == (len(links), code)
        answered()
        count, error = asyncio.run(awaited())
        assert (count, error and error.code) == (len(links), code)
        answered()
        _, response, _ = client.list_users({"limit": "2"})
        with pytest.raises(OperationalError, match=code):
            list(response)


def test_a_wrapped_list_with_a_link_that_leads_nowhere_is_an_error() -> None:
    body = {"roles": [{"id": "1"}], "_links": {"next": {"title": "more"}}}
    with tap(None) as running:
        running.answer(200, body)
        _, response, _ = SyncClient(configured(running)).list_roles()
        with pytest.raises(OperationalError, match="OKT2004"):
            list(response)


def test_a_list_can_be_read_twice() -> None:
    with tap(None) as running:
        running.answer(200, [{"id": "1"}], Link='</api/v1/users?after=1>; rel="next"')
        _, response, _ = SyncClient(configured(running)).list_users()
        for _ in range(2):
            running.answer(200, [{"id": "2"}], Link='</api/v1/users?after=2>; rel="next"')
            running.answer(200, [{"id": "3"}])
            assert [user.id for user in response] == ["1", "2", "3"]


def test_requests_to_other_hosts_are_refused() -> None:
    with tap(None) as running:
        executor = SyncClient(configured(running)).get_request_executor()
        for url in ("https://evil.example/api/v1/users", running.url + ".evil.example/", "//evil.example/x"):
            request, error = executor.create_request("GET", url)
            assert request is None and isinstance(error, ValueError)
    assert not running.seen


def test_the_cache_forgets_by_its_clock() -> None:
    now = [0.0]
    cache = OktaCache(ttl=100, tti=10, clock=lambda: now[0])
    cache.add("https://a/users/1", 1)
    for moment in (9, 18, 27):
        now[0] = moment
        assert cache.get("https://a/users/1") == 1
    now[0] = 38
    assert not cache.contains("https://a/users/1") and cache.get("https://a/users/1") is None
    for key in ("https://a/users/1", "https://a/users/1/groups", "https://a/users/1?x=1", "https://a/users/11"):
        cache.add(key, key)
    cache.delete("https://a/users/1")
    assert cache.contains("https://a/users/11") and not cache.contains("https://a/users/1/groups")
    for moment in range(38, 139, 5):
        now[0] = moment
        cache.get("https://a/users/11")
    assert not cache.contains("https://a/users/11"), "it does not live for ever by being asked for"


def test_no_secret_is_printed(caplog: pytest.LogCaptureFixture) -> None:
    with tap(None) as running:
        running.answer(200, [])
        client = SyncClient(configured(running, logging={"enabled": True, "logLevel": "DEBUG"}))
        with caplog.at_level(logging.DEBUG):
            client.list_users()
    logging.getLogger("okta-sdk-python").disabled = True
    shown = caplog.text + repr(client.get_default_headers()) + repr(client) + repr(client.get_request_executor())
    assert "answered 200" in shown and "00secret" not in shown


def test_repeats_waits_and_the_cache_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    user = {"id": "00u00000000000000001", "status": "ACTIVE", "profile": {"login": "ada@example.com"}}
    with tap(None) as running:
        running.answer(429, {"errorCode": "E0000047", "errorSummary": "limit"}, **limited(0))
        running.answer(200, user)
        logging_on = {"enabled": True, "logLevel": "DEBUG"}
        client = SyncClient(configured(running, logging=logging_on, cache={"enabled": True}))
        with caplog.at_level(logging.DEBUG):
            for _ in range(2):
                assert client.get_user("00u00000000000000001")[2] is None
    logging.getLogger("okta-sdk-python").disabled = True
    assert len(running.seen) == 2
    levels = {record.getMessage().split("=")[0]: record.levelno for record in caplog.records}
    assert levels["the request is repeated method"] == logging.INFO
    assert levels["answered from the cache path"] == logging.DEBUG
    assert "reason=429" in caplog.text and "00secret" not in caplog.text
