"""The blocking client, and the other ways to wait."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from conftest import Org
from okta_support import configured, tap
from oktant.okta import Client, RequestExecutor, SyncClient, models


def test_the_blocking_client_answers_at_once(changing_org: Org) -> None:
    with SyncClient({"orgUrl": changing_org.url, "token": changing_org.token}) as client:
        users, response, error = client.list_users({"limit": "2"})
        assert error is None and len(users) == 2 and response.has_next()
        more, error = response.next()
        third, error, answer = response.next(True)
        assert error is None and len(more) == len(third) == 2 and answer.get_status() == 200
        assert client.create_group(models.Group({"profile": {"name": "Blocking"}}))[0].profile.name == "Blocking"


def test_other_endpoints(changing_org: Org) -> None:
    executor = SyncClient({"orgUrl": changing_org.url, "token": changing_org.token}).get_request_executor()
    request, error = executor.create_request("GET", "/api/v1/users?limit=2")
    assert error is None
    response, error = executor.execute(request, models.User)
    assert error is None and len(response.get_body()) == 2 and len(response.next()[0]) == 2


def test_past_the_end() -> None:
    with tap(None) as running:
        running.answer(200, [])
        _, response, _ = SyncClient(configured(running)).list_users()
    try:
        response.next()
    except StopAsyncIteration:
        return
    raise AssertionError("there was no page")


def test_it_works_within_a_running_loop() -> None:
    async def inside() -> Any:
        return SyncClient(configured(running)).list_users()

    with tap(None) as running:
        running.answer(200, [])
        assert asyncio.run(inside())[2] is None


def test_threads_share_a_client() -> None:
    with tap(None) as running:
        for _ in range(20):
            running.answer(200, [])
        client = SyncClient(configured(running))
        errors: list[Any] = []
        threads = [threading.Thread(target=lambda: errors.append(client.list_users()[2])) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == [None] * 20


def test_an_own_executor_that_waits_for_something() -> None:
    class Slow(RequestExecutor):
        async def execute(self, request: Any, response_type: Any = None) -> Any:
            await asyncio.sleep(0.01)
            return await super().execute(request, response_type)

    with tap(None) as running:
        running.answer(200, [])
        assert SyncClient(configured(running, requestExecutor=Slow)).list_users()[2] is None


def test_pages_one_by_one(changing_org: Org) -> None:
    _, response, _ = SyncClient({"orgUrl": changing_org.url, "token": changing_org.token}).list_users({"limit": "150"})
    pages = list(response.pages())
    assert [len(page) for page in pages][:2] == [150, 150]


def test_get_next_yields_decoded_pages(changing_org: Org) -> None:
    async def pages() -> list[int]:
        _, response, _ = await Client({"orgUrl": changing_org.url, "token": changing_org.token}).list_users(
            {"limit": "200"}
        )
        return [len(page) async for page, error, _ in response.get_next() if error is None]

    assert asyncio.run(pages())[0] > 100
