"""The README of okta-sdk-python 2.x, row by row; ``tests/official/rows_v2.py`` runs the same scripts with okta 2.9.13."""

from __future__ import annotations

import asyncio

import pytest

from conftest import Org
from okta_support import ROWS, Row, World, load, tap

# Rows that only the facade can run, or that are no script: where their tests are.
ELSEWHERE = {
    2: "test_okta_config.py: every pair of sources",
    5: "test_okta_oauth.py: one key as JWK and as PEM",
    9: "test_okta_sync.py: the blocking client",
    10: "no part of that package",
    37: "test_okta_config.py: the files okta.yaml",
    38: "test_okta_config.py: the variables",
    39: "test_okta_transport.py: a private authority",
    40: "test_okta_transport.py: rate limits",
    41: "every test here runs in the wheel that was built",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.title}")
def test_row(row: Row, changing_org: Org) -> None:
    with tap(changing_org.url) as running:
        asyncio.run(row.run(load("oktant.okta"), World(running, changing_org.token)))


def test_every_row_has_a_test() -> None:
    assert {row.number for row in ROWS} | set(ELSEWHERE) == set(range(1, 42))
