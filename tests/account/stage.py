"""What a day is played on: an org, an account of its own, and the provisioner between them. Standard library only."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = os.environ.get("OKTANT_PROGRAM", "oktant")
CALLERS = 8
"""Requests that are under way at the org at a time."""


class Api:
    """An HTTP API with a token; remembers what it answered, for the search for secrets."""

    def __init__(self, url: str, authorization: str, kind: str) -> None:
        self.url, self.authorization, self.kind = url, authorization, kind
        self.answers: list[bytes] = []
        self._of_thread = threading.local()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded body of an answer, whatever the status."""
        place = urllib.parse.urlsplit(self.url)
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = http.client.HTTPConnection(place.netloc, timeout=60)
        headers = {"Authorization": self.authorization, "Content-Type": self.kind, "Accept": self.kind}
        connection.request(method, place.path + path, None if body is None else json.dumps(body), headers)
        with connection.getresponse() as answer:
            content = answer.read()
        self.answers.append(content)
        return answer.status, json.loads(content) if content else None

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded body of an answer that has to be a success."""
        status, answer = self.ask(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer


def at_once(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """The results of some work on every item, a few at a time."""
    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(work, items))


def listed(api: Api, kind: str) -> Iterator[dict[str, Any]]:
    """The users or groups that a token sees over SCIM. Totals are not to be relied on: a short page is the last."""
    start, page = 1, 1000
    while True:
        found = api("GET", f"/{kind}?startIndex={start}&count={page}").get("Resources", [])
        yield from found
        if len(found) < page:
            return
        start += len(found)


def until(holds: Callable[[], Any], seconds: float, pause: float = 0.3) -> float | None:
    """Waits until something holds: how long it took, or None if it did not come about."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if holds():
            return time.monotonic() - began
        time.sleep(pause)
    return None


@dataclass
class Stage:
    """The three programs, each with a log of everything it says."""

    folder: Path
    org_line: dict[str, Any]
    account_line: dict[str, Any]
    org: Api = field(init=False)
    scim: Api = field(init=False)
    token: str = ""
    said: list[bytes] = field(default_factory=list)
    """What the provisioner wrote."""

    def __post_init__(self) -> None:
        self.org = Api(self.org_line["url"], f"SSWS {self.org_line['api_token']}", "application/json")

    @property
    def file(self) -> Path:
        """The provisioning file."""
        return self.folder / "provision.toml"

    def configure(self, app: str, token: str) -> None:
        """Writes the provisioning file; the token goes by the environment."""
        self.token = token
        url = self.account_line["scim_url"]
        self.scim = Api(url, f"Bearer {token}", "application/scim+json")
        self.file.write_text(f'app = "{app}"\n[target]\nurl = "{url}"\ntoken_env = "SCIM_TOKEN"\nkind = "snowflake"\n')

    @property
    def environment(self) -> dict[str, str]:
        """Of the provisioner."""
        return {**os.environ, "OKTANT_DSN": self.org_line["dsn"], "SCIM_TOKEN": self.token}

    def provision(self, *arguments: str, given: str = "") -> tuple[int, str]:
        """Runs the provisioner: exit code and output."""
        command = [PROGRAM, "-vvv", "provision", *arguments, "--file", str(self.file)]
        ran = subprocess.run(command, env=self.environment, input=given, capture_output=True, text=True, timeout=300)
        self.said.append(ran.stdout.encode())
        with (self.folder / "provision.log").open("a") as log:
            log.write(ran.stderr)
        return ran.returncode, ran.stdout + ran.stderr

    @contextmanager
    def watch(self) -> Iterator[Callable[[], list[dict[str, Any]]]]:
        """Runs a watch; gives what reads its rounds so far."""
        rounds = self.folder / f"watch-{time.monotonic_ns()}.jsonl"
        command = [PROGRAM, "-vvv", "provision", "watch", "--interval", "1", "--output", "json", "--file", str(self.file)]
        with rounds.open("w") as out, (self.folder / "provision.log").open("a") as log:
            process = subprocess.Popen(command, env=self.environment, stdout=out, stderr=log)
            try:
                yield lambda: [json.loads(line) for line in rounds.read_text().splitlines(keepends=True) if line.endswith("\n")]
                if process.poll() is not None:
                    raise RuntimeError(f"the watch ended by itself with {process.returncode}")
            finally:
                end(process)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """An empty org, and an account in a file that reads the org's tables."""
    with ExitStack() as stack:
        org = stack.enter_context(running(folder / "org.log", "sandbox", "--users", "0"))
        store = f"sqlite://{folder / 'account.db'}"
        listen = ["--listen", "127.0.0.1:0", "--pg-listen", "127.0.0.1:0"]
        account = stack.enter_context(running(folder / "account.log", "serve", "--store", store, *listen, "--dsn", org["dsn"]))
        yield Stage(folder, org, account)


@contextmanager
def running(log: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """A program that says on one line that it is ready; everything it logs goes to a file."""
    with log.open("w") as errors:
        process = subprocess.Popen([PROGRAM, "-vvv", *arguments], stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{arguments[0]} did not start: {log.read_text()[-500:]}")
            yield json.loads(line)
        finally:
            end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """Ends a program as an administrator does."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
