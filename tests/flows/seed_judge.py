"""The main journey of flows, driven as a person would, with a headless browser for Salesforce's pages.

A connected app, consent, two connections, a pack that Okta Workflows exported (or our own templates), bound and switched
on; then what happens in the Okta org arrives in Salesforce, and the history shows each card.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait

KNOWN = json.loads(os.environ["OKTANT_SANDBOX"])
SALESFORCE = KNOWN["salesforce"]
PROGRAM = os.environ["OKTANT_PROGRAM"]
PACK = Path(os.environ.get("OKTANT_PACK", ""))
SECONDS = 60
# The documented callback of `oktant connect`.
CALLBACK = "http://localhost:33333"
SCOPES = "api id web refresh_token offline_access"


class Person:
    """Somebody at a terminal, with a folder and a database of flows of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = f"sqlite://{home / 'flows.db'}"
        hosts = [urllib.parse.urlsplit(url).netloc for url in (KNOWN["url"], SALESFORCE["url"], SALESFORCE["login_url"])]
        self.environment = {
            **os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data"),
            "OKTANT_EGRESS_ALLOW": ",".join(hosts), "OKTA_API_TOKEN": KNOWN["api_token"],
        }

    def run(self, *arguments: str | Path, given: str | None = None) -> str:
        """What a command prints; one that fails ends the test with its words."""
        done = subprocess.run([PROGRAM, *map(str, arguments)], env=self.environment, input=given, capture_output=True, text=True, cwd=self.home)
        if done.returncode:
            sys.exit(f"oktant {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def flow(self, *arguments: str | Path) -> str:
        return self.run("flow", *arguments, "--store", self.store)

    @contextmanager
    def serving(self) -> Iterator[dict[str, Any]]:
        """`oktant serve` for the flows."""
        command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--flows", self.store, "--poll-interval", "1"]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True, cwd=self.home)
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(timeout=SECONDS) == 0, "oktant serve did not end well"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        person = Person(Path(folder))
        connect(person)
        app = okta("POST", "/api/v1/apps", {"name": "salesforce", "label": "Salesforce", "signOnMode": "AUTO_LOGIN"})["id"]
        with person.serving():
            try:
                if PACK.name:
                    exported_pack(person, app)
                else:
                    print("the exported pack is skipped: the shared data is not there")
                templates(person, app)
            except BaseException:
                print(person.flow("list"), person.flow("history", "--output", "json"), file=sys.stderr)
                raise
    print("flows: every step of the journey went as it should")


def connect(person: Person) -> None:
    """A connected app with the documented callback, consent in the browser, and both connections."""
    with browser() as page:
        app = register(page)
        (person.home / "secret").write_text(app["client_secret"])
        address = person.home / "address"
        opener = person.home / "opener"
        opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {address}.new && mv {address}.new {address}\n')
        opener.chmod(0o755)
        command = [PROGRAM, "connect", "salesforce", "crm", "--login-url", SALESFORCE["login_url"], "--client-id", app["client_id"],
                   "--secret", f"client_secret=@{person.home / 'secret'}", "--store", person.store]
        waiting = subprocess.Popen(command, env={**person.environment, "BROWSER": str(opener)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        eventually("the address to sign in at", lambda: address.exists() or waiting.poll() is not None)
        assert address.exists(), waiting.communicate()[0]
        consent(page, address.read_text())
        output = waiting.communicate(timeout=SECONDS)[0]
        assert waiting.returncode == 0, output
    person.run("connect", "okta", "acme", "--domain", KNOWN["url"], "--secret", "token=env:OKTA_API_TOKEN", "--store", person.store)
    listed = person.run("connect", "list", "--store", person.store)
    assert "crm" in listed and "acme" in listed and "broken" not in listed, listed


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    # A container's root may not use the sandbox of the browser, and its /dev/shm is small.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,820"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=shutil.which("chromedriver")))


def register(page: webdriver.Chrome) -> dict[str, str]:
    """A connected app, made on its page."""
    page.get(f"{SALESFORCE['url']}/setup/connected-apps")
    page.find_element(By.NAME, "name").send_keys("Okta Workflows")
    page.find_element(By.NAME, "callback_urls").send_keys(CALLBACK)
    page.find_element(By.NAME, "scopes").clear()
    page.find_element(By.NAME, "scopes").send_keys(SCOPES)
    page.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    WebDriverWait(page, SECONDS).until(until.text_to_be_present_in_element((By.TAG_NAME, "main"), "Okta Workflows"))
    with urllib.request.urlopen(f"{SALESFORCE['url']}/sandbox/apps", timeout=SECONDS) as answer:
        app: dict[str, str] = json.load(answer)[-1]
    return app


def consent(page: webdriver.Chrome, address: str) -> None:
    """Login, then "Allow"; the browser ends at the command that waits."""
    page.get(address)
    page.find_element(By.NAME, "username").send_keys(SALESFORCE["user"])
    page.find_element(By.NAME, "password").send_keys(SALESFORCE["password"])
    page.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    WebDriverWait(page, SECONDS).until(until.element_to_be_clickable((By.CSS_SELECTOR, "button[value=allow]"))).click()
    WebDriverWait(page, SECONDS).until(until.url_contains(CALLBACK))


def exported_pack(person: Person, app: str) -> None:
    """The pack as Okta Workflows exported it: only the app instance is changed, in the text, as one would in git."""
    person.run("flow", "import", PACK, "--into", "exported")
    [text] = Path(person.home, "exported", "flows").iterdir()
    text.write_text(text.read_text().replace("0oabg7g3giO8L8VOM0h7", app))
    person.flow("on", "exported", "--bind", "okta=acme", "--bind", "salesforce=crm")
    login = assigned(app, "Ada", "Sales", "ada.sales@oktant.example")
    profile = eventually("the Salesforce user", lambda: query(f"SELECT Profile.Name FROM User WHERE Username = '{login}'"))
    assert profile[0]["Profile"]["Name"] == "Chatter Free User", profile
    run = ended(person, "Create Users in Salesforce")
    steps = json.loads(person.flow("history", run["Run"], "--output", "json"))
    titles = [step["Card"] for step in steps]
    for card in ("salesforce2_29:searchUsers", "okta:readUser", "control:lookup", "salesforce2_29:createUser"):
        assert card in titles, f"{card} is not in the history: {titles}"
    created = next(step for step in steps if step["Card"] == "salesforce2_29:createUser")
    assert login in json.dumps(created), created
    person.flow("off", "exported")


def templates(person: Person, app: str) -> None:
    """Our own templates: a user on assignment, away and back with the assignment, a contact from a sign-up."""
    names = ("create-salesforce-user", "activate-salesforce-user", "deactivate-salesforce-user", "salesforce-contact-from-sign-up")
    for name in names:
        person.run("flow", "import", f"template:{name}", "--into", name)
        person.run("flow", "validate", name)
        person.flow("on", name, "--bind", "okta=acme", "--bind", "salesforce=crm")
    login = assigned(app, "Grace", "Marketing", "grace.marketing@oktant.example")
    of_user = f"SELECT IsActive, Profile.Name FROM User WHERE Username = '{login}'"
    [user] = eventually("the Salesforce user of the template", lambda: query(of_user))
    assert user["Profile"]["Name"] == "Marketing User" and user["IsActive"], user
    contacts = eventually("the contact", lambda: query(f"SELECT LastName FROM Contact WHERE Email = '{login}'"))
    assert [contact["LastName"] for contact in contacts] == ["Lovelace"], contacts
    okta("DELETE", f"/api/v1/apps/{app}/users/{okta('GET', f'/api/v1/users/{login}')['id']}")
    eventually("the user without access", lambda: query(f"{of_user} AND IsActive = false"))
    assign(app, login)
    eventually("the user with access again", lambda: query(f"{of_user} AND IsActive = true"))
    for flow in ("Create Salesforce user", "Activate Salesforce user", "Deactivate Salesforce user", "Salesforce contact from sign-up"):
        runs = json.loads(person.flow("history", "--flow", flow, "--output", "json"))
        assert {run["State"] for run in runs} <= {"succeeded", "stopped"}, runs


def assigned(app: str, first: str, department: str, login: str) -> str:
    """A new Okta user, assigned to the application; gives their login."""
    profile = {"firstName": first, "lastName": "Lovelace", "email": login, "login": login, "department": department}
    okta("POST", "/api/v1/users?activate=true", {"profile": profile})
    assign(app, login)
    return login


def assign(app: str, login: str) -> None:
    user = okta("GET", f"/api/v1/users/{login}")["id"]
    okta("POST", f"/api/v1/apps/{app}/users", {"id": user, "scope": "USER", "credentials": {"userName": login}})


def ended(person: Person, flow: str) -> dict[str, Any]:
    """The newest run of a flow, when it has succeeded."""
    def newest() -> dict[str, Any] | None:
        runs = json.loads(person.flow("history", "--flow", flow, "--output", "json"))
        assert not runs or runs[0]["State"] not in {"failed", "cancelled"}, runs[0]
        return runs[0] if runs and runs[0]["State"] == "succeeded" else None
    return eventually(f"the end of {flow}", newest)


def eventually(what: str, look: Callable[[], Any]) -> Any:
    """What a look gives, as soon as it is something."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        if found := look():
            return found
        time.sleep(0.2)
    sys.exit(f"after {SECONDS} s still not there: {what}")


def okta(method: str, path: str, body: Any = None) -> Any:
    """One request of the administrator to the Okta org."""
    return exchange(KNOWN["url"] + path, method, f"SSWS {KNOWN['api_token']}", body)


def query(text: str) -> list[dict[str, Any]]:
    """Records of the Salesforce org."""
    url = f"{SALESFORCE['url']}/services/data/v62.0/query?{urllib.parse.urlencode({'q': text})}"
    records: list[dict[str, Any]] = exchange(url, "GET", f"Bearer {SALESFORCE['access_token']}")["records"]
    return records


def exchange(url: str, method: str, authorization: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=SECONDS) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {url}: {error.code} {error.read().decode()}")
    return json.loads(content) if content else None


if __name__ == "__main__":
    main()
