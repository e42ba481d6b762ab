"""The Python snippets of ``docs/guides/sdk`` and of the guide for scripts: each page is run from top to bottom against an org of its own."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import json
import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conftest import ROOT, Org, start_org
from oktant.okta import models
from oktant.okta.client import Client
from okta_support import KEY, ROWS, clean_environment

PAGES = sorted((ROOT / "docs" / "guides" / "sdk").glob("*.md"))
MIGRATION = ROOT / "docs" / "guides" / "okta-sdk-python.md"
WORLD = json.loads((ROOT / "docs" / "guides" / "sdk" / "world.json").read_text())
BLOCK = re.compile(r"^```([\w,]+)\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block."""

    line: int
    language: str
    text: str
    joined: bool
    """Whether another block follows with nothing between them."""


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(text.count("\n", 0, found.start()) + 1, found[1], found[2], text.startswith("```", found.end()))
        for found in BLOCK.finditer(text)
    ]


def shown(following: list[Block]) -> str | None:
    """What the page shows as the output of the block that these follow."""
    for block in following:
        if block.language == "text":
            return block.text
        if not block.joined:
            return None
    return None


def post(org: Org, path: str, body: Any) -> Any:
    headers = {"Authorization": f"SSWS {org.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(org.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def furnished(org: Org) -> dict[str, Any]:
    """Puts into the org what the first page says that it has; gives the names that snippets find."""
    for step in WORLD["org"]:
        post(org, step["path"], step["body"])

    def service_app() -> str:
        key = {name: value for name, value in json.loads(KEY).items() if name in ("kty", "n", "e")}
        body = json.loads(json.dumps(WORLD["service_app"]))
        body["settings"]["oauthClient"]["jwks"] = {"keys": [{**key, "kid": "k1", "use": "sig"}]}
        client_id = str(post(org, "/api/v1/apps", body)["id"])
        post(org, f"/api/v1/apps/{client_id}/grants", {"scopeId": "okta.users.read", "issuer": org.url})
        return client_id

    def received() -> str:
        with urllib.request.urlopen(f"{org.url}/sandbox/outbox", timeout=30) as response:
            return str(json.load(response)[-1]["code"])

    given = {"org_url": org.url, "token": org.token, "private_key": KEY, "models": models}
    return {**given, "received": received, "service_app": service_app}


async def run(page: Path, names: dict[str, Any]) -> None:
    names["client"] = Client({"orgUrl": names["org_url"], "token": names["token"]})
    every = blocks(page)
    for index, block in enumerate(every):
        if block.language != "python":
            continue
        source = "\n" * block.line + block.text
        code = compile(source, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            pending = eval(code, names)
            if inspect.iscoroutine(pending):
                await pending
        expected = shown(every[index + 1 :]) if block.joined else None
        if expected is not None:
            assert output.getvalue() == expected, f"{page.name}:{block.line}"


@pytest.fixture
def furnished_org() -> Iterator[Org]:
    yield from start_org("--users", "5", "--groups", "2", "--seed", "7")


@pytest.mark.parametrize("page", [*PAGES, MIGRATION], ids=lambda page: page.stem)
def test_page(page: Path, furnished_org: Org, tmp_path: Path) -> None:
    with clean_environment(tmp_path, tmp_path, {}):
        asyncio.run(run(page, furnished(furnished_org)))


def test_every_row_is_documented_and_tested() -> None:
    """The table of the first page names every row once, and only sections and tests that there are."""
    index = next(page for page in PAGES if page.stem == "README")
    rows = [line.strip("| ").split(" | ") for line in index.read_text().splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row[0]) for row in rows] == list(range(1, 42))
    anchors = {page.name: anchors_of(page) for page in PAGES}
    numbers = {row.number for row in ROWS}
    for number, _, where, rust, facade, official in rows:
        link = re.search(r"\]\(([\w-]+\.md)#([\w-]+)\)", where)
        assert link and link[2] in anchors[link[1]], where
        for page, section in re.findall(r"`(\w+)::(\w+?)(?:_\d+)?`", re.sub(r"client `.*", "", rust)):
            assert section.replace("_", "-") in anchors[f"{page.replace('_', '-')}.md"], rust
        assert ("rows" in facade) == ("rows" in official) == (int(number) in numbers), number
        for file, test in re.findall(r"`(\w+\.py)(?:::(\w+))?`", facade):
            assert not test or f"def {test}(" in (Path(__file__).parent / file).read_text()


def anchors_of(page: Path) -> set[str]:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_both_languages_are_shown() -> None:
    counts = Counter(block.language.split(",")[0] for page in PAGES for block in blocks(page))
    assert counts["python"] >= 30 and counts["rust"] >= 30
