"""The documented SQLAlchemy example, word for word, signing in through a real browser the first time."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import PAGE, ROOT, Org

DOCUMENTED_DOMAIN = "dev-44876464.okta.com"
DOCUMENTED_PATH = "/PATH/TO/OAuthSettings.txt"
BROWSER = Path(__file__).with_name("browser.py")


@pytest.fixture
def example(tmp_path: Path, org: Org) -> Path:
    """The example with its domain and path put in, which is all that differs."""
    text = (ROOT / "examples" / "sqlalchemy_orm.py").read_text()
    assert text.count(DOCUMENTED_DOMAIN) == 1 and text.count(DOCUMENTED_PATH) == 1
    text = text.replace(DOCUMENTED_DOMAIN, org.url.removeprefix("http://"))
    script = tmp_path / "example.py"
    script.write_text(text.replace(DOCUMENTED_PATH, str(tmp_path / "OAuthSettings.txt")))
    return script


def run(script: Path, **variables: str) -> str:
    environment = {**os.environ, **variables}
    result = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=180)
    assert result.returncode == 0, result.stderr
    return result.stdout


def sign_in(org: Org, browser: Path, tmp_path: Path) -> dict[str, str]:
    return {
        "BROWSER": f"{sys.executable} {browser}",
        "OKTA_CLIENT_CLIENTID": org.announcement["client_id"],
        "OKTA_CLIENT_CLIENTSECRET": org.announcement["client_secret"],
        "OKTANT_DEMO_LOGIN": org.announcement["admin_login"],
        "OKTANT_DEMO_PASSWORD": org.announcement["admin_password"],
        "OKTANT_SCREENSHOTS": str(tmp_path),
    }


def check_output(output: str, truth: list[dict]) -> None:
    """Both loops print every active user, and nothing else is printed."""
    printed = re.findall(r"Id:  (\S+)\nProfileFirstName:  (.*)\n---------\n", output)
    active = sorted((user["id"], user["profile"]["firstName"]) for user in truth if user["status"] == "ACTIVE")
    half = len(printed) // 2
    assert sorted(printed[:half]) == active and sorted(printed[half:]) == active
    assert len(output.splitlines()) == 6 * len(active)


def check_requests(org: Org, truth: list[dict]) -> None:
    active = sum(user["status"] == "ACTIVE" for user in truth)
    listed = [request for request in org.requests() if request["path"] == "/api/v1/users"]
    assert len(listed) == 2 * -(-active // PAGE)


def check_settings(settings: Path) -> None:
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    stored = json.loads(settings.read_text())
    assert stored["access_token"] and stored["refresh_token"] and stored["version"] == 1


def text_of(path: Path) -> str:
    """The text of a file that another process writes in one go, waiting for it a bounded time."""
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return path.read_text()


def test_the_example_runs_and_then_needs_no_browser(example: Path, org: Org, truth: list[dict], tmp_path: Path) -> None:
    plain = ROOT / "scripts" / "unattended_browser.py"
    org.forget_requests()
    check_output(run(example, **sign_in(org, plain, tmp_path)), truth)
    check_requests(org, truth)
    check_settings(tmp_path / "OAuthSettings.txt")
    check_output(run(example, BROWSER="false"), truth)


def test_the_example_signs_in_through_a_real_browser(example: Path, org: Org, truth: list[dict], tmp_path: Path) -> None:
    pytest.importorskip("selenium")
    if not shutil.which("chromedriver"):
        pytest.skip("chromedriver is not installed (Debian: apt-get install chromium chromium-driver)")
    check_output(run(example, **sign_in(org, BROWSER, tmp_path)), truth)
    check_settings(tmp_path / "OAuthSettings.txt")
    # The script goes on as soon as it has the code, while the browser is still drawing the last page.
    assert "signed in" in text_of(tmp_path / "callback.txt").lower()
    assert {"1-sign-in.png", "3-callback.png"} <= {path.name for path in tmp_path.glob("*.png")}
