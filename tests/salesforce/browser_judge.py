"""A headless browser registers a connected app, logs in and agrees, as a person would; the code then gives tokens.

Pictures of the pages go to ``OKTANT_SCREENSHOTS``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import sys
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait

KNOWN = json.loads(os.environ["OKTANT_SALESFORCE"])
SECONDS = 30


class Callback(BaseHTTPRequestHandler):
    """Where the browser comes back to; remembers what it brings."""

    brought: dict[str, list[str]] = {}

    def do_GET(self) -> None:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        Callback.brought = query or Callback.brought
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    # A container's root may not use the sandbox of the browser, and its /dev/shm is small.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,820"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=shutil.which("chromedriver")))


def main() -> None:
    pictures = Path(os.environ["OKTANT_SCREENSHOTS"])
    server = HTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    callback = f"http://127.0.0.1:{server.server_port}/callback"
    with browser() as page:
        wait = WebDriverWait(page, SECONDS)
        app = register(page, callback, pictures)
        verifier = secrets.token_urlsafe(48)
        page.get(authorization_url(app["client_id"], callback, verifier))
        page.find_element(By.NAME, "username").send_keys(KNOWN["user"])
        page.find_element(By.NAME, "password").send_keys("not this one")
        page.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        wait.until(until.presence_of_element_located((By.CSS_SELECTOR, "[role=alert]")))
        page.save_screenshot(str(pictures / "2-wrong-password.png"))
        page.find_element(By.NAME, "password").send_keys(KNOWN["password"])
        page.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        allow = wait.until(until.element_to_be_clickable((By.CSS_SELECTOR, "button[value=allow]")))
        page.save_screenshot(str(pictures / "3-consent.png"))
        assert app["name"] in page.find_element(By.TAG_NAME, "main").text
        allow.click()
        wait.until(until.url_contains("code="))
    assert Callback.brought["state"] == ["s"], Callback.brought
    tokens = redeem(app, Callback.brought["code"][0], callback, verifier)
    names = query(tokens["instance_url"], tokens["access_token"], "SELECT Username FROM User")
    assert names == [KNOWN["user"]], names
    assert tokens["refresh_token"].startswith("5Aep861"), tokens
    print("browser: registered an app, logged in, agreed, and read with the token")


def register(page: webdriver.Chrome, callback: str, pictures: Path) -> dict[str, str]:
    """Create a connected app on its page."""
    page.get(f"{KNOWN['url']}/setup/connected-apps")
    page.find_element(By.NAME, "name").send_keys("Access Reports")
    page.find_element(By.NAME, "callback_urls").send_keys(callback)
    page.find_element(By.NAME, "scopes").clear()
    page.find_element(By.NAME, "scopes").send_keys("api id refresh_token offline_access")
    page.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    WebDriverWait(page, SECONDS).until(until.text_to_be_present_in_element((By.TAG_NAME, "main"), "Access Reports"))
    page.save_screenshot(str(pictures / "1-connected-apps.png"))
    with urllib.request.urlopen(f"{KNOWN['url']}/sandbox/apps", timeout=SECONDS) as answer:
        return json.load(answer)[-1]


def authorization_url(client_id: str, callback: str, verifier: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    fields = {
        "response_type": "code", "client_id": client_id, "redirect_uri": callback, "state": "s",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }
    return f"{KNOWN['login_url']}/services/oauth2/authorize?{urllib.parse.urlencode(fields)}"


def redeem(app: dict[str, str], code: str, callback: str, verifier: str) -> dict[str, str]:
    fields = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier,
        "client_id": app["client_id"], "client_secret": app["client_secret"],
    }
    body = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(f"{KNOWN['login_url']}/services/oauth2/token", body, timeout=SECONDS) as answer:
        return json.load(answer)


def query(base: str, token: str, text: str) -> list[str]:
    url = f"{base}/services/data/v62.0/query?{urllib.parse.urlencode({'q': text})}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return [record["Username"] for record in json.load(answer)["records"]]


if __name__ == "__main__":
    sys.exit(main())
