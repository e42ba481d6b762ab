"""``oktant login`` through a real browser, and the commands that then work from what it stored."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import PROGRAM, Org
from test_example import BROWSER, check_settings, sign_in, text_of


def oktant(org: Org, settings: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    dsn = f"okta:///?Domain={org.url.removeprefix('http://')}&OAuthSettingsLocation={settings}"
    environment = {**os.environ, **variables, "OKTANT_DSN": dsn}
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=120)


def test_login_stores_what_doctor_and_sql_then_use(org: Org, truth: list[dict], tmp_path: Path) -> None:
    pytest.importorskip("selenium")
    if not shutil.which("chromedriver"):
        pytest.skip("chromedriver is not installed (Debian: apt-get install chromium chromium-driver)")
    settings = tmp_path / "settings.json"
    before = oktant(org, settings, "sql", "-c", "SELECT 1", BROWSER="false")
    assert before.returncode == 4 and "oktant login" in before.stderr

    login = oktant(org, settings, "login", **sign_in(org, BROWSER, tmp_path))
    assert login.returncode == 0, login.stderr
    assert login.stdout == f"tokens are stored in {settings}\n"
    check_settings(settings)
    assert "signed in" in text_of(tmp_path / "callback.txt").lower()

    doctor = oktant(org, settings, "doctor", BROWSER="false")
    assert doctor.returncode == 0, doctor.stdout
    assert "users, groups, apps, System Log can be read" in doctor.stdout
    sql = oktant(org, settings, "sql", "-c", "SELECT COUNT(*) AS n FROM Users", "--output", "json", BROWSER="false")
    assert sql.returncode == 0, sql.stderr
    assert json.loads(sql.stdout) == [{"n": len(truth)}]
