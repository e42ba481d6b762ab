"""Scripts that import ``okta``: in an environment without the official package, and in one that has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, start_org

HOOK = ROOT / "python" / "compat" / "src"
SCRIPT = """
from okta.client import Client as OktaClient
import okta
import okta.models as models
from okta import models as again
from okta.models import User, UserProfile
from okta.models.user import User as FromItsModule
from okta.exceptions import HTTPException, OktaAPIException
from okta.exceptions.exceptions import OktaBaseException
from okta.errors.okta_api_error import OktaAPIError
from okta.cache.okta_cache import OktaCache
from okta.request_executor import RequestExecutor
from okta.http_client import HTTPClient
import oktant.okta.client, oktant.okta.errors

assert OktaClient is oktant.okta.client.Client and okta.client is oktant.okta.client
assert models is again is okta.models and FromItsModule is User is models.User is oktant.okta.models.User
assert issubclass(OktaAPIException, OktaBaseException) and OktaAPIError is oktant.okta.errors.OktaAPIError
assert oktant.okta.client.__spec__.name == "oktant.okta.client"
try:
    import okta.nothing
except ModuleNotFoundError as error:
    assert error.name == "okta.nothing"
print(User({"profile": UserProfile({"firstName": "Ada"})}).profile.first_name)
"""


def run(script: str, *folders: Path) -> str:
    code = "import sys; sys.path[:0] = %r\nimport oktant_okta_compat\n" % [str(folder) for folder in folders]
    ran = subprocess.run([sys.executable, "-c", code + script], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_scripts_run_unchanged() -> None:
    assert run(SCRIPT, HOOK) == "Ada\n"


@pytest.mark.parametrize(
    ("judge", "generation", "verdict"),
    [("client_v2.py", "", "20 passed, 0 failed"), ("client_v3.py", "3", "29 passed, 0 failed")],
)
def test_what_the_official_clients_run_runs_as_it_stands(judge: str, generation: str, verdict: str) -> None:
    script = ROOT / "tests" / "official" / judge
    for running in start_org("--users", "6", "--groups", "2"):
        environment = {**os.environ, "OKTANT_SANDBOX_URL": running.url, "OKTANT_SANDBOX_TOKEN": running.token}
        environment["OKTANT_OKTA_GENERATION"] = generation
        code = f"import sys, runpy; sys.path[:0] = {[str(HOOK), str(script.parent)]}; import oktant_okta_compat; "
        command = [sys.executable, "-c", code + f"runpy.run_path({str(script)!r}, run_name='__main__')"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0 and verdict in ran.stdout, ran.stdout + ran.stderr


def test_the_official_package_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "okta").mkdir()
    (tmp_path / "okta" / "__init__.py").write_text("whose = 'official'")
    assert run("import okta; print(okta.whose)", HOOK, tmp_path) == "official\n"
    with pytest.raises(AssertionError, match="No module named 'okta.client'"):
        run("import okta.client", HOOK, tmp_path)


def test_the_hook_loads_nothing_by_itself() -> None:
    assert run("print([name for name in sys.modules if name.startswith('oktant.')])", HOOK) == "[]\n"


def test_no_file_is_called_okta() -> None:
    assert sorted(path.name for path in HOOK.iterdir() if path.is_file()) == [
        "oktant_okta_compat.pth",
        "oktant_okta_compat.py",
    ]
